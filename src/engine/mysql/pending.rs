//! One statement on its way: what was sent for it and which answers are still due.

use super::classify::Class;
use super::error::ServerError;
use super::infile::Copying;
use super::params::EncodeError;
use super::statements::{Prepared, Statement};
use super::types::{Columns, Reading};
use crate::wire::param::ParamsBuf;
use std::rc::Rc;

/// The next answer that is due.
///
/// ```text
/// Prepare -> ParamDefinitions -> ParamEnd -> ColumnDefinitions -> ColumnEnd -> Answer
///    | (an EXECUTE is in the same flight) -> Skipped: its answer means nothing
/// Answer -> Columns -> ColumnsEnd -> Rows -> over, or Answer of the next result
///    |                    |  (a cursor)  ^ -> Suspended -> Rows, or Closing
///    |                    \--------------|
///    \-> over, or Answer once more: it asked for a file
/// Plain: OK     Refused: nothing was sent     Login: OK, or Login once more: it asks for a proof
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Prepare,
    ParamDefinitions,
    ParamEnd,
    ColumnDefinitions,
    ColumnEnd,
    Skipped,
    Answer,
    Columns,
    ColumnsEnd,
    Rows,
    /// A cursor between two fetches.
    Suspended,
    /// A cursor that was left.
    Closing,
    Plain,
    Login,
    Refused,
}

pub(super) type Fault = crate::engine::waiting::Fault<ServerError, EncodeError>;

#[derive(Debug)]
pub(super) struct Pending {
    pub token: u64,
    pub stage: Stage,
    /// Number of the answer's first packet: behind those of the command, and of the EXECUTE that
    /// follows a PREPARE.
    pub sequence: u8,
    pub later_sequence: u8,
    pub class: Class,
    /// Rows come in the binary form.
    pub binary: bool,
    /// The statement was prepared before: no PREPARE in this flight.
    pub reused: bool,
    pub retried: bool,
    /// EXECUTE waits for the answer to PREPARE.
    pub preparing: bool,
    /// Nothing may be sent behind it before it is over.
    pub exclusive: bool,
    /// Its error is that of all within it.
    pub guard: bool,
    /// It runs in a transaction that must not have been undone.
    pub within: bool,
    /// An error was reported.
    pub failed: bool,
    /// Part of a larger step: only its errors are reported.
    pub quiet: bool,
    pub copying: Copying,
    /// A command of the caller's: how its results are read.
    pub reading: Option<Reading>,
    /// A cursor: rows of its first fetch; 0 for other statements.
    pub fetch: u32,
    /// Its first rows were asked for.
    pub fetched: bool,
    /// Definitions still due, and those whose columns come behind the parameters'.
    pub definitions: u32,
    pub later_definitions: u16,
    /// Results that have ended, and rows of the one under way.
    pub results: usize,
    pub rows: u64,
    pub statement: Option<Rc<Statement>>,
    pub prepared: Option<Rc<Prepared>>,
    /// Kept while the statement may have to be encoded (again).
    pub params: ParamsBuf,
    /// Its parameters are too large for their buffer to be kept.
    pub large: bool,
    /// Of the result under way. While its definitions come: what they may prove to be.
    pub columns: Option<Rc<Columns>>,
    pub fault: Option<Box<Fault>>,
}

impl Pending {
    pub fn new(token: u64, stage: Stage, class: Class) -> Pending {
        Pending {
            token,
            stage,
            sequence: 1,
            later_sequence: 1,
            class,
            binary: false,
            reused: false,
            retried: false,
            preparing: false,
            exclusive: false,
            guard: false,
            within: false,
            failed: false,
            quiet: false,
            copying: Copying::No,
            reading: None,
            fetch: 0,
            fetched: false,
            definitions: 0,
            later_definitions: 0,
            results: 0,
            rows: 0,
            statement: None,
            prepared: None,
            params: ParamsBuf::default(),
            large: false,
            columns: None,
            fault: None,
        }
    }

    /// Whether what follows must wait.
    pub fn holds(&self) -> bool {
        self.preparing || self.exclusive
    }
}

pub(super) type Held = crate::engine::waiting::Held<Statement>;
