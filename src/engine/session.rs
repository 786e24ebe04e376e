//! What the driver needs of a protocol: a sans-IO session and the way to open one.

use super::bridge::Bridges;
use super::error::EngineError;
use super::replies::Replies;
use super::settings::Settings;
use super::stream::Stream;
use crate::core::message::Time;
use crate::wire::param::Params;
use bytes::BytesMut;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// How a statement may be dispatched (DESIGN section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// Reads only: may share a wire.
    Read,
    /// DML in autocommit: may share while no lease is out.
    Write,
    /// Goes over the one wire that all share, in the order of submission.
    Ordered,
    /// Has a connection to itself; `dirties` when it may leave session state behind.
    Alone { dirties: bool },
}

/// One text, once per process. `Rc`: statements live on the engine's thread only.
pub trait Statement {
    fn dispatch(&self) -> Dispatch;

    /// The same where it depends on the parameters.
    fn dispatch_of(&self, _params: Params<'_>, _is_batch: bool) -> Dispatch {
        self.dispatch()
    }

    /// Why a pool cannot run it on a connection of its own choice.
    fn refusal(&self, _params: Params<'_>, _is_batch: bool) -> Option<String> {
        None
    }

    /// Whether it begins or ends a transaction; savepoints do neither.
    fn bounds_transaction(&self) -> bool;
    /// Whether it can be executed in parts (`Mode::fetch`): one statement, and no COPY.
    fn has_parts(&self) -> bool;
    /// Whether it is a read that may run twice, and on any connection, or a write that may run
    /// again once the server has stopped it: nobody can tell.
    fn is_plain(&self) -> bool {
        false
    }
    /// Microseconds it took so far, as a running average; `None` before its first end.
    fn average(&self) -> Option<Time>;
    fn note(&self, took: Time);
    fn as_any(&self) -> &dyn std::any::Any;
}

/// A statement as the protocol has it that made it.
pub fn own<T: 'static>(statement: &Rc<dyn Statement>) -> Result<&T, EngineError> {
    let foreign = || EngineError::new("ERR_POLYPOOL_PROTOCOL", "a statement of another engine");
    statement.as_any().downcast_ref().ok_or_else(foreign)
}

/// Which way a COPY moves its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// What becomes of the cells of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// Values, as far as the session reads them.
    #[default]
    Values,
    /// The server's texts, whatever their types.
    Text,
    /// The bytes of the binary form. Not by the simple protocol, which has none.
    Binary,
}

/// How one execution differs from the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Goes out together with the statement that follows, which is skipped when this one fails.
    pub lead: bool,
    /// A lead that cannot: it has a Sync of its own, and its failure is that of all within it too.
    pub guard: bool,
    /// Not sent when the lead before it has failed.
    pub within: bool,
    /// One borrower's statements: nothing may be run again behind others that were sent after it.
    pub ordered: bool,
    /// A COPY whose data JavaScript sends or takes.
    pub copy: Option<Direction>,
    /// A cursor, or a stream within a transaction: only so many rows at first, the others when
    /// `fetch` asks. 0 for all rows at once.
    pub fetch: u32,
    /// By the simple protocol.
    pub simple: bool,
    pub cells: Cells,
    /// No statement: the bytes of the connection, both ways.
    pub wire: bool,
    /// Several commands at once.
    pub batch: bool,
}

/// A connection after its handshake, without I/O: bytes in, replies out.
pub trait Session {
    /// Appends one statement to `outgoing`. On an error nothing was queued.
    fn execute(
        &mut self,
        token: u64,
        statement: &Rc<dyn Statement>,
        params: Params<'_>,
        mode: Mode,
    ) -> Result<(), EngineError>;

    /// Ends a lead whose follower did not come.
    fn settle_lead(&mut self);

    /// Appends data to the COPY that `token` stands for; false when it takes none.
    fn copy_data(&mut self, token: u64, data: &[u8]) -> bool;

    /// Ends its data, with the reason when they are not complete; false when it takes none.
    fn copy_end(&mut self, token: u64, failure: Option<&str>) -> bool;

    /// Asks a suspended cursor for more rows.
    fn fetch(&mut self, rows: u32);

    /// Ends a suspended cursor; false when none is. Its `ready` follows.
    fn close_cursor(&mut self) -> bool;

    /// One cheap round trip that shows the peer to be alive.
    fn check(&mut self, token: u64);

    /// One round trip whose result has a row if the server is not the one a writer wants: it is a
    /// standby, or configured to be read-only.
    fn check_place(&mut self, token: u64);

    /// Brings the session back to how it was after connecting.
    fn reset(&mut self, token: u64);

    fn outgoing(&mut self) -> &mut BytesMut;

    /// Consumes whole messages and returns how many bytes they took. An error means that the
    /// connection must be discarded.
    fn receive(&mut self, input: &[u8], replies: &mut Replies<'_>) -> Result<usize, EngineError>;

    /// Bytes that the incomplete message at the head of the input has in all.
    fn needed(&self, input: &[u8]) -> usize;

    /// The goodbye of the protocol, appended to `outgoing`. `cut_off`: its borrower has not waited
    /// for the end of what was asked.
    fn terminate(&mut self, cut_off: bool);

    /// Number the server gives this connection.
    fn process_id(&self) -> i32;

    /// What else an unpooled session is told of its start, as JSON.
    fn announce(&self) -> Option<serde_json::Value>;

    /// What those are told whose answers will not come any more.
    fn unanswered(&self, lost: &EngineError) -> EngineError {
        lost.clone()
    }

    /// Whether what executes now may be stopped so; else its answer is waited for and dropped.
    fn can_stop(&self) -> bool {
        true
    }

    /// Asks the server, on a side connection, to stop what this session executes. Resolves when
    /// the side connection has closed, whatever came of it.
    fn cancel(&self) -> LocalFuture<()>;
}

pub struct Opened {
    pub stream: Stream,
    pub session: Box<dyn Session>,
    /// Bytes that came after the handshake.
    pub leftover: BytesMut,
}

/// What one attempt to connect may depend on beside its target. Without `Debug`.
#[derive(Default)]
pub struct Attempt {
    /// Of whatever is random about it.
    pub seed: u64,
    pub now: Time,
    /// When the caller gives up; for an even share among several hosts.
    pub limit: Option<Duration>,
    /// The answer of a password function, called anew for each attempt.
    pub password: Option<String>,
    /// Opens transports in JavaScript, for a target that asks for one.
    pub bridges: Option<Bridges>,
    /// Noted as it goes on: whoever ends it from outside can then say where it was.
    pub place: Place,
}

/// The address that an attempt is at: `db1:5432`, `10.0.0.1:5432`, the path of a socket.
#[derive(Clone, Default)]
pub struct Place(Rc<RefCell<Option<String>>>);

impl Place {
    pub fn note(&self, address: String) {
        self.0.replace(Some(address));
    }

    pub fn noted(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}

/// What is spoken there: a statement of one protocol means nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Postgres,
    MySql,
    Redis,
}

impl Protocol {
    pub const COUNT: usize = 3;
}

/// One target: where and as whom to connect.
pub trait Connector: Send + Sync {
    fn protocol(&self) -> Protocol;

    fn connect(self: Arc<Self>, attempt: Attempt) -> LocalFuture<Result<Opened, EngineError>>;

    /// The server runs on this machine, as far as the target tells.
    fn is_local(&self) -> bool;

    /// A server that refuses to write may be what this target asks for.
    fn allows_read_only(&self) -> bool;

    /// Statements of its pools that share a connection all share the same one, in their order.
    fn has_one_wire(&self) -> bool {
        false
    }

    /// With the name that the server is to know it by, if the caller chose one.
    fn statement(&self, id: u32, text: &str, name: Option<&str>) -> Rc<dyn Statement>;

    /// What it was made from: threads that share a pool must mean the same target.
    fn settings(&self) -> &Settings;
}
