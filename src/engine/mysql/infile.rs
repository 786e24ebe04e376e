//! LOAD DATA LOCAL: the server asks for a file, which only `copyFrom()` gives.

use super::error::ServerError;
use super::frame;
use super::pending::{Fault, Stage};
use super::receive::{Step, unasked};
use super::session::Session;
use super::sink::{Broken, Sink};
use super::statements::Statement;
use crate::engine::session::Direction;
use bytes::BufMut;

/// How far the file of the statement at the head of the queue has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Copying {
    #[default]
    No,
    /// The statement was given with a file; the server has not asked for it yet.
    Asked,
    /// The server reads it.
    In,
    /// All of it has gone, or none will.
    Over,
}

/// Why a statement is not run this way.
pub(super) fn refusal(statement: &Statement, asked: Option<Direction>) -> Option<&'static str> {
    match (asked, statement.copy) {
        (Some(Direction::Out), _) => Some("copyTo() has no counterpart in MySQL: use stream()"),
        (Some(Direction::In), None) => {
            Some("copyFrom() needs one LOAD DATA LOCAL INFILE statement")
        }
        (None, Some(_)) => Some(
            "LOAD DATA LOCAL INFILE needs its data: use copyFrom(), which is a stream to write to",
        ),
        (Some(Direction::In), Some(_)) | (None, None) => None,
    }
}

impl Session {
    /// Appends data to the file of `token`; false when it takes none.
    pub fn copy_data(&mut self, token: u64, data: &[u8]) -> bool {
        // A packet without data would end the file.
        if !self.takes_data(token) {
            return false;
        }
        if !data.is_empty() {
            self.write_part(data);
        }
        true
    }

    /// Ends the file of `token`, with the reason when it is not complete. False when there is
    /// nothing to end.
    pub fn copy_end(&mut self, token: u64, failure: Option<&str>) -> bool {
        if !self.takes_data(token) {
            return false;
        }
        match failure {
            Some(_) => self.abandon_file(),
            None => self.write_part(&[]),
        }
        self.set_copying(Copying::Over);
        true
    }

    /// The protocol has no word for a file that is not complete, and an empty packet would have the
    /// server keep what it has. A packet out of order makes it give up statement and connection.
    pub(super) fn abandon_file(&mut self) {
        if self.copying() != Copying::In {
            return;
        }
        let mark = frame::begin(&mut self.outgoing);
        frame::end(&mut self.outgoing, mark, self.reader.sequence().wrapping_add(128));
        self.set_copying(Copying::Over);
    }

    fn write_part(&mut self, data: &[u8]) {
        self.outgoing.reserve(data.len() + frame::HEADER);
        let mark = frame::begin(&mut self.outgoing);
        self.outgoing.put_slice(data);
        let next = frame::end(&mut self.outgoing, mark, self.reader.sequence());
        self.reader.expect(next);
    }

    fn takes_data(&self, token: u64) -> bool {
        self.pending.front().is_some_and(|it| it.token == token && it.copying == Copying::In)
    }

    fn copying(&self) -> Copying {
        self.pending.front().map_or(Copying::No, |pending| pending.copying)
    }

    fn set_copying(&mut self, copying: Copying) {
        if let Some(pending) = self.pending.front_mut() {
            pending.copying = copying;
        }
    }

    /// The name of the file is the statement's, and of no interest: what is read is what
    /// `copyFrom()` is given, never a file of this machine.
    pub(super) fn handle_file_request(&mut self, sink: &mut impl Sink) -> Step {
        if self.pending.len() > 1 {
            // It would take the statements behind for the file.
            return Err(Broken::Protocol("the server asks for a file in the middle of others"));
        }
        let Some(head) = self.pending.front_mut() else { return Err(unasked(&[])) };
        if head.copying == Copying::Asked && sink.copy_ready(head.token) {
            head.copying = Copying::In;
            head.stage = Stage::Answer;
            return Ok(());
        }
        if head.copying != Copying::Asked {
            fault(&mut head.fault, "the server asked for a file: only copyFrom() gives it one");
        }
        head.copying = Copying::Over;
        self.write_part(&[]);
        Ok(())
    }

    /// A result has ended: whether what was asked for has happened.
    #[inline]
    pub(super) fn end_file(&mut self) {
        if let Some(head) = self.pending.front_mut()
            && head.copying == Copying::Asked
        {
            fault(&mut head.fault, "the statement took nothing from the client");
        }
    }
}

/// What the statement will be told, if nothing else was wrong.
#[cold]
fn fault(place: &mut Option<Box<Fault>>, message: &str) {
    if place.is_none() {
        // ER_NOT_SUPPORTED_YET
        *place = Some(Box::new(Fault::Local(ServerError::local(1235, "42000", message))));
    }
}

#[cfg(test)]
#[path = "tests/infile.rs"]
mod tests;
