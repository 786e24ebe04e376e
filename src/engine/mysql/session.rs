//! A MySQL session without I/O, from the end of the login on: statements become bytes in
//! `outgoing`, received bytes become calls of a `Sink`.
//!
//! The server answers commands in order, whether they came one by one or together, and an error in
//! one leaves those behind it alone. The contract in one sentence: after every call, `receive`
//! included, what is in `outgoing` must be written.

use super::agreed::Agreed;
use super::classify::Class;
use super::error::ServerError;
use super::frame::{self, Reader};
use super::params::EncodeError;
use super::pending::{Fault, Held, Pending, Stage};
pub use super::sink::{Broken, Flow, Outcome, Sink};
use super::started::Started;
use super::statements::{Prepared, Statement, StatementCache};
use super::types::{Columns, TypeOptions};
use crate::core::options::Int8;
use crate::engine::waiting::{self, Spare, Task};
use bytes::{BufMut, BytesMut};
use mysql_common::constants::{Command, MariadbCapabilities, StatusFlags};
use std::collections::VecDeque;
use std::rc::Rc;

/// A row if the server is not the place to write. The variable is a word in some servers and a
/// number in others.
const PLACE: &str = "SELECT 1 FROM DUAL WHERE @@global.read_only NOT IN ('0', 'OFF') \
    OR @@global.innodb_read_only NOT IN ('0', 'OFF')";

#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// Prepared statements a connection may hold; 0 prepares every time.
    pub statement_cache: usize,
    pub int8: Int8,
    /// The database of the login: a reset goes back to it.
    pub database: Option<String>,
    /// What was run behind the login, and is run again behind a reset; may be empty.
    pub setup: String,
    /// The caller steers the session: each statement is a command as it made it.
    pub verbatim: bool,
}

/// One statement to run.
pub type Execute<'a> = waiting::Execute<'a, Statement>;

pub struct Session {
    pub(super) started: Started,
    pub(super) options: SessionOptions,
    pub(super) types: TypeOptions,
    pub(super) agreed: Agreed,
    pub(super) outgoing: BytesMut,
    pub(super) reader: Reader,
    pub(super) pending: VecDeque<Pending>,
    pub(super) held: VecDeque<Held>,
    pub(super) cache: StatementCache,
    /// As of the last OK.
    pub(super) status: u16,
    /// The default database may be another than that of the login.
    pub(super) moved: bool,
    pub(super) ordered: bool,
    /// The last guard has failed: nothing that was to run `within` it is sent.
    pub(super) guard_error: Option<ServerError>,
    /// Definitions of the result under way that are not those of `Pending::columns`; how many bytes
    /// of those have been as they were before.
    pub(super) definitions: Vec<u8>,
    pub(super) matched: usize,
    pub(super) spare: Spare,
    /// Columns of the last results of commands, the latest first.
    pub(super) shapes: VecDeque<Rc<Columns>>,
}

impl Session {
    pub fn new(started: Started, options: SessionOptions) -> Session {
        let theirs = MariadbCapabilities::from_bits_truncate(started.mariadb_capabilities);
        let extended = theirs.contains(MariadbCapabilities::MARIADB_CLIENT_EXTENDED_METADATA);
        let mut reader = Reader::of(started.capabilities);
        reader.expect(1);
        Session {
            types: TypeOptions { int8: options.int8, extended, reading: None },
            agreed: Agreed::of(&started),
            outgoing: BytesMut::with_capacity(4096),
            reader,
            pending: VecDeque::with_capacity(16),
            held: VecDeque::new(),
            cache: StatementCache::new(options.statement_cache),
            status: started.status.bits(),
            moved: false,
            ordered: true,
            guard_error: None,
            definitions: Vec::new(),
            matched: 0,
            spare: Spare::default(),
            shapes: VecDeque::new(),
            options,
            started,
        }
    }

    /// What the login brought.
    pub fn started(&self) -> &Started {
        &self.started
    }

    /// Whether statements in flight belong to one borrower and keep their order (the default).
    /// Only then a stale write is not run again behind others that were sent after it.
    pub fn keep_order(&mut self, ordered: bool) {
        self.ordered = ordered;
    }

    /// What must be written to the server.
    pub fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    /// Requests whose `ready` is due.
    pub fn in_flight(&self) -> usize {
        self.pending.len() + self.held.len()
    }

    /// As of the last OK: errors do not tell.
    pub fn in_transaction(&self) -> bool {
        self.status & StatusFlags::SERVER_STATUS_IN_TRANS.bits() != 0
    }

    /// Sends a statement. On an error nothing was queued.
    pub fn execute(&mut self, execute: Execute<'_>) -> Result<(), EncodeError> {
        if self.is_holding() && !self.goes_with_guard(&execute) {
            self.hold(execute, false);
            return Ok(());
        }
        self.encode(execute, false)
    }

    /// One round trip that asks for nothing.
    pub fn ping(&mut self, token: u64) {
        self.send(token, Task::Check);
    }

    /// Asks whether this is the place to write: see `PLACE`. One result, one `ready`.
    pub fn check_place(&mut self, token: u64) {
        self.send(token, Task::Place);
    }

    /// Brings the session back to how it was after connecting. One `ready`.
    pub fn reset(&mut self, token: u64) {
        self.send(token, Task::Reset);
    }

    fn send(&mut self, token: u64, task: Task<Statement>) {
        if self.is_holding() {
            self.held.push_back(Held { token, task });
        } else {
            self.perform(token, task);
        }
    }

    fn perform(&mut self, token: u64, task: Task<Statement>) {
        match task {
            Task::Check => self.send_plain(token, Command::COM_PING, b""),
            Task::Place => {
                self.write_command(Command::COM_QUERY, PLACE.as_bytes());
                self.push(Pending::new(token, Stage::Answer, Class::Read));
            }
            Task::Reset => self.send_reset(token),
            Task::Execute { statement, params, mode, retried } => {
                let (statement, params) = (&statement, params.get());
                let execute = Execute { token, statement, params, mode };
                let sent = match self.is_verbatim() {
                    true => self.send_command(execute),
                    false => self.encode(execute, retried),
                };
                if let Err(error) = sent {
                    self.refuse(token, Fault::Refused(error));
                }
            }
        }
    }

    /// The statements are forgotten, the variables what they are for a new session, and locks and
    /// transactions gone. The default database stays, so that is set again.
    fn send_reset(&mut self, token: u64) {
        self.cache.clear();
        let quiet = |session: &mut Session, command, argument: &[u8]| {
            session.send_plain(token, command, argument);
            if let Some(pending) = session.pending.back_mut() {
                (pending.quiet, pending.class) = (true, Class::Other);
            }
        };
        quiet(self, Command::COM_RESET_CONNECTION, b"");
        if std::mem::take(&mut self.moved) {
            match self.options.database.clone() {
                Some(database) => quiet(self, Command::COM_INIT_DB, database.as_bytes()),
                // There is no way back to no database.
                None => return self.refuse(token, Fault::Local(no_way_back())),
            }
        }
        if self.options.setup.is_empty() {
            if let Some(last) = self.pending.back_mut() {
                last.quiet = false;
            }
            return;
        }
        let setup = std::mem::take(&mut self.options.setup);
        self.send_plain(token, Command::COM_QUERY, setup.as_bytes());
        self.options.setup = setup;
    }

    /// The goodbye. In the middle of a file it would be taken for data.
    pub fn terminate(&mut self) {
        self.abandon_file();
        self.write_command(Command::COM_QUIT, b"");
    }

    pub(super) fn send_plain(&mut self, token: u64, command: Command, argument: &[u8]) {
        let sequence = self.write_command(command, argument);
        self.push(Pending { sequence, ..Pending::new(token, Stage::Plain, Class::Read) });
    }

    pub(super) fn push(&mut self, pending: Pending) {
        if self.pending.is_empty() {
            self.reader.expect(pending.sequence);
        }
        self.pending.push_back(pending);
    }

    /// Returns the number that the first packet of the answer will have.
    pub(super) fn write_command(&mut self, command: Command, argument: &[u8]) -> u8 {
        self.outgoing.reserve(argument.len() + frame::HEADER + 1);
        let mark = frame::begin(&mut self.outgoing);
        self.outgoing.put_u8(command as u8);
        self.outgoing.put_slice(argument);
        frame::end(&mut self.outgoing, mark, 0)
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty() || self.pending.back().is_some_and(Pending::holds)
    }

    pub(super) fn hold(&mut self, execute: Execute<'_>, retried: bool) {
        self.held.push_back(Held::execute(execute, &mut self.spare, retried));
    }

    /// Sends what was held, until one of them holds the rest. What cannot be encoded now takes its
    /// place in the queue and is reported in turn.
    pub(super) fn release_held(&mut self) {
        while !self.pending.back().is_some_and(Pending::holds) {
            let Some(Held { token, task }) = self.held.pop_front() else { return };
            self.perform(token, task);
        }
    }

    pub(super) fn refuse(&mut self, token: u64, fault: Fault) {
        let mut refused = Pending::new(token, Stage::Refused, Class::Read);
        refused.fault = Some(Box::new(fault));
        self.push(refused);
    }

    /// Takes back what an ended statement kept.
    pub(super) fn recycle(&mut self, pending: Pending) {
        self.spare.recycle(pending.params, pending.large);
        if let Some(prepared) = pending.prepared.filter(|prepared: &Rc<Prepared>| !prepared.kept) {
            self.cache.discard(prepared);
        }
    }
}

fn no_way_back() -> ServerError {
    let message = "the session has chosen a database, and there was none to go back to";
    ServerError::local(1046, "3D000", message)
}

#[cfg(test)]
#[path = "tests/session.rs"]
mod tests;
#[cfg(test)]
#[path = "tests/transcript.rs"]
pub(super) mod transcript;
