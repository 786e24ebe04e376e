//! The Redis session as the driver wants it.

use super::encode::EncodeError;
use super::error::ServerError;
use super::session::{Broken, Session, Sink};
use super::statement::Command;
use super::value::{self, Texts};
use crate::engine::error::EngineError;
use crate::engine::net::address::Peer;
use crate::engine::replies::{Flow, Replies};
use crate::engine::session as driver;
use crate::wire::chunk::Chunk;
use crate::wire::param::Params;
use bytes::BytesMut;
use std::rc::Rc;

/// Tells the server, on a side connection, that what a session executes need not wait longer.
pub type Cancel = Box<dyn Fn() -> driver::LocalFuture<()>>;

/// A session with what a cancel needs to know.
pub struct Connection {
    session: Session,
    peer: Peer,
    cancel: Cancel,
}

impl Connection {
    pub fn new(session: Session, peer: Peer, cancel: Cancel) -> Connection {
        Connection { session, peer, cancel }
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
        let command = driver::own::<Command>(statement)?;
        self.session.execute(token, command, params, mode).map_err(|error| refused(&error))
    }

    fn settle_lead(&mut self) {}

    fn copy_data(&mut self, _token: u64, _data: &[u8]) -> bool {
        false
    }

    fn copy_end(&mut self, _token: u64, _failure: Option<&str>) -> bool {
        false
    }

    fn fetch(&mut self, _rows: u32) {}

    fn close_cursor(&mut self) -> bool {
        false
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
        self.session.receive(input, &mut Replying { replies, verbatim }).map_err(|it| lost(&it))
    }

    fn needed(&self, _input: &[u8]) -> usize {
        self.session.needed()
    }

    /// The end of the transport says it.
    fn terminate(&mut self, _cut_off: bool) {}

    /// The low bits of a number that goes on counting.
    fn process_id(&self) -> i32 {
        self.session.id() as i32
    }

    fn announce(&self) -> Option<serde_json::Value> {
        let announced = || {
            let [local, remote] = self.peer.ends();
            serde_json::json!({ "transaction": "I", "parameters": [],
                "encrypted": self.peer.encrypted, "local": local, "remote": remote })
        };
        self.session.is_verbatim().then(announced)
    }

    /// It may have run, so it is not sent again.
    fn unanswered(&self, lost: &EngineError) -> EngineError {
        if self.session.is_verbatim() {
            return lost.clone();
        }
        let message = format!("{}; the command was sent and may have run", lost.message());
        lost.clone().with("message", message.into())
    }

    /// What does not wait for others ends soon by itself.
    fn can_stop(&self) -> bool {
        self.session.is_blocked() && !self.session.is_verbatim()
    }

    fn cancel(&self) -> driver::LocalFuture<()> {
        if self.can_stop() { (self.cancel)() } else { Box::pin(std::future::ready(())) }
    }
}

/// Passes the session's events on to the requests they are for.
struct Replying<'a, 'b> {
    replies: &'a mut Replies<'b>,
    verbatim: bool,
}

impl Replying<'_, '_> {
    fn error(&self, error: &ServerError) -> EngineError {
        if self.verbatim { error.to_plain() } else { error.to_engine() }
    }
}

impl Sink for Replying<'_, '_> {
    #[inline]
    fn value(&mut self, token: u64, reply: &[u8], texts: Texts, dirties: bool) -> Flow {
        self.replies.value(token, dirties, |chunk| value::write(chunk, reply, texts))
    }

    fn written(&mut self, token: u64, value: &mut Chunk, dirties: bool) -> Flow {
        self.replies.value(token, dirties, |chunk| chunk.append(value))
    }

    fn refused(
        &mut self,
        token: u64,
        error: &ServerError,
        cause: Option<&ServerError>,
        dirties: bool,
    ) {
        let error = self.error(error).caused_by(cause.map(|cause| self.error(cause)).as_ref());
        self.replies.failed(token, error, dirties);
    }

    fn done(&mut self, token: u64, rows: u64, error: Option<&ServerError>) {
        self.replies.done(token, rows, error.map(|error| self.error(error)));
    }

    /// As bytes: who has subscribed knows what they are.
    fn push(&mut self, reply: &[u8]) -> Flow {
        self.replies.push(|chunk| value::write(chunk, reply, Texts::Bytes))
    }
}

fn refused(error: &EncodeError) -> EngineError {
    let refused = EngineError::new("ERR_POLYPOOL_PARAMETER", error.to_string());
    match error.position {
        0 => refused,
        position => refused.with("position", position.into()),
    }
}

fn lost(broken: &Broken) -> EngineError {
    match broken {
        Broken::Server(error) => EngineError::closed(&error.to_plain()),
        Broken::Protocol(_) => EngineError::nonsense(broken),
    }
}
