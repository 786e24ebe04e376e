//! Where a server may listen, and where one was reached.

use super::failure::{ConnectError, Kind};
use super::far::Far;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// One place where a server may listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Tcp {
        host: String,
        port: u16,
        /// `hostaddr`: then the name is for certificates only.
        address: Option<IpAddr>,
    },
    /// The socket itself, not its directory.
    Unix { path: PathBuf },
}

impl Endpoint {
    /// A unix socket or a loopback address by its usual names; looks nothing up.
    pub fn is_local(&self) -> bool {
        match self {
            Endpoint::Unix { .. } => true,
            Endpoint::Tcp { host, address, .. } => match address.or(host.parse().ok()) {
                Some(address) => address.is_loopback(),
                None => host == "localhost",
            },
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp { host, port, .. } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Endpoint::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Endpoint::Unix { path } => write!(f, "{}", path.display()),
        }
    }
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
    pub fn at(address: Address, host: &str) -> Peer {
        Peer { address, host: host.to_owned(), encrypted: false, local: None }
    }

    /// Both ends of a TCP connection, this one first: address and port.
    pub fn ends(&self) -> [Option<(String, u16)>; 2] {
        [self.local, self.remote()]
            .map(|end| end.map(|address| (address.ip().to_string(), address.port())))
    }

    /// The engine's own transport: it can make another one like it.
    pub fn is_near(&self) -> bool {
        !matches!(self.address, Address::Far(_))
    }

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

impl Address {
    /// Whatever is sent there stays on its machine, as far as can be told.
    pub fn is_unix(&self) -> bool {
        match self {
            Address::Tcp(_) => false,
            Address::Unix(_) => true,
            Address::Far(far) => far.is_unix(),
        }
    }
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

/// The name that certificates are checked against, and the addresses it stands for now.
pub async fn addresses(endpoint: &Endpoint) -> Result<(String, Vec<Address>), ConnectError> {
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
