//! A PostgreSQL session without I/O, from the end of the handshake on: statements become bytes in
//! `outgoing`, received bytes become calls of a `Sink`.
//!
//! Each statement has its own Sync, so an error in one leaves those behind it alone. The contract
//! in one sentence: after every call, `receive` included, what is in `outgoing` must be written.

use super::classify::Class;
use super::copy::Copying;
use super::cursor::{limit_execute, no_cursor};
use super::error::ServerError;
use super::params::{EncodeError, needs_description, write_params};
use super::pending::{Fault, Held, Pending, Stage};
use super::settings::Settings;
pub use super::sink::{Broken, Flow, Sink};
use super::startup::Started;
use super::statements::{EXECUTE_SYNC, Prepared, SYNC, Statement, StatementCache, TEXT_TAIL};
use super::types::TypeOptions;
use crate::engine::waiting::{self, SPARE_SIZE_MAX, Spare, Task};
use crate::wire::param::Params;
use bytes::{BufMut, BytesMut};
use postgres_protocol::message::frontend;
use std::collections::VecDeque;
use std::rc::Rc;

/// The server refuses longer messages; so do we, in both directions.
pub(super) const MESSAGE_MAX: usize = 1 << 30;

/// A row if the server is not the place to write: a standby, or read-only by its configuration.
/// What a session, its role or its database made read-only says nothing of the server.
const PLACE: &str = "SELECT 1 WHERE pg_catalog.pg_is_in_recovery() OR EXISTS \
    (SELECT FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only' \
    AND setting = 'on' AND source IN ('configuration file', 'command line'))";

#[derive(Clone, Copy, Debug)]
pub struct SessionOptions {
    /// Named statements a connection may hold; 0 parses every time.
    pub statement_cache: usize,
    pub types: TypeOptions,
    /// Statements go out as their caller gave them, named or not: described at each execution,
    /// results as text, never run again.
    pub verbatim: bool,
}

/// One statement to run.
pub type Execute<'a> = waiting::Execute<'a, Statement>;

pub struct Session {
    pub(super) started: Started,
    pub(super) options: SessionOptions,
    pub(super) outgoing: BytesMut,
    pub(super) pending: VecDeque<Pending>,
    pub(super) held: VecDeque<Held>,
    pub(super) cache: StatementCache,
    /// CloseComplete messages still due.
    pub(super) closes: u32,
    pub(super) transaction: u8,
    pub(super) settings: Settings,
    pub(super) ordered: bool,
    /// The last thing sent was a lead: a Sync is owed.
    open_lead: bool,
    /// The last lead has failed: nothing that was to run `within` it is sent.
    pub(super) lead_error: Option<ServerError>,
    /// Bytes still to come of a CopyData message that is passed on as it arrives.
    pub(super) partial: usize,
    pub(super) spare: Spare,
}

impl Session {
    /// `prefix` begins the names of its prepared statements.
    pub fn new(started: Started, options: SessionOptions, prefix: &str) -> Session {
        let mut session = Session {
            options,
            outgoing: BytesMut::with_capacity(4096),
            pending: VecDeque::with_capacity(16),
            held: VecDeque::new(),
            cache: StatementCache::new(options.statement_cache, prefix),
            closes: 0,
            transaction: started.transaction,
            settings: Settings { unpinned: !started.pinned, ..Settings::default() },
            ordered: true,
            open_lead: false,
            lead_error: None,
            partial: 0,
            spare: Spare::default(),
            started,
        };
        for (name, value) in &session.started.parameters {
            session.settings.note(name, value);
        }
        session
    }

    /// What the handshake brought: process id, key for cancelling, parameters.
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

    /// As of the last ReadyForQuery: `I` idle, `T` in a transaction, `E` in a failed one.
    pub fn transaction(&self) -> u8 {
        self.transaction
    }

    /// Sends a statement. On an error nothing was queued; position 0 means the text itself.
    pub fn execute(&mut self, execute: Execute<'_>) -> Result<(), EncodeError> {
        if self.is_holding() {
            self.hold(execute, false);
            return Ok(());
        }
        self.encode(execute, false)
    }

    /// A bare Sync: answered by `ready` alone.
    pub fn sync(&mut self, token: u64) {
        if self.is_holding() {
            return self.held.push_back(Held { token, task: Task::Check });
        }
        self.send_sync(token);
    }

    /// Asks whether this is the place to write: see `PLACE`. One result, one `ready`.
    pub fn check_place(&mut self, token: u64) {
        if self.is_holding() {
            return self.held.push_back(Held { token, task: Task::Place });
        }
        self.send_check_place(token);
    }

    fn send_check_place(&mut self, token: u64) {
        self.close_lead();
        frontend::query(PLACE, &mut self.outgoing).expect("a constant without NUL");
        self.pending.push_back(Pending::new(token, Stage::Simple, Class::Read));
    }

    /// Brings the session back to how it started: ROLLBACK where needed, DISCARD ALL. One `ready`.
    pub fn reset(&mut self, token: u64) {
        if self.is_holding() {
            return self.held.push_back(Held { token, task: Task::Reset });
        }
        self.send_reset(token);
    }

    fn send_sync(&mut self, token: u64) {
        self.close_lead();
        frontend::sync(&mut self.outgoing);
        self.pending.push_back(Pending::new(token, Stage::Sync, Class::Read));
    }

    fn send_reset(&mut self, token: u64) {
        self.close_lead();
        self.write_closes();
        if self.transaction != b'I' || !self.pending.is_empty() {
            frontend::query("ROLLBACK", &mut self.outgoing).expect("a constant without NUL");
            let mut rollback = Pending::new(token, Stage::Simple, Class::Control);
            rollback.quiet = true;
            self.pending.push_back(rollback);
        }
        frontend::query("DISCARD ALL", &mut self.outgoing).expect("a constant without NUL");
        self.cache.clear();
        self.pending.push_back(Pending::new(token, Stage::Simple, Class::Control));
    }

    /// The goodbye.
    pub fn terminate(&mut self) {
        self.abandon_copy();
        frontend::terminate(&mut self.outgoing);
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty() || self.pending.back().is_some_and(Pending::holds)
    }

    pub(super) fn hold(&mut self, execute: Execute<'_>, retried: bool) {
        self.held.push_back(Held::execute(execute, &mut self.spare, retried));
    }

    /// Encodes what was held, until one of them holds the rest. What cannot be encoded now takes
    /// its place in the queue and is reported in turn.
    pub(super) fn release_held(&mut self) {
        while !self.pending.back().is_some_and(Pending::holds) {
            let Some(Held { token, task }) = self.held.pop_front() else { return };
            match task {
                Task::Check => self.send_sync(token),
                Task::Place => self.send_check_place(token),
                Task::Reset => self.send_reset(token),
                Task::Execute { statement, params, mode, retried } => {
                    let (statement, params) = (&statement, params.get());
                    let execute = Execute { token, statement, params, mode };
                    if let Err(error) = self.encode(execute, retried) {
                        self.refuse(token, error);
                    }
                }
            }
        }
    }

    pub(super) fn refuse(&mut self, token: u64, error: EncodeError) {
        self.push_refused(token, Fault::Refused(error));
    }

    fn push_refused(&mut self, token: u64, fault: Fault) {
        let leads = self.open_lead;
        self.settle_lead();
        let mut refused = Pending::new(token, Stage::Refused, Class::Read);
        refused.exclusive = leads;
        refused.fault = Some(Box::new(fault));
        self.pending.push_back(refused);
    }

    pub(super) fn encode(
        &mut self,
        execute: Execute<'_>,
        retried: bool,
    ) -> Result<(), EncodeError> {
        if self.options.verbatim {
            return self.encode_verbatim(execute);
        }
        let statement = execute.statement;
        let cursor = execute.mode.fetch > 0;
        if cursor && statement.copies {
            return Err(no_cursor());
        }
        let described_first = self.settings.are_foreign() && statement.class != Class::Control;
        let by_text = execute.mode.simple || statement.multi || statement.copies;
        let simple = !cursor && execute.params.is_empty() && by_text;
        let separate = simple
            || cursor
            || described_first
            || statement.copies
            || needs_description(execute.params);
        if self.is_kept_back(execute, separate, retried) {
            return Ok(());
        }
        self.write_closes();
        let mut pending = if simple {
            self.encode_simple(execute)?
        } else {
            let named = statement.is_worth_a_name(!execute.params.is_empty());
            let known = if named { self.cache.find(statement) } else { None };
            let known = known.filter(|known| known.is_described());
            let flushes = cursor
                || (known.is_none() && (described_first || needs_description(execute.params)));
            if flushes && !self.pending.is_empty() {
                // Its flight ends without a Sync. A pooler that takes the server's connection away
                // after the answer before it would lose it.
                self.wait(execute, retried);
                return Ok(());
            }
            match known {
                Some(known) => self.encode_known(execute, known)?,
                None => self.encode_first(execute, named, described_first)?,
            }
        };
        pending.retried = retried;
        pending.exclusive = statement.copies || cursor;
        pending.guard |= execute.mode.guard;
        pending.copying = execute.mode.copy.map_or(Copying::No, Copying::Asked);
        (pending.fetch, pending.open) = (execute.mode.fetch, cursor);
        self.settings.touched |= statement.class == Class::Other;
        if statement.forgets {
            self.cache.discard_all();
        }
        self.push(pending, execute.mode.lead && !separate);
        Ok(())
    }

    /// Whether a statement is not sent now, because of the lead before it: that has failed, or must
    /// be known to be well.
    pub(super) fn is_kept_back(
        &mut self,
        execute: Execute<'_>,
        separate: bool,
        retried: bool,
    ) -> bool {
        // What follows a lead of a verbatim session is within it, whatever it is.
        let within = execute.mode.within || self.options.verbatim;
        match self.lead_error.clone() {
            Some(error) if within => {
                self.skip(execute.token, error);
                return true;
            }
            Some(_) => {
                self.lead_error = None;
                self.close_lead();
            }
            None => {}
        }
        if execute.mode.lead {
            self.close_lead();
        }
        // Cannot share the Sync.
        let waits = separate && self.open_lead;
        if waits {
            self.settle_lead();
            self.held.push_front(Held::execute(execute, &mut self.spare, retried));
        }
        waits
    }

    /// Puts a statement that was encoded in line for its answers. A lead leaves its Sync to the next
    /// one; behind that one nothing goes before the lead is known to be well.
    pub(super) fn push(&mut self, mut pending: Pending, leads: bool) {
        pending.exclusive |= self.open_lead;
        self.open_lead = leads;
        if leads {
            pending.lead = true;
            self.outgoing.truncate(self.outgoing.len() - SYNC.len());
        }
        self.pending.push_back(pending);
    }

    /// Ends a lead whose follower did not come, or cannot share its Sync: what follows waits until it
    /// is known to be well.
    pub fn settle_lead(&mut self) {
        if !self.open_lead {
            return;
        }
        self.close_lead();
        if let Some(lead) = self.pending.back_mut() {
            (lead.guard, lead.exclusive) = (true, true);
        }
    }

    /// Ends a lead that has no follower to share a Sync with.
    fn close_lead(&mut self) {
        if !std::mem::take(&mut self.open_lead) {
            return;
        }
        frontend::sync(&mut self.outgoing);
        match self.pending.back_mut().filter(|pending| pending.lead) {
            Some(pending) => pending.lead = false,
            None => {
                // Its answer has come already; this one belongs to nobody.
                let mut quiet = Pending::new(0, Stage::Sync, Class::Read);
                quiet.quiet = true;
                self.pending.push_back(quiet);
            }
        }
    }

    /// A statement that is not sent because its lead has failed. It has its turn by a Sync, which
    /// also ends what the server skips.
    fn skip(&mut self, token: u64, error: ServerError) {
        self.open_lead = false;
        if self.options.verbatim {
            // It knows now; the next one runs.
            self.lead_error = None;
        }
        frontend::sync(&mut self.outgoing);
        let mut skipped = Pending::new(token, Stage::Sync, Class::Read);
        skipped.fault = Some(Box::new(Fault::Local(error)));
        self.pending.push_back(skipped);
    }

    /// Holds a statement until what was sent is over. In front: it may have been held with others
    /// behind it.
    fn wait(&mut self, execute: Execute<'_>, retried: bool) {
        if let Some(last) = self.pending.back_mut() {
            last.exclusive = true;
        }
        self.held.push_front(Held::execute(execute, &mut self.spare, retried));
    }

    pub(super) fn encode_simple(&mut self, execute: Execute<'_>) -> Result<Pending, EncodeError> {
        let mark = self.outgoing.len();
        if frontend::query(&execute.statement.text, &mut self.outgoing).is_err() {
            self.outgoing.truncate(mark);
            return Err(unfit_text());
        }
        Ok(Pending::new(execute.token, Stage::Simple, execute.statement.class))
    }

    /// The hot path: Bind, Execute, Sync.
    fn encode_known(
        &mut self,
        execute: Execute<'_>,
        prepared: Rc<Prepared>,
    ) -> Result<Pending, EncodeError> {
        let mark = self.outgoing.len();
        if let Err(error) = write_bind(&mut self.outgoing, &prepared, execute.params, true) {
            self.outgoing.truncate(mark);
            return Err(error);
        }
        limit_execute(&mut self.outgoing, execute.mode.fetch);
        let mut pending = Pending::new(execute.token, Stage::Bind, execute.statement.class);
        pending.binary = true;
        pending.reused = true;
        pending.large = self.outgoing.len() - mark > SPARE_SIZE_MAX;
        pending.params = self.spare.keep(execute.params);
        pending.prepared = Some(prepared);
        Ok(pending)
    }

    /// One flight with Parse, unless the types must be known before the parameters can be sent or
    /// the results be asked for in a form that no setting alters.
    fn encode_first(
        &mut self,
        execute: Execute<'_>,
        named: bool,
        described_first: bool,
    ) -> Result<Pending, EncodeError> {
        let prepared = self.cache.prepare(execute.statement, named);
        self.write_closes();
        let mark = self.outgoing.len();
        let out = &mut self.outgoing;
        let describing = described_first || needs_description(execute.params);
        let mut written = write_parse(out, &prepared);
        if describing {
            frontend::flush(out);
        } else if written.is_ok() {
            written = write_bind(out, &prepared, execute.params, false);
        }
        if let Err(error) = written {
            out.truncate(mark);
            self.cache.forget(&prepared, false);
            return Err(error);
        }
        if !describing {
            limit_execute(out, execute.mode.fetch);
        }
        let mut pending = Pending::new(execute.token, Stage::Parse, execute.statement.class);
        pending.describing = describing;
        if describing {
            pending.params = self.spare.keep(execute.params);
        }
        pending.prepared = Some(prepared);
        Ok(pending)
    }

    pub(super) fn write_closes(&mut self) {
        self.closes += self.cache.write_closes(&mut self.outgoing);
    }

    /// Takes back what an ended statement kept.
    pub(super) fn recycle(&mut self, pending: Pending) {
        self.spare.recycle(pending.params, pending.large);
    }
}

fn write_parse(out: &mut BytesMut, prepared: &Prepared) -> Result<(), EncodeError> {
    let name = prepared.name();
    frontend::parse(name, &prepared.statement.text, [], out).map_err(|_| unfit_text())?;
    frontend::describe(b'S', name, out).expect("a name that was parsed holds no NUL");
    Ok(())
}

/// Bind, Execute and Sync. Written by hand: all but the parameters is two copies.
pub(super) fn write_bind(
    out: &mut BytesMut,
    prepared: &Prepared,
    params: Params<'_>,
    described: bool,
) -> Result<(), EncodeError> {
    let (types, tail) = match prepared.tail() {
        Some(tail) if described => (prepared.params(), tail),
        _ => (None, TEXT_TAIL),
    };
    write_bind_with(out, prepared, params, types, tail, EXECUTE_SYNC.len())
}

/// `tail` begins with the result formats and ends with so many bytes of other messages.
pub(super) fn write_bind_with(
    out: &mut BytesMut,
    prepared: &Prepared,
    params: Params<'_>,
    types: Option<&[u32]>,
    tail: &[u8],
    others: usize,
) -> Result<(), EncodeError> {
    out.reserve(64 + tail.len() + 16 * params.len());
    let start = out.len();
    out.put_slice(b"B\0\0\0\0");
    out.put_slice(prepared.head());
    write_params(out, params, types)?;
    out.put_slice(tail);
    // The length counts itself, but not the tag.
    let length = out.len() - start - 1 - others;
    if length >= MESSAGE_MAX {
        return Err(EncodeError { position: 0, message: "the parameters exceed 1 GiB".into() });
    }
    out[start + 1..start + 5].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(())
}

#[cold]
pub(super) fn unfit_text() -> EncodeError {
    let message = "the statement contains a NUL character or exceeds 1 GiB".into();
    EncodeError { position: 0, message }
}

#[cfg(test)]
#[path = "tests/lead.rs"]
mod lead_tests;
#[cfg(test)]
#[path = "tests/session.rs"]
mod tests;
#[cfg(test)]
#[path = "tests/transcript.rs"]
pub(super) mod transcript;
