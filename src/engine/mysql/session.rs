//! A MySQL session without I/O, from the end of the login on: statements become bytes in
//! `outgoing`, received bytes become calls of a `Sink`.
//!
//! The server answers commands in order, whether they came one by one or together, and an error in
//! one leaves those behind it alone. The contract in one sentence: after every call, `receive`
//! included, what is in `outgoing` must be written.

use super::classify::Class;
use super::error::ServerError;
use super::frame::{self, BODY_MAX, Reader};
use super::infile::Copying;
use super::params::{EncodeError, write_params, wrong_count};
use super::pending::{Fault, Held, Pending, Stage, Task};
pub use super::sink::{Broken, Flow, Outcome, Sink};
use super::started::{Flavor, Started};
use super::statements::{Prepared, Statement, StatementCache};
use super::types::{Columns, TypeOptions};
use crate::core::options::Int8;
use crate::engine::session::Mode;
use crate::wire::param::{Params, ParamsBuf};
use bytes::{BufMut, BytesMut};
use mysql_common::constants::{
    CapabilityFlags, Command, CursorType, MariadbCapabilities, StatusFlags,
};
use std::collections::VecDeque;
use std::rc::Rc;

/// Parameter buffers kept for the next statement, and up to which size of packet.
const SPARE_BUFFERS: usize = 64;
const SPARE_SIZE_MAX: usize = 16 * 1024;

/// MariaDB: the statement that was prepared last.
const LAST_PREPARED: u32 = u32::MAX;

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
#[derive(Clone, Copy)]
pub struct Execute<'a> {
    /// Comes back with every event of this execution.
    pub token: u64,
    pub statement: &'a Rc<Statement>,
    pub params: Params<'a>,
    pub mode: Mode,
}

/// What both sides have agreed on, as far as the bytes depend on it.
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
    fn of(started: &Started) -> Agreed {
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
    spare: Vec<ParamsBuf>,
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
            spare: Vec::new(),
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
        if self.is_holding() {
            self.hold(execute, false);
            return Ok(());
        }
        self.encode(execute, false)
    }

    /// One round trip that asks for nothing.
    pub fn ping(&mut self, token: u64) {
        self.send(token, Task::Ping);
    }

    /// Asks whether this is the place to write: see `PLACE`. One result, one `ready`.
    pub fn check_place(&mut self, token: u64) {
        self.send(token, Task::Place);
    }

    /// Brings the session back to how it was after connecting. One `ready`.
    pub fn reset(&mut self, token: u64) {
        self.send(token, Task::Reset);
    }

    fn send(&mut self, token: u64, task: Task) {
        if self.is_holding() {
            self.held.push_back(Held { token, task });
        } else {
            self.perform(token, task);
        }
    }

    fn perform(&mut self, token: u64, task: Task) {
        match task {
            Task::Ping => self.send_plain(token, Command::COM_PING, b""),
            Task::Place => {
                self.write_command(Command::COM_QUERY, PLACE.as_bytes());
                self.pending.push_back(Pending::new(token, Stage::Answer, Class::Read));
            }
            Task::Reset => self.send_reset(token),
            Task::Execute { statement, params, mode, retried } => {
                let (statement, params) = (&statement, params.get());
                let execute = Execute { token, statement, params, mode };
                if let Err(error) = self.encode(execute, retried) {
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

    fn send_plain(&mut self, token: u64, command: Command, argument: &[u8]) {
        self.write_command(command, argument);
        self.pending.push_back(Pending::new(token, Stage::Plain, Class::Read));
    }

    fn write_command(&mut self, command: Command, argument: &[u8]) {
        self.outgoing.reserve(argument.len() + frame::HEADER + 1);
        let mark = frame::begin(&mut self.outgoing);
        self.outgoing.put_u8(command as u8);
        self.outgoing.put_slice(argument);
        frame::end(&mut self.outgoing, mark, 0);
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty() || self.pending.back().is_some_and(Pending::holds)
    }

    pub(super) fn hold(&mut self, execute: Execute<'_>, retried: bool) {
        let held = self.defer(execute, retried);
        self.held.push_back(held);
    }

    fn defer(&mut self, execute: Execute<'_>, retried: bool) -> Held {
        let Execute { token, statement, mode, .. } = execute;
        let params = self.keep(execute.params);
        let statement = statement.clone();
        Held { token, task: Task::Execute { statement, params, mode, retried } }
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
        self.pending.push_back(refused);
    }

    pub(super) fn encode(
        &mut self,
        execute: Execute<'_>,
        retried: bool,
    ) -> Result<(), EncodeError> {
        let Execute { token, statement, params, mode } = execute;
        match self.guard_error.clone() {
            Some(error) if mode.within => {
                self.skip(token, error);
                return Ok(());
            }
            Some(_) => self.guard_error = None,
            None => {}
        }
        if self.is_still_unknown(statement) {
            self.wait(execute, retried);
            return Ok(());
        }
        let mut pending = if params.is_empty() && (mode.simple || mode.fetch == 0) {
            self.encode_text(token, statement)?
        } else {
            self.encode_prepared(execute)?
        };
        pending.retried = retried;
        // A server cannot be told to skip a statement: what is within a transaction waits until it
        // is known to have begun.
        pending.guard = mode.guard || mode.lead;
        pending.exclusive = pending.guard || statement.class == Class::Copy || mode.fetch > 0;
        pending.copying = mode.copy.map_or(Copying::No, |_| Copying::Asked);
        self.moved |= statement.moves;
        self.pending.push_back(pending);
        Ok(())
    }

    /// It is being prepared, and so is another one behind it: only the number will tell the two
    /// apart.
    fn is_still_unknown(&mut self, statement: &Rc<Statement>) -> bool {
        let known = self.cache.find(statement);
        known.is_some_and(|known| known.id().is_none() && !self.cache.is_last(&known))
    }

    /// Holds a statement until what was sent is over. In front: it may have been held with others
    /// behind it.
    fn wait(&mut self, execute: Execute<'_>, retried: bool) {
        if let Some(last) = self.pending.back_mut() {
            last.exclusive = true;
        }
        let held = self.defer(execute, retried);
        self.held.push_front(held);
    }

    /// A statement that is not sent because its guard has failed. A round trip gives it its turn.
    fn skip(&mut self, token: u64, error: ServerError) {
        self.send_plain(token, Command::COM_PING, b"");
        if let Some(skipped) = self.pending.back_mut() {
            skipped.fault = Some(Box::new(Fault::Local(error)));
        }
    }

    fn encode_text(
        &mut self,
        token: u64,
        statement: &Rc<Statement>,
    ) -> Result<Pending, EncodeError> {
        check_length(statement.text.len())?;
        self.cache.write_closes(&mut self.outgoing);
        self.write_command(Command::COM_QUERY, statement.text.as_bytes());
        let mut pending = Pending::new(token, Stage::Answer, statement.class);
        pending.statement = Some(statement.clone());
        Ok(pending)
    }

    fn encode_prepared(&mut self, execute: Execute<'_>) -> Result<Pending, EncodeError> {
        let Execute { token, statement, params, mode } = execute;
        let mut pending = Pending::new(token, Stage::Answer, statement.class);
        pending.binary = true;
        pending.fetch = mode.fetch;
        pending.statement = Some(statement.clone());
        let mark = self.outgoing.len();
        if let Some(known) = self.cache.find(statement) {
            pending.reused = true;
            // In the flight that prepares it, it has no number yet, and is the last one.
            let (id, wanted) = match known.id() {
                Some(id) => (id, known.params()),
                None => (LAST_PREPARED, statement.placeholders.unwrap_or(0)),
            };
            if wanted != params.len() {
                return Err(wrong_count(wanted, params.len()));
            }
            self.write_execute(id, params, mode.fetch)?;
            pending.large = self.outgoing.len() - mark > SPARE_SIZE_MAX;
            pending.params = self.keep(params);
            pending.prepared = Some(known);
            return Ok(pending);
        }
        check_length(statement.text.len())?;
        let prepared = self.cache.prepare(statement);
        self.cache.write_closes(&mut self.outgoing);
        let mark = self.outgoing.len();
        self.write_command(Command::COM_STMT_PREPARE, statement.text.as_bytes());
        pending.stage = Stage::Prepare;
        pending.preparing = true;
        // A wrong number of parameters would make a flight that the server cannot read.
        if self.agreed.direct && statement.placeholders == Some(params.len()) {
            if let Err(error) = self.write_execute(LAST_PREPARED, params, mode.fetch) {
                self.outgoing.truncate(mark);
                self.cache.forget(&prepared);
                return Err(error);
            }
            pending.preparing = false;
        } else {
            pending.params = self.keep(params);
        }
        pending.prepared = Some(prepared);
        Ok(pending)
    }

    /// Appends an EXECUTE; on an error nothing.
    pub(super) fn write_execute(
        &mut self,
        id: u32,
        params: Params<'_>,
        fetch: u32,
    ) -> Result<(), EncodeError> {
        let cursor = match fetch {
            0 => CursorType::CURSOR_TYPE_NO_CURSOR,
            _ => CursorType::CURSOR_TYPE_READ_ONLY,
        };
        let out = &mut self.outgoing;
        out.reserve(32 + 16 * params.len());
        let mark = frame::begin(out);
        out.put_u8(Command::COM_STMT_EXECUTE as u8);
        out.put_u32_le(id);
        out.put_u8(cursor.bits());
        // How often.
        out.put_u32_le(1);
        let written = write_params(out, params).and_then(|()| check_length(out.len() - mark));
        if let Err(error) = written {
            out.truncate(mark);
            return Err(error);
        }
        frame::end(out, mark, 0);
        Ok(())
    }

    /// A copy of the parameters in a buffer used before.
    fn keep(&mut self, params: Params<'_>) -> ParamsBuf {
        if params.is_empty() {
            return ParamsBuf::default();
        }
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.set(params);
        buffer
    }

    /// Takes back what an ended statement kept; large buffers are not worth keeping.
    pub(super) fn recycle(&mut self, pending: Pending) {
        let used = !pending.params.get().is_empty();
        if used && !pending.large && self.spare.len() < SPARE_BUFFERS {
            self.spare.push(pending.params);
        }
        if let Some(prepared) = pending.prepared.filter(|prepared: &Rc<Prepared>| !prepared.kept) {
            self.cache.discard(prepared);
        }
    }
}

pub(super) fn check_length(length: usize) -> Result<(), EncodeError> {
    if length < BODY_MAX {
        return Ok(());
    }
    Err(EncodeError::of_statement("the statement with its parameters exceeds 1 GiB"))
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
