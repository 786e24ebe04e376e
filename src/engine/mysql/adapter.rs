//! The MySQL session as the driver wants it.

use super::codec::latin1;
use super::error::ServerError;
use super::infile::refusal;
use super::params::EncodeError;
use super::session::{Broken, Execute, Flow, Outcome, Session, Sink};
use super::started::Flavor;
use super::statements::Statement;
use super::types::{self, Columns};
use crate::engine::error::EngineError;
use crate::engine::net::address::Peer;
use crate::engine::replies::{Replies, Told};
use crate::engine::session as driver;
use crate::engine::timed::Timed;
use crate::wire::chunk::Chunk;
use crate::wire::param::Params;
use bytes::BytesMut;
use std::rc::Rc;

/// Asks the server, on a side connection, to stop what a session executes.
pub type Cancel = Box<dyn Fn() -> driver::LocalFuture<()>>;

/// A session with what a cancel needs to know.
pub struct Connection {
    session: Session,
    peer: Peer,
    cancel: Cancel,
    /// The cancel can log in as this session did.
    stops: bool,
    /// Whose caller steers it was told so.
    in_transaction: bool,
}

impl Connection {
    pub fn new(session: Session, peer: Peer, cancel: Cancel, stops: bool) -> Connection {
        Connection { session, peer, cancel, stops, in_transaction: false }
    }
}

impl driver::Session for Connection {
    fn execute(
        &mut self,
        token: u64,
        statement: &Rc<dyn driver::Statement>,
        params: Params<'_>,
        mode: driver::Mode,
    ) -> Result<(), EngineError> {
        let statement = Timed::<Statement>::text_of(statement)?;
        if self.session.is_verbatim() {
            let sent = self.session.command(Execute { token, statement, params, mode });
            return sent.map_err(|error| parameter_error(&error));
        }
        if let Some(reason) = refusal(statement, mode.copy) {
            return Err(EngineError::new("ERR_POLYPOOL_PARAMETER", reason));
        }
        self.session.keep_order(mode.ordered);
        let execute = Execute { token, statement, params, mode };
        self.session.execute(execute).map_err(|error| parameter_error(&error))
    }

    /// Each statement is a command of its own.
    fn settle_lead(&mut self) {}

    fn copy_data(&mut self, token: u64, data: &[u8]) -> bool {
        self.session.copy_data(token, data)
    }

    fn copy_end(&mut self, token: u64, failure: Option<&str>) -> bool {
        self.session.copy_end(token, failure)
    }

    fn fetch(&mut self, rows: u32) {
        self.session.fetch(rows);
    }

    fn close_cursor(&mut self) -> bool {
        self.session.close_cursor()
    }

    fn check(&mut self, token: u64) {
        self.session.ping(token);
    }

    fn check_place(&mut self, token: u64) {
        self.session.check_place(token);
    }

    fn reset(&mut self, token: u64) {
        self.session.reset(token);
    }

    fn outgoing(&mut self) -> &mut BytesMut {
        self.session.outgoing()
    }

    fn receive(&mut self, input: &[u8], replies: &mut Replies<'_>) -> Result<usize, EngineError> {
        let verbatim = self.session.is_verbatim();
        let mut sink = Replying { replies, verbatim, told: &mut self.in_transaction };
        self.session.receive(input, &mut sink).map_err(|broken| lost(&broken))
    }

    fn needed(&self, input: &[u8]) -> usize {
        self.session.needed(input)
    }

    /// Whose caller steers it says what it wants said.
    fn terminate(&mut self, cut_off: bool) {
        if !(cut_off && self.session.is_verbatim()) {
            self.session.terminate();
        }
    }

    fn process_id(&self) -> i32 {
        self.session.started().connection_id as i32
    }

    fn announce(&self) -> Option<serde_json::Value> {
        let announced = || {
            let started = self.session.started();
            let [local, remote] = self.peer.ends();
            serde_json::json!({ "hello": latin1(&started.hello), "transaction": "I",
                "parameters": started.parameters, "encrypted": self.peer.encrypted,
                "stops": self.stops, "local": local, "remote": remote })
        };
        self.session.is_verbatim().then(announced)
    }

    fn cancel(&self) -> driver::LocalFuture<()> {
        (self.cancel)()
    }
}

/// Passes the session's events on to the requests they are for.
struct Replying<'a, 'b> {
    replies: &'a mut Replies<'b>,
    /// Its caller reads the server's packets.
    verbatim: bool,
    /// That caller was told that a transaction is open.
    told: &'a mut bool,
}

impl Sink for Replying<'_, '_> {
    fn row(&mut self, token: u64, columns: &Rc<Columns>, binary: bool, body: &[u8]) -> Flow {
        let write = |chunk: &mut Chunk| types::write_row(chunk, columns, binary, body);
        self.replies.row(token, &**columns, write)
    }

    fn complete(&mut self, token: u64, outcome: Outcome<'_>, columns: Option<&Rc<Columns>>) {
        let Outcome { command, count, insert_id, warnings, info } = outcome;
        let shape = columns.map(|columns| &**columns);
        self.replies.complete(token, shape, command, Some(count));
        let told = insert_id != 0 || warnings != 0 || !info.is_empty();
        if told && !self.verbatim {
            self.replies.tell(token, Told { insert_id, warnings, info });
        }
    }

    fn suspended(&mut self, token: u64) -> Option<u32> {
        self.replies.suspended(token)
    }

    fn error(&mut self, token: u64, error: &ServerError) {
        // Whose caller reads the packets knows one list of names.
        let error = match self.verbatim {
            true => error.clone().of(Flavor::MySql),
            false => error.clone(),
        };
        self.replies.error(token, server_error(&error));
    }

    fn refused(&mut self, token: u64, error: &EncodeError) {
        self.replies.error(token, parameter_error(error));
    }

    fn ready(&mut self, token: u64, in_transaction: bool) {
        if self.verbatim && *self.told != in_transaction {
            *self.told = in_transaction;
            self.replies.status(token, if in_transaction { b'T' } else { b'I' });
        }
        self.replies.ready(token, in_transaction);
    }

    fn copy_ready(&mut self, token: u64) -> bool {
        self.replies.copy_ready(token)
    }

    fn packet(&mut self, token: u64, body: &[u8]) {
        let text = latin1(body);
        self.replies.tell(token, Told { insert_id: 0, warnings: 0, info: text.as_bytes() });
    }

    /// Whoever changes a setting of a pooled session knows of it.
    fn parameter(&mut self, _name: &str, _value: &str) {}
}

pub fn server_error(error: &ServerError) -> EngineError {
    let elsewhere = error.is_read_only();
    let not_here = elsewhere || error.is_crash();
    EngineError { json: error.to_json(), not_here, elsewhere, fatal: error.is_auth() }
}

fn parameter_error(error: &EncodeError) -> EngineError {
    EngineError::new("ERR_POLYPOOL_PARAMETER", error.to_string())
        .with("position", error.position.into())
}

fn lost(broken: &Broken) -> EngineError {
    match broken {
        Broken::Server(error) => {
            let mut lost = EngineError::closed(&server_error(error));
            lost.not_here = error.is_crash();
            lost
        }
        Broken::Protocol(_) | Broken::Frame(_) => EngineError::nonsense(broken),
    }
}
