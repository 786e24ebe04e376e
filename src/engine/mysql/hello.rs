//! The server's hello: what it is, what it offers, and what of that a session takes.

use super::started::{Flavor, Started};
use super::startup::{Login, StartupError, foreign, protocol};
use mysql_common::constants::{CapabilityFlags, MariadbCapabilities};
use mysql_common::io::ParseBuf;
use mysql_common::packets::HandshakePacket;
use mysql_common::proto::MyDeserialize;

/// utf8mb4_general_ci: every server since 5.5.3 has it.
pub const COLLATION: u16 = 45;

/// The collation of a login that names none is utf8mb4's.
pub(super) const ALWAYS: CapabilityFlags = CapabilityFlags::CLIENT_LONG_PASSWORD
    .union(CapabilityFlags::CLIENT_LONG_FLAG)
    .union(CapabilityFlags::CLIENT_PROTOCOL_41)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PS_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(CapabilityFlags::CLIENT_CONNECT_ATTRS)
    .union(CapabilityFlags::CLIENT_SESSION_TRACK)
    .union(CapabilityFlags::CLIENT_DEPRECATE_EOF);

pub(super) const MARIADB: MariadbCapabilities =
    MariadbCapabilities::MARIADB_CLIENT_EXTENDED_METADATA
        .union(MariadbCapabilities::MARIADB_CLIENT_CACHE_METADATA)
        .union(MariadbCapabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS);

/// What no server may lack: each has had them since 5.6 and 10.0.
const NEEDED: CapabilityFlags = CapabilityFlags::CLIENT_PROTOCOL_41
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    Off,
    /// The better of those that the server has, none where it has none.
    Any,
    Zlib,
    Zstd,
}

/// zstd's own default.
pub const ZSTD_LEVEL: u8 = 3;

/// Of the hello, what is of use later.
pub(super) struct Hello {
    pub started: Started,
    pub offered: CapabilityFlags,
    pub plugin: String,
    pub nonce: Vec<u8>,
}

impl Hello {
    pub fn read(body: &[u8], login: &Login<'_>) -> Result<Hello, StartupError> {
        check(body)?;
        let packet =
            HandshakePacket::deserialize((), &mut ParseBuf(body)).map_err(|_| foreign())?;
        let offered = packet.capabilities();
        if !offered.contains(NEEDED) {
            return Err(protocol("the server is older than MySQL 5.6 and MariaDB 10"));
        }
        let version = packet.server_version_str();
        let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
        // MariaDB hid its own number from replicas that took it for a protocol's.
        let version = version.strip_prefix("5.5.5-").filter(|_| is_mariadb).unwrap_or(&version);
        // Who has MariaDB's own capabilities says so by not being "MySQL", as that bit came to mean.
        let extended = !offered.contains(CapabilityFlags::CLIENT_LONG_PASSWORD);
        let mariadb = match extended {
            true => (packet.mariadb_ext_capabilities() & wanted_of_mariadb(login)).bits(),
            false => 0,
        };
        let always = if login.exact { CapabilityFlags::empty() } else { ALWAYS };
        let wanted = always | login.flags | compression(login.compression, offered)?;
        let mut capabilities = wanted & offered;
        capabilities.set(CapabilityFlags::CLIENT_CONNECT_WITH_DB, login.database.is_some());
        let plugin = packet.auth_plugin_name_str().unwrap_or_default().into_owned();
        Ok(Hello {
            nonce: packet.nonce(),
            offered,
            plugin,
            started: Started {
                connection_id: packet.connection_id(),
                version: version.to_owned(),
                flavor: if is_mariadb || extended { Flavor::MariaDb } else { Flavor::MySql },
                capabilities,
                mariadb_capabilities: mariadb,
                collation: u16::from(login.collation),
                status: packet.status_flags(),
                auth_plugin: String::new(),
                parameters: Vec::new(),
                sequence: 1,
                hello: if login.exact { body.to_vec() } else { Vec::new() },
            },
        })
    }
}

/// Who steers a session is told of what stands behind a type, and of nothing else.
fn wanted_of_mariadb(login: &Login<'_>) -> MariadbCapabilities {
    if login.exact { MariadbCapabilities::MARIADB_CLIENT_EXTENDED_METADATA } else { MARIADB }
}

/// The crate takes the length of the challenge for a small number; whose it is not would overflow.
fn check(body: &[u8]) -> Result<(), StartupError> {
    /// From behind the version's NUL.
    const LENGTH_AT: usize = 20;
    const LENGTH_MAX: u8 = 64;
    let end = body.iter().position(|&byte| byte == 0).ok_or_else(foreign)?;
    match body.get(end + 1 + LENGTH_AT) {
        Some(&length) if length <= LENGTH_MAX => Ok(()),
        _ => Err(foreign()),
    }
}

pub(super) fn compression(
    wanted: Compression,
    offered: CapabilityFlags,
) -> Result<CapabilityFlags, StartupError> {
    let (zlib, zstd) =
        (CapabilityFlags::CLIENT_COMPRESS, CapabilityFlags::CLIENT_ZSTD_COMPRESSION_ALGORITHM);
    let missing = |name| Err(StartupError::Compression(name));
    match wanted {
        Compression::Off => Ok(CapabilityFlags::empty()),
        Compression::Any if offered.contains(zstd) => Ok(zstd),
        Compression::Any => Ok(zlib),
        Compression::Zlib if !offered.contains(zlib) => missing("zlib"),
        Compression::Zlib => Ok(zlib),
        Compression::Zstd if !offered.contains(zstd) => missing("zstd"),
        Compression::Zstd => Ok(zstd),
    }
}
