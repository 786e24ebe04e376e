//! Why a login cannot go on, by our decision.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// With what is known beyond that none was given.
    NoPassword(Option<String>),
    /// It would leave the machine as it is.
    Cleartext,
    Method,
    Mechanism,
    /// The server's answer cannot be computed, or is not of this exchange.
    Challenge,
    /// So many rounds of hashing would keep this machine busy; and how many it is willing to do.
    Iterations(u32, u32),
    /// The server does not know the password itself.
    Proof,
    /// What option `channel_binding` asks for is not to be had.
    Unbound(&'static str),
    /// A text that cannot be sent.
    Nul(&'static str),
}

impl Refusal {
    /// For programs: it names the reason whatever the words are.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NoPassword(_) => "ERR_AUTH_NO_PASSWORD",
            Refusal::Cleartext => "ERR_AUTH_CLEARTEXT",
            Refusal::Method => "ERR_AUTH_METHOD",
            Refusal::Mechanism => "ERR_AUTH_MECHANISM",
            Refusal::Challenge => "ERR_AUTH_CHALLENGE",
            Refusal::Iterations(..) => "ERR_AUTH_ITERATIONS",
            Refusal::Proof => "ERR_AUTH_PROOF",
            Refusal::Unbound(_) => "ERR_AUTH_BINDING",
            Refusal::Nul(_) => "ERR_POLYPOOL_CONNECT",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::NoPassword(Some(hint)) => {
                return write!(f, "the server asks for a password; none was given, and {hint}");
            }
            Refusal::Iterations(asked, most) => {
                return write!(
                    f,
                    "the server asks for {asked} iterations of hashing, more than option \
                     'scramMaxIterations' ({most}) permits"
                );
            }
            Refusal::NoPassword(None) => "the server asks for a password; none was given",
            Refusal::Cleartext => {
                "the server asks for the password in clear text over a connection that is not \
                 encrypted; set allowCleartextPassword: true to permit it"
            }
            Refusal::Method => "the server asks for an authentication method not supported",
            Refusal::Mechanism => {
                "the server offers no SASL mechanism but such as are not supported"
            }
            Refusal::Challenge => "the server sent a bad SCRAM challenge",
            Refusal::Proof => {
                "the password exchange failed: the server could not prove that it knows the \
                 password"
            }
            Refusal::Unbound(text) | Refusal::Nul(text) => text,
        })
    }
}

/// How often the password is to be hashed, as the server's first message has it: `r=...,s=...,i=N`.
/// `None` where the message does not say.
pub fn iterations(challenge: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(challenge).ok()?;
    text.split(',').find_map(|part| part.strip_prefix("i="))?.parse().ok()
}
