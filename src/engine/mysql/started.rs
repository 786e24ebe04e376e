//! What the handshake leaves to the session.

use mysql_common::constants::{CapabilityFlags, StatusFlags};

/// Whose server it is: the two answer alike, but for what each has added since they parted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavor {
    #[default]
    MySql,
    MariaDb,
}

/// A connection whose login is over.
#[derive(Clone, Debug)]
pub struct Started {
    pub connection_id: u32,
    pub version: String,
    pub flavor: Flavor,
    /// Agreed on by both sides.
    pub capabilities: CapabilityFlags,
    /// MariaDB's own, agreed on by both sides.
    pub mariadb_capabilities: u32,
    pub collation: u16,
    pub status: StatusFlags,
    pub auth_plugin: String,
    /// Session variables told in the last OK.
    pub parameters: Vec<(String, String)>,
}
