//! The receiving half of the session: packets, rows, and the ends of statements. Nothing is
//! allocated on the hot path and nothing that the server says is trusted: what does not fit is
//! `Broken`.

use super::error::ServerError;
use super::frame::{PART_MAX, Read};
use super::packets::{Change, Ended, take_change};
use super::pending::{Fault, Held, Pending, Stage};
use super::session::{Execute, Session};
use super::sink::{Broken, Flow, Outcome, Sink};
use crate::engine::session::Mode;
use mysql_common::constants::StatusFlags;

pub(super) type Step<T = ()> = Result<T, Broken>;

/// First bytes of packets.
pub(super) const OK: u8 = 0x00;
pub(super) const LOCAL_INFILE: u8 = 0xfb;
pub(super) const EOF: u8 = 0xfe;
pub(super) const ERR: u8 = 0xff;

/// An EOF packet where OK has not taken its place; rows that begin alike are longer.
const EOF_LENGTH: usize = 5;

impl Session {
    /// Handles the whole packets at the head of `input` and returns how many bytes they took.
    /// Stops early when the sink wants no more rows. May append to `outgoing`.
    pub fn receive(&mut self, input: &[u8], sink: &mut impl Sink) -> Result<usize, Broken> {
        let mut at = 0;
        loop {
            match self.reader.read(&input[at..])? {
                Read::Wait => return Ok(at),
                Read::Part(taken) => at += taken,
                Read::Whole { taken, body } => {
                    at += taken;
                    if self.handle_packet(&body, sink)? == Flow::Stop {
                        return Ok(at);
                    }
                }
            }
        }
    }

    /// How many bytes the packet at the head of `input` has in all, as far as can be told. The
    /// number is the peer's claim: grow towards it, do not allocate it at once.
    pub fn needed(&self, input: &[u8]) -> usize {
        self.reader.needed(input)
    }

    #[inline]
    fn handle_packet(&mut self, body: &[u8], sink: &mut impl Sink) -> Step<Flow> {
        let Some(head) = self.pending.front() else { return Err(unasked(body)) };
        match head.stage {
            Stage::Rows => return self.handle_row(body, sink),
            _ if body.first() == Some(&ERR) => self.handle_error(body, sink)?,
            Stage::Answer => self.handle_answer(body, sink)?,
            Stage::Columns => self.handle_definition(body)?,
            Stage::ColumnsEnd => self.handle_columns_end(body, sink)?,
            Stage::Plain | Stage::Closing => self.handle_plain(body, sink)?,
            Stage::Login => self.handle_login(body, sink)?,
            stage if head.reading.is_some() => self.handle_described(stage, body, sink)?,
            stage => self.handle_preparing(stage, body, sink)?,
        }
        Ok(Flow::Go)
    }

    #[inline]
    fn handle_row(&mut self, body: &[u8], sink: &mut impl Sink) -> Step<Flow> {
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        let cells = match (body, head.binary) {
            ([ERR, ..], _) => {
                self.handle_error(body, sink)?;
                return Ok(Flow::Go);
            }
            ([EOF, ..], _) if ends_rows(body, self.agreed.no_eof) => {
                self.handle_rows_end(body, sink)?;
                return Ok(Flow::Go);
            }
            ([OK, cells @ ..], true) => cells,
            (_, true) => return Err(Broken::Protocol("a row does not begin as one")),
            (cells, false) => cells,
        };
        let Some(columns) = &head.columns else {
            return Err(Broken::Protocol("a row comes before its columns"));
        };
        if head.fault.is_some() {
            return Ok(Flow::Go);
        }
        head.rows += 1;
        Ok(sink.row(head.token, columns, head.binary, cells))
    }

    /// An OK that ends a command without rows, or the count of columns of what it returns.
    #[inline]
    pub(super) fn handle_answer(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        match body.first() {
            Some(&OK) => {
                let tracked = self.agreed.tracked;
                let ended = Ended::parse_ok(body, tracked).ok_or(malformed("OK"))?;
                let affected = ended.affected;
                self.end_result(ended, affected, sink)
            }
            Some(&LOCAL_INFILE) => self.handle_file_request(body, sink),
            Some(_) => self.begin_columns(body),
            None => Err(malformed("answer")),
        }
    }

    fn handle_plain(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let ended = self.parse_end(body).ok_or(Broken::Protocol("an OK was due"))?;
        self.note_end(&ended, sink);
        self.finish_head(sink);
        Ok(())
    }

    /// What ends rows or columns.
    pub(super) fn parse_end<'a>(&self, body: &'a [u8]) -> Option<Ended<'a>> {
        match body.first()? {
            &EOF if body.len() == EOF_LENGTH && !self.agreed.no_eof => Ended::parse_eof(body),
            &OK | &EOF => Ended::parse_ok(body, self.agreed.tracked),
            _ => None,
        }
    }

    fn handle_rows_end(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let ended = self.parse_end(body).ok_or(malformed("end of rows"))?;
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        let waits = head.fetch > 0
            && ended.has(StatusFlags::SERVER_STATUS_CURSOR_EXISTS)
            && !ended.has(StatusFlags::SERVER_STATUS_LAST_ROW_SENT);
        if waits {
            self.status = ended.status;
            return self.suspend(sink);
        }
        let rows = std::mem::take(&mut head.rows);
        self.end_result(ended, rows, sink)
    }

    /// One result is whole. Others may follow, or the command is over.
    #[inline]
    fn end_result(&mut self, ended: Ended<'_>, count: u64, sink: &mut impl Sink) -> Step {
        self.note_end(&ended, sink);
        self.end_file();
        let Some(head) = self.pending.front_mut() else { return Err(unasked(&[])) };
        let columns = head.columns.take();
        if !head.quiet && head.fault.is_none() {
            let statement = head.statement.as_deref();
            let command = statement.map_or("", |statement| statement.command(head.results));
            let Ended { insert_id, warnings, info, .. } = ended;
            let outcome = Outcome { command, count, insert_id, warnings, info };
            sink.complete(head.token, outcome, columns.as_ref());
            if head.reading.is_some() && columns.is_none() {
                sink.packet(head.token, ended.body);
            }
        }
        head.results += 1;
        if ended.has(StatusFlags::SERVER_MORE_RESULTS_EXISTS) {
            head.stage = Stage::Answer;
        } else {
            self.finish_head(sink);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn note_end(&mut self, ended: &Ended<'_>, sink: &mut impl Sink) {
        self.status = ended.status;
        if !ended.changes.is_empty() {
            self.note_changes(ended.changes, sink);
        }
        self.moved |= ended.has(StatusFlags::SERVER_STATUS_DB_DROPPED);
    }

    #[cold]
    fn note_changes(&mut self, mut changes: &[u8], sink: &mut impl Sink) {
        while let Some(change) = take_change(&mut changes) {
            if let Change::Variable(name, value) = change {
                sink.parameter(&String::from_utf8_lossy(name), &String::from_utf8_lossy(value));
            }
        }
    }

    #[cold]
    fn handle_error(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let error = ServerError::parse(body).ok_or(malformed("error"))?;
        let mut error = error.of(self.started.flavor);
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        if error.is_fatal() {
            sink.error(head.token, &error);
            return Err(Broken::Server(Box::new(error)));
        }
        if head.stage == Stage::Skipped {
            self.finish_head(sink);
            return Ok(());
        }
        let prepares = head.stage == Stage::Prepare;
        let mut vanished = head.reused && head.results == 0 && error.is_vanished_statement();
        if let Some(prepared) = head.prepared.clone().filter(|_| prepares || vanished) {
            self.cache.forget(&prepared);
            if prepares {
                prepared.failed(&error);
            } else if let Some(failure) = prepared.failure() {
                (error, vanished) = (failure, false);
            }
        }
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        let preparing = head.preparing;
        if head.fault.is_some() {
            // What it is told is known.
        } else if vanished && !head.retried {
            head.fault = Some(Box::new(Fault::Stale(error)));
        } else {
            head.failed = true;
            sink.error(head.token, &error);
            if head.guard || (head.within && error.undoes_transaction()) {
                self.note_guard_error(error);
            }
        }
        match self.pending.front_mut() {
            Some(head) if prepares && !preparing => {
                // The EXECUTE of the same flight has an answer as well.
                head.stage = Stage::Skipped;
                self.reader.expect(head.later_sequence);
            }
            _ => self.finish_head(sink),
        }
        Ok(())
    }

    /// What is within has the guard's error, also what went out with it.
    fn note_guard_error(&mut self, error: ServerError) {
        if let [head, next, ..] = self.pending.make_contiguous()
            && head.guard
            && next.within
        {
            next.fault = Some(Box::new(Fault::Local(error.clone())));
        }
        self.guard_error = Some(error);
    }

    /// The command at the head of the queue is over.
    #[inline]
    pub(super) fn finish_head(&mut self, sink: &mut impl Sink) {
        let Some(pending) = self.pop() else { return };
        let holds = pending.holds();
        self.finish(pending, sink);
        if holds {
            self.release_held();
        }
        if self.pending.is_empty() {
            self.cache.write_closes(&mut self.outgoing);
        } else if self.pending.front().is_some_and(|next| next.stage == Stage::Refused) {
            self.finish_refused(sink);
        }
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
                    self.guard_error = Some(error.clone());
                }
                sink.error(token, &error);
            }
            Some(Fault::Local(error)) if !pending.failed => sink.error(token, &error),
            Some(Fault::Local(_)) => {}
            Some(Fault::Refused(error)) => sink.refused(token, &error),
        }
        if !pending.quiet {
            sink.ready(token, self.in_transaction());
        }
        self.recycle(pending);
    }

    /// Outside transactions, and only where nobody can tell that it now runs behind statements
    /// that were sent after it.
    fn may_run_again(&self, pending: &Pending) -> bool {
        let sent = self.pending.iter().map(|pending| pending.class);
        let behind = sent.chain(self.held.iter().map(Held::class));
        !self.in_transaction() && pending.class.may_run_again(self.ordered, behind)
    }

    fn run_again(&mut self, pending: Pending) {
        if let Some(statement) = &pending.statement {
            let execute = Execute {
                token: pending.token,
                statement,
                params: pending.params.get(),
                mode: Mode { guard: pending.guard, fetch: pending.fetch, ..Mode::default() },
            };
            if self.is_holding() {
                self.hold(execute, true);
            } else if let Err(error) = self.encode(execute, true) {
                self.refuse(pending.token, Fault::Refused(error));
            }
        }
        self.recycle(pending);
    }

    /// Statements that were never sent have their turn without an answer of the server.
    pub(super) fn finish_refused(&mut self, sink: &mut impl Sink) {
        while self.pending.front().is_some_and(|pending| pending.stage == Stage::Refused) {
            let Some(pending) = self.pop() else { return };
            let holds = pending.holds();
            self.finish(pending, sink);
            if holds {
                self.release_held();
            }
        }
    }

    /// The next answer is that of the next in line.
    fn pop(&mut self) -> Option<Pending> {
        let pending = self.pending.pop_front();
        self.reader.expect(self.pending.front().map_or(1, |next| next.sequence));
        pending
    }
}

/// A row can begin like the end of rows: with a value of 16 MiB and more.
#[inline]
fn ends_rows(body: &[u8], no_eof: bool) -> bool {
    if no_eof { body.len() < PART_MAX } else { body.len() == EOF_LENGTH }
}

/// What comes although nothing was asked.
#[cold]
pub(super) fn unasked(body: &[u8]) -> Broken {
    match ServerError::parse(body) {
        Some(error) => Broken::Server(Box::new(error)),
        None => Broken::Protocol("the server sent something that nothing had asked for"),
    }
}

#[cold]
pub(super) fn malformed(packet: &'static str) -> Broken {
    Broken::Protocol(match packet {
        "OK" => "the server sent a malformed OK",
        "error" => "the server sent a malformed error",
        "end of rows" => "the server sent a malformed end of rows",
        _ => "the server sent a malformed answer",
    })
}

#[cfg(test)]
#[path = "tests/receive.rs"]
mod tests;
