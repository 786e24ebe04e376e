//! Opens a connection: addresses, socket, TLS, handshake.

use super::binding::{ChannelBinding, end_point};
use super::config::{Endpoint, Target};
use super::failure::{ConnectError, Kind};
use super::far::Far;
use super::passwords::Passwords;
use super::startup::{Login, Started, Startup, StartupError, Step};
use super::tls::{ALPN, SslMode, TlsRoots};
use super::tls_failure;
use crate::engine::stream::Stream;
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;

/// A connection that is ready for queries.
pub struct Connected {
    pub stream: Stream,
    pub started: Started,
    /// Bytes that came after the handshake.
    pub leftover: BytesMut,
    pub peer: Peer,
}

/// Whom a connection reached, so that a cancel reaches the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: Address,
    /// As it was asked for; what the certificate is checked against.
    pub host: String,
    pub encrypted: bool,
    /// This end of a TCP connection, as long as it is known.
    pub local: Option<SocketAddr>,
}

impl Peer {
    pub fn remote(&self) -> Option<SocketAddr> {
        match self.address {
            Address::Tcp(address) => Some(address),
            Address::Unix(_) | Address::Far(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
    Far(Far),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "{}", path.display()),
            Address::Far(far) => far.fmt(f),
        }
    }
}

/// Whether one attempt uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    Never,
    IfOffered,
    Always,
}

impl Encryption {
    /// The attempts of a mode, in order. TLS is never spoken over a unix socket, as in libpq.
    fn attempts(mode: SslMode, address: &Address) -> &'static [Encryption] {
        match (address, mode) {
            (Address::Unix(_), _) | (_, SslMode::Disable) => &[Encryption::Never],
            (Address::Far(far), _) if far.is_unix() => &[Encryption::Never],
            (_, SslMode::Allow) => &[Encryption::Never, Encryption::Always],
            (_, SslMode::Prefer) => &[Encryption::IfOffered, Encryption::Never],
            _ => &[Encryption::Always],
        }
    }
}

/// The name that certificates are checked against, and the addresses it stands for now.
pub(super) async fn addresses(endpoint: &Endpoint) -> Result<(String, Vec<Address>), ConnectError> {
    match endpoint {
        Endpoint::Unix { path } => Ok((String::new(), vec![Address::Unix(path.clone())])),
        Endpoint::Tcp { host, port, address: Some(address) } => {
            Ok((host.clone(), vec![Address::Tcp((*address, *port).into())]))
        }
        Endpoint::Tcp { host, port, address: None } => {
            let not_found = |why: &str| {
                let message = format!("the address of '{host}' cannot be found{why}");
                ConnectError::new(Kind::Dns, "ENOTFOUND", message)
            };
            let found = tokio::net::lookup_host((host.as_str(), *port)).await;
            let found: Vec<_> =
                found.map_err(|e| not_found(&format!(": {e}")))?.map(Address::Tcp).collect();
            if found.is_empty() { Err(not_found("")) } else { Ok((host.clone(), found)) }
        }
    }
}

/// All attempts at one address: with and without TLS as the mode has it, and without the pins if
/// a pooler refuses them.
pub(super) async fn connect_address(
    target: &Target,
    roots: &TlsRoots,
    passwords: &Passwords,
    host: &str,
    address: Address,
) -> Result<Connected, ConnectError> {
    let mut peer = Peer { address, host: host.to_owned(), encrypted: false, local: None };
    let mut attempts = Encryption::attempts(target.ssl.mode, &peer.address).iter().peekable();
    // What was said over TLS tells more than that there is no entry for a plain connection.
    let mut over_tls = None;
    while let Some(&encryption) = attempts.next() {
        match attempt(target, roots, passwords, &mut peer, encryption).await {
            Err(error) if error.depends_on_encryption(peer.encrypted) => {
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
    let result = match target.connect_timeout {
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
        StartupFailure::Io(error) => tls_failure::explain(error, &target.ssl),
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
    peer.encrypted = false;
    let tcp = match &peer.address {
        Address::Tcp(address) => {
            let tcp = reach(target, address).await.map_err(|error| refused(error, peer))?;
            prepare(&tcp, target);
            peer.local = tcp.local_addr().ok();
            tcp
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            let unix = tokio::net::UnixStream::connect(path).await;
            let unix = unix.map_err(|error| refused(error, peer))?;
            return Ok(Stream::Unix(unix));
        }
        #[cfg(not(unix))]
        Address::Unix(_) => {
            let message = "there are no unix sockets on this system";
            return Err(ConnectError::new(Kind::Io, "ENOTSUP", message));
        }
        Address::Far(far) => {
            let far = far.clone();
            return far.open(target, encryption, &mut peer.encrypted).await;
        }
    };
    if encryption == Encryption::Never {
        return Ok(Stream::Tcp(tcp));
    }
    let mut tcp = tcp;
    if target.ssl.direct || agrees_on_tls(&mut tcp, encryption).await? {
        peer.encrypted = true;
        return encrypt(target, roots, &peer.host, tcp).await;
    }
    Ok(Stream::Tcp(tcp))
}

async fn reach(target: &Target, address: &SocketAddr) -> std::io::Result<TcpStream> {
    match target.patience(address) {
        None => TcpStream::connect(address).await,
        Some(limit) => tokio::time::timeout(limit, TcpStream::connect(address)).await?,
    }
}

fn refused(error: std::io::Error, peer: &Peer) -> ConnectError {
    ConnectError::from(error).connecting(&peer.address)
}

/// Whether TLS is spoken from here on; an error when it must be and the server has none.
pub(super) async fn agrees_on_tls(
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

/// Socket options. Systems and sandboxes without them still have a working connection, so that
/// a refusal is no error.
fn prepare(tcp: &TcpStream, target: &Target) {
    let _ = tcp.set_nodelay(true);
    let socket = SockRef::from(tcp);
    if let Some(keepalive) = &target.keepalive {
        let mut settings = TcpKeepalive::new().with_time(keepalive.idle);
        if let Some(interval) = keepalive.interval {
            settings = settings.with_interval(interval);
        }
        #[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
        if let Some(count) = keepalive.count {
            settings = settings.with_retries(count);
        }
        let _ = socket.set_tcp_keepalive(&settings);
    }
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(target.tcp_user_timeout);
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

/// The TLS handshake, on the blocking pool: its public-key work takes several 100 us, which the
/// engine's thread owes to other connections.
async fn encrypt(
    target: &Target,
    roots: &TlsRoots,
    host: &str,
    tcp: TcpStream,
) -> Result<Stream, ConnectError> {
    let unusable =
        |message: &str| ConnectError::new(Kind::Tls, "ERR_POLYPOOL_OPTION", message).fatal();
    let config = target.ssl.client_config(roots).map_err(|setup| unusable(setup.0))?;
    let name = match &target.ssl.servername {
        Some(name) => name.clone(),
        None => ServerName::try_from(host.to_owned())
            .map_err(|_| unusable("the host's name can stand in no certificate: option 'ssl.servername' gives another"))?,
    };
    let runtime = tokio::runtime::Handle::current();
    // Dropping this future drops `wanted`, and that ends the work on the other thread.
    let (wanted, unwanted) = tokio::sync::oneshot::channel::<()>();
    let work = spawn_blocking(move || {
        runtime.block_on(async {
            tokio::select! {
                result = TlsConnector::from(config).connect(name, tcp) => Some(result),
                _ = unwanted => None,
            }
        })
    });
    let result = work.await;
    drop(wanted);
    match result {
        // A server that ignores what it was asked to speak may be another than PostgreSQL's.
        Ok(Some(Ok(stream)))
            if target.ssl.direct && stream.get_ref().1.alpn_protocol() != Some(ALPN) =>
        {
            Err(tls_failure::no_direct_tls())
        }
        Ok(Some(Ok(stream))) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Some(Err(error))) => Err(tls_failure::explain(error, &target.ssl).before_tls()),
        Ok(None) | Err(_) => Err(ConnectError::new(Kind::Tls, "ECANCELED", "TLS was broken off")),
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
