//! Addresses that JavaScript connects to: option `stream`, and TLS with options rustls lacks.

use super::address::{Address, Endpoint};
use super::route::{Keepalive, Route};
use super::tls::{Ssl, SslMode};
use crate::engine::bridge::{Bridge, Bridges};
use serde_json::{Map, Value, json};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// An endpoint as it is named: JavaScript, or the far end of its tunnel, looks the name up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Far {
    bridges: Bridges,
    endpoint: Endpoint,
}

impl Far {
    pub fn addresses(bridges: &Bridges, endpoint: &Endpoint) -> (String, Vec<Address>) {
        let host = match endpoint {
            Endpoint::Tcp { host, .. } => host.clone(),
            Endpoint::Unix { .. } => String::new(),
        };
        let far = Far { bridges: bridges.clone(), endpoint: endpoint.clone() };
        (host, vec![Address::Far(far)])
    }

    pub fn is_unix(&self) -> bool {
        self.socket().is_some()
    }

    pub fn socket(&self) -> Option<&PathBuf> {
        match &self.endpoint {
            Endpoint::Unix { path } => Some(path),
            Endpoint::Tcp { .. } => None,
        }
    }

    /// 0 for a unix socket, whose name holds it.
    pub fn port(&self) -> u16 {
        match self.endpoint {
            Endpoint::Tcp { port, .. } => port,
            Endpoint::Unix { .. } => 0,
        }
    }

    pub(super) async fn open(&self, route: &Route) -> io::Result<Bridge> {
        self.bridges.open(self.place(route.keepalive.as_ref())).await
    }

    fn place(&self, keepalive: Option<&Keepalive>) -> Value {
        let keepalive_ms = keepalive.map(|it| it.idle.as_millis() as u64);
        match &self.endpoint {
            Endpoint::Tcp { host, port, address } => {
                let host = address.map_or_else(|| host.clone(), |address| address.to_string());
                json!({ "host": host, "port": port, "keepAliveMs": keepalive_ms })
            }
            Endpoint::Unix { path } => {
                // Back to what the options said: the folder, and the port in the socket's name.
                let folder = path.parent().unwrap_or(path).to_string_lossy();
                let port = path.extension().and_then(|port| port.to_str()?.parse::<u16>().ok());
                json!({ "host": folder, "port": port, "path": path.to_string_lossy() })
            }
        }
    }

    /// How strict Node has to be: as rustls would be.
    pub(super) fn security(&self, ssl: &Ssl) -> Value {
        let verify = match ssl.mode {
            SslMode::VerifyFull => "full",
            SslMode::VerifyCa => "ca",
            _ => "none",
        };
        let files = ssl.files.iter();
        let files: Map<String, Value> =
            files.map(|(field, path)| ((*field).to_owned(), path.clone().into())).collect();
        let host = match &self.endpoint {
            Endpoint::Tcp { host, .. } => host,
            Endpoint::Unix { .. } => "",
        };
        let alpn = ssl.direct.then(|| String::from_utf8_lossy(ssl.dialect.alpn));
        json!({ "host": host, "verify": verify, "files": files, "alpn": alpn })
    }
}

impl fmt::Display for Far {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)
    }
}
