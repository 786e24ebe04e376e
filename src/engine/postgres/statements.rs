//! Statement texts, what the server told about them, and the named ones of one connection.

use super::classify::{self, Class, Traits};
use super::copy::direction;
use super::types::{Columns, result_formats};
use crate::engine::recent::{Recent, Room};
use crate::engine::session::Direction;
use crate::engine::timed::Text;
use bytes::{BufMut, BytesMut};
use postgres_protocol::message::frontend;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// One text, for all connections.
#[derive(Debug)]
pub struct Statement {
    pub id: u32,
    pub text: String,
    /// What the server is to know it by, where the caller chose a name.
    pub name: Option<Box<str>>,
    pub class: Class,
    /// Several statements in one text: simple protocol, several results.
    pub multi: bool,
    /// May enter COPY: then the server swallows what was sent behind it, so nothing is.
    pub copies: bool,
    /// May drop named statements on the server.
    pub forgets: bool,
    /// Begins or ends a transaction.
    pub bounds: bool,
    /// A read that may run twice, or an INSERT that may be stopped.
    plain: bool,
    /// A COPY from or to the client, and nothing else.
    pub copy: Option<Direction>,
    /// What it returned last, for those that are described at every execution.
    pub(super) latest: RefCell<Option<Rc<Columns>>>,
}

impl Statement {
    pub fn new(id: u32, text: impl Into<String>) -> Statement {
        let text = text.into();
        let Traits { class, multi, copies, forgets, bounds, plain } = classify::examine(&text);
        let copy = if copies && !multi { direction(&text) } else { None };
        let (name, latest) = (None, RefCell::default());
        Statement { id, text, name, class, multi, copies, forgets, bounds, plain, copy, latest }
    }

    /// Whether both mean the same: ids are used again by the callers, so the text decides.
    fn is(self: &Rc<Self>, other: &Rc<Self>) -> bool {
        Rc::ptr_eq(self, other) || self.text == other.text
    }

    pub fn named(self, name: Option<&str>) -> Statement {
        Statement { name: name.map(Box::from), ..self }
    }

    /// Statements that prepare well; utility statements rarely come twice or hold no plan.
    pub(super) fn is_worth_a_name(&self, has_params: bool) -> bool {
        has_params || !matches!(self.class, Class::Other | Class::Copy)
    }
}

impl Text for Statement {
    fn class(&self) -> Class {
        self.class
    }

    fn has_parts(&self) -> bool {
        !self.multi && !self.copies
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
    name: Box<str>,
    /// Portal and statement name as Bind wants them.
    head: Box<[u8]>,
    description: OnceCell<Description>,
    params: OnceCell<Box<[u32]>>,
}

/// What Describe told.
#[derive(Debug)]
struct Description {
    /// `None` when the statement returns no rows.
    columns: Option<Rc<Columns>>,
    /// Result formats of Bind, then Execute and Sync: the fixed end of an execution.
    tail: Box<[u8]>,
}

impl Prepared {
    fn new(statement: Rc<Statement>, name: &str) -> Prepared {
        let head = format!("\0{name}\0").into_bytes().into();
        let (description, params) = (OnceCell::new(), OnceCell::new());
        Prepared { statement, name: name.into(), head, description, params }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether types and columns are known, so that Bind can ask for binary results.
    pub fn is_described(&self) -> bool {
        self.description.get().is_some()
    }

    pub fn params(&self) -> Option<&[u32]> {
        self.params.get().map(|types| &**types)
    }

    pub fn columns(&self) -> Option<&Rc<Columns>> {
        self.description.get()?.columns.as_ref()
    }

    pub fn tail(&self) -> Option<&[u8]> {
        self.description.get().map(|description| &*description.tail)
    }

    /// Keeps the first description; a statement is described once.
    pub fn describe_params(&self, types: Box<[u32]>) {
        let _ = self.params.set(types);
    }

    pub fn describe_columns(&self, columns: Option<Rc<Columns>>) {
        let tail = execution_tail(columns.as_deref());
        let _ = self.description.set(Description { columns, tail });
    }
}

/// Result formats, Execute without a row limit, Sync.
fn execution_tail(columns: Option<&Columns>) -> Box<[u8]> {
    let mut out = BytesMut::new();
    match columns {
        Some(columns) => {
            let formats = result_formats(columns);
            out.put_u16(u16::try_from(formats.len()).expect("RowDescription counts in 16 bits"));
            formats.for_each(|format| out.put_i16(format));
        }
        None => out.put_u16(0),
    }
    out.extend_from_slice(EXECUTE_SYNC);
    out.as_ref().into()
}

/// Execute of the unnamed portal without a row limit, then Sync.
pub(super) const SYNC: &[u8] = b"S\0\0\0\x04";
pub(super) const EXECUTE_SYNC: &[u8] = b"E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04";

/// The end of an execution whose results come as text: no formats, Execute, Sync.
pub(super) const TEXT_TAIL: &[u8] = b"\0\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04";

/// The named statements of one connection, the least recently used leaving first.
#[derive(Debug)]
pub(super) struct StatementCache {
    /// Of all names. Differs between connections: behind a pooler that hands out the server's
    /// connections by the transaction, a name of ours must never mean another one's statement.
    prefix: Box<str>,
    recent: Recent<Prepared>,
    /// Under names that the caller chose: kept until the caller drops them.
    chosen: HashMap<Box<str>, Rc<Prepared>>,
    serial: u64,
    /// What the server still holds though the cache does not: closed in the next flight.
    discarded: Vec<Box<str>>,
}

impl StatementCache {
    pub fn new(budget: usize, prefix: &str) -> StatementCache {
        StatementCache {
            prefix: prefix.into(),
            recent: Recent::new(budget),
            chosen: HashMap::new(),
            serial: 0,
            discarded: Vec::new(),
        }
    }

    /// The statement under its chosen name, parsed or about to be.
    pub fn find_chosen(&self, statement: &Statement) -> Option<Rc<Prepared>> {
        let known = self.chosen.get(statement.name.as_deref()?)?;
        (known.statement.text == statement.text).then(|| known.clone())
    }

    /// A new entry under its chosen name, or unnamed. Another one of that name is closed first.
    pub fn prepare_chosen(&mut self, statement: &Rc<Statement>) -> Rc<Prepared> {
        let Some(name) = &statement.name else {
            return Rc::new(Prepared::new(statement.clone(), ""));
        };
        let prepared = Rc::new(Prepared::new(statement.clone(), name));
        if self.chosen.insert(name.clone(), prepared.clone()).is_some() {
            self.discarded.push(name.clone());
        }
        prepared
    }

    /// The statement under its name, if this connection has prepared it.
    pub fn find(&mut self, statement: &Rc<Statement>) -> Option<Rc<Prepared>> {
        self.recent.find(statement.id, |known| known.statement.is(statement))
    }

    /// A new entry, named where there is room for it. One of the same id, or the least recently
    /// used one, makes room and is closed on the server; one in flight stays.
    pub fn prepare(&mut self, statement: &Rc<Statement>, named: bool) -> Rc<Prepared> {
        if !named || !self.make_room(statement.id) {
            return Rc::new(Prepared::new(statement.clone(), ""));
        }
        self.serial += 1;
        let name = format!("{}{}", self.prefix, self.serial);
        let prepared = Rc::new(Prepared::new(statement.clone(), &name));
        self.recent.keep(statement.id, &prepared);
        prepared
    }

    fn make_room(&mut self, id: u32) -> bool {
        match self.recent.make_room(id) {
            Room::None => return false,
            Room::Free => {}
            Room::Of(prepared) => self.discarded.push(prepared.name.clone()),
        }
        true
    }

    /// Drops a statement that failed; `known` says whether the server may still hold it.
    pub fn forget(&mut self, prepared: &Rc<Prepared>, known: bool) {
        if let Some(name) = &prepared.statement.name {
            if self.chosen.get(name).is_some_and(|entry| Rc::ptr_eq(entry, prepared)) {
                self.chosen.remove(name);
                self.discarded.extend(known.then(|| name.clone()));
            }
            return;
        }
        let id = prepared.statement.id;
        if self.recent.forget(id, prepared) && known {
            self.discarded.push(prepared.name.clone());
        }
    }

    /// The server loses statements that nobody dropped: no further one gets a name.
    pub fn give_up(&mut self) {
        self.recent.close();
        self.clear();
    }

    /// The server has forgotten all of them, or will have by the time it reads what follows.
    pub fn clear(&mut self) {
        self.recent.clear();
        self.chosen.clear();
        self.discarded.clear();
    }

    /// The server may forget any of them: none is used again. To close what is gone is no error.
    pub fn discard_all(&mut self) {
        let names = self.recent.drain().map(|prepared| prepared.name.clone());
        self.discarded.extend(names);
        self.discarded.extend(self.chosen.drain().map(|(name, _)| name));
    }

    /// Appends Close for what was discarded and returns how many answers that will give.
    pub fn write_closes(&mut self, out: &mut BytesMut) -> u32 {
        let count = self.discarded.len() as u32;
        for name in self.discarded.drain(..) {
            frontend::close(b'S', &name, out).expect("a name that was parsed holds no NUL");
        }
        count
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.recent.len()
    }
}

#[cfg(test)]
#[path = "tests/statements.rs"]
mod tests;
