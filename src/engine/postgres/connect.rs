//! Opens a connection: addresses, socket, TLS, handshake.

use super::binding::{ChannelBinding, end_point};
use super::config::Target;
use super::failure::depends_on_encryption;
use super::passwords::Passwords;
use super::startup::{Login, Started, Startup, StartupError, Step};
use crate::engine::net::address::{Address, Peer};
use crate::engine::net::connected;
use crate::engine::net::encryption::Encryption;
use crate::engine::net::failure::{ConnectError, Kind};
use crate::engine::net::socket::{reach, secure};
use crate::engine::net::tls::TlsRoots;
use crate::engine::net::tls_failure;
use crate::engine::stream::Stream;
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::spawn_blocking;

/// A connection that is ready for queries.
pub type Connected = connected::Connected<Started>;

/// All attempts at one address: with and without TLS as the mode has it, and without the pins if
/// a pooler refuses them.
pub(super) async fn connect_address(
    target: &Target,
    roots: &TlsRoots,
    passwords: &Passwords,
    host: &str,
    address: Address,
) -> Result<Connected, ConnectError> {
    let mut peer = Peer::at(address, host);
    let mut attempts = Encryption::attempts(target.route.ssl.mode, &peer.address).iter().peekable();
    // What was said over TLS tells more than that there is no entry for a plain connection.
    let mut over_tls = None;
    while let Some(&encryption) = attempts.next() {
        match attempt(target, roots, passwords, &mut peer, encryption).await {
            Err(error) if depends_on_encryption(&error, peer.encrypted) => {
                let was_plain = encryption == Encryption::IfOffered && !peer.encrypted;
                if attempts.peek().is_none() || was_plain {
                    return Err(over_tls.unwrap_or(error));
                }
                over_tls = peer.encrypted.then_some(error);
            }
            result => return result,
        }
    }
    Err(ConnectError::new(Kind::Io, "EIO", "no attempt was made"))
}

async fn attempt(
    target: &Target,
    roots: &TlsRoots,
    passwords: &Passwords,
    peer: &mut Peer,
    encryption: Encryption,
) -> Result<Connected, ConnectError> {
    let address = peer.address.to_string();
    let result = match target.route.connect_timeout {
        None => attempt_twice(target, roots, passwords, peer, encryption).await,
        Some(limit) => {
            tokio::time::timeout(limit, attempt_twice(target, roots, passwords, peer, encryption))
                .await
                .unwrap_or_else(|_| {
                    let message = format!("no answer within {} s", limit.as_secs());
                    Err(ConnectError::new(Kind::Timeout, "ETIMEDOUT", message))
                })
        }
    };
    result.map_err(|error| error.at(&address))
}

async fn attempt_twice(
    target: &Target,
    roots: &TlsRoots,
    passwords: &Passwords,
    peer: &mut Peer,
    encryption: Encryption,
) -> Result<Connected, ConnectError> {
    let pins = target.asks_for_pins();
    let stream = open(target, roots, peer, encryption).await?;
    match shake_hands(target, passwords, stream, peer, pins).await {
        Err(StartupFailure::Startup(error)) if pins && error.refuses_pins() => {
            target.forgo_pins();
            let stream = open(target, roots, peer, encryption).await?;
            shake_hands(target, passwords, stream, peer, false).await
        }
        result => result,
    }
    .map_err(|failure| match failure {
        StartupFailure::Io(error) => tls_failure::explain(error, &target.route.ssl),
        StartupFailure::Startup(error) => error.into(),
    })
}

/// The transport, encrypted if so agreed; `peer` learns which.
pub(super) async fn open(
    target: &Target,
    roots: &TlsRoots,
    peer: &mut Peer,
    encryption: Encryption,
) -> Result<Stream, ConnectError> {
    let mut stream = reach(&target.route, peer).await?;
    if encryption == Encryption::Never {
        return Ok(stream);
    }
    if target.route.ssl.direct || agrees_on_tls(&mut stream, encryption).await? {
        return secure(&target.route, roots, peer, stream).await;
    }
    Ok(stream)
}

/// Whether TLS is spoken from here on; an error when it must be and the server has none.
async fn agrees_on_tls(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    encryption: Encryption,
) -> Result<bool, ConnectError> {
    match (offers_tls(stream).await?, encryption) {
        (false, Encryption::Always) => {
            let message = "the server does not offer TLS, which option 'sslmode' or 'ssl' asks for \
                           (sslmode 'prefer' or ssl: false would do without)";
            Err(ConnectError::new(Kind::Tls, "ERR_TLS_NOT_OFFERED", message).fatal())
        }
        (offered, _) => Ok(offered),
    }
}

/// Asks for TLS. Exactly one byte is read: whatever an attacker slips in behind it in clear goes
/// to the TLS layer, which refuses it, and never counts as the server's word (CVE-2021-23222).
async fn offers_tls(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<bool, ConnectError> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await?;
    match stream.read_u8().await? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        // 'E' is an error in words, which may be forged: they are not passed on.
        _ => {
            let message = "the server does not answer the request for TLS as PostgreSQL does";
            Err(ConnectError::new(Kind::Protocol, "ERR_TLS_ANSWER", message))
        }
    }
}

/// What can go wrong in the handshake: the transport, or what is said over it.
pub(super) enum StartupFailure {
    Io(std::io::Error),
    Startup(StartupError),
}

impl From<std::io::Error> for StartupFailure {
    fn from(error: std::io::Error) -> StartupFailure {
        StartupFailure::Io(error)
    }
}

impl From<StartupError> for StartupFailure {
    fn from(error: StartupError) -> StartupFailure {
        StartupFailure::Startup(error)
    }
}

async fn shake_hands(
    target: &Target,
    passwords: &Passwords,
    mut stream: Stream,
    peer: &Peer,
    pins: bool,
) -> Result<Connected, StartupFailure> {
    let password = passwords.find(target, peer);
    let bound = match target.channel_binding {
        ChannelBinding::Disable => None,
        _ => stream.peer_certificate().and_then(end_point),
    };
    let mut startup = Startup::new(Login {
        user: &target.user,
        password: password.as_deref(),
        hint: passwords.hint(),
        sends_none: target.sends_no_password,
        iterations_max: target.scram_iterations_max,
        binding: target.channel_binding,
        end_point: bound.as_deref(),
        database: &target.database,
        application_name: target.application_name.as_deref(),
        options: target.options.as_deref(),
        startup: target.startup.as_deref(),
        // A unix socket leaves the machine as little as TLS does the wire.
        cleartext: target.allow_cleartext_password || peer.encrypted,
        pins,
    })?;
    let mut input = BytesMut::with_capacity(4096);
    loop {
        let outgoing = startup.outgoing();
        if !outgoing.is_empty() {
            stream.write_all(outgoing).await?;
            stream.flush().await?;
            outgoing.clear();
        }
        if stream.read_buf(&mut input).await? == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        match startup.receive(&mut input)? {
            Step::Wait => {}
            Step::Compute(job) => {
                let computed = spawn_blocking(move || job.run()).await.map_err(|_| {
                    StartupError::Protocol("the password could not be computed".into())
                })?;
                startup.computed(computed)?;
            }
            Step::Done(started) => {
                let peer = peer.clone();
                return Ok(Connected { stream, started, leftover: input, peer });
            }
        }
    }
}

#[cfg(test)]
#[path = "tests/connect.rs"]
mod tests;
