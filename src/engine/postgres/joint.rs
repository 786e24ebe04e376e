//! Executions of one statement that go out together share a Sync, and the server answers them with
//! one write. It runs them in one implicit transaction: only reads that change nothing do so, which
//! nobody can tell, and executions of one statement take the same locks.
//!
//! After an error the server skips the others up to the Sync. They have not run, and are sent again,
//! each with a Sync of its own.

use super::classify::Class;
use super::params::EncodeError;
use super::pending::{Pending, Stage};
use super::session::{Execute, Session, write_bind};
use super::sink::Sink;
use super::statements::SYNC;
use super::types::Columns;
use super::verbatim::write_portal;
use bytes::BufMut;
use std::rc::Rc;

/// So many executions share a Sync at most: the first answer waits for the last.
const JOINT_MAX: u8 = 8;

/// The end of what is to be written, where it is an execution that another one may join.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    executions: u8,
    /// Of all that is to be written: what was appended since is not to be split from it.
    length: usize,
}

impl Session {
    /// A statement was encoded that others may join, or one that nothing may.
    pub(super) fn note_tail(&mut self, joint: bool) {
        self.tail = joint.then(|| Tail { executions: 1, length: self.outgoing.len() });
    }

    /// Encodes an execution so that it shares the Sync of the one before it; false where it cannot.
    pub(super) fn join(&mut self, execute: Execute<'_>) -> Result<bool, EncodeError> {
        let tail = self.tail.filter(|tail| tail.length == self.outgoing.len());
        let Some(Tail { executions, length }) = tail else { return Ok(false) };
        if !execute.mode.joint || executions == JOINT_MAX {
            return Ok(false);
        }
        let verbatim = self.options.verbatim;
        let Some(last) = self.pending.back_mut() else { return Ok(false) };
        let known = |it: &Pending| verbatim && it.cells == execute.mode.cells || it.binary;
        let Some(prepared) = last.prepared.as_ref().filter(|_| known(last)) else {
            return Ok(false);
        };
        if !prepared.statement.is(execute.statement) {
            return Ok(false);
        }
        let out = &mut self.outgoing;
        out.truncate(length - SYNC.len());
        let written = match verbatim {
            true => write_portal(out, prepared, execute, false),
            false => write_bind(out, prepared, execute.params, true),
        };
        if let Err(error) = written {
            out.truncate(length - SYNC.len());
            out.put_slice(SYNC);
            return Err(error);
        }
        let mut pending = Pending::new(execute.token, Stage::Bind, Class::Read);
        pending.prepared = Some(prepared.clone());
        pending.cells = last.cells;
        pending.binary = last.binary;
        pending.reused = true;
        pending.retried = verbatim;
        pending.params = self.spare.keep(execute.params);
        last.joined = true;
        self.pending.push_back(pending);
        self.tail = Some(Tail { executions: executions + 1, length: self.outgoing.len() });
        Ok(true)
    }

    /// Its own answer has ended an execution: the next one has the same columns.
    pub(super) fn end_joined(&mut self, columns: Option<Rc<Columns>>, sink: &mut impl Sink) {
        let Some(ended) = self.pending.pop_front() else { return };
        if let Some(next) = self.pending.front_mut() {
            next.columns = columns;
        }
        self.finish(ended, sink);
    }

    /// An execution has failed: those that were to share its Sync run now by themselves.
    pub(super) fn fail_joined(&mut self, sink: &mut impl Sink) {
        let Some(failed) = self.pending.pop_front() else { return };
        let last = self.pending.iter().position(|pending| !pending.joined);
        let skipped: Vec<Pending> = self.pending.drain(..=last.unwrap_or(0)).collect();
        let mut sync = Pending::new(0, Stage::Sync, Class::Read);
        sync.quiet = true;
        sync.exclusive = skipped.iter().any(|pending| pending.exclusive);
        self.pending.push_front(sync);
        self.finish(failed, sink);
        for pending in skipped {
            self.run_again(pending, false);
        }
    }
}

#[cfg(test)]
#[path = "tests/joint.rs"]
mod tests;
