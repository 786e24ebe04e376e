//! Options `host`, `port` and `socketPath`: where servers may listen, and the way there.

use super::address::Endpoint;
use super::given::{Given, MS_MAX, shown, whole};
use super::route::{Route, read_bridged, read_keepalive, read_user_timeout};
use super::tls::Ssl;
use crate::core::error::OptionError;
use crate::core::options::Value;
use std::path::PathBuf;
use std::time::Duration;

/// The way to such servers; `ssl` reads what the protocol calls TLS's options.
pub fn read_route(
    given: &Given,
    port: u16,
    ssl: impl FnOnce(&Given) -> Result<Ssl, OptionError>,
) -> Result<Route, OptionError> {
    Ok(Route {
        endpoints: read_endpoints(given, port)?,
        shuffles: given.text("load_balance_hosts")? == Some("random"),
        ssl: ssl(given)?,
        connect_timeout: None,
        keepalive: read_keepalive(given)?,
        tcp_user_timeout: read_user_timeout(given)?,
        attempt_timeout: given.whole("attemptTimeoutMs", 1, MS_MAX)?.map(Duration::from_millis),
        bridged: read_bridged(given)?,
    })
}

/// Hosts and ports are lists with commas: one port for all, or one for each. A path is a socket's.
fn read_endpoints(given: &Given, default: u16) -> Result<Vec<Endpoint>, OptionError> {
    let socket = given.text("socketPath")?.filter(|path| !path.is_empty());
    let rank = |key| given.ranked(key).map_or(usize::MAX, |(rank, _)| rank);
    if let Some(path) = socket.filter(|_| rank("host") >= rank("socketPath")) {
        return Ok(vec![Endpoint::Unix { path: PathBuf::from(path) }]);
    }
    let hosts: Vec<_> = given.text("host")?.unwrap_or("localhost").split(',').collect();
    let ports = ports(given, default)?;
    if ports.len() != 1 && ports.len() != hosts.len() {
        let expected = format!("one port or as many as there are hosts ({})", hosts.len());
        return Err(OptionError::bound("port", &expected, &ports.len().to_string()));
    }
    let all = hosts.into_iter().zip(ports.iter().cycle());
    Ok(all.map(|(host, &port)| endpoint(host.trim(), port)).collect())
}

fn endpoint(host: &str, port: u16) -> Endpoint {
    match host {
        "" => Endpoint::Tcp { host: "localhost".to_owned(), port, address: None },
        path if path.starts_with('/') => Endpoint::Unix { path: PathBuf::from(path) },
        host => Endpoint::Tcp { host: host.to_owned(), port, address: None },
    }
}

fn ports(given: &Given, default: u16) -> Result<Vec<u16>, OptionError> {
    let Some((_, value)) = given.ranked("port") else { return Ok(vec![default]) };
    let ports: Option<Vec<u16>> = match value {
        Value::Text(text) => text.split(',').map(|port| port.trim().parse().ok()).collect(),
        other => whole(other).and_then(|port| u16::try_from(port).ok()).map(|port| vec![port]),
    };
    ports
        .filter(|ports| !ports.contains(&0))
        .ok_or_else(|| OptionError::bound("port", "an integer from 1 to 65535", &shown(value)))
}
