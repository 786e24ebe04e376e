//! The way to a server, whatever is spoken there: hosts, bounds, socket options, TLS.

use super::address::Endpoint;
use super::given::{Given, MS_MAX, shown};
use super::tls::Ssl;
use crate::core::error::OptionError;
use crate::core::options::Value;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    pub idle: Duration,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
}

pub struct Route {
    /// Tried in turn; never empty.
    pub endpoints: Vec<Endpoint>,
    /// Hosts, and the addresses of each, in random order.
    pub shuffles: bool,
    pub ssl: Ssl,
    /// A bound on one address, apart from the pool's `connectTimeoutMs` over all.
    pub connect_timeout: Option<Duration>,
    pub keepalive: Option<Keepalive>,
    pub tcp_user_timeout: Option<Duration>,
    /// How long the system may take to reach an address that is not the last one, as Node has it.
    pub attempt_timeout: Option<Duration>,
    /// Transports are made by JavaScript: option `stream`, or TLS that rustls has no options for.
    pub bridged: bool,
}

impl Route {
    /// The server runs on this machine, as far as the options tell.
    pub fn is_local(&self) -> bool {
        !self.bridged && self.endpoints.iter().all(Endpoint::is_local)
    }

    /// How long to try this address, when there is another to be tried after it.
    pub fn patience(&self, tried: &SocketAddr) -> Option<Duration> {
        let is_last = match self.endpoints.last() {
            Some(Endpoint::Tcp { address: Some(last), port, .. }) => {
                (*last, *port) == (tried.ip(), tried.port())
            }
            _ => true,
        };
        self.attempt_timeout.filter(|_| !is_last)
    }
}

pub fn read_bridged(given: &Given) -> Result<bool, OptionError> {
    match given.ranked("stream") {
        None => Ok(false),
        Some((_, Value::Function)) => Ok(true),
        Some((_, value)) => {
            let expected = "a function that makes a Duplex for each connection";
            Err(OptionError::bound("stream", expected, &shown(value)))
        }
    }
}

pub fn read_keepalive(given: &Given) -> Result<Option<Keepalive>, OptionError> {
    let keepalive = Keepalive {
        // The system's two hours are longer than what firewalls and load balancers remember.
        idle: given.seconds("keepalives_idle")?.unwrap_or(Duration::from_secs(60)),
        interval: given.seconds("keepalives_interval")?,
        count: given.whole("keepalives_count", 0, 127)?.map(|n| n as u32).filter(|&n| n > 0),
    };
    Ok(given.flag("keepalive")?.unwrap_or(true).then_some(keepalive))
}

/// 0 is "no bound"; half a minute without the option.
pub fn read_user_timeout(given: &Given) -> Result<Option<Duration>, OptionError> {
    Ok(match given.whole("tcpUserTimeoutMs", 0, MS_MAX)? {
        None => Some(Duration::from_secs(30)),
        Some(ms) => Some(ms).filter(|&ms| ms > 0).map(Duration::from_millis),
    })
}
