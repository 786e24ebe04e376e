//! COPY: what a text asks for, and the part of a session that moves its data.
//!
//! A COPY goes by the simple protocol: an error in the middle of the data is then followed by
//! ReadyForQuery without a Sync of ours, and what was still in flight the server drops. Nothing
//! else is on the wire meanwhile.

use super::error::ServerError;
use super::lexer::Words;
use super::pending::{Fault, Stage};
use super::receive::{Step, malformed, unexpected};
use super::session::Session;
use super::sink::{Flow, Sink};
use super::statements::Statement;
use crate::engine::session::Direction;
use bytes::BufMut;
use postgres_protocol::message::{backend, frontend};

/// The reason of a CopyFail stands in the server's log: no longer than a line or two.
const REASON_MAX: usize = 1000;

/// How far the copy of the statement at the head of the queue has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Copying {
    #[default]
    No,
    /// Asked for; the server has not agreed yet.
    Asked(Direction),
    /// The server takes data.
    In,
    /// The server sends data; `wanted` by the one who asked, else they are dropped.
    Out { wanted: bool },
    /// All data have gone, or none will.
    Over,
    /// No copy: all that comes is passed on.
    Wire,
}

/// Where a text copies to or from, when that is the client.
pub(super) fn direction(text: &str) -> Option<Direction> {
    let mut words = Words::new(text).filter(|word| word.depth == 0);
    if !words.next()?.is(b"copy") {
        return None;
    }
    let mut found = None;
    for word in words {
        match found {
            None if word.is(b"from") => found = Some(Direction::In),
            None if word.is(b"to") => found = Some(Direction::Out),
            None => {}
            // The server takes either name for either way.
            Some(_) => return found.filter(|_| word.is(b"stdin") || word.is(b"stdout")),
        }
    }
    None
}

/// Why a statement is not run this way.
pub(super) fn refusal(statement: &Statement, asked: Option<Direction>) -> Option<&'static str> {
    match (asked, statement.copy) {
        (asked, found) if asked == found => None,
        (None, Some(Direction::In)) => {
            Some("COPY FROM STDIN needs its data: use copyFrom(), which is a stream to write to")
        }
        (None, _) => {
            Some("COPY TO STDOUT sends data: use copyTo(), which is a stream to read from")
        }
        (Some(Direction::In), Some(_)) => Some(
            "copyFrom() needs a COPY ... FROM STDIN statement; for COPY TO STDOUT use copyTo()",
        ),
        (Some(Direction::In), None) => Some("copyFrom() needs one COPY ... FROM STDIN statement"),
        (Some(Direction::Out), Some(_)) => Some(
            "copyTo() needs a COPY ... TO STDOUT statement; for COPY FROM STDIN use copyFrom()",
        ),
        (Some(Direction::Out), None) => Some("copyTo() needs one COPY ... TO STDOUT statement"),
    }
}

impl Session {
    /// Appends data to the copy of `token`; false when it takes none.
    pub fn copy_data(&mut self, token: u64, data: &[u8]) -> bool {
        if self.is_wire() {
            self.outgoing.put_slice(data);
            return true;
        }
        if !self.takes_data(token) {
            return false;
        }
        // One frame: the driver bounds what it hands over at once.
        let length = u32::try_from(data.len() + 4).expect("a submission is below 4 GiB");
        self.outgoing.reserve(data.len() + 5);
        self.outgoing.put_u8(b'd');
        self.outgoing.put_u32(length);
        self.outgoing.put_slice(data);
        true
    }

    /// Ends the data of `token`, with the reason when they are not complete. False when there is
    /// nothing to end.
    pub fn copy_end(&mut self, token: u64, failure: Option<&str>) -> bool {
        if self.is_wire() {
            self.close_wire();
            return true;
        }
        if !self.takes_data(token) {
            return false;
        }
        match failure {
            Some(reason) => self.fail_copy(reason),
            None => frontend::copy_done(&mut self.outgoing),
        }
        self.set_copying(Copying::Over);
        true
    }

    /// The goodbye in the middle of a copy would be taken for data.
    pub(super) fn abandon_copy(&mut self) {
        if self.copying() == Copying::In {
            self.fail_copy("the connection is closed");
            self.set_copying(Copying::Over);
        }
    }

    fn fail_copy(&mut self, reason: &str) {
        let mut end = reason.len().min(REASON_MAX);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let reason = reason[..end].replace('\0', " ");
        frontend::copy_fail(&reason, &mut self.outgoing).expect("a text without NUL");
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

    /// Only the simple protocol gets here: there is no Sync that the server would have ignored.
    pub(super) fn handle_copy_in(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let tag = backend::COPY_IN_RESPONSE_TAG;
        let (copying, token) = self.head_of_copy(tag, body)?;
        let asked = copying == Copying::Asked(Direction::In);
        if asked && sink.copy_ready(token) {
            self.set_copying(Copying::In);
            return Ok(());
        }
        self.fail_copy(match (asked, self.options.verbatim) {
            (true, _) => "given up",
            (false, true) => "No source stream defined",
            (false, false) => "only copyFrom() sends data",
        });
        self.set_copying(Copying::Over);
        Ok(())
    }

    pub(super) fn handle_copy_out(&mut self, body: &[u8]) -> Step {
        let (copying, _) = self.head_of_copy(backend::COPY_OUT_RESPONSE_TAG, body)?;
        let wanted = copying == Copying::Asked(Direction::Out);
        if !wanted && !self.options.verbatim {
            self.fault("COPY TO STDOUT sends data, which only copyTo() takes");
        }
        self.set_copying(Copying::Out { wanted });
        Ok(())
    }

    /// Checks that a copy may begin here. The body is the format and those of the columns.
    fn head_of_copy(&self, tag: u8, body: &[u8]) -> Step<(Copying, u64)> {
        let Some((&[_, high, low], formats)) = body.split_first_chunk::<3>() else {
            return Err(malformed("CopyResponse"));
        };
        if formats.len() != 2 * usize::from(u16::from_be_bytes([high, low])) {
            return Err(malformed("CopyResponse"));
        }
        match self.pending.front() {
            Some(head) if head.stage == Stage::Simple && head.columns.is_none() => {
                match head.copying {
                    Copying::In | Copying::Out { .. } | Copying::Wire => Err(unexpected(tag)),
                    copying => Ok((copying, head.token)),
                }
            }
            _ => Err(unexpected(tag)),
        }
    }

    /// What the statement will be told, if nothing else was wrong.
    fn fault(&mut self, message: &str) {
        if let Some(pending) = self.pending.front_mut()
            && pending.fault.is_none()
        {
            let error = ServerError::local("0A000", message);
            pending.fault = Some(Box::new(Fault::Local(error)));
        }
    }

    /// CopyData whose header has been read: as much of it as is here. A large value passes through
    /// in pieces and is never held as a whole.
    pub(super) fn pass_on(&mut self, data: &[u8], sink: &mut impl Sink) -> Flow {
        match self.pending.front() {
            Some(head) if head.passes_on() && !data.is_empty() => sink.copy_data(head.token, data),
            _ => Flow::Go,
        }
    }

    /// Whether CopyData may come now.
    pub(super) fn is_copying_out(&self) -> bool {
        matches!(self.copying(), Copying::Out { .. })
    }

    pub(super) fn handle_copy_done(&mut self) -> Step {
        if !self.is_copying_out() {
            return Err(unexpected(backend::COPY_DONE_TAG));
        }
        self.set_copying(Copying::Over);
        Ok(())
    }

    /// A result has ended: whether that fits the copy, and what was asked for has happened.
    pub(super) fn end_copy(&mut self, tag: u8) -> Step {
        match self.copying() {
            Copying::No | Copying::Over => Ok(()),
            Copying::Wire => {
                self.set_copying(Copying::Over);
                Ok(())
            }
            Copying::In | Copying::Out { .. } => Err(unexpected(tag)),
            Copying::Asked(_) => {
                self.fault("the statement copied nothing to or from the client");
                self.set_copying(Copying::Over);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
#[path = "tests/copy.rs"]
mod tests;
