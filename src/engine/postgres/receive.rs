//! The receiving half of the session: frames, rows, and the ends of statements. Nothing is allocated
//! on the hot path and nothing that the server says is trusted: what does not fit is `Broken`.

use super::classify::Class;
use super::error::ServerError;
use super::pending::{Fault, Held, Pending, Stage};
use super::session::{Execute, MESSAGE_MAX, Session};
use super::sink::{Broken, Flow, Sink};
use crate::engine::session::Mode;
use postgres_protocol::message::backend::{self, Header};

pub(super) type Step<T = ()> = Result<T, Broken>;

impl Session {
    /// Handles the whole messages at the head of `input` and returns how many bytes they took.
    /// Stops early when the sink wants no more rows. May append to `outgoing`.
    pub fn receive(&mut self, input: &[u8], sink: &mut impl Sink) -> Result<usize, Broken> {
        let mut at = 0;
        loop {
            let rest = &input[at..];
            if self.partial > 0 {
                let data = &rest[..rest.len().min(self.partial)];
                self.partial -= data.len();
                at += data.len();
                if data.is_empty() || self.pass_on(data, sink) == Flow::Stop {
                    return Ok(at);
                }
                continue;
            }
            if self.is_wire() {
                let (taken, flow) = self.pass_wire(rest, sink)?;
                at += taken;
                if taken == 0 || flow == Flow::Stop {
                    return Ok(at);
                }
                continue;
            }
            let Some(header) = parse_header(rest)? else { return Ok(at) };
            let total = header.len() as usize + 1;
            if header.tag() == backend::COPY_DATA_TAG && self.is_copying_out() {
                self.partial = total - 5;
                at += 5;
                continue;
            }
            if rest.len() < total {
                return Ok(at);
            }
            at += total;
            if self.is_left_wire() && self.ends_unheard(header.tag(), &rest[5..total]) {
                continue;
            }
            if self.handle_message(header.tag(), &rest[5..total], sink)? == Flow::Stop {
                return Ok(at);
            }
        }
    }

    /// How many bytes the message at the head of `input` has in all, as far as can be told. The
    /// number is the peer's claim: grow towards it, do not allocate it at once.
    pub fn needed(&self, input: &[u8]) -> usize {
        match parse_header(input) {
            _ if self.partial > 0 => 5,
            Ok(Some(header)) => header.len() as usize + 1,
            _ => 5,
        }
    }

    #[inline]
    fn handle_message(&mut self, tag: u8, body: &[u8], sink: &mut impl Sink) -> Step<Flow> {
        match tag {
            backend::DATA_ROW_TAG => return self.handle_row(body, sink),
            backend::BIND_COMPLETE_TAG => self.handle_bound()?,
            backend::COMMAND_COMPLETE_TAG => self.handle_complete(body, sink)?,
            backend::READY_FOR_QUERY_TAG => self.handle_ready(body, sink)?,
            _ => self.handle_rare(tag, body, sink)?,
        }
        Ok(Flow::Go)
    }

    #[inline]
    fn handle_row(&mut self, body: &[u8], sink: &mut impl Sink) -> Step<Flow> {
        let head = self.pending.front();
        let (pending, columns) = match head.map(|pending| (pending, pending.stage)) {
            Some((pending, Stage::Rows | Stage::Simple)) => (pending, pending.result_columns()),
            _ => return Err(unexpected(backend::DATA_ROW_TAG)),
        };
        let columns = columns.ok_or_else(|| unexpected(backend::DATA_ROW_TAG))?;
        let Some((count, cells)) = body.split_first_chunk::<2>() else {
            return Err(malformed("DataRow"));
        };
        if usize::from(u16::from_be_bytes(*count)) != columns.len() {
            return Err(malformed("DataRow"));
        }
        Ok(sink.row(pending.token, columns, pending.binary, cells))
    }

    #[inline]
    fn handle_bound(&mut self) -> Step {
        match self.pending.front_mut() {
            Some(pending) if pending.stage == Stage::Bind => {
                pending.stage = if pending.portal { Stage::Columns } else { Stage::Rows };
                Ok(())
            }
            _ => Err(unexpected(backend::BIND_COMPLETE_TAG)),
        }
    }

    /// Moves the head of the queue on, if it is where the message belongs.
    #[inline]
    pub(super) fn advance(&mut self, tag: u8, from: Stage, to: Stage) -> Step {
        match self.pending.front_mut() {
            Some(pending) if pending.stage == from => {
                pending.stage = to;
                Ok(())
            }
            _ => Err(unexpected(tag)),
        }
    }

    #[inline]
    fn handle_complete(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let text = match body.split_last() {
            Some((0, text)) if !text.contains(&0) => std::str::from_utf8(text).ok(),
            _ => None,
        };
        let command = text.ok_or_else(|| malformed("CommandComplete"))?;
        if command.starts_with('D') {
            self.note_discard(command);
        }
        self.end_result(command, backend::COMMAND_COMPLETE_TAG, sink)
    }

    #[inline]
    pub(super) fn end_result(&mut self, command: &str, tag: u8, sink: &mut impl Sink) -> Step {
        self.end_copy(tag)?;
        let Some(pending) = self.pending.front_mut() else { return Err(unexpected(tag)) };
        let swallowed = pending.quiet || pending.fault.is_some();
        match pending.stage {
            Stage::Rows => {
                pending.stage = Stage::Ended;
                if !swallowed {
                    sink.complete(pending.token, command, pending.result_columns());
                }
                pending.columns = None;
                if pending.lead {
                    self.end_lead(None, sink);
                } else if pending.open {
                    self.end_cursor();
                }
            }
            Stage::Simple => {
                let columns = pending.columns.take();
                if !swallowed {
                    sink.complete(pending.token, command, columns.as_ref());
                }
            }
            _ => return Err(unexpected(tag)),
        }
        Ok(())
    }

    /// A lead has ended, well or with an error: no ReadyForQuery will say so. After an error the
    /// server skips its follower.
    pub(super) fn end_lead(&mut self, error: Option<ServerError>, sink: &mut impl Sink) {
        let Some(lead) = self.pending.pop_front() else { return };
        if error.is_none() {
            self.transaction = b'T';
        }
        self.finish(lead, sink);
        let Some(error) = error else { return };
        self.lead_error = Some(error.clone());
        if let Some(follower) = self.pending.front_mut() {
            if self.options.verbatim {
                self.lead_error = None;
            }
            let unknown = follower.stage == Stage::Parse;
            follower.stage = Stage::Ended;
            follower.fault = Some(Box::new(Fault::Local(error)));
            if let Some(prepared) = follower.prepared.as_ref().filter(|_| unknown) {
                self.cache.forget(prepared, false);
            }
        }
    }

    /// DISCARD ALL has undone all settings; what was sent behind it may have changed some anew.
    fn note_discard(&mut self, command: &str) {
        if command == "DISCARD ALL" {
            self.settings.touched = self.pending.iter().skip(1).any(|p| p.class == Class::Other);
        }
    }

    #[inline]
    fn handle_ready(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let &[status @ (b'I' | b'T' | b'E')] = body else {
            return Err(malformed("ReadyForQuery"));
        };
        self.end_copy(backend::READY_FOR_QUERY_TAG)?;
        let pending = match self.pending.front() {
            Some(p) if matches!(p.stage, Stage::Ended | Stage::Simple | Stage::Sync) => {
                self.pending.pop_front().expect("the front was just seen")
            }
            _ => return Err(unexpected(backend::READY_FOR_QUERY_TAG)),
        };
        if pending.columns.is_some() {
            return Err(unexpected(backend::READY_FOR_QUERY_TAG));
        }
        self.transaction = status;
        let exclusive = pending.exclusive;
        self.finish(pending, sink);
        if exclusive {
            self.release_held();
        }
        if self.pending.front().is_some_and(|next| next.stage == Stage::Refused) {
            self.finish_refused(sink);
        }
        Ok(())
    }

    #[inline]
    fn finish(&mut self, mut pending: Pending, sink: &mut impl Sink) {
        let token = pending.token;
        match pending.fault.take().map(|fault| *fault) {
            None => {}
            Some(Fault::Stale(error)) => {
                if self.may_run_again(&pending) {
                    return self.run_again(pending);
                }
                if pending.guard {
                    self.lead_error = Some(error.clone());
                }
                sink.error(token, &error);
            }
            Some(Fault::Local(error)) if !pending.failed => sink.error(token, &error),
            Some(Fault::Local(_)) => {}
            Some(Fault::Refused(error)) => sink.refused(token, &error),
        }
        if !pending.quiet {
            sink.ready(token, self.transaction);
        }
        self.recycle(pending);
    }

    /// Outside transactions, and only where nobody can tell that it now runs behind statements
    /// that were sent after it.
    fn may_run_again(&self, pending: &Pending) -> bool {
        let sent = self.pending.iter().map(|pending| pending.class);
        let behind = sent.chain(self.held.iter().map(Held::class));
        self.transaction == b'I' && pending.class.may_run_again(self.ordered, behind)
    }

    fn run_again(&mut self, pending: Pending) {
        if let Some(prepared) = &pending.prepared {
            let execute = Execute {
                token: pending.token,
                statement: &prepared.statement,
                params: pending.params.get(),
                mode: Mode { guard: pending.guard, fetch: pending.fetch, ..Mode::default() },
            };
            if self.is_holding() {
                self.hold(execute, true);
            } else if let Err(error) = self.encode(execute, true) {
                self.refuse(pending.token, error);
            }
        }
        self.recycle(pending);
    }

    /// Statements that were never sent have their turn without an answer of the server.
    fn finish_refused(&mut self, sink: &mut impl Sink) {
        while self.pending.front().is_some_and(|pending| pending.stage == Stage::Refused) {
            let Some(pending) = self.pending.pop_front() else { return };
            let exclusive = pending.exclusive;
            self.finish(pending, sink);
            if exclusive {
                self.release_held();
            }
        }
    }
}

/// A header, once it is there. A message that cannot be one is refused before its body is
/// waited for.
#[inline]
fn parse_header(input: &[u8]) -> Step<Option<Header>> {
    match parse_any_header(input)? {
        Some(header) if header.len() as usize >= MESSAGE_MAX => {
            Err(Broken::Protocol("a message of the server exceeds 1 GiB".into()))
        }
        Some(header) if !has_fitting_length(header) => Err(unexpected(header.tag())),
        header => Ok(header),
    }
}

/// The same of whatever message, without a bound on its length.
#[inline]
pub(super) fn parse_any_header(input: &[u8]) -> Step<Option<Header>> {
    Header::parse(input)
        .map_err(|_| Broken::Protocol("a message of the server has an impossible length".into()))
}

#[inline]
fn has_fitting_length(header: Header) -> bool {
    match header.tag() {
        b'D' | b'C' | b'T' | b't' | b'E' | b'N' | b'A' | b'S' | b'd' | b'G' | b'H' => true,
        b'1' | b'2' | b'3' | b'n' | b'I' | b'c' | b's' => header.len() == 4,
        b'Z' => header.len() == 5,
        _ => false,
    }
}

#[cold]
pub(super) fn unexpected(tag: u8) -> Broken {
    Broken::Unexpected(tag)
}

#[cold]
pub(super) fn malformed(message: &str) -> Broken {
    Broken::Protocol(format!("the server sent a malformed {message}"))
}

#[cfg(test)]
#[path = "tests/receive.rs"]
mod tests;
