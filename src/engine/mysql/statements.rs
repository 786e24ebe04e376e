//! Statement texts, what the server told about them, and the prepared ones of one connection.

use super::classify::{self, Class};
use super::error::ServerError;
use super::types::{Columns, TypeOptions};
use crate::engine::recent::{Recent, Room};
use crate::engine::session::Direction;
use crate::engine::timed::Text;
use bytes::{BufMut, BytesMut};
use mysql_common::constants::Command;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Results of one text whose columns are remembered.
const RESULTS: usize = 4;

/// From then on a text without parameters is prepared.
const RUNS: u8 = 2;

/// One text, for all connections.
#[derive(Debug)]
pub struct Statement {
    pub id: u32,
    pub text: String,
    pub class: Class,
    /// Several statements in one text: several results.
    pub multi: bool,
    /// Whose file a LOAD DATA reads, if the client's.
    pub copy: Option<Direction>,
    /// Begins or ends a transaction.
    pub bounds: bool,
    /// A read that may run outside of its transaction.
    pub harmless: bool,
    /// A read that may run twice, or an INSERT that may be stopped.
    plain: bool,
    /// May leave another default database behind.
    pub moves: bool,
    /// May change what the texts of prepared statements would mean by now.
    pub forgets: bool,
    /// How many parameters it has, where the text tells.
    pub placeholders: Option<usize>,
    /// The first word of each statement in it.
    commands: Vec<String>,
    /// How often it went out as a text, up to `RUNS`.
    runs: Cell<u8>,
    /// What its results last looked like. The same columns are described at every execution; those
    /// that have not changed are not read again.
    latest: RefCell<Vec<Rc<Columns>>>,
}

impl Statement {
    pub fn new(id: u32, text: impl Into<String>) -> Statement {
        let text = text.into();
        let traits = classify::examine(&text);
        Statement {
            id,
            text,
            class: traits.class,
            multi: traits.multi,
            copy: traits.copy,
            bounds: traits.bounds,
            harmless: traits.harmless,
            plain: traits.plain,
            moves: traits.moves,
            forgets: traits.forgets,
            placeholders: traits.placeholders,
            commands: traits.commands,
            runs: Cell::new(0),
            latest: RefCell::default(),
        }
    }

    /// Whether both mean the same: ids are used again by the callers, so the text decides.
    fn is(self: &Rc<Self>, other: &Rc<Self>) -> bool {
        Rc::ptr_eq(self, other) || self.text == other.text
    }

    /// Whether it is prepared though it has no parameters: then its rows come in the binary form,
    /// which costs the server a third of the text, and it is read only once. A text that comes but
    /// once or twice is not worth the round trip, nor is one that cannot be prepared everywhere.
    pub(super) fn is_worth_preparing(&self) -> bool {
        let runs = self.runs.get();
        if runs < RUNS {
            self.runs.set(runs + 1);
            return false;
        }
        self.placeholders == Some(0) && self.has_rows()
    }

    /// What result `index` comes from; nothing where one of several may have had more than one.
    pub(super) fn command(&self, index: usize) -> &str {
        let calls = self.multi && self.commands.iter().any(|command| command == "CALL");
        match self.commands.get(index) {
            Some(command) if !calls => command,
            _ => "",
        }
    }

    /// Executed in parts it has rows, which wait at the server.
    pub fn has_rows(&self) -> bool {
        let reads = |command: &String| matches!(&**command, "SELECT" | "WITH" | "TABLE" | "VALUES");
        !self.multi && self.copy.is_none() && self.commands.first().is_some_and(reads)
    }

    pub(super) fn latest(&self, index: usize, options: &TypeOptions) -> Option<Rc<Columns>> {
        self.latest.borrow().get(index).filter(|columns| columns.is_of(options)).cloned()
    }

    pub(super) fn remember(&self, index: usize, columns: &Rc<Columns>) {
        let mut latest = self.latest.borrow_mut();
        if index < latest.len() {
            latest[index] = columns.clone();
        } else if index == latest.len() && index < RESULTS {
            latest.push(columns.clone());
        }
    }
}

impl Text for Statement {
    fn class(&self) -> Class {
        self.class
    }

    fn has_parts(&self) -> bool {
        self.has_rows()
    }

    fn bounds_transaction(&self) -> bool {
        self.bounds
    }

    fn is_plain(&self) -> bool {
        self.plain
    }
}

/// A statement as one connection's server knows it.
#[derive(Debug)]
pub(super) struct Prepared {
    pub statement: Rc<Statement>,
    /// The server's number for it, once it has answered.
    id: Cell<Option<u32>>,
    /// How many parameters it has.
    params: Cell<u16>,
    /// Of its first result, as last told on this connection: a server may leave them out later.
    columns: RefCell<Option<Rc<Columns>>>,
    /// Why the server could not prepare it: what was sent on trust behind that fails alike.
    failure: RefCell<Option<ServerError>>,
    /// In the cache; others are closed once they have run.
    pub kept: bool,
    /// Which one of the connection it is.
    serial: u64,
    /// How often the server had forgotten all of them before.
    epoch: u64,
}

impl Prepared {
    fn new(statement: Rc<Statement>, kept: bool, serial: u64, epoch: u64) -> Prepared {
        let (id, params, columns) = (Cell::default(), Cell::default(), RefCell::default());
        let failure = RefCell::default();
        Prepared { statement, id, params, columns, failure, kept, serial, epoch }
    }

    pub fn id(&self) -> Option<u32> {
        self.id.get()
    }

    pub fn params(&self) -> usize {
        usize::from(self.params.get())
    }

    pub fn answered(&self, id: u32, params: u16) {
        self.id.set(Some(id));
        self.params.set(params);
    }

    pub fn failed(&self, error: &ServerError) {
        self.failure.replace(Some(error.clone()));
    }

    pub fn failure(&self) -> Option<ServerError> {
        self.failure.borrow().clone()
    }

    pub fn columns(&self) -> Option<Rc<Columns>> {
        self.columns.borrow().clone()
    }

    pub fn describe(&self, columns: &Rc<Columns>) {
        let mut known = self.columns.borrow_mut();
        if !known.as_ref().is_some_and(|known| Rc::ptr_eq(known, columns)) {
            *known = Some(columns.clone());
        }
    }
}

/// The prepared statements of one connection, the least recently used leaving first.
#[derive(Debug)]
pub(super) struct StatementCache {
    recent: Recent<Prepared>,
    serial: u64,
    epoch: u64,
    /// What the server still holds though the cache does not: closed in the next flight.
    discarded: Vec<Rc<Prepared>>,
}

impl StatementCache {
    pub fn new(budget: usize) -> StatementCache {
        StatementCache { recent: Recent::new(budget), serial: 0, epoch: 0, discarded: Vec::new() }
    }

    /// The statement, if this connection has prepared it or is about to.
    pub fn find(&mut self, statement: &Rc<Statement>) -> Option<Rc<Prepared>> {
        self.recent.find(statement.id, |known| known.statement.is(statement))
    }

    /// A new entry, kept where there is room for it. One of the same id, or the least recently
    /// used one, makes room and is closed on the server; one in flight stays.
    pub fn prepare(&mut self, statement: &Rc<Statement>) -> Rc<Prepared> {
        let kept = self.make_room(statement.id);
        self.serial += 1;
        let prepared = Prepared::new(statement.clone(), kept, self.serial, self.epoch);
        let prepared = Rc::new(prepared);
        if kept {
            self.recent.keep(statement.id, &prepared);
        }
        prepared
    }

    fn make_room(&mut self, id: u32) -> bool {
        match self.recent.make_room(id) {
            Room::None => return false,
            Room::Free => {}
            Room::Of(prepared) => self.discarded.push(prepared),
        }
        true
    }

    /// Whether no other one was prepared since.
    pub fn is_last(&self, prepared: &Prepared) -> bool {
        prepared.serial == self.serial
    }

    /// A statement that has run and is not kept.
    pub fn discard(&mut self, prepared: Rc<Prepared>) {
        if prepared.epoch == self.epoch {
            self.discarded.push(prepared);
        }
    }

    /// Drops a statement that the server does not have.
    pub fn forget(&mut self, prepared: &Rc<Prepared>) {
        self.recent.forget(prepared.statement.id, prepared);
    }

    /// Whether anything is kept at all.
    pub fn is_open(&self) -> bool {
        self.recent.is_open()
    }

    /// Their texts may mean something else from now on: none is used again.
    pub fn discard_all(&mut self) {
        self.discarded.extend(self.recent.drain());
    }

    /// The server has forgotten all of them, or will have by the time it reads what follows.
    pub fn clear(&mut self) {
        self.recent.clear();
        self.discarded.clear();
        self.epoch += 1;
    }

    /// Appends what closes the discarded ones: it has no answer. One whose number is not known yet
    /// has its turn later.
    #[inline]
    pub fn write_closes(&mut self, out: &mut BytesMut) {
        if self.discarded.is_empty() {
            return;
        }
        self.discarded.retain(|prepared| match prepared.id() {
            Some(id) => {
                out.put_slice(&[5, 0, 0, 0, Command::COM_STMT_CLOSE as u8]);
                out.put_u32_le(id);
                false
            }
            None => Rc::strong_count(prepared) > 1,
        });
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.recent.len()
    }
}

#[cfg(test)]
#[path = "tests/statements.rs"]
mod tests;
