//! What a session tells the one who drives it.

use super::error::ServerError;
use super::frame;
use super::params::EncodeError;
use super::types::Columns;
pub use crate::engine::replies::Flow;
use std::rc::Rc;

/// How one result has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The first word of its statement, or nothing.
    pub command: &'a str,
    /// Rows of the result, or rows that were affected.
    pub count: u64,
    pub insert_id: u64,
    pub warnings: u16,
    pub info: &'a [u8],
}

/// Where events go. Statements end in the order they were sent, each with `ready`.
pub trait Sink {
    /// `body` is as `types::write_row` wants it.
    fn row(&mut self, token: u64, columns: &Rc<Columns>, binary: bool, body: &[u8]) -> Flow;
    /// One result has ended; others may follow.
    fn complete(&mut self, token: u64, outcome: Outcome<'_>, columns: Option<&Rc<Columns>>);
    /// A cursor has given the rows it was asked for: how many more it is to give now, 0 when
    /// `fetch` will say so later; `None` when nobody wants more of it.
    fn suspended(&mut self, token: u64) -> Option<u32>;
    /// The statement failed; `ready` follows, unless the server ends the connection.
    fn error(&mut self, token: u64, error: &ServerError);
    /// The statement was not sent; `ready` follows.
    fn refused(&mut self, token: u64, error: &EncodeError);
    /// The statement is over.
    fn ready(&mut self, token: u64, in_transaction: bool);
    /// The server wants the file of a LOAD DATA LOCAL: whether somebody has one.
    fn copy_ready(&mut self, token: u64) -> bool;
    /// What the server says to a command of the caller's, as it came: an OK, the head of the answer
    /// to a PREPARE, the name of a file, what it asks a login.
    fn packet(&mut self, token: u64, body: &[u8]);
    /// A variable of the session was changed.
    fn parameter(&mut self, name: &str, value: &str);
}

/// The connection must be discarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The bytes are not what the protocol allows here.
    Protocol(&'static str),
    Frame(frame::Fault),
    /// The server closes the connection and says why.
    Server(Box<ServerError>),
}

impl From<frame::Fault> for Broken {
    fn from(fault: frame::Fault) -> Broken {
        Broken::Frame(fault)
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::Protocol(reason) => f.write_str(reason),
            Broken::Frame(fault) => fault.fmt(f),
            Broken::Server(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Broken {}
