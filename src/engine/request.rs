//! What the driver knows of one request while somebody waits for its answer or its wire is busy.

use super::error::EngineError;
use super::session::{Dispatch, Mode, Statement};
use crate::core::message::{ConnId, Time};
use crate::wire::param::ParamsBuf;
use std::rc::Rc;

/// Index and generation in one word: a token is never mistaken for its successor's.
pub type Token = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A statement of the pool: it was granted a place on a wire and owes `StatementDone`.
    Pooled,
    /// A statement on a lease or in a hook.
    Held,
    /// The driver's own: validation, reset, and the settling round trip after a cancel.
    Check,
    Reset,
    Settle,
    /// A JavaScript hook's deadline, and the limit of a cancel.
    Hook,
    Hold,
    /// Bounds the wait of WARM for a server.
    Warm,
    /// Bounds the wait of a thread that detaches from a shared pool.
    Leave,
    /// Bounds the goodbyes of a pool that is closed.
    Farewell,
    /// Asks a server that refused to write whether it is a standby.
    Place,
    /// Timers of a pool of replicas.
    Patience,
    Probe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits in the core for a connection.
    Waiting,
    /// Waits on its connection: the wire is held, or the pool does not pipeline.
    Queued,
    /// Handed to the session.
    Sent,
}

pub struct Request {
    pub kind: Kind,
    pub stage: Stage,
    /// The link that asked, and its number there; the driver's own requests have none.
    pub origin: Option<(u32, i32)>,
    pub pool: u32,
    /// The pool that takes over a read which the replicas, at `pool`, cannot run.
    pub fallback: Option<u32>,
    pub conn: Option<ConnId>,
    pub statement: Option<Rc<dyn Statement>>,
    pub params: ParamsBuf,
    pub mode: Mode,
    /// When it is cut short: its entry among the driver's deadlines.
    pub deadline: Option<Time>,
    /// Rows a stream may still send; `None` for ordinary requests.
    pub credit: Option<i64>,
    /// A cursor that has answered and waits to be asked for more: no deadline applies. A stream
    /// read in parts that is out of credit.
    pub suspended: bool,
    /// A stream within a transaction that nobody reads any more: when it must have ended.
    pub left: Option<Time>,
    pub started: Time,
    /// When it went to its session.
    pub sent: Time,
    /// JavaScript has had its answer; what still arrives is swallowed.
    pub settled: bool,
    /// Its wire is being emptied: should the server say that it was stopped, that is why.
    pub interrupted: bool,
    pub error: Option<EngineError>,
    /// The last finished result, held back until it is known whether another follows.
    pub result: Option<Outcome>,
    pub shape: i32,
}

#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub shape: i32,
    pub command: i32,
    pub count: Option<u64>,
}

impl Request {
    pub fn new(kind: Kind, pool: u32, origin: Option<(u32, i32)>, now: Time) -> Request {
        Request {
            kind,
            stage: Stage::Waiting,
            origin,
            pool,
            fallback: None,
            conn: None,
            statement: None,
            params: ParamsBuf::default(),
            mode: Mode { ordered: kind == Kind::Held, ..Mode::default() },
            deadline: None,
            credit: None,
            suspended: false,
            left: None,
            started: now,
            sent: now,
            settled: origin.is_none(),
            interrupted: false,
            error: None,
            result: None,
            shape: -1,
        }
    }
}

impl Request {
    /// A read that turned out to write, at a replica, before it had any rows: once more, at the
    /// primary.
    pub fn moves(&self) -> bool {
        self.fallback.is_some()
            && !self.settled
            && self.shape < 0
            && self.error.as_ref().is_some_and(|error| error.elsewhere)
            && self.statement.as_ref().is_some_and(|it| it.dispatch() == Dispatch::Read)
    }
}

/// All requests under way, by token.
#[derive(Default)]
pub struct Requests {
    entries: Vec<(u32, Option<Request>)>,
    free: Vec<u32>,
}

impl Requests {
    pub fn insert(&mut self, request: Request) -> Token {
        match self.free.pop() {
            Some(index) => {
                let (generation, entry) = &mut self.entries[index as usize];
                *entry = Some(request);
                token(index, *generation)
            }
            None => {
                let index = u32::try_from(self.entries.len()).expect("fewer than 2^32 requests");
                self.entries.push((0, Some(request)));
                token(index, 0)
            }
        }
    }

    pub fn get(&mut self, token: Token) -> Option<&mut Request> {
        let (generation, entry) = self.entries.get_mut(token as u32 as usize)?;
        if *generation != (token >> 32) as u32 {
            return None;
        }
        entry.as_mut()
    }

    pub fn remove(&mut self, token: Token) -> Option<Request> {
        let index = token as u32;
        let (generation, entry) = self.entries.get_mut(index as usize)?;
        if *generation != (token >> 32) as u32 {
            return None;
        }
        let request = entry.take()?;
        // The top bit of a waiter's number marks a lease of JavaScript's, so tokens stay below it.
        *generation = (*generation + 1) & 0x7fff_ffff;
        self.free.push(index);
        Some(request)
    }

    pub fn count(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub fn tokens(&self) -> Vec<Token> {
        let entries = self.entries.iter().enumerate();
        entries
            .filter(|(_, (_, entry))| entry.is_some())
            .map(|(index, (generation, _))| token(index as u32, *generation))
            .collect()
    }
}

fn token(index: u32, generation: u32) -> Token {
    u64::from(generation) << 32 | u64::from(index)
}
