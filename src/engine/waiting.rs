//! What sessions of all protocols keep of statements on their way.

use super::class::Class;
use super::session::Mode;
use super::timed::Text;
use crate::wire::param::{Params, ParamsBuf};
use std::rc::Rc;

/// Parameter buffers kept for the next statement, and up to which size of message.
const SPARE_BUFFERS: usize = 64;
pub const SPARE_SIZE_MAX: usize = 16 * 1024;

/// One statement to run.
pub struct Execute<'a, T> {
    /// Comes back with every event of this execution.
    pub token: u64,
    pub statement: &'a Rc<T>,
    pub params: Params<'a>,
    pub mode: Mode,
}

// Not derived: that would ask for a `T` that can be copied.
impl<T> Copy for Execute<'_, T> {}

impl<T> Clone for Execute<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

/// What a statement will be told when it is over: `E` is the server's error, `R` a parameter that
/// cannot be sent.
#[derive(Debug)]
pub enum Fault<E, R> {
    /// What was prepared for it was stale: run again from the text, if that is safe.
    Stale(E),
    /// An error of our own making.
    Local(E),
    /// Its parameters do not fit it, as was seen once their types were known.
    Refused(R),
}

/// A request that waits for the one before it.
#[derive(Debug)]
pub struct Held<T> {
    pub token: u64,
    pub task: Task<T>,
}

#[derive(Debug)]
pub enum Task<T> {
    Execute { statement: Rc<T>, params: ParamsBuf, mode: Mode, retried: bool },
    Check,
    Place,
    Reset,
}

impl<T: Text> Held<T> {
    /// For later, with parameters of its own.
    pub fn execute(execute: Execute<'_, T>, spare: &mut Spare, retried: bool) -> Held<T> {
        let Execute { token, statement, mode, .. } = execute;
        let (statement, params) = (statement.clone(), spare.keep(execute.params));
        Held { token, task: Task::Execute { statement, params, mode, retried } }
    }

    pub fn class(&self) -> Class {
        match &self.task {
            Task::Execute { statement, .. } => statement.class(),
            Task::Check | Task::Place => Class::Read,
            Task::Reset => Class::Other,
        }
    }
}

/// Buffers for parameters of statements that may have to be encoded again.
#[derive(Debug, Default)]
pub struct Spare(Vec<ParamsBuf>);

impl Spare {
    /// A copy in a buffer used before.
    pub fn keep(&mut self, params: Params<'_>) -> ParamsBuf {
        if params.is_empty() {
            return ParamsBuf::default();
        }
        let mut buffer = self.0.pop().unwrap_or_default();
        buffer.set(params);
        buffer
    }

    /// Takes it back; a `large` one is not worth keeping.
    pub fn recycle(&mut self, buffer: ParamsBuf, large: bool) {
        if !large && self.0.len() < SPARE_BUFFERS && !buffer.get().is_empty() {
            self.0.push(buffer);
        }
    }
}
