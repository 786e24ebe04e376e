//! A Redis session without I/O, from the login on: commands become bytes in `outgoing`, received
//! bytes become calls of a `Sink`.
//!
//! The server answers commands in order, each once, but for those that subscribe; between the
//! answers come messages that nobody asked for. The contract in one sentence: after every call,
//! `receive` included, what is in `outgoing` must be written.

use super::classify::Class;
use super::encode::{EncodeError, put_command};
use super::error::ServerError;
use super::login::Login;
use super::pending::{Pending, What};
use super::resp::{Fault, Scanner};
use super::statement::{Command, batch};
use super::subscriptions::Subscriptions;
use super::value::Texts;
use crate::engine::replies::Flow;
use crate::engine::session::{Cells, Mode};
use crate::wire::chunk::Chunk;
use crate::wire::param::Params;
use bytes::BytesMut;
use std::collections::VecDeque;
use std::fmt;

/// Where events go. Commands end in the order they were sent, each with one of the first four.
pub trait Sink {
    /// A reply that is whole; `dirties`: the connection is not as after its login any more.
    fn value(&mut self, token: u64, reply: &[u8], texts: Texts, dirties: bool) -> Flow;
    /// The same, written by the session.
    fn written(&mut self, token: u64, value: &mut Chunk, dirties: bool) -> Flow;
    /// The server refuses; `cause` is why, where the refusal only says that something was.
    fn refused(
        &mut self,
        token: u64,
        error: &ServerError,
        cause: Option<&ServerError>,
        dirties: bool,
    );
    /// The session's own is over: how many rows its result would have.
    fn done(&mut self, token: u64, rows: u64, error: Option<&ServerError>);
    /// What nobody has asked for.
    fn push(&mut self, reply: &[u8]) -> Flow;
}

/// The connection must be discarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    Protocol(&'static str),
    /// The server closes the connection and says why.
    Server(ServerError),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Broken {
        Broken::Protocol(fault.0)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Protocol(reason) => f.write_str(reason),
            Broken::Server(error) => error.fmt(f),
        }
    }
}

pub struct Session {
    pub(super) outgoing: BytesMut,
    pub(super) pending: VecDeque<Pending>,
    pub(super) scanner: Scanner,
    /// What nobody asked for has a form of its own; as the login has left it, and now.
    opened_resp3: bool,
    pub(super) resp3: bool,
    pub(super) monitoring: bool,
    pub(super) subscriptions: Subscriptions,
    /// What a reset says again; none where the caller steers the session.
    login: Option<Login>,
    id: i64,
}

impl Session {
    pub fn new(login: Option<Login>, resp3: bool, id: i64) -> Session {
        Session {
            outgoing: BytesMut::with_capacity(4096),
            pending: VecDeque::with_capacity(16),
            scanner: Scanner::default(),
            opened_resp3: resp3,
            resp3,
            monitoring: false,
            subscriptions: Subscriptions::default(),
            login,
            id,
        }
    }

    /// The server's number for the connection; 0 where it has none.
    pub fn id(&self) -> i64 {
        self.id
    }

    pub fn is_verbatim(&self) -> bool {
        self.login.is_none()
    }

    pub fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    /// Bytes that the reply at the head of the input has at least.
    pub fn needed(&self) -> usize {
        self.scanner.needs()
    }

    /// Sends a command, or a batch of them. On an error nothing was queued.
    pub fn execute(
        &mut self,
        token: u64,
        command: &Command,
        params: Params<'_>,
        mode: Mode,
    ) -> Result<(), EncodeError> {
        let mark = self.outgoing.len();
        let pending = match mode.batch {
            false => self.put_one(token, command, params),
            true => self.put_batch(token, command, params),
        };
        let texts = if mode.cells == Cells::Binary { Texts::Bytes } else { Texts::Strings };
        match pending {
            Ok(pending) => self.pending.push_back(Pending { texts, ..pending }),
            Err(error) => {
                self.outgoing.truncate(mark);
                return Err(error);
            }
        }
        Ok(())
    }

    fn put_one(
        &mut self,
        token: u64,
        command: &Command,
        params: Params<'_>,
    ) -> Result<Pending, EncodeError> {
        if !command.is_named(params) {
            return Err(EncodeError { position: 0, reason: "a command needs a name" });
        }
        let class = command.class(params);
        if class == Class::Mute {
            let reason = "the command would leave others without an answer";
            return Err(EncodeError { position: 0, reason });
        }
        command.put(&mut self.outgoing, params)?;
        let arguments = command.arguments(params) as u32;
        let what = match class {
            Class::Subscribe(family) => What::Subscribe { family, left: arguments.max(1) },
            Class::Unsubscribe(family) => {
                What::Unsubscribe { family, left: (arguments > 0).then_some(arguments) }
            }
            Class::Hello => What::Hello,
            Class::Reset => What::Reset,
            Class::Monitor => What::Monitor,
            _ => What::One,
        };
        let mut pending = Pending::new(token, what);
        pending.dirties = class.dirties();
        pending.blocks = class == Class::Blocks;
        Ok(pending)
    }

    fn put_batch(
        &mut self,
        token: u64,
        command: &Command,
        params: Params<'_>,
    ) -> Result<Pending, EncodeError> {
        let transaction = command.is_transaction();
        if transaction {
            put_command(&mut self.outgoing, &[b"MULTI"]);
        }
        let (mut count, mut blocks, mut dirties) = (0, false, false);
        for words in batch(params) {
            let words = words?;
            let class = words.class();
            if class.dirties() && (transaction || !matches!(class, Class::State(_))) {
                let reason = "the batch has a command that is to be sent by itself";
                return Err(EncodeError { position: 0, reason });
            }
            dirties |= class.dirties();
            blocks |= class == Class::Blocks && !transaction;
            words.put(&mut self.outgoing)?;
            count += 1;
        }
        let what = match transaction {
            true => {
                put_command(&mut self.outgoing, &[b"EXEC"]);
                What::Transaction { left: count + 1, cause: None }
            }
            false if count == 0 => {
                return Err(EncodeError { position: 0, reason: "the batch is empty" });
            }
            false => What::batch(count),
        };
        Ok(Pending { blocks, dirties, ..Pending::new(token, what) })
    }

    /// One round trip that shows the peer to be alive, whatever it answers.
    pub fn ping(&mut self, token: u64) {
        self.put_own(token, &[b"PING"], What::Check);
    }

    /// Asks whether this is the place to write: a row if it is not.
    pub fn check_place(&mut self, token: u64) {
        self.put_own(token, &[b"ROLE"], What::Place);
    }

    fn put_own(&mut self, token: u64, words: &[&[u8]], what: What) {
        put_command(&mut self.outgoing, words);
        self.pending.push_back(Pending::new(token, what));
    }

    /// Brings the session back to how it was after its login, in one flight.
    pub fn reset(&mut self, token: u64) {
        let Some(login) = self.login.take() else { return self.ping(token) };
        self.resp3 = self.opened_resp3;
        let commands = login.again(self.resp3);
        let last = commands.len() - 1;
        for (at, command) in commands.iter().enumerate() {
            let words: Vec<&[u8]> = command.words.iter().map(|word| &**word).collect();
            let lenient = command.lenient;
            self.put_own(token, &words, What::Setup { last: at == last, lenient });
        }
        self.login = Some(login);
        self.subscriptions = Subscriptions::default();
        self.monitoring = false;
    }

    /// What it executes now waits for others, and can be told to stop.
    pub fn is_blocked(&self) -> bool {
        self.pending.front().is_some_and(|pending| pending.blocks)
    }
}

#[cfg(test)]
#[path = "tests/session.rs"]
mod tests;
#[cfg(test)]
#[path = "tests/transcript.rs"]
pub(super) mod transcript;
