//! How a password is proved, by the plugin that the server names.

use super::key::{Sealing, ServerKey};
use bytes::BufMut;
use mysql_common::packets::AuthPlugin;
use mysql_common::scramble::create_response_for_ed25519;
use std::fmt;

/// The plugins that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Native,
    CachingSha2,
    Sha256,
    Ed25519,
    Clear,
}

const NAMES: [(&str, Method); 5] = [
    ("mysql_native_password", Method::Native),
    ("caching_sha2_password", Method::CachingSha2),
    ("sha256_password", Method::Sha256),
    ("client_ed25519", Method::Ed25519),
    ("mysql_clear_password", Method::Clear),
];

/// Bytes of the server's challenge, but for ed25519's.
const NONCE: usize = 20;
const NONCE_ED25519: usize = 32;

impl Method {
    pub fn named(name: &str) -> Option<Method> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
    }

    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, method)| *method == self).map_or("", |(name, _)| name)
    }
}

/// What may be done with the password.
#[derive(Clone, Copy, Debug, Default)]
pub struct Secrecy<'a> {
    /// Nobody listens: TLS, or a unix socket.
    pub confidential: bool,
    /// TLS: the only one of these that sha256_password counts.
    pub encrypted: bool,
    /// Option `allowCleartextPassword`.
    pub cleartext: bool,
    /// Nor over TLS, unless that is allowed.
    pub strict: bool,
    /// Option `allowPublicKeyRetrieval`: whatever key is sent counts as the server's.
    pub any_key: bool,
    /// Option `serverPublicKey`.
    pub key: Option<&'a ServerKey>,
}

impl Secrecy<'_> {
    fn allows_cleartext(&self) -> bool {
        self.cleartext || (self.confidential && !self.strict)
    }
}

/// Why a login cannot go on, by our decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    Cleartext,
    /// The password would be sealed with a key that anybody may have sent.
    Key,
    BadKey,
    Plugin(String),
    OldPassword,
    /// The challenge is too short to be one.
    Challenge,
}

impl Refusal {
    /// For programs: it names the reason whatever the words are.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Cleartext => "ERR_AUTH_CLEARTEXT",
            Refusal::Key => "ERR_AUTH_PUBLIC_KEY",
            Refusal::BadKey => "ERR_AUTH_BAD_KEY",
            Refusal::Plugin(_) | Refusal::OldPassword => "ERR_AUTH_METHOD",
            Refusal::Challenge => "ERR_AUTH_CHALLENGE",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Cleartext => {
                "the server asks for the password in clear text over a connection that is not \
                 encrypted; use TLS (option 'ssl' or 'sslmode'), or set \
                 allowCleartextPassword: true to permit it"
            }
            Refusal::Key => {
                "the server wants the password itself, over a connection that is not encrypted: use \
                 TLS (option 'ssl' or 'sslmode') or a unix socket, give the server's RSA key with \
                 option 'serverPublicKey', or take whatever key is sent with \
                 allowPublicKeyRetrieval: true"
            }
            Refusal::BadKey => {
                "the password cannot be sealed with the RSA key: it is no key, or too short for \
                 this password"
            }
            Refusal::Plugin(name) => {
                return write!(
                    f,
                    "the server asks for the authentication plugin '{name}', which is not supported"
                );
            }
            Refusal::OldPassword => {
                "the server asks for an authentication of before MySQL 4.1, which is not supported"
            }
            Refusal::Challenge => "the server sent a bad challenge for the password",
        })
    }
}

/// What comes next of the client's side.
#[derive(Debug)]
pub enum Next {
    /// A packet with this body.
    Send(Vec<u8>),
    /// Nothing: the server goes on.
    Wait,
    /// A packet with what comes of it; some 100 us of work.
    Seal(Sealing),
}

/// One exchange by one plugin.
pub struct Exchange<'a> {
    pub method: Method,
    password: &'a str,
    nonce: Vec<u8>,
    secrecy: Secrecy<'a>,
    awaits_key: bool,
}

impl<'a> Exchange<'a> {
    /// `nonce` as it was sent, with or without the NUL that ends it.
    pub fn new(
        method: Method,
        password: Option<&'a str>,
        nonce: &[u8],
        secrecy: Secrecy<'a>,
    ) -> Result<Exchange<'a>, Refusal> {
        let length = if method == Method::Ed25519 { NONCE_ED25519 } else { NONCE };
        let nonce = match method {
            Method::Clear => Vec::new(),
            _ => nonce.get(..length).ok_or(Refusal::Challenge)?.to_vec(),
        };
        let password = password.unwrap_or("");
        Ok(Exchange { method, password, nonce, secrecy, awaits_key: false })
    }

    /// The client's first word.
    pub fn begin(&mut self) -> Result<Next, Refusal> {
        let password = Some(self.password);
        match self.method {
            Method::Native | Method::CachingSha2 => {
                let plugin = AuthPlugin::from_bytes(self.method.name().as_bytes());
                let proof = plugin.gen_data(password, &self.nonce);
                Ok(Next::Send(proof.map(|proof| proof.to_vec()).unwrap_or_default()))
            }
            Method::Ed25519 => {
                let password = self.password.as_bytes();
                Ok(Next::Send(create_response_for_ed25519(password, &self.nonce).to_vec()))
            }
            Method::Clear if self.secrecy.allows_cleartext() => Ok(Next::Send(self.in_clear())),
            Method::Clear => Err(Refusal::Cleartext),
            // Without a password there is nothing to keep from anybody.
            Method::Sha256 if self.password.is_empty() => Ok(Next::Send(vec![0])),
            Method::Sha256 => self.send_password(1),
        }
    }

    /// The server has more to say on it.
    pub fn go_on(&mut self, data: &[u8]) -> Result<Next, Refusal> {
        const FAST_DONE: &[u8] = &[3];
        const FULL: &[u8] = &[4];
        /// How caching_sha2_password asks for the key.
        const KEY_PLEASE: u8 = 2;
        match (self.method, data) {
            (Method::CachingSha2 | Method::Sha256, pem) if self.awaits_key => {
                self.awaits_key = false;
                self.seal(&ServerKey::parse(pem).ok_or(Refusal::BadKey)?)
            }
            (Method::CachingSha2, FAST_DONE) => Ok(Next::Wait),
            (Method::CachingSha2, FULL) => self.send_password(KEY_PLEASE),
            _ => Err(Refusal::Challenge),
        }
    }

    /// As it is where nobody listens, else sealed with the server's key; `request` asks for that.
    fn send_password(&mut self, request: u8) -> Result<Next, Refusal> {
        let Secrecy { confidential, encrypted, any_key, key, .. } = self.secrecy;
        if encrypted || (confidential && self.method == Method::CachingSha2) {
            return Ok(Next::Send(self.in_clear()));
        }
        if let Some(key) = key {
            return self.seal(key);
        }
        // Nobody can put a key of his own into a unix socket.
        if !any_key && !confidential {
            return Err(Refusal::Key);
        }
        self.awaits_key = true;
        Ok(Next::Send(vec![request]))
    }

    fn seal(&self, key: &ServerKey) -> Result<Next, Refusal> {
        let sealing = Sealing::new(&self.in_clear(), &self.nonce, key);
        sealing.map(Next::Seal).ok_or(Refusal::BadKey)
    }

    fn in_clear(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.password.len() + 1);
        text.put_slice(self.password.as_bytes());
        text.put_u8(0);
        text
    }
}

#[cfg(test)]
#[path = "tests/auth.rs"]
mod tests;
