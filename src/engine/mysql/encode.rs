//! Statements into commands: COM_QUERY without parameters, PREPARE and EXECUTE with them.

use super::classify::Class;
use super::error::ServerError;
use super::frame::{self, BODY_MAX};
use super::infile::Copying;
use super::params::{EncodeError, write_params, wrong_count};
use super::pending::{Fault, Held, Pending, Stage};
use super::session::{Execute, Session};
use super::statements::{Prepared, Statement};
use crate::engine::session::Mode;
use crate::engine::waiting::SPARE_SIZE_MAX;
use crate::wire::param::Params;
use bytes::BufMut;
use mysql_common::constants::{Command, CursorType};
use std::rc::Rc;

/// MariaDB: the statement that was prepared last.
const LAST_PREPARED: u32 = u32::MAX;

impl Session {
    pub(super) fn encode(
        &mut self,
        execute: Execute<'_>,
        retried: bool,
    ) -> Result<(), EncodeError> {
        let Execute { token, statement, params, mode } = execute;
        if self.skips(token, mode) {
            return Ok(());
        }
        let text = params.is_empty()
            && (mode.simple
                || mode.fetch == 0 && !(self.cache.is_open() && statement.is_worth_preparing()));
        let known = if text { None } else { self.cache.find(statement) };
        let mut pending = match known {
            _ if text => self.encode_text(token, statement)?,
            // It is being prepared, and so is another one behind it: only the number will tell
            // the two apart.
            Some(known) if known.id().is_none() && !self.cache.is_last(&known) => {
                self.wait(execute, retried);
                return Ok(());
            }
            Some(known) => self.encode_known(execute, known)?,
            None => self.encode_first(execute)?,
        };
        pending.retried = retried;
        // A server cannot be told to skip a statement: what is within a transaction waits until it
        // is known to have begun (but see `goes_with_guard`), and not to have been undone by a
        // deadlock.
        pending.guard = mode.guard || mode.lead;
        pending.within = mode.within;
        pending.exclusive =
            pending.guard || pending.within || statement.class == Class::Copy || mode.fetch > 0;
        pending.copying = mode.copy.map_or(Copying::No, |_| Copying::Asked);
        self.moved |= statement.moves;
        if statement.forgets {
            self.cache.discard_all();
        }
        self.push(pending);
        Ok(())
    }

    /// Whether it is sent although its guard has not been answered: it is a read which changes
    /// nothing should it run outside of the transaction. Then its answer is read over.
    pub(super) fn goes_with_guard(&self, execute: &Execute<'_>) -> bool {
        let Execute { statement, mode, .. } = execute;
        self.is_behind_guard(*mode) && mode.fetch == 0 && statement.harmless
    }

    /// A guard that is a text is not run again behind what follows it.
    pub(super) fn is_behind_guard(&self, mode: Mode) -> bool {
        let last = self.pending.back().is_some_and(|last| last.guard && !last.binary);
        last && mode.within && mode.copy.is_none() && self.held.is_empty()
    }

    /// Whether its guard has failed: then it is not sent.
    pub(super) fn skips(&mut self, token: u64, mode: Mode) -> bool {
        let Some(error) = self.guard_error.take() else { return false };
        if mode.within {
            self.guard_error = Some(error.clone());
            self.skip(token, error);
        }
        mode.within
    }

    /// Holds a statement until what was sent is over. In front: it may have been held with others
    /// behind it.
    fn wait(&mut self, execute: Execute<'_>, retried: bool) {
        if let Some(last) = self.pending.back_mut() {
            last.exclusive = true;
        }
        self.held.push_front(Held::execute(execute, &mut self.spare, retried));
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
        let sequence = self.write_command(Command::COM_QUERY, statement.text.as_bytes());
        let mut pending = Pending::new(token, Stage::Answer, statement.class);
        pending.sequence = sequence;
        pending.statement = Some(statement.clone());
        Ok(pending)
    }

    /// The hot path: one packet, for a statement that was prepared.
    fn encode_known(
        &mut self,
        execute: Execute<'_>,
        known: Rc<Prepared>,
    ) -> Result<Pending, EncodeError> {
        let Execute { statement, params, mode, .. } = execute;
        // In the flight that prepares it, it has no number yet, and is the last one.
        let (id, wanted) = match known.id() {
            Some(id) => (id, known.params()),
            None => (LAST_PREPARED, statement.placeholders.unwrap_or(0)),
        };
        if wanted != params.len() {
            return Err(wrong_count(wanted, params.len()));
        }
        let mark = self.outgoing.len();
        let sequence = self.write_execute(id, params, mode.fetch)?;
        let mut pending = binary(execute, Stage::Answer);
        pending.sequence = sequence;
        pending.reused = true;
        pending.large = self.outgoing.len() - mark > SPARE_SIZE_MAX;
        pending.params = self.spare.keep(params);
        pending.prepared = Some(known);
        Ok(pending)
    }

    /// PREPARE, with EXECUTE in the same flight where the server can be asked for that.
    fn encode_first(&mut self, execute: Execute<'_>) -> Result<Pending, EncodeError> {
        let Execute { statement, params, mode, .. } = execute;
        check_length(statement.text.len())?;
        let prepared = self.cache.prepare(statement);
        self.cache.write_closes(&mut self.outgoing);
        let mark = self.outgoing.len();
        let mut pending = binary(execute, Stage::Prepare);
        let text = statement.text.as_bytes();
        pending.sequence = self.write_command(Command::COM_STMT_PREPARE, text);
        // A wrong number of parameters would make a flight that the server cannot read.
        if self.agreed.direct && statement.placeholders == Some(params.len()) {
            match self.write_execute(LAST_PREPARED, params, mode.fetch) {
                Ok(sequence) => pending.later_sequence = sequence,
                Err(error) => {
                    self.outgoing.truncate(mark);
                    self.cache.forget(&prepared);
                    return Err(error);
                }
            }
        } else {
            pending.preparing = true;
            pending.params = self.spare.keep(params);
        }
        pending.prepared = Some(prepared);
        Ok(pending)
    }

    /// Appends an EXECUTE, on an error nothing. Returns the number of its answer's first packet.
    pub(super) fn write_execute(
        &mut self,
        id: u32,
        params: Params<'_>,
        fetch: u32,
    ) -> Result<u8, EncodeError> {
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
        Ok(frame::end(out, mark, 0))
    }
}

/// What has its rows in the binary form.
fn binary(execute: Execute<'_>, stage: Stage) -> Pending {
    let mut pending = Pending::new(execute.token, stage, execute.statement.class);
    pending.binary = true;
    pending.fetch = execute.mode.fetch;
    pending.statement = Some(execute.statement.clone());
    pending
}

pub(super) fn check_length(length: usize) -> Result<(), EncodeError> {
    if length < BODY_MAX {
        return Ok(());
    }
    Err(EncodeError::of_statement("the statement with its parameters exceeds 1 GiB"))
}
