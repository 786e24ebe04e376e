//! One command on its way.

use super::classify::Family;
use super::error::ServerError;
use super::value::{Texts, write_head};
use crate::wire::chunk::Chunk;
use crate::wire::record::value as tag;

pub(super) struct Pending {
    pub token: u64,
    pub what: What,
    pub texts: Texts,
    pub dirties: bool,
    pub blocks: bool,
}

/// What it is answered with.
pub(super) enum What {
    One,
    /// So many replies are due yet; those that have come.
    Batch {
        left: u32,
        values: Box<Chunk>,
    },
    /// So many replies ahead of that to EXEC; what was refused first.
    Transaction {
        left: u32,
        cause: Option<Box<ServerError>>,
    },
    /// So many confirmations.
    Subscribe {
        family: Family,
        left: u32,
    },
    /// As many as there are subscriptions then, where it names none.
    Unsubscribe {
        family: Family,
        left: Option<u32>,
    },
    Hello,
    Reset,
    Monitor,
    /// The session's own.
    Check,
    Place,
    /// A part of a reset; of a lenient one nothing is asked.
    Setup {
        last: bool,
        lenient: bool,
    },
    /// A part of a reset behind one that failed.
    Failed {
        last: bool,
        error: Box<ServerError>,
    },
}

impl What {
    pub fn batch(left: u32) -> What {
        let mut values: Box<Chunk> = Box::default();
        write_head(&mut values, tag::ARRAY, left);
        What::Batch { left, values }
    }
}

impl Pending {
    pub fn new(token: u64, what: What) -> Pending {
        Pending { token, what, texts: Texts::Strings, dirties: false, blocks: false }
    }
}
