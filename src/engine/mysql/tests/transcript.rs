//! A scripted server: its packets, what the client has sent, and what the session makes of both.

use super::super::codec::{put_bytes, take, take_u32};
use super::super::types::Columns;
use super::*;
use crate::engine::mysql::started::Flavor;
use crate::engine::session::Direction;
use crate::engine::session::Mode;
use crate::wire::param::Params;
use crate::wire::param::ParamsBuf;
use crate::wire::record::tag;
use bytes::BufMut;
use mysql_common::constants::CapabilityFlags;
use std::collections::HashMap;

pub const LONG: u8 = 3;
pub const LONGLONG: u8 = 8;
pub const VAR_STRING: u8 = 253;

pub const IN_TRANSACTION: u16 = 1;
pub const AUTOCOMMIT: u16 = 2;
pub const MORE: u16 = 8;
pub const CURSOR: u16 = 64;
pub const LAST_ROW: u16 = 128;

/// Events as lines, in order.
#[derive(Default)]
pub struct Lines {
    lines: Vec<String>,
    pub stopping: bool,
    /// What `suspended` answers.
    pub more: Option<u32>,
    pub has_file: bool,
}

impl Lines {
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }
}

impl Sink for Lines {
    fn row(&mut self, token: u64, columns: &Rc<Columns>, binary: bool, body: &[u8]) -> Flow {
        let form = if binary { "binary" } else { "text" };
        let names: Vec<&str> = columns.list.iter().map(|column| column.name.as_str()).collect();
        let names = names.join(",");
        self.lines.push(format!("{token} row {form} {names} {}", body.escape_ascii()));
        if self.stopping { Flow::Stop } else { Flow::Go }
    }

    fn complete(&mut self, token: u64, outcome: Outcome<'_>, columns: Option<&Rc<Columns>>) {
        let Outcome { command, count, insert_id, warnings, info } = outcome;
        let width = columns.map_or(0, |columns| columns.len());
        let mut line = format!("{token} complete '{command}' {count} columns {width}");
        if (insert_id, warnings, info) != (0, 0, b"") {
            line += &format!(" id {insert_id} warnings {warnings} '{}'", info.escape_ascii());
        }
        self.lines.push(line);
    }

    fn suspended(&mut self, token: u64) -> Option<u32> {
        self.lines.push(format!("{token} suspended"));
        self.more
    }

    fn error(&mut self, token: u64, error: &ServerError) {
        self.lines.push(format!("{token} error {}", error.errno));
    }

    fn refused(&mut self, token: u64, error: &EncodeError) {
        self.lines.push(format!("{token} refused {error}"));
    }

    fn ready(&mut self, token: u64, in_transaction: bool) {
        let state = if in_transaction { " in transaction" } else { "" };
        self.lines.push(format!("{token} ready{state}"));
    }

    fn copy_ready(&mut self, token: u64) -> bool {
        self.lines.push(format!("{token} wants a file"));
        self.has_file
    }

    fn packet(&mut self, token: u64, body: &[u8]) {
        self.lines.push(format!("{token} says {}", String::from_utf8_lossy(body)));
    }

    fn parameter(&mut self, name: &str, value: &str) {
        self.lines.push(format!("{name}={value}"));
    }
}

#[derive(Clone, Copy)]
pub enum Value<'a> {
    Null,
    Int(i32),
    Text(&'a str),
    Nan,
}

pub fn words(values: &[Value<'_>]) -> Vec<i32> {
    let mut words = Vec::new();
    for value in values {
        match value {
            Value::Null => words.push(tag::NULL),
            Value::Int(value) => words.extend([tag::INT, *value]),
            Value::Nan => words.extend([tag::FLOAT, 0, 0x7ff8_0000]),
            Value::Text(text) => {
                words.extend([tag::TEXT, text.len() as i32]);
                words.extend(text.as_bytes().chunks(4).map(|chunk| {
                    let mut word = [0; 4];
                    word[..chunk.len()].copy_from_slice(chunk);
                    i32::from_le_bytes(word)
                }));
            }
        }
    }
    words
}

/// A session and its server.
pub struct Peer {
    pub session: Session,
    pub sink: Lines,
    statements: HashMap<String, Rc<Statement>>,
}

/// Both servers as they are by now: results end in OK, changes are told.
pub fn started(flavor: Flavor) -> Started {
    let agreed = CapabilityFlags::CLIENT_DEPRECATE_EOF | CapabilityFlags::CLIENT_SESSION_TRACK;
    Started {
        connection_id: 7,
        version: String::new(),
        flavor,
        capabilities: agreed,
        mariadb_capabilities: match flavor {
            Flavor::MySql => 0,
            Flavor::MariaDb => MariadbCapabilities::all().bits(),
        },
        collation: 45,
        status: StatusFlags::SERVER_STATUS_AUTOCOMMIT,
        auth_plugin: String::new(),
        parameters: Vec::new(),
        hello: Vec::new(),
        sequence: 1,
    }
}

impl Peer {
    pub fn new(flavor: Flavor, statement_cache: usize) -> Peer {
        Peer::with(started(flavor), statement_cache)
    }

    pub fn with(started: Started, statement_cache: usize) -> Peer {
        let options = SessionOptions {
            statement_cache,
            database: Some("db".to_owned()),
            setup: "SET pins".to_owned(),
            ..SessionOptions::default()
        };
        let session = Session::new(started, options);
        Peer { session, sink: Lines::default(), statements: HashMap::new() }
    }

    pub fn statement(&mut self, text: &str) -> Rc<Statement> {
        let id = self.statements.len() as u32;
        let make = || Rc::new(Statement::new(id, text));
        self.statements.entry(text.to_owned()).or_insert_with(make).clone()
    }

    pub fn execute(&mut self, token: u64, text: &str, values: &[Value<'_>]) {
        self.run(token, text, values, Mode::default()).unwrap();
    }

    pub fn run(
        &mut self,
        token: u64,
        text: &str,
        values: &[Value<'_>],
        mode: Mode,
    ) -> Result<(), EncodeError> {
        let statement = &self.statement(text);
        let words = words(values);
        let mut kept = ParamsBuf::default();
        kept.set(Params::parse(values.len(), &words).unwrap());
        self.session.execute(Execute { token, statement, params: kept.get(), mode })
    }

    /// What the client has sent, a word for each packet.
    pub fn sent(&mut self) -> String {
        let bytes = self.session.outgoing().split();
        let mut rest = &bytes[..];
        let mut told = Vec::new();
        while let Some([a, b, c, sequence]) = take(&mut rest) {
            let length = u32::from_le_bytes([a, b, c, 0]) as usize;
            let (body, tail) = rest.split_at(length);
            told.push(tell(sequence, body));
            rest = tail;
        }
        told.join(" ")
    }

    pub fn hear(&mut self, packets: &[Vec<u8>]) -> Vec<String> {
        let bytes = packets.concat();
        let taken = self.session.receive(&bytes, &mut self.sink).unwrap();
        assert_eq!(taken, bytes.len(), "all of it is understood");
        self.sink.take()
    }

    pub fn break_with(&mut self, packets: &[Vec<u8>]) -> Broken {
        self.session.receive(&packets.concat(), &mut self.sink).unwrap_err()
    }
}

fn tell(sequence: u8, body: &[u8]) -> String {
    let Some((&command, argument)) = body.split_first() else { return format!("Empty#{sequence}") };
    if sequence != 0 {
        return format!("Data#{sequence}({})", body.escape_ascii());
    }
    let text = String::from_utf8_lossy(argument);
    let mut rest = argument;
    let mut number = || take_u32(&mut rest).unwrap() as i32;
    match command {
        1 => "Quit".to_owned(),
        2 => format!("InitDb({text})"),
        3 => format!("Query({text})"),
        14 => "Ping".to_owned(),
        22 => format!("Prepare({text})"),
        23 => {
            let id = number();
            let cursor = if argument[4] == 1 { ", cursor" } else { "" };
            format!("Execute({id}{cursor}, {} bytes)", argument.len() - 9)
        }
        25 => format!("Close({})", number()),
        26 => format!("Reset({})", number()),
        28 => format!("Fetch({}, {})", number(), number()),
        31 => "ResetConnection".to_owned(),
        other => format!("Unknown({other})"),
    }
}

/// Packets from the number `first` on.
pub fn packets(first: u8, bodies: &[Vec<u8>]) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut sequence = first;
    for body in bodies {
        sequence = frame::write(&mut out, body, sequence);
    }
    out.to_vec()
}

/// The whole answer to a command.
pub fn answer(bodies: &[Vec<u8>]) -> Vec<u8> {
    packets(1, bodies)
}

pub fn ok_with(header: u8, affected: u8, id: u8, status: u16) -> Vec<u8> {
    let [low, high] = status.to_le_bytes();
    vec![header, affected, id, low, high, 0, 0]
}

pub fn ok() -> Vec<u8> {
    ok_with(0, 0, 0, AUTOCOMMIT)
}

/// The end of rows where OK ends them.
pub fn end() -> Vec<u8> {
    ok_with(0xfe, 0, 0, AUTOCOMMIT)
}

pub fn eof(status: u16) -> Vec<u8> {
    let [low, high] = status.to_le_bytes();
    vec![0xfe, 0, 0, low, high]
}

pub fn error(errno: u16) -> Vec<u8> {
    let [low, high] = errno.to_le_bytes();
    [&[0xff, low, high], &b"#HY000message"[..]].concat()
}

pub fn definition(name: &str, kind: u8, extended: bool) -> Vec<u8> {
    let mut out = BytesMut::new();
    for text in ["def", "db", "t", "t", name, name] {
        put_bytes(&mut out, text.as_bytes());
    }
    if extended {
        put_bytes(&mut out, b"");
    }
    let collation = if kind == VAR_STRING { 45 } else { 63 };
    out.put_slice(&[12, collation, 0, 0, 1, 0, 0, kind, 0, 0, 0, 0, 0]);
    out.to_vec()
}

/// Count and definitions of columns, as a server says them.
pub fn columns(flavor: Flavor, list: &[(&str, u8)]) -> Vec<Vec<u8>> {
    let maria = flavor == Flavor::MariaDb;
    let mut count = vec![list.len() as u8];
    if maria {
        count.push(1);
    }
    let definitions = list.iter().map(|(name, kind)| definition(name, *kind, maria));
    std::iter::once(count).chain(definitions).collect()
}

/// The answer to a PREPARE where nothing ends definitions.
pub fn prepared(flavor: Flavor, id: u32, params: u8, list: &[(&str, u8)]) -> Vec<u8> {
    let mut head = vec![0];
    head.extend_from_slice(&id.to_le_bytes());
    head.extend_from_slice(&[list.len() as u8, 0, params, 0, 0, 0, 0]);
    let maria = flavor == Flavor::MariaDb;
    let mut bodies = vec![head];
    bodies.extend((0..params).map(|_| definition("?", VAR_STRING, maria)));
    bodies.extend(list.iter().map(|(name, kind)| definition(name, *kind, maria)));
    answer(&bodies)
}

pub fn text_row(values: &[Option<&str>]) -> Vec<u8> {
    let mut out = BytesMut::new();
    for value in values {
        match value {
            Some(value) => put_bytes(&mut out, value.as_bytes()),
            None => out.put_u8(0xfb),
        }
    }
    out.to_vec()
}

/// A row of one integer of 32 bits.
pub fn binary_row(value: i32) -> Vec<u8> {
    [&[0, 0], &value.to_le_bytes()[..]].concat()
}

/// One column, one row.
pub fn result(flavor: Flavor, value: i32) -> Vec<u8> {
    let mut bodies = columns(flavor, &[("n", LONG)]);
    bodies.extend([binary_row(value), end()]);
    answer(&bodies)
}

pub fn copy_in() -> Mode {
    Mode { copy: Some(Direction::In), ..Mode::default() }
}
