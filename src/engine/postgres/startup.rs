//! The handshake after the transport stands, without I/O: bytes in, bytes out, until the server is
//! ready for queries.
//!
//! ```text
//! Greeted -SASL-> Scram -Compute-> Proved -final-> Verified -ok-> Accepted -Z-> Done
//!    |---------md5 | cleartext-------------------------^              ^
//!    |---------ok-----------------------------------------------------|
//! ```

use super::binding::ChannelBinding as Binding;
use super::error::ServerError;
use bytes::{Buf, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{self, ChannelBinding, ScramSha256};
use postgres_protocol::message::backend::{Header, Message};
use postgres_protocol::message::frontend;
use std::io;

/// No message of the handshake comes near this. What is not PostgreSQL announces gigabytes (the
/// letters of an HTTP answer read as a length), and waiting for them would be a hang.
const MESSAGE_MAX: usize = 64 * 1024;

/// Settings that text results depend on, apart from `client_encoding` and `DateStyle`, which every
/// pooler lets through. A pooler that refuses these is asked again without (see `Started::pinned`).
/// Servers before 12 print floats exactly from 3 on, newer ones from 1 on.
const PINS: [(&str, &str); 2] = [("extra_float_digits", "3"), ("IntervalStyle", "postgres")];

/// Who connects, and how it may prove that it does.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    pub user: &'a str,
    pub password: Option<&'a str>,
    pub database: &'a str,
    pub application_name: Option<&'a str>,
    /// Command-line options for the server: `-c geqo=off`.
    pub options: Option<&'a str>,
    /// Sent instead of all that a pool sends beside user and database.
    pub startup: Option<&'a [(String, String)]>,
    /// A password may be sent as it is: the transport is encrypted, or the caller said so.
    pub cleartext: bool,
    /// Why there is no password, where more is known than that none was given.
    pub hint: Option<&'a str>,
    pub binding: Binding,
    /// What the exchange can be bound to: set under TLS, when the certificate names a known hash.
    pub end_point: Option<&'a [u8]>,
    pub pins: bool,
}

/// What a finished handshake has learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Started {
    pub process_id: i32,
    pub secret_key: i32,
    /// As the server reported them, in order.
    pub parameters: Vec<(String, String)>,
    /// `b'I'`, `b'T'` or `b'E'`.
    pub transaction: u8,
    /// False when a pooler refused the pins: text results then depend on the server's settings.
    pub pinned: bool,
}

impl Started {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartupError {
    /// The server refused.
    Server(ServerError),
    /// The login cannot go on: no password, or a method we will not or cannot use.
    Auth(String),
    /// The server does not see the TLS connection that we have.
    Unbound(Option<ServerError>),
    /// What came is not what PostgreSQL says here.
    Protocol(String),
}

impl StartupError {
    /// A pooler that does not know a pin: worth a second try without.
    pub fn refuses_pins(&self) -> bool {
        matches!(self, StartupError::Server(error)
            if error.message().contains("unsupported startup parameter"))
    }
}

/// What the caller has to do next; `outgoing` may hold bytes to send in any case.
pub enum Step {
    /// Feed more bytes.
    Wait,
    /// Run the job where it blocks nobody, then hand the result to `computed`.
    Compute(Job),
    Done(Started),
}

/// Proving the password: some milliseconds of hashing.
pub struct Job {
    scram: ScramSha256,
    challenge: Vec<u8>,
}

/// A job that is done.
pub struct Computed(io::Result<ScramSha256>);

impl Job {
    pub fn run(mut self) -> Computed {
        Computed(self.scram.update(&self.challenge).map(|()| self.scram))
    }
}

enum State {
    Greeted,
    Scram(ScramSha256),
    Computing,
    Proved(ScramSha256),
    /// The server has shown that it knows the password too, or the method does not ask for it.
    Verified,
    Accepted,
}

pub struct Startup<'a> {
    login: Login<'a>,
    state: State,
    outgoing: BytesMut,
    started: Started,
    /// The exchange says to what it is bound, or that it could be.
    binds: bool,
}

type Progress = Result<Option<Step>, StartupError>;

impl<'a> Startup<'a> {
    pub fn new(login: Login<'a>) -> Result<Startup<'a>, StartupError> {
        let mut outgoing = BytesMut::with_capacity(256);
        let mut parameters = vec![("user", login.user), ("database", login.database)];
        match login.startup {
            Some(own) => {
                parameters.extend(own.iter().map(|(name, value)| (&**name, &**value)));
                parameters.push(("client_encoding", "UTF8"));
            }
            None => {
                parameters.push(("client_encoding", "UTF8"));
                // Leaves the order of day and month, which only input depends on, to the server.
                parameters.push(("DateStyle", "ISO"));
                parameters.extend(login.application_name.map(|name| ("application_name", name)));
                parameters.extend(login.options.map(|options| ("options", options)));
                parameters.extend(PINS.iter().filter(|_| login.pins));
            }
        }
        frontend::startup_message(parameters, &mut outgoing)
            .map_err(|_| auth("user, database, application_name or options holds a NUL"))?;
        let started = Started { pinned: login.pins, ..Started::default() };
        Ok(Startup { login, state: State::Greeted, outgoing, started, binds: false })
    }

    /// Bytes to send before anything else is read.
    pub fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    /// Takes whole messages off `input`. After `Done` the rest belongs to the session.
    pub fn receive(&mut self, input: &mut BytesMut) -> Result<Step, StartupError> {
        while let Some(message) = next_message(input)? {
            if let Some(step) = self.handle_message(message)? {
                return Ok(step);
            }
        }
        Ok(Step::Wait)
    }

    pub fn computed(&mut self, computed: Computed) -> Result<(), StartupError> {
        let scram = computed.0.map_err(|_| protocol("the server sent a bad SCRAM challenge"))?;
        frontend::sasl_response(scram.message(), &mut self.outgoing).map_err(broken)?;
        self.state = State::Proved(scram);
        Ok(())
    }

    fn handle_message(&mut self, mut message: BytesMut) -> Progress {
        match (message[0], matches!(self.state, State::Accepted)) {
            (b'E', _) => Err(match ServerError::parse(&message[5..]) {
                Some(error) if self.breaks_binding(&error) => StartupError::Unbound(Some(error)),
                Some(error) => StartupError::Server(error),
                None => protocol("the server sent a malformed error"),
            }),
            // Nobody listens to notices yet.
            (b'N', _) => Ok(None),
            (b'R', false) => self.handle_authentication(parsed(&mut message)?),
            (b'S' | b'K' | b'Z', true) => self.handle_accepted(parsed(&mut message)?),
            _ => Err(protocol("the server does not answer as PostgreSQL does")),
        }
    }

    fn handle_authentication(&mut self, message: Message) -> Progress {
        let state = std::mem::replace(&mut self.state, State::Computing);
        self.check_method(&message, &state)?;
        self.state = match (message, state) {
            (Message::AuthenticationOk, State::Greeted | State::Verified) => State::Accepted,
            // Whoever skips the proof that it knows the password is not the server.
            (Message::AuthenticationOk, _) => {
                return Err(protocol("the server broke off the password exchange"));
            }
            (Message::AuthenticationSasl(body), State::Greeted) => {
                State::Scram(self.begin_scram(body.mechanisms())?)
            }
            (Message::AuthenticationSaslContinue(body), State::Scram(scram)) => {
                return Ok(Some(Step::Compute(Job { scram, challenge: body.data().to_vec() })));
            }
            (Message::AuthenticationSaslFinal(body), State::Proved(mut scram)) => {
                let data = body.data();
                scram.finish(data).map_err(|_| scram_failed(data))?;
                State::Verified
            }
            (Message::AuthenticationMd5Password(body), State::Greeted) => {
                let user = self.login.user.as_bytes();
                let answer = md5_hash(user, self.password()?.as_bytes(), body.salt());
                self.send_password(answer.as_bytes())?;
                State::Verified
            }
            (Message::AuthenticationCleartextPassword, State::Greeted) => {
                if !self.login.cleartext {
                    return Err(auth(
                        "the server asks for the password in clear text over a connection that \
                         is not encrypted; set allowCleartextPassword: true to permit it",
                    ));
                }
                self.send_password(self.password()?.as_bytes())?;
                State::Verified
            }
            (_, State::Greeted) => {
                return Err(auth("the server asks for an authentication method not supported"));
            }
            _ => return Err(protocol("the password exchange is out of order")),
        };
        Ok(None)
    }

    /// With channel binding required, whatever does not bind is refused before it learns anything.
    fn check_method(&self, message: &Message, state: &State) -> Result<(), StartupError> {
        let binds = matches!(message, Message::AuthenticationSasl(_));
        if self.login.binding != Binding::Require || binds || !matches!(state, State::Greeted) {
            return Ok(());
        }
        Err(auth(
            "option 'channel_binding' ('require') asks for a login by SCRAM over TLS, and the \
             server wants another kind of login",
        ))
    }

    fn begin_scram(
        &mut self,
        mut mechanisms: impl FallibleIterator<Item = impl AsRef<str>, Error = io::Error>,
    ) -> Result<ScramSha256, StartupError> {
        let (mut plain, mut plus) = (false, false);
        while let Some(name) = mechanisms.next().map_err(broken)? {
            plain |= name.as_ref() == sasl::SCRAM_SHA_256;
            plus |= name.as_ref() == sasl::SCRAM_SHA_256_PLUS;
        }
        let (mechanism, binding) = self.choose_binding(plus)?;
        if mechanism == sasl::SCRAM_SHA_256 && !plain {
            return Err(auth("the server offers no SASL mechanism but such as are not supported"));
        }
        let scram = ScramSha256::new(self.password()?.as_bytes(), binding);
        frontend::sasl_initial_response(mechanism, scram.message(), &mut self.outgoing)
            .map_err(broken)?;
        Ok(scram)
    }

    /// As libpq: bound when both sides can. Who could, and is told that the server cannot, says so
    /// under the protection of the exchange: a server that was misquoted then breaks off.
    fn choose_binding(
        &mut self,
        plus: bool,
    ) -> Result<(&'static str, ChannelBinding), StartupError> {
        let bind = ChannelBinding::tls_server_end_point;
        let required = self.login.binding == Binding::Require;
        let end_point = self.login.end_point.filter(|_| self.login.binding != Binding::Disable);
        match end_point {
            Some(end_point) if plus => {
                self.binds = true;
                Ok((sasl::SCRAM_SHA_256_PLUS, bind(end_point.to_vec())))
            }
            Some(_) if required => Err(auth(
                "the server offers no channel binding, which option 'channel_binding' ('require') \
                 asks for",
            )),
            None if required => Err(auth(
                "option 'channel_binding' ('require') needs TLS, and a server certificate that is \
                 signed with a known hash",
            )),
            Some(_) => {
                self.binds = true;
                Ok((sasl::SCRAM_SHA_256, ChannelBinding::unrequested()))
            }
            None => Ok((sasl::SCRAM_SHA_256, ChannelBinding::unsupported())),
        }
    }

    /// The server refuses the exchange, and not for the password (28P01).
    fn breaks_binding(&self, error: &ServerError) -> bool {
        let exchanging = matches!(self.state, State::Scram(_) | State::Proved(_));
        self.binds && exchanging && error.code() == "28000"
    }

    fn password(&self) -> Result<&'a str, StartupError> {
        self.login.password.ok_or_else(|| match self.login.hint {
            Some(hint) => {
                auth(&format!("the server asks for a password; none was given, and {hint}"))
            }
            None => auth("the server asks for a password; none was given"),
        })
    }

    fn send_password(&mut self, password: &[u8]) -> Result<(), StartupError> {
        frontend::password_message(password, &mut self.outgoing)
            .map_err(|_| auth("the password holds a NUL"))
    }

    fn handle_accepted(&mut self, message: Message) -> Progress {
        match message {
            Message::ParameterStatus(body) => {
                let name = body.name().map_err(broken)?.to_owned();
                let value = body.value().map_err(broken)?.to_owned();
                self.started.parameters.push((name, value));
                Ok(None)
            }
            Message::BackendKeyData(body) => {
                self.started.process_id = body.process_id();
                self.started.secret_key = body.secret_key();
                Ok(None)
            }
            Message::ReadyForQuery(body) if matches!(body.status(), b'I' | b'T' | b'E') => {
                self.started.transaction = body.status();
                Ok(Some(Step::Done(std::mem::take(&mut self.started))))
            }
            _ => Err(protocol("the server does not answer as PostgreSQL does")),
        }
    }
}

/// One whole message off the input.
fn next_message(input: &mut BytesMut) -> Result<Option<BytesMut>, StartupError> {
    // The tag tells early what is not PostgreSQL, before a length is waited for.
    if input.first().is_some_and(|tag| !b"RENSKZ".contains(tag)) {
        return Err(protocol("the server does not answer as PostgreSQL does"));
    }
    let Some(header) = Header::parse(input).map_err(broken)? else { return Ok(None) };
    let length = usize::try_from(header.len()).unwrap_or(usize::MAX).saturating_add(1);
    if length > MESSAGE_MAX {
        return Err(protocol("the server does not answer as PostgreSQL does"));
    }
    Ok((input.remaining() >= length).then(|| input.split_to(length)))
}

fn parsed(message: &mut BytesMut) -> Result<Message, StartupError> {
    Message::parse(message).map_err(broken)?.ok_or_else(|| protocol("a message is cut short"))
}

fn auth(message: &str) -> StartupError {
    StartupError::Auth(message.to_owned())
}

fn protocol(message: &str) -> StartupError {
    StartupError::Protocol(message.to_owned())
}

/// The codec's own words stay out: they quote what came.
fn broken(_: io::Error) -> StartupError {
    protocol("the server sent a malformed message")
}

fn scram_failed(answer: &[u8]) -> StartupError {
    // PostgreSQL answers in an error's own words; RFC 5802 has servers say it here.
    if answer.starts_with(b"e=channel-binding")
        || answer.starts_with(b"e=server-does-support-channel")
    {
        return StartupError::Unbound(None);
    }
    auth("the password exchange failed: the server could not prove that it knows the password")
}

#[cfg(test)]
#[path = "tests/startup.rs"]
mod tests;
