//! Opens a transport in clear, and puts TLS on one.

use super::address::{Address, Peer};
use super::failure::{ConnectError, Kind};
use super::route::Route;
use super::tls::TlsRoots;
use super::tls_failure;
use crate::engine::stream::Stream;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;

/// A transport that is not encrypted yet; `peer` learns which end of it is ours.
pub async fn reach(route: &Route, peer: &mut Peer) -> Result<Stream, ConnectError> {
    peer.encrypted = false;
    match &peer.address {
        Address::Tcp(address) => {
            let tcp = dial(route, address).await.map_err(|error| refused(error, peer))?;
            prepare(&tcp, route);
            peer.local = tcp.local_addr().ok();
            Ok(Stream::Tcp(tcp))
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            let unix = tokio::net::UnixStream::connect(path).await;
            Ok(Stream::Unix(unix.map_err(|error| refused(error, peer))?))
        }
        #[cfg(not(unix))]
        Address::Unix(_) => {
            let message = "there are no unix sockets on this system";
            Err(ConnectError::new(Kind::Io, "ENOTSUP", message))
        }
        Address::Far(far) => Ok(Stream::Bridge(far.open(route).await?)),
    }
}

/// The same transport, encrypted. What the server has said in clear must have been read.
pub async fn secure(
    route: &Route,
    roots: &TlsRoots,
    peer: &mut Peer,
    stream: Stream,
) -> Result<Stream, ConnectError> {
    peer.encrypted = true;
    match (stream, &peer.address) {
        (Stream::Tcp(tcp), _) => encrypt(route, roots, &peer.host, tcp).await,
        (Stream::Bridge(mut bridge), Address::Far(far)) => {
            bridge.secure(far.security(&route.ssl)).await?;
            Ok(Stream::Bridge(bridge))
        }
        _ => Err(ConnectError::new(Kind::Tls, "ERR_TLS", "TLS is not spoken over this transport")),
    }
}

async fn dial(route: &Route, address: &SocketAddr) -> std::io::Result<TcpStream> {
    match route.patience(address) {
        None => TcpStream::connect(address).await,
        Some(limit) => tokio::time::timeout(limit, TcpStream::connect(address)).await?,
    }
}

fn refused(error: std::io::Error, peer: &Peer) -> ConnectError {
    ConnectError::from(error).connecting(&peer.address)
}

/// Socket options. Systems and sandboxes without them still have a working connection, so that
/// a refusal is no error.
fn prepare(tcp: &TcpStream, route: &Route) {
    let _ = tcp.set_nodelay(true);
    let socket = SockRef::from(tcp);
    if let Some(keepalive) = &route.keepalive {
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
    let _ = socket.set_tcp_user_timeout(route.tcp_user_timeout);
}

/// The TLS handshake, on the blocking pool: its public-key work takes several 100 us, which the
/// engine's thread owes to other connections.
async fn encrypt(
    route: &Route,
    roots: &TlsRoots,
    host: &str,
    tcp: TcpStream,
) -> Result<Stream, ConnectError> {
    let ssl = &route.ssl;
    let unusable =
        |message: &str| ConnectError::new(Kind::Tls, "ERR_POLYPOOL_OPTION", message).fatal();
    let config = ssl.client_config(roots).map_err(|setup| unusable(&setup.0))?;
    let name = match &ssl.servername {
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
        // A server that ignores what it was asked to speak may be another than the protocol's.
        Ok(Some(Ok(stream)))
            if ssl.direct && stream.get_ref().1.alpn_protocol() != Some(ssl.dialect.alpn) =>
        {
            Err(tls_failure::no_direct_tls(ssl))
        }
        Ok(Some(Ok(stream))) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Some(Err(error))) => Err(tls_failure::explain(error, ssl).before_tls()),
        Ok(None) | Err(_) => Err(ConnectError::new(Kind::Tls, "ECANCELED", "TLS was broken off")),
    }
}
