//! One statement on its way: what was sent for it and which answers are still due.

use super::classify::Class;
use super::copy::Copying;
use super::error::ServerError;
use super::params::EncodeError;
use super::statements::{Prepared, Statement};
use super::types::Columns;
use crate::engine::session::Cells;
use crate::wire::param::ParamsBuf;
use std::rc::Rc;

/// The next answer that is due.
///
/// ```text
/// Parse -> Params -> Columns -> Bind -> Rows -> Ended      an ErrorResponse leads to Ended
///                       (known statement) ^ v ^
///                                    Suspended: a cursor between two fetches
/// Simple: results until ReadyForQuery   Sync: ReadyForQuery   Refused: nothing was sent
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Parse,
    Params,
    Columns,
    Bind,
    Rows,
    Suspended,
    Ended,
    Simple,
    Sync,
    Refused,
    /// The wire is JavaScript's: bytes pass, and nothing of it is due here.
    Wire,
    /// It was given back: its answers are read over up to that of an empty query.
    LeftWire,
}

pub(super) type Fault = crate::engine::waiting::Fault<ServerError, EncodeError>;

#[derive(Debug)]
pub(super) struct Pending {
    pub token: u64,
    pub stage: Stage,
    pub class: Class,
    /// Rows come in the formats of `result_formats`.
    pub binary: bool,
    /// The statement was known before: no Parse in this flight.
    pub reused: bool,
    pub retried: bool,
    /// Bind waits for the description; the flight ended in Flush, so a Sync is still owed.
    pub describing: bool,
    /// Nothing may be sent behind it before it is over.
    pub exclusive: bool,
    /// A lead with a Sync of its own: its error is that of all within it.
    pub guard: bool,
    /// Went out without a Sync: it ends with its own answer, and its error is its follower's too.
    pub lead: bool,
    pub copying: Copying,
    /// A cursor: rows that its first Execute asks for; 0 for other statements.
    pub fetch: u32,
    /// A cursor whose Sync was not sent yet.
    pub open: bool,
    /// A cursor whose portal is being closed: a CloseComplete is due.
    pub closing: bool,
    /// An error was reported.
    pub failed: bool,
    /// Part of a larger step: only its errors are reported.
    pub quiet: bool,
    pub prepared: Option<Rc<Prepared>>,
    /// Its parameters are too large for their buffer to be kept.
    pub large: bool,
    /// Kept while the statement may have to be encoded (again).
    pub params: ParamsBuf,
    /// Its portal is described and not the statement: Columns follows Bind.
    pub portal: bool,
    /// What becomes of its cells, where that is said at each execution.
    pub cells: Cells,
    /// Columns of the result under way, where the prepared statement does not have them.
    pub columns: Option<Rc<Columns>>,
    pub fault: Option<Box<Fault>>,
}

impl Pending {
    pub fn new(token: u64, stage: Stage, class: Class) -> Pending {
        Pending {
            token,
            stage,
            class,
            binary: false,
            reused: false,
            retried: false,
            describing: false,
            exclusive: false,
            lead: false,
            guard: false,
            copying: Copying::No,
            fetch: 0,
            open: false,
            closing: false,
            failed: false,
            quiet: false,
            large: false,
            portal: false,
            cells: Cells::Values,
            prepared: None,
            params: ParamsBuf::default(),
            columns: None,
            fault: None,
        }
    }

    /// Of the result under way.
    #[inline]
    pub fn result_columns(&self) -> Option<&Rc<Columns>> {
        self.columns.as_ref().or_else(|| self.prepared.as_ref()?.columns())
    }

    /// Whether somebody takes the bytes that come.
    pub fn passes_on(&self) -> bool {
        matches!(self.copying, Copying::Out { wanted: true } | Copying::Wire)
    }

    /// Whether what follows must wait with its encoding.
    pub fn holds(&self) -> bool {
        self.describing || self.exclusive
    }
}

pub(super) type Held = crate::engine::waiting::Held<Statement>;
