//! Opens a connection: socket, hello, TLS, login, compression, pinned settings.

use super::auth::Secrecy;
use super::compress::Compressed;
use super::config::Target;
use super::error::ServerError;
use super::failure::{server, was_tls};
use super::frame::{self, Read, Reader};
use super::started::Started;
use super::startup::{Login, Startup, StartupError, Step};
use crate::engine::net::address::{Address, Peer};
use crate::engine::net::connected;
use crate::engine::net::encryption::Encryption;
use crate::engine::net::failure::{ConnectError, Kind};
use crate::engine::net::hosts::{self, Dial, Round, Silence};
use crate::engine::net::route::Route;
use crate::engine::net::socket::{reach, secure};
use crate::engine::net::tls::TlsRoots;
use crate::engine::net::tls_failure;
use crate::engine::session::Attempt;
use crate::engine::stream::Stream;
use bytes::{Buf, BytesMut};
use mysql_common::constants::CapabilityFlags;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_blocking;

/// A connection that takes commands.
pub type Connected = connected::Connected<Started>;

const COM_QUIT: u8 = 1;
const COM_QUERY: u8 = 3;
/// In front of a text, where they were agreed on: how many there are, and sets of them.
const NO_ATTRIBUTES: &str = "\0\x01";

/// With the password of the attempt: see `password_of`.
pub async fn connect(
    target: &Target,
    roots: &TlsRoots,
    silence: &Silence,
    attempt: Attempt,
) -> Result<Connected, ConnectError> {
    let password = attempt.password.as_deref();
    hosts::connect(&Dialer { target, roots, password }, silence, Round::of(&attempt)).await
}

/// The one given, else the answer of a function.
pub fn password_of(
    target: &Target,
    answered: Option<String>,
) -> Result<Option<String>, ConnectError> {
    if answered.as_ref().is_some_and(|password| password.contains('\0')) {
        let message = "option 'password': what the function returned holds a NUL";
        return Err(ConnectError::new(Kind::Auth, "ERR_POLYPOOL_CONNECT", message));
    }
    Ok(target.password.clone().or(answered))
}

/// All servers are of the one role there is.
struct Dialer<'a> {
    target: &'a Target,
    roots: &'a TlsRoots,
    password: Option<&'a str>,
}

impl Dial for Dialer<'_> {
    type Link = Connected;

    fn route(&self) -> &Route {
        &self.target.route
    }

    async fn dial(&self, host: &str, address: Address) -> Result<(Connected, bool), ConnectError> {
        let connected =
            connect_address(self.target, self.roots, self.password, host, address).await?;
        Ok((connected, true))
    }

    fn mismatch(&self, _: &Connected) -> ConnectError {
        ConnectError::new(Kind::Role, "EROLE", "the server is not of the role wanted")
    }

    fn demand(&self) -> String {
        String::new()
    }

    fn takes_second_best(&self) -> bool {
        false
    }

    async fn part(&self, mut connected: Connected) {
        say_goodbye(&mut connected.stream).await;
    }
}

/// All attempts at one address: where TLS is only preferred, one without follows its failure.
async fn connect_address(
    target: &Target,
    roots: &TlsRoots,
    password: Option<&str>,
    host: &str,
    address: Address,
) -> Result<Connected, ConnectError> {
    let mut peer = Peer::at(address, host);
    let mut attempts = Encryption::attempts(target.route.ssl.mode, &peer.address).iter().peekable();
    while let Some(&encryption) = attempts.next() {
        let result = open(target, roots, password, &mut peer, encryption).await;
        let again = |error: &ConnectError| was_tls(error) && !error.fatal;
        match result {
            Err(error) if again(&error) && peer.encrypted && attempts.peek().is_some() => {}
            result => return result.map_err(|error| error.at(&peer.address.to_string())),
        }
    }
    Err(ConnectError::new(Kind::Io, "EIO", "no attempt was made"))
}

/// One attempt, its login and what is pinned included.
pub(super) async fn open(
    target: &Target,
    roots: &TlsRoots,
    password: Option<&str>,
    peer: &mut Peer,
    encryption: Encryption,
) -> Result<Connected, ConnectError> {
    let stream = reach(&target.route, peer).await?;
    let mut connected = log_in(target, roots, password, peer, stream, encryption).await?;
    if let Some(pins) = &target.pins {
        query(&mut connected, pins).await?;
    }
    Ok(connected)
}

async fn log_in(
    target: &Target,
    roots: &TlsRoots,
    password: Option<&str>,
    peer: &mut Peer,
    mut stream: Stream,
    encryption: Encryption,
) -> Result<Connected, ConnectError> {
    let explain = |error| tls_failure::explain(error, &target.route.ssl);
    let mut startup = Startup::new(login(target, password));
    let mut input = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut input).await.map_err(explain)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        loop {
            match startup.receive(&mut input)? {
                Step::Wait if input.is_empty() || startup.waits(&input) => break,
                Step::Wait => {}
                Step::Greeted { offers_tls } => {
                    if wants_tls(encryption, offers_tls)? {
                        startup.begin_tls(&input)?;
                        stream.write_all(&startup.outgoing().split()).await?;
                        stream.flush().await?;
                        stream = secure(&target.route, roots, peer, stream).await?;
                    }
                    if target.defers_login {
                        let (peer, started) = (peer.clone(), startup.defer()?);
                        return Ok(Connected { stream, started, leftover: input, peer });
                    }
                    startup.log_in(peer.address.is_unix())?;
                    break;
                }
                Step::Seal(sealing) => {
                    let sealed = spawn_blocking(move || sealing.run()).await.map_err(|_| {
                        StartupError::Protocol("the password could not be sealed".into())
                    })?;
                    startup.sealed(&sealed);
                    break;
                }
                Step::Done(started) => {
                    let (peer, started) = (peer.clone(), *started);
                    let stream = Compressed::over(stream, started.capabilities, &mut input)?;
                    return Ok(Connected { stream, started, leftover: input, peer });
                }
            }
        }
        let outgoing = startup.outgoing().split();
        if !outgoing.is_empty() {
            stream.write_all(&outgoing).await.map_err(explain)?;
            stream.flush().await.map_err(explain)?;
        }
    }
}

fn login<'a>(target: &'a Target, password: Option<&'a str>) -> Login<'a> {
    Login {
        user: &target.user,
        password,
        database: target.database.as_deref(),
        attributes: &target.attributes,
        flags: target.flags,
        exact: target.exact,
        compression: target.compression,
        collation: target.collation,
        secrecy: Secrecy {
            cleartext: target.allow_cleartext_password,
            strict: target.exact,
            any_key: target.any_key,
            key: target.key.as_ref(),
            ..Secrecy::default()
        },
    }
}

fn wants_tls(encryption: Encryption, offered: bool) -> Result<bool, ConnectError> {
    match encryption {
        Encryption::Never => Ok(false),
        Encryption::Always if !offered => {
            let message = "the server does not offer TLS, which option 'sslmode' or 'ssl' asks for \
                           (sslmode 'preferred' or ssl: false would do without)";
            Err(ConnectError::new(Kind::Tls, "ERR_TLS_NOT_OFFERED", message).fatal())
        }
        _ => Ok(offered),
    }
}

/// Runs a statement that has no rows, before anybody else uses the connection.
pub(super) async fn query(connected: &mut Connected, text: &str) -> Result<(), ConnectError> {
    let Connected { stream, leftover: input, started, .. } = connected;
    let attributes = started.capabilities.contains(CapabilityFlags::CLIENT_QUERY_ATTRIBUTES);
    let none = if attributes { NO_ATTRIBUTES } else { "" };
    stream.write_all(&command(COM_QUERY, &[none, text].concat())).await?;
    stream.flush().await?;
    let mut reader = Reader::of(started.capabilities);
    reader.expect(1);
    loop {
        let read = reader.read(input).map_err(|fault| StartupError::Protocol(fault.to_string()))?;
        if let Read::Whole { taken, body } = read {
            let refused = ServerError::parse(&body);
            input.advance(taken);
            return refused.map_or(Ok(()), |error| Err(server(&error)));
        }
        if stream.read_buf(input).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

fn command(kind: u8, text: &str) -> BytesMut {
    let mut packet = BytesMut::with_capacity(frame::HEADER + 1 + text.len());
    frame::write(&mut packet, &[&[kind], text.as_bytes()].concat(), 0);
    packet
}

pub(super) async fn say_goodbye(stream: &mut Stream) {
    connected::say_goodbye(stream, &command(COM_QUIT, "")).await;
}

#[cfg(test)]
#[path = "tests/connect.rs"]
mod tests;
