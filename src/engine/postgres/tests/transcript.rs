//! Scripted transcripts: messages of a server, what a session sends, and what it tells its sink.

use super::{Broken, Execute, Flow, Session, SessionOptions, Sink};
use crate::engine::postgres::error::ServerError;
use crate::engine::postgres::params::EncodeError;
use crate::engine::postgres::startup::Started;
use crate::engine::postgres::statements::Statement;
use crate::engine::postgres::types::{Columns, TypeOptions};
use crate::engine::session::{Direction, Mode};
use crate::wire::param::Params;
use crate::wire::record::tag;
use std::fmt::Write;
use std::rc::Rc;

pub const INT4: u32 = 23;
pub const TEXT: u32 = 25;
pub const JSONB: u32 = 3802;

pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[tag], &length[..], body].concat()
}

fn counted<T: Copy>(items: &[T], write: impl Fn(T) -> Vec<u8>) -> Vec<u8> {
    let mut body = (items.len() as u16).to_be_bytes().to_vec();
    items.iter().for_each(|&item| body.extend(write(item)));
    body
}

pub fn parsed() -> Vec<u8> {
    message(b'1', b"")
}

pub fn bound() -> Vec<u8> {
    message(b'2', b"")
}

pub fn closed() -> Vec<u8> {
    message(b'3', b"")
}

pub fn param_types(types: &[u32]) -> Vec<u8> {
    message(b't', &counted(types, |id| id.to_be_bytes().to_vec()))
}

pub fn no_data() -> Vec<u8> {
    message(b'n', b"")
}

pub fn columns(list: &[(&str, u32)]) -> Vec<u8> {
    let column = |(name, id): (&str, u32)| {
        let mut body = [name.as_bytes(), &[0, 0, 0, 0, 0, 0, 0]].concat();
        body.extend(id.to_be_bytes());
        body.extend([0, 4, 255, 255, 255, 255, 0, 0]);
        body
    };
    message(b'T', &counted(list, column))
}

pub fn row(cells: &[Option<&str>]) -> Vec<u8> {
    let cell = |cell: Option<&str>| match cell {
        Some(text) => [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat(),
        None => vec![255; 4],
    };
    message(b'D', &counted(cells, cell))
}

pub fn suspended() -> Vec<u8> {
    message(b's', b"")
}

pub fn complete(command: &str) -> Vec<u8> {
    message(b'C', &[command.as_bytes(), &[0]].concat())
}

pub fn ready(status: u8) -> Vec<u8> {
    message(b'Z', &[status])
}

pub fn report(tag: u8, severity: &str, code: &str, text: &str) -> Vec<u8> {
    message(tag, format!("S{severity}\0V{severity}\0C{code}\0M{text}\0\0").as_bytes())
}

pub fn error(code: &str) -> Vec<u8> {
    report(b'E', "ERROR", code, "no")
}

pub fn stale() -> Vec<u8> {
    report(b'E', "ERROR", "0A000", "cached plan must not change result type")
}

/// The answers to the first use of a statement that gives one int4 per parameter list.
pub fn first_use(types: &[u32], value: &str) -> Vec<u8> {
    let described = [parsed(), param_types(types), columns(&[("n", INT4)])].concat();
    [described, next_use(value)].concat()
}

pub fn next_use(value: &str) -> Vec<u8> {
    [bound(), row(&[Some(value)]), complete("SELECT 1"), ready(b'I')].concat()
}

/// Parameters as the ring encodes them.
pub enum Value<'a> {
    Int(i32),
    Text(&'a str),
    Array(&'a str, &'a str),
}

fn push_text(words: &mut Vec<i32>, text: &str) {
    words.push(text.len() as i32);
    for piece in text.as_bytes().chunks(4) {
        let mut word = [0; 4];
        word[..piece.len()].copy_from_slice(piece);
        words.push(i32::from_ne_bytes(word));
    }
}

pub fn encode_words(values: &[Value<'_>]) -> Vec<i32> {
    let mut words = Vec::new();
    for value in values {
        match value {
            Value::Int(value) => words.extend([tag::INT, *value]),
            Value::Text(text) => {
                words.push(tag::TEXT);
                push_text(&mut words, text);
            }
            Value::Array(literal, json) => {
                words.push(tag::ARRAY);
                push_text(&mut words, literal);
                push_text(&mut words, json);
            }
        }
    }
    words
}

/// Writes down what it is told; stops at every row and piece of data when asked to.
#[derive(Default)]
pub struct Recorder {
    pub events: Vec<String>,
    pub stopping: bool,
    /// Wants no COPY any more.
    pub deaf: bool,
    /// Wants no more of a cursor that suspends.
    pub had_enough: bool,
    /// Rows that a suspended cursor is asked for at once.
    pub wants: u32,
}

impl Recorder {
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.events)
    }
}

impl Sink for Recorder {
    fn row(&mut self, token: u64, columns: &Rc<Columns>, binary: bool, body: &[u8]) -> Flow {
        let form = if binary { "binary" } else { "text" };
        let cells = body.escape_ascii();
        self.events.push(format!("{token} row {form} {} {cells}", columns.len()));
        if self.stopping { Flow::Stop } else { Flow::Go }
    }

    fn complete(&mut self, token: u64, tag: &str, columns: Option<&Rc<Columns>>) {
        let columns = columns.map_or(0, |columns| columns.len());
        self.events.push(format!("{token} complete '{tag}' {columns}"));
    }

    fn suspended(&mut self, token: u64) -> Option<u32> {
        self.events.push(format!("{token} suspended"));
        if self.had_enough { None } else { Some(self.wants) }
    }

    fn error(&mut self, token: u64, error: &ServerError) {
        self.events.push(format!("{token} error {}", error.code()));
    }

    fn refused(&mut self, token: u64, error: &EncodeError) {
        self.events.push(format!("{token} refused {}", error.position));
    }

    fn ready(&mut self, token: u64, transaction: u8) {
        self.events.push(format!("{token} ready {}", transaction as char));
    }

    fn copy_ready(&mut self, token: u64) -> bool {
        self.events.push(format!("{token} copy ready"));
        !self.deaf
    }

    /// How the data were cut is nobody's business: pieces that follow each other become one.
    fn copy_data(&mut self, token: u64, data: &[u8]) -> Flow {
        let (mine, data) = (format!("{token} copy data "), data.escape_ascii().to_string());
        match self.events.last_mut().filter(|last| last.starts_with(&mine)) {
            Some(last) => last.push_str(&data),
            None => self.events.push(mine + &data),
        }
        if self.stopping { Flow::Stop } else { Flow::Go }
    }

    fn notice(&mut self, token: Option<u64>, notice: &ServerError) {
        self.events.push(format!("{token:?} notice {}", notice.code()));
    }

    fn notification(&mut self, _: Option<u64>, process: i32, channel: &str, payload: &str) {
        self.events.push(format!("notification {process} {channel} {payload}"));
    }

    fn parameter(&mut self, name: &str, value: &str) {
        self.events.push(format!("parameter {name}={value}"));
    }
}

/// A session, its recorder, and the texts it is given, each with one number.
pub struct Peer {
    pub session: Session,
    pub sink: Recorder,
    statements: Vec<Rc<Statement>>,
}

impl Peer {
    pub fn new(statement_cache: usize) -> Peer {
        let started = Started { transaction: b'I', pinned: true, ..Started::default() };
        let options = SessionOptions { statement_cache, types: TypeOptions::default(), verbatim: false };
        let session = Session::new(started, options, "p");
        Peer { session, sink: Recorder::default(), statements: Vec::new() }
    }

    pub fn statement(&mut self, text: &str) -> Rc<Statement> {
        if let Some(known) = self.statements.iter().find(|known| known.text == text) {
            return known.clone();
        }
        let statement = Rc::new(Statement::new(self.statements.len() as u32, text));
        self.statements.push(statement.clone());
        statement
    }

    pub fn submit(
        &mut self,
        token: u64,
        text: &str,
        values: &[Value<'_>],
        mode: Mode,
    ) -> Result<(), EncodeError> {
        let statement = &self.statement(text);
        let words = encode_words(values);
        let params = Params::parse(values.len(), &words).unwrap();
        self.session.execute(Execute { token, statement, params, mode })
    }

    pub fn try_execute(
        &mut self,
        token: u64,
        text: &str,
        values: &[Value<'_>],
    ) -> Result<(), EncodeError> {
        self.submit(token, text, values, Mode::default())
    }

    pub fn copy(&mut self, token: u64, text: &str, direction: Direction) {
        let mode = Mode { copy: Some(direction), ..Mode::default() };
        self.submit(token, text, &[], mode).unwrap();
    }

    pub fn lead(&mut self, token: u64, text: &str) {
        self.submit(token, text, &[], Mode { lead: true, ..Mode::default() }).unwrap();
    }

    /// A lead with a Sync of its own.
    pub fn guard(&mut self, token: u64, text: &str) {
        self.submit(token, text, &[], Mode { guard: true, ..Mode::default() }).unwrap();
    }

    pub fn cursor(&mut self, token: u64, text: &str, values: &[Value<'_>], fetch: u32) {
        let mode = Mode { within: true, fetch, ..Mode::default() };
        self.submit(token, text, values, mode).unwrap();
    }

    /// A statement of a transaction that a lead began.
    pub fn within(&mut self, token: u64, text: &str, values: &[Value<'_>]) {
        let mode = Mode { within: true, ..Mode::default() };
        self.submit(token, text, values, mode).unwrap();
    }

    pub fn execute(&mut self, token: u64, text: &str, values: &[Value<'_>]) {
        self.try_execute(token, text, values).unwrap();
    }

    /// What the session has sent since the last call, in words.
    pub fn sent(&mut self) -> String {
        describe(&self.session.outgoing().split())
    }

    /// Gives the session the server's bytes and returns its events.
    pub fn hear(&mut self, messages: &[Vec<u8>]) -> Vec<String> {
        let bytes = messages.concat();
        assert_eq!(self.session.receive(&bytes, &mut self.sink), Ok(bytes.len()));
        self.sink.take()
    }

    pub fn break_with(&mut self, messages: &[Vec<u8>]) -> Broken {
        self.session.receive(&messages.concat(), &mut self.sink).unwrap_err()
    }
}

fn describe(bytes: &[u8]) -> String {
    let mut words = Vec::new();
    let mut rest = bytes;
    while let [tag, a, b, c, d, ..] = rest {
        let end = u32::from_be_bytes([*a, *b, *c, *d]) as usize + 1;
        words.push(describe_message(*tag, &rest[5..end]));
        rest = &rest[end..];
    }
    words.join(" ")
}

fn describe_message(tag: u8, body: &[u8]) -> String {
    let text = |at: usize| body[at..].split(|&b| b == 0).next().unwrap().escape_ascii().to_string();
    match tag {
        b'P' => format!("Parse({},{})", text(0), text(text(0).len() + 1)),
        b'D' => format!("Describe({})", text(1)),
        b'C' => format!("Close({})", text(1)),
        b'B' => describe_bind(&text(1), &body[text(1).len() + 2..]),
        b'Q' => format!("Query({})", text(0)),
        b'E' if body.ends_with(&[0; 4]) => "Execute".into(),
        b'E' => format!("Execute({})", body[body.len() - 1]),
        b'S' => "Sync".into(),
        b'H' => "Flush".into(),
        b'd' => format!("CopyData({})", body.escape_ascii()),
        b'c' => "CopyDone".into(),
        b'f' => format!("CopyFail({})", text(0)),
        b'X' => "Terminate".into(),
        tag => panic!("a client does not send {tag}"),
    }
}

fn describe_bind(name: &str, body: &[u8]) -> String {
    let short = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]) as usize;
    let mut out = format!("Bind({name}");
    let count = short(0);
    let mut at = 4 + 2 * count;
    assert_eq!(short(at - 2), count);
    for index in 0..count {
        let form = if short(2 + 2 * index) == 1 { 'b' } else { 't' };
        let length = u32::from_be_bytes(body[at..at + 4].try_into().unwrap()) as usize;
        let value = body[at + 4..at + 4 + length].escape_ascii();
        write!(out, ",{form}:{value}").unwrap();
        at += 4 + length;
    }
    let formats: Vec<String> = (0..short(at)).map(|i| short(at + 2 + 2 * i).to_string()).collect();
    assert_eq!(body.len(), at + 2 + 2 * formats.len());
    write!(out, ";{})", formats.join("")).unwrap();
    out
}
