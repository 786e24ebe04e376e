//! The handshake after the transport stands, without I/O: bytes in, bytes out, until the server
//! takes commands.
//!
//! ```text
//! Silent -hello-> Greeted -begin_tls-> (TLS) -log_in-> Proving -more/switch-> Proving -OK-> Done
//!                    |------------------------log_in------^
//! ```

use super::auth::{Exchange, Method, Next, Refusal, Secrecy};
use super::error::ServerError;
use super::frame::{self, HEADER, Read, Reader};
use super::hello::{Compression, Hello, ZSTD_LEVEL};
use super::key::Sealing;
use super::started::Started;
use bytes::{Buf, BytesMut};
use mysql_common::constants::{CapabilityFlags, MariadbCapabilities};
use mysql_common::packets::{AuthPlugin, HandshakeResponse, SslRequest};
use mysql_common::proto::MySerialize;
use std::collections::HashMap;

/// No packet of the handshake comes near this. What is not MySQL announces megabytes (the letters
/// of its greeting read as a length), and waiting for them would be a hang.
const PACKET_MAX: usize = 64 * 1024;
/// How often a server may change its mind about the plugin, or ask for more.
const ROUNDS_MAX: u32 = 16;
/// Where the number of the collation is in an answer to the hello.
const COLLATION_AT: usize = 8;

/// Who connects, and what is asked for.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    pub user: &'a str,
    pub password: Option<&'a str>,
    pub database: Option<&'a str>,
    pub attributes: &'a [(String, String)],
    /// Capabilities beyond those that every session has.
    pub flags: CapabilityFlags,
    /// Those are all: nothing is added to what the caller asks for.
    pub exact: bool,
    pub compression: Compression,
    pub collation: u8,
    pub secrecy: Secrecy<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartupError {
    /// The server refused.
    Server(ServerError),
    Auth(Refusal),
    /// What came is not what MySQL says here.
    Protocol(String),
    /// What came does not even begin as MySQL's hello does, but with this byte.
    Foreign(u8),
    /// The server has not the compression that was asked for by name.
    Compression(&'static str),
}

impl From<Refusal> for StartupError {
    fn from(refusal: Refusal) -> StartupError {
        StartupError::Auth(refusal)
    }
}

/// What the caller has to do next; `outgoing` may hold bytes to send in any case.
#[derive(Debug)]
pub enum Step {
    /// Feed more bytes.
    Wait,
    /// The server has said hello: `begin_tls`, then `log_in`, or `log_in` at once.
    Greeted {
        offers_tls: bool,
    },
    /// Run it where it blocks nobody, then hand the result to `sealed`.
    Seal(Sealing),
    Done(Box<Started>),
}

enum State<'a> {
    Silent,
    Greeted(Hello),
    Proving(Box<Started>, Option<Exchange<'a>>),
}

pub struct Startup<'a> {
    login: Login<'a>,
    reader: Reader,
    state: State<'a>,
    outgoing: BytesMut,
    rounds: u32,
}

impl<'a> Startup<'a> {
    pub fn new(login: Login<'a>) -> Startup<'a> {
        let (reader, outgoing) = (Reader::default(), BytesMut::with_capacity(512));
        Startup { login, reader, state: State::Silent, outgoing, rounds: 0 }
    }

    /// Bytes to send before anything else is read.
    pub fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    /// Whether `input` holds no whole packet.
    pub fn waits(&self, input: &[u8]) -> bool {
        input.len() < self.reader.needed(input)
    }

    /// Takes one packet off `input`. After `Done` the rest belongs to the session.
    pub fn receive(&mut self, input: &mut BytesMut) -> Result<Step, StartupError> {
        self.check_head(input)?;
        let read = self.reader.read(input).map_err(|fault| protocol(&fault.to_string()))?;
        let (taken, body) = match read {
            Read::Whole { taken, body } => (taken, body.into_owned()),
            Read::Wait | Read::Part(_) => return Ok(Step::Wait),
        };
        input.advance(taken);
        match std::mem::replace(&mut self.state, State::Silent) {
            State::Silent => self.greet(&body),
            State::Proving(started, exchange) => self.go_on(started, exchange, &body),
            State::Greeted(_) => Err(protocol("the server does not wait for an answer")),
        }
    }

    /// What is no MySQL is told early, before a length is waited for.
    fn check_head(&self, input: &[u8]) -> Result<(), StartupError> {
        let Some(&[a, b, c, sequence]) = input.first_chunk::<HEADER>() else { return Ok(()) };
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        let first = matches!(self.state, State::Silent);
        if length > PACKET_MAX || length == 0 || (first && sequence != 0) {
            return Err(if first { StartupError::Foreign(a) } else { foreign() });
        }
        match input.get(HEADER) {
            Some(&version) if first && !matches!(version, 9 | 10 | 0xff) => {
                Err(StartupError::Foreign(a))
            }
            _ => Ok(()),
        }
    }

    fn greet(&mut self, body: &[u8]) -> Result<Step, StartupError> {
        match body.first() {
            Some(0xff) => return Err(refused(body)),
            Some(10) => {}
            _ => return Err(protocol("the server speaks a protocol of before MySQL 4.1")),
        }
        let hello = Hello::read(body, &self.login)?;
        let offers_tls = hello.offered.contains(CapabilityFlags::CLIENT_SSL);
        self.state = State::Greeted(hello);
        Ok(Step::Greeted { offers_tls })
    }

    /// Asks for TLS, which begins when `outgoing` has gone. What came in clear behind the hello is
    /// not the server's word.
    pub fn begin_tls(&mut self, input: &[u8]) -> Result<(), StartupError> {
        let State::Greeted(hello) = &mut self.state else { return Err(out_of_order()) };
        if !input.is_empty() {
            return Err(protocol("the server speaks before TLS has begun"));
        }
        hello.started.capabilities.insert(CapabilityFlags::CLIENT_SSL);
        let request = SslRequest::new(
            hello.started.capabilities,
            frame::BODY_MAX as u32,
            self.login.collation,
        )
        .with_mariadb_capabilities(mariadb(&hello.started));
        self.send(&serialized(&request));
        Ok(())
    }

    /// The caller logs in by itself, over TLS if that was begun.
    pub fn defer(&mut self) -> Result<Started, StartupError> {
        let State::Greeted(hello) = std::mem::replace(&mut self.state, State::Silent) else {
            return Err(out_of_order());
        };
        Ok(Started { sequence: self.reader.sequence(), ..hello.started })
    }

    /// Over TLS if that was begun; `confidential` when nothing leaves the machine.
    pub fn log_in(&mut self, confidential: bool) -> Result<(), StartupError> {
        let State::Greeted(hello) = std::mem::replace(&mut self.state, State::Silent) else {
            return Err(out_of_order());
        };
        let Hello { started, plugin, nonce, .. } = hello;
        let encrypted = started.capabilities.contains(CapabilityFlags::CLIENT_SSL);
        self.login.secrecy.encrypted = encrypted;
        self.login.secrecy.confidential = encrypted || confidential;
        // The server tells the account's own plugin once it knows who connects: for any but the
        // usual two, which prove a password and never tell it, that is waited for.
        let method = match Method::named(&plugin) {
            Some(method @ (Method::Native | Method::CachingSha2)) => method,
            _ => Method::Native,
        };
        let mut exchange = Exchange::new(method, self.login.password, &nonce, self.login.secrecy)?;
        let Next::Send(proof) = exchange.begin()? else { return Err(out_of_order()) };
        let response = self.response(&started, method, proof);
        self.send(&response);
        self.state = State::Proving(Box::new(started), Some(exchange));
        Ok(())
    }

    fn response(&self, started: &Started, method: Method, proof: Vec<u8>) -> Vec<u8> {
        let login = &self.login;
        let attributes: HashMap<_, _> = login.attributes.iter().cloned().collect();
        let response = HandshakeResponse::new(
            Some(proof),
            (5, 5, 3),
            Some(login.user.as_bytes()),
            login.database.map(str::as_bytes),
            Some(AuthPlugin::from_bytes(method.name().as_bytes())),
            started.capabilities,
            started
                .capabilities
                .contains(CapabilityFlags::CLIENT_CONNECT_ATTRS)
                .then_some(attributes),
            frame::BODY_MAX as u32,
        );
        let mut body = serialized(&response.with_mariadb_ext_capabilities(mariadb(started)));
        // The crate has one collation for all.
        if let Some(byte) = body.get_mut(COLLATION_AT) {
            *byte = login.collation;
        }
        if started.capabilities.contains(CapabilityFlags::CLIENT_ZSTD_COMPRESSION_ALGORITHM) {
            body.push(ZSTD_LEVEL);
        }
        body
    }

    fn go_on(
        &mut self,
        started: Box<Started>,
        exchange: Option<Exchange<'a>>,
        body: &[u8],
    ) -> Result<Step, StartupError> {
        self.rounds += 1;
        if self.rounds > ROUNDS_MAX {
            return Err(protocol("the password exchange does not come to an end"));
        }
        match (body, exchange) {
            ([0x00, ..], exchange) => {
                Ok(Step::Done(Box::new(started.accepted(exchange.map(|it| it.method), body)?)))
            }
            ([0xff, ..], _) => Err(refused(body)),
            ([0xfe], _) => Err(Refusal::OldPassword.into()),
            ([0xfe, rest @ ..], _) => {
                let mut exchange = self.switched(rest)?;
                let next = exchange.begin()?;
                self.answer(started, exchange, next)
            }
            ([0x01, data @ ..], Some(mut exchange)) => {
                let next = exchange.go_on(data)?;
                self.answer(started, exchange, next)
            }
            _ => Err(foreign()),
        }
    }

    /// Another plugin and its challenge, which is taken as it is: one of ed25519 may end in a NUL.
    fn switched(&self, rest: &[u8]) -> Result<Exchange<'a>, StartupError> {
        let end = rest.iter().position(|&byte| byte == 0).ok_or_else(foreign)?;
        let name = String::from_utf8_lossy(&rest[..end]);
        let method = Method::named(&name).ok_or_else(|| match &*name {
            "mysql_old_password" => Refusal::OldPassword,
            other => Refusal::Plugin(other.chars().take(64).collect()),
        })?;
        let Login { password, secrecy, .. } = self.login;
        Ok(Exchange::new(method, password, &rest[end + 1..], secrecy)?)
    }

    fn answer(
        &mut self,
        started: Box<Started>,
        exchange: Exchange<'a>,
        next: Next,
    ) -> Result<Step, StartupError> {
        self.state = State::Proving(started, Some(exchange));
        match next {
            Next::Wait => {}
            Next::Send(body) => self.send(&body),
            Next::Seal(sealing) => return Ok(Step::Seal(sealing)),
        }
        Ok(Step::Wait)
    }

    pub fn sealed(&mut self, password: &[u8]) {
        self.send(password);
    }

    fn send(&mut self, body: &[u8]) {
        let next = frame::write(&mut self.outgoing, body, self.reader.sequence());
        self.reader.expect(next);
    }
}

fn mariadb(started: &Started) -> MariadbCapabilities {
    MariadbCapabilities::from_bits_truncate(started.mariadb_capabilities)
}

fn serialized(packet: &impl MySerialize) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    packet.serialize(&mut body);
    body
}

fn refused(body: &[u8]) -> StartupError {
    ServerError::parse(body).map_or_else(foreign, StartupError::Server)
}

pub(super) fn protocol(message: &str) -> StartupError {
    StartupError::Protocol(message.to_owned())
}

pub(super) fn foreign() -> StartupError {
    protocol("the server does not answer as MySQL does")
}

fn out_of_order() -> StartupError {
    protocol("the handshake is out of order")
}

#[cfg(test)]
#[path = "tests/startup.rs"]
mod tests;
