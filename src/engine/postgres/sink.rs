//! What a session tells the one who drives it.

use super::error::ServerError;
use super::params::EncodeError;
use super::types::Columns;
pub use crate::engine::replies::Flow;
use std::rc::Rc;

/// Where events go. Statements end in the order they were sent, each with `ready`.
pub trait Sink {
    /// `body` is the DataRow after its count of columns; see `types::write_row`.
    fn row(&mut self, token: u64, columns: &Rc<Columns>, binary: bool, body: &[u8]) -> Flow;
    /// One result has ended; the tag is empty for an empty text. Not yet the end: an error may
    /// still follow (deferred constraints are checked at Sync).
    fn complete(&mut self, token: u64, tag: &str, columns: Option<&Rc<Columns>>);
    /// A cursor has given the rows it was asked for: how many more it is to give now, 0 when
    /// `fetch` will say so later; `None` when nobody wants more of it.
    fn suspended(&mut self, token: u64) -> Option<u32>;
    /// The statement failed; `ready` follows, except after a FATAL error, which `Broken` follows.
    fn error(&mut self, token: u64, error: &ServerError);
    /// A parameter could not be encoded once its type was known; `ready` follows.
    fn refused(&mut self, token: u64, error: &EncodeError);
    /// The statement is over.
    fn ready(&mut self, token: u64, transaction: u8);
    /// The server takes data for a COPY: whether somebody has any.
    fn copy_ready(&mut self, token: u64) -> bool;
    /// Data of a COPY TO STDOUT, cut anywhere.
    fn copy_data(&mut self, token: u64, data: &[u8]) -> Flow;
    fn notice(&mut self, token: Option<u64>, notice: &ServerError);
    /// `token` is the statement that is under way meanwhile.
    fn notification(&mut self, token: Option<u64>, process: i32, channel: &str, payload: &str);
    fn parameter(&mut self, name: &str, value: &str);
}

/// The connection must be discarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The bytes are not what the protocol allows here.
    Protocol(String),
    /// A message that has no place here, or that there is none of.
    Unexpected(u8),
    /// The server closes the connection and says why.
    Server(Box<ServerError>),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::Protocol(reason) => f.write_str(reason),
            Broken::Unexpected(tag) => {
                write!(f, "unexpected message '{}' from the server", tag.escape_ascii())
            }
            Broken::Server(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Broken {}
