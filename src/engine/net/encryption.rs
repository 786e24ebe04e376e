//! Whether an attempt to connect uses TLS.

use super::address::{Address, Peer};
use super::tls::SslMode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    Never,
    IfOffered,
    Always,
}

impl Encryption {
    /// The attempts of a mode, in order. TLS is not spoken over a unix socket: nothing leaves the
    /// machine.
    pub fn attempts(mode: SslMode, address: &Address) -> &'static [Encryption] {
        match mode {
            _ if address.is_unix() => &[Encryption::Never],
            SslMode::Disable => &[Encryption::Never],
            SslMode::Allow => &[Encryption::Never, Encryption::Always],
            SslMode::Prefer => &[Encryption::IfOffered, Encryption::Never],
            _ => &[Encryption::Always],
        }
    }

    /// That of a side connection.
    pub fn of(peer: &Peer) -> Encryption {
        if peer.encrypted { Encryption::Always } else { Encryption::Never }
    }
}
