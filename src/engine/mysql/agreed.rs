//! What both sides have agreed on, as far as the bytes of a session depend on it.

use super::started::{Flavor, Started};
use mysql_common::constants::{CapabilityFlags, MariadbCapabilities};

#[derive(Clone, Copy, Debug)]
pub(super) struct Agreed {
    /// Results end in an OK, and nothing ends their columns.
    pub no_eof: bool,
    /// Changes of the session are told.
    pub tracked: bool,
    /// Columns may be left out where they are known.
    pub cached: bool,
    /// A statement can be executed in the flight that prepares it.
    pub direct: bool,
    /// The text of a query comes behind its attributes.
    pub attributes: bool,
}

impl Agreed {
    pub fn of(started: &Started) -> Agreed {
        let has = |flag| started.capabilities.contains(flag);
        let theirs = MariadbCapabilities::from_bits_truncate(started.mariadb_capabilities);
        let maria = started.flavor == Flavor::MariaDb;
        Agreed {
            no_eof: has(CapabilityFlags::CLIENT_DEPRECATE_EOF),
            tracked: has(CapabilityFlags::CLIENT_SESSION_TRACK),
            attributes: has(CapabilityFlags::CLIENT_QUERY_ATTRIBUTES),
            cached: theirs.contains(MariadbCapabilities::MARIADB_CLIENT_CACHE_METADATA),
            // Both came with the same release.
            direct: maria
                && theirs.contains(MariadbCapabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS),
        }
    }
}
