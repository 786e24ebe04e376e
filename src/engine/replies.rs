//! Where a session puts what the server answered: straight into the chunk of the link that asked.

use super::error::{EngineError, MALFORMED};
use super::link::{Link, Links};
use super::request::{Outcome, Request, Requests, Token};
use super::session::Dispatch;
use super::values::Pushes;
use crate::wire::chunk::Chunk;
use crate::wire::record;
use std::cell::Cell;
use std::collections::HashMap;

/// Bytes of a COPY that JavaScript may submit before it has credit back.
pub const COPY_WINDOW: usize = 1024 * 1024;

/// Whether a session goes on with the bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Go,
    /// Leave the rest unread: a stream is out of credit or JavaScript is far behind.
    Stop,
}

/// A statement whose whole answer has come.
pub struct Finished {
    pub token: Token,
    pub in_transaction: bool,
    /// It may have left session state behind.
    pub dirties: bool,
}

/// What a server says of a result beside its count (MySQL).
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The number that was generated for the first row, or zero.
    pub insert_id: u64,
    pub warnings: u16,
    /// What the statement did, in words.
    pub info: &'a [u8],
}

/// A connection, and the server's number for it.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub connection: u32,
    pub process: i32,
}

/// A message that no request asked for: LISTEN.
pub struct Notification {
    /// Whose it is: the notifying session's number at the server.
    pub process: i32,
    /// Channel, NUL, payload: neither holds a NUL.
    pub text: Vec<u8>,
}

/// Numbers for result shapes and command tags, the same for all links of the process.
#[derive(Default)]
pub struct Names {
    shapes: HashMap<Box<[u8]>, i32>,
    next_shape: i32,
    commands: HashMap<String, i32>,
    command_names: Vec<String>,
}

/// Distinct shapes remembered; beyond that numbering starts over (numbers are never reused).
const SHAPES: usize = 8192;

impl Names {
    pub fn shape(&mut self, key: &[u8]) -> i32 {
        if let Some(shape) = self.shapes.get(key) {
            return *shape;
        }
        if self.shapes.len() >= SHAPES {
            self.shapes.clear();
        }
        self.next_shape += 1;
        self.shapes.insert(key.into(), self.next_shape);
        self.next_shape
    }

    fn command(&mut self, name: &str) -> i32 {
        if let Some(code) = self.commands.get(name) {
            return *code;
        }
        let code = i32::try_from(self.command_names.len()).expect("few command tags");
        self.commands.insert(name.to_owned(), code);
        self.command_names.push(name.to_owned());
        code
    }
}

/// The shape of a result, numbered when it is first delivered. Zero: not numbered yet.
#[derive(Clone, Debug, Default)]
pub struct ShapeId(Cell<i32>);

impl PartialEq for ShapeId {
    /// A number given later does not make two shapes differ.
    fn eq(&self, _: &ShapeId) -> bool {
        true
    }
}

impl Eq for ShapeId {}

/// How a session describes a result's columns.
pub trait Describe {
    fn id(&self) -> &ShapeId;
    fn key(&self) -> &[u8];
    /// JSON for JavaScript, made once per link.
    fn describe(&self) -> Vec<u8>;
}

pub struct Replies<'a> {
    pub requests: &'a mut Requests,
    pub links: &'a mut Links,
    pub names: &'a mut Names,
    pub finished: &'a mut Vec<Finished>,
    /// Links that have something to hand over.
    pub talking: &'a mut Vec<u32>,
    /// Whose answers these are.
    pub peer: Peer,
    /// Notices that no statement caused.
    pub notices: &'a mut Vec<EngineError>,
    /// Settings that the server reports as changed, to unpooled sessions.
    pub parameters: &'a mut Vec<(String, String)>,
    pub notifications: &'a mut Vec<Notification>,
    pub pushes: Pushes<'a>,
    /// A row asked to stop; the link it was for, if that is behind.
    pub stop: bool,
    /// A row was malformed: nothing further on this connection can be trusted.
    pub distrust: Option<EngineError>,
    /// The server has become another than was wanted.
    pub retire: bool,
    pub stalled_by: Option<u32>,
}

impl Replies<'_> {
    /// One row: `write` appends its cells. A row that cannot be decoded fails its request and the
    /// rest of its rows are swallowed.
    pub fn row<E: Into<EngineError>>(
        &mut self,
        token: Token,
        shape: &impl Describe,
        write: impl FnOnce(&mut Chunk) -> Result<(), E>,
    ) -> Flow {
        let Some(request) = self.requests.get(token) else { return Flow::Go };
        let Some((link, number)) = readable(request) else { return Flow::Go };
        let Some(link) = self.links.get(link) else { return Flow::Go };
        if link.rows_of != Some(token) || !link.chunk.rows_open() || request.result.is_some() {
            end_result(request, link, number);
            let id = shape_id(shape, self.names);
            request.shape = id;
            link.know_shape(id, || shape.describe());
            link.close_rows();
            link.chunk.begin_rows(number, id);
            link.rows_of = Some(token);
        }
        if let Err(error) = write(&mut link.chunk) {
            let error = error.into();
            if error.json["code"] == MALFORMED {
                self.distrust = Some(error.clone());
            }
            request.error = Some(error);
            return Flow::Go;
        }
        link.relieve();
        let mut flow = Flow::Go;
        // Rows of an ordinary result are of no use before its end, so they wake nobody.
        if let Some(credit) = &mut request.credit {
            talk(link, self.talking);
            *credit -= 1;
            // Read in parts, a stream gets no more rows than it has credit for.
            if *credit <= 0 && request.mode.fetch == 0 {
                self.stop = true;
                flow = Flow::Stop;
            }
        }
        if link.is_full() {
            self.stalled_by = Some(link.shared.id);
            self.stop = true;
            flow = Flow::Stop;
        }
        flow
    }

    /// The server takes data for a COPY: whether anybody still has some.
    pub fn copy_ready(&mut self, token: Token) -> bool {
        let Some(request) = self.requests.get(token) else { return false };
        let Some((link, number)) = answerable(request) else { return false };
        let Some(link) = self.links.get(link) else { return false };
        link.record(&[record::COPY_READY, number, COPY_WINDOW as i32]);
        talk(link, self.talking);
        true
    }

    /// Data of a COPY. What comes together goes together, whatever messages it came in.
    pub fn copy_data(&mut self, token: Token, data: &[u8]) -> Flow {
        let Some(request) = self.requests.get(token) else { return Flow::Go };
        let Some((link, number)) = readable(request) else { return Flow::Go };
        let Some(link) = self.links.get(link) else { return Flow::Go };
        link.copy_data(token, number, data);
        talk(link, self.talking);
        if let Some(credit) = &mut request.credit {
            *credit -= data.len() as i64;
            self.stop |= *credit <= 0;
        }
        if link.is_full() {
            self.stalled_by = Some(link.shared.id);
            self.stop = true;
        }
        if self.stop { Flow::Stop } else { Flow::Go }
    }

    /// One statement of the request is complete.
    pub fn complete(
        &mut self,
        token: Token,
        shape: Option<&impl Describe>,
        command: &str,
        count: Option<u64>,
    ) {
        let Some(request) = self.requests.get(token) else { return };
        let Some((link, number)) = answerable(request) else {
            // The driver's own: it asks for the count alone.
            request.result = Some(Outcome { shape: -1, command: -1, count });
            return;
        };
        let Some(link) = self.links.get(link) else { return };
        end_result(request, link, number);
        let shape = shape.map_or(-1, |shape| {
            let id = shape_id(shape, self.names);
            link.know_shape(id, || shape.describe());
            id
        });
        let command = self.names.command(command);
        link.know_command(command, &self.names.command_names[command as usize]);
        request.result = Some(Outcome { shape, command, count });
    }

    /// More of the result that was just completed, ahead of the record that ends it.
    pub fn tell(&mut self, token: Token, told: Told<'_>) {
        let Some(request) = self.requests.get(token) else { return };
        let Some((link, number)) = answerable(request) else { return };
        let Some(link) = self.links.get(link) else { return };
        let (low, high) = (told.insert_id as i32, (told.insert_id >> 32) as i32);
        let words = [record::OUTCOME, number, low, high, i32::from(told.warnings)];
        link.record_with_bytes(&words, told.info);
    }

    /// A cursor waits to be asked for more, or a stream for credit: how many rows it is asked for
    /// now; `None` when nobody wants any.
    pub fn suspended(&mut self, token: Token) -> Option<u32> {
        let request = self.requests.get(token)?;
        let (link, number) = readable(request)?;
        let link = self.links.get(link)?;
        match request.credit {
            Some(credit @ 1..) => return Some(u32::try_from(credit).unwrap_or(u32::MAX)),
            Some(_) => {}
            None => {
                link.record(&[record::SUSPENDED, number]);
                talk(link, self.talking);
            }
        }
        request.suspended = true;
        Some(0)
    }

    /// The request failed; it is over when `ready` says so.
    pub fn error(&mut self, token: Token, error: EngineError) {
        if let Some(request) = self.requests.get(token) {
            request.error.get_or_insert_with(|| match request.interrupted && error.is_stopped() {
                true => error.with("interrupted", true.into()),
                false => error,
            });
        }
    }

    /// The whole answer is here: settle the request. `in_transaction` is how the session stands.
    pub fn ready(&mut self, token: Token, in_transaction: bool) {
        let Some(request) = self.requests.get(token) else { return };
        let dispatch = request.statement.as_ref().map(|statement| statement.dispatch());
        let dirties = matches!(dispatch, Some(Dispatch::Alone { dirties: true }));
        self.finished.push(Finished { token, in_transaction, dirties });
        if request.settled || request.moves() {
            return;
        }
        settle(request, self.links, self.talking);
    }

    /// How an unpooled session stands after this request.
    pub fn status(&mut self, token: Token, status: u8) {
        let Some(request) = self.requests.get(token).filter(|request| !request.settled) else {
            return;
        };
        if let Some((link, number)) = request.origin
            && let Some(link) = self.links.get(link)
        {
            link.record(&[record::STATUS, number, i32::from(status)]);
        }
    }

    /// To the link whose statement is under way, ahead of its end; else the driver finds whose
    /// connection it is.
    pub fn notification(
        &mut self,
        token: Option<Token>,
        process: i32,
        channel: &str,
        payload: &str,
    ) {
        let text = [channel.as_bytes(), payload.as_bytes()].join(&0);
        let Some((pool, _, link)) = asker(self.requests, self.links, token) else {
            return self.notifications.push(Notification { process, text });
        };
        link.record_with_bytes(&[record::NOTIFICATION, pool as i32, process], &text);
        link.relieve();
        let full = link.is_full().then_some(link.shared.id);
        talk(link, self.talking);
        if full.is_some() {
            self.stalled_by = full;
            self.stop = true;
        }
    }

    /// Ahead of the end of the statement that caused it.
    pub fn notice(&mut self, token: Option<Token>, notice: EngineError) {
        let peer = self.peer;
        let Some((pool, number, link)) = asker(self.requests, self.links, token) else {
            return self.notices.push(notice);
        };
        let event = notice_event(peer, Some(number), &notice).to_string();
        link.record_with_bytes(&[record::EVENT, pool as i32], event.as_bytes());
        talk(link, self.talking);
    }
}

pub fn notice_event(peer: Peer, request: Option<i32>, notice: &EngineError) -> serde_json::Value {
    serde_json::json!({ "type": "notice", "connection": peer.connection,
        "processId": peer.process, "request": request, "notice": notice.json })
}

/// Tells JavaScript how the request ended: its error if it has one, else its last result.
pub fn settle(request: &mut Request, links: &mut Links, talking: &mut Vec<u32>) {
    request.settled = true;
    let Some((id, number)) = request.origin else { return };
    let Some(link) = links.get(id) else { return };
    link.unbind(number);
    match &request.error {
        Some(error) => link.record_with_bytes(&[record::FAIL, number], &error.to_bytes()),
        None => {
            let (shape, command, low, high) = words(request.result);
            link.record(&[record::DONE, number, shape, command, low, high]);
        }
    }
    talk(link, talking);
}

/// Whose statement is under way: its pool, its number and its link.
fn asker<'a>(
    requests: &mut Requests,
    links: &'a mut Links,
    token: Option<Token>,
) -> Option<(u32, i32, &'a mut Link)> {
    let request = requests.get(token?).filter(|it| !it.settled)?;
    let (pool, (link, number)) = (request.pool, request.origin?);
    Some((pool, number, links.get(link)?))
}

/// Whom to tell, if anybody still listens and nothing has failed.
fn answerable(request: &Request) -> Option<(u32, i32)> {
    if request.settled || request.error.is_some() { None } else { request.origin }
}

/// Whom to give rows: nobody who has left.
fn readable(request: &Request) -> Option<(u32, i32)> {
    if request.left.is_some() { None } else { answerable(request) }
}

/// Of several results in one answer, all but the last are ended by a record of their own.
fn end_result(request: &mut Request, link: &mut Link, number: i32) {
    if request.result.is_some() {
        let (shape, command, low, high) = words(request.result.take());
        link.record(&[record::RESULT, number, shape, command, low, high]);
    }
}

fn words(outcome: Option<Outcome>) -> (i32, i32, i32, i32) {
    let Some(outcome) = outcome else { return (-1, -1, 0, -1) };
    let (low, high) = match outcome.count {
        Some(count) => (count as u32 as i32, (count >> 32) as i32),
        None => (0, -1),
    };
    (outcome.shape, outcome.command, low, high)
}

fn shape_id<T: Describe + ?Sized>(shape: &T, names: &mut Names) -> i32 {
    let id = shape.id().0.get();
    if id != 0 {
        return id;
    }
    let id = names.shape(shape.key());
    shape.id().0.set(id);
    id
}

/// Puts the link on the list of those to flush at the end of the burst.
pub fn talk(link: &mut Link, talking: &mut Vec<u32>) {
    if !link.queued {
        link.queued = true;
        talking.push(link.shared.id);
    }
}
