//! An unpooled session as its caller steers it: each statement is a command whose bytes the caller
//! has made, and what the server says to it is told as it came. Results are read on the way.

use super::classify::{self, Class};
use super::encode::check_length;
use super::frame;
use super::infile::Copying;
use super::packets::PreparedOk;
use super::params::EncodeError;
use super::pending::{Pending, Stage};
use super::receive::{OK, Step, malformed, unasked};
use super::results::parse;
use super::session::{Execute, Session};
use super::sink::{Broken, Sink};
use super::types::{Columns, Reading, TypeOptions, push_definition};
use crate::wire::param::Param;
use bytes::{BufMut, BytesMut};
use mysql_common::constants::Command;
use std::rc::Rc;

/// Columns of so many results are remembered.
const SHAPES: usize = 16;

/// Bit of a command that is the answer to the server's hello.
const LOGIN: i32 = 0x100;

/// Longer texts are not looked at.
const READ_MAX: usize = 4096;

/// Ahead of the text of a query where attributes may come: none of them, in one set.
const NO_ATTRIBUTES: [u8; 2] = [0, 1];

impl Session {
    pub fn is_verbatim(&self) -> bool {
        self.options.verbatim
    }

    /// Sends a command. Its parameters: the text of a query, NULL where that is the statement's, or
    /// the bytes of any command; bits of `Reading`; numbers of statements to close first, which has no
    /// answer, as text. Several may be under way, unless one of them may want more of the caller.
    ///
    /// Behind a guard, which its caller takes for done, all wait until it is answered, but for a
    /// harmless read. What is `within` shares its error.
    pub fn command(&mut self, execute: Execute<'_>) -> Result<(), EncodeError> {
        let waits = !self.held.is_empty() || self.pending.back().is_some_and(|it| it.exclusive);
        if waits && !(self.is_behind_guard(execute.mode) && is_harmless(&execute)) {
            self.hold(execute, false);
            return Ok(());
        }
        self.send_command(execute)
    }

    pub(super) fn send_command(&mut self, execute: Execute<'_>) -> Result<(), EncodeError> {
        let Execute { token, statement, params, mode } = execute;
        if self.skips(token, mode) {
            return Ok(());
        }
        let with_guard = self.is_behind_guard(mode);
        let mut given = params.iter();
        let (Some(body), Some(Param::Int(bits))) = (given.next(), given.next()) else {
            return Err(EncodeError::of_statement("is no command with its bits"));
        };
        let logs_in = bits & LOGIN != 0;
        let asks = mode.copy.is_some() || logs_in;
        let is_asked = |ahead: &Pending| ahead.copying != Copying::No;
        if (asks && !self.pending.is_empty()) || self.pending.iter().any(is_asked) {
            return Err(EncodeError::of_statement("comes before the one ahead of it has ended"));
        }
        if let Some(Param::Text(closes)) = given.next() {
            write_closes(&mut self.outgoing, closes);
        }
        let mark = frame::begin(&mut self.outgoing);
        match body {
            Param::Text(text) => self.write_query(text),
            Param::Null => self.write_query(&statement.text),
            Param::Bytes(body) => self.outgoing.put_slice(body),
            _ => {}
        }
        let checked = check_length(self.outgoing.len() - mark);
        let Some(&code) = self.outgoing.get(mark + frame::HEADER).filter(|_| checked.is_ok())
        else {
            self.outgoing.truncate(mark);
            return checked.and(Err(EncodeError::of_statement("is no command")));
        };
        let sequence = if logs_in { self.started.sequence } else { 0 };
        let next = frame::end(&mut self.outgoing, mark, sequence);
        let mut pending =
            Pending::new(token, if logs_in { Stage::Login } else { stage_of(code) }, Class::Other);
        pending.sequence = next;
        pending.binary = code == Command::COM_STMT_EXECUTE as u8;
        pending.reading = Some(Reading::of(bits, pending.binary));
        // Nothing is executed in its flight.
        pending.preparing = pending.stage == Stage::Prepare;
        let asks = asks || pending.stage == Stage::Login;
        pending.copying = if asks { Copying::Asked } else { Copying::No };
        pending.guard = mode.guard || mode.lead;
        pending.within = with_guard;
        pending.exclusive = pending.guard || with_guard;
        self.push(pending);
        Ok(())
    }

    fn write_query(&mut self, text: &str) {
        self.outgoing.put_u8(Command::COM_QUERY as u8);
        if self.agreed.attributes {
            self.outgoing.put_slice(&NO_ATTRIBUTES);
        }
        self.outgoing.put_slice(text.as_bytes());
    }

    /// Columns as the command's caller has their cells; mostly they are those of a result before.
    pub(super) fn read_definitions(&mut self, reading: Option<Reading>) -> Step<Rc<Columns>> {
        let types = TypeOptions { reading, ..self.types };
        let is_like = |it: &Rc<Columns>| it.is_of(&types) && it.definitions() == self.definitions;
        let known = self.shapes.iter().position(is_like);
        let columns = match known.and_then(|at| self.shapes.remove(at)) {
            Some(columns) => columns,
            None => parse(&self.definitions, &types)?,
        };
        self.shapes.truncate(SHAPES - 1);
        self.shapes.push_front(columns.clone());
        Ok(columns)
    }

    /// What a PREPARE is answered with: told as a result of the parameters, and one of the columns.
    pub(super) fn handle_described(
        &mut self,
        stage: Stage,
        body: &[u8],
        sink: &mut impl Sink,
    ) -> Step {
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        match stage {
            Stage::Prepare => {
                let PreparedOk { columns, params, .. } =
                    PreparedOk::parse(body).ok_or(malformed("answer to PREPARE"))?;
                sink.packet(head.token, body);
                head.definitions = u32::from(params);
                head.later_definitions = columns;
                head.stage = Stage::ParamDefinitions;
                self.definitions.clear();
                if params == 0 { self.end_described(sink) } else { Ok(()) }
            }
            Stage::ParamDefinitions | Stage::ColumnDefinitions => {
                push_definition(&mut self.definitions, body);
                head.definitions -= 1;
                if head.definitions > 0 {
                    return Ok(());
                }
                let reading = head.reading;
                let columns = self.read_definitions(reading)?;
                let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
                sink.complete(head.token, super::sink::Outcome::default(), Some(&columns));
                if self.agreed.no_eof {
                    return self.end_described(sink);
                }
                let params = stage == Stage::ParamDefinitions;
                head.stage = if params { Stage::ParamEnd } else { Stage::ColumnEnd };
                Ok(())
            }
            Stage::ParamEnd | Stage::ColumnEnd => self.end_described(sink),
            _ => Err(Broken::Protocol("the server spoke out of turn")),
        }
    }

    fn end_described(&mut self, sink: &mut impl Sink) -> Step {
        let Some(head) = self.pending.front_mut() else { return Err(unasked(&[])) };
        let columns = std::mem::take(&mut head.later_definitions);
        if columns == 0 {
            self.finish_head(sink);
            return Ok(());
        }
        head.definitions = u32::from(columns);
        head.stage = Stage::ColumnDefinitions;
        self.definitions.clear();
        Ok(())
    }

    /// Who logs in as somebody else proves it as at first; the caller makes the proofs.
    pub(super) fn handle_login(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        if body.first() == Some(&OK) {
            head.copying = Copying::Over;
            head.stage = Stage::Answer;
            return self.handle_answer(body, sink);
        }
        sink.packet(head.token, body);
        if !sink.copy_ready(head.token) {
            return Err(Broken::Protocol("nobody is left to log in"));
        }
        head.copying = Copying::In;
        Ok(())
    }
}

/// A read that changes nothing outside of a transaction either: a query, or the EXECUTE of one whose
/// text the statement is.
fn is_harmless(execute: &Execute<'_>) -> bool {
    match execute.params.iter().next() {
        Some(Param::Text(text)) => text.len() <= READ_MAX && classify::examine(text).harmless,
        Some(Param::Bytes([code, ..])) if *code != Command::COM_STMT_EXECUTE as u8 => false,
        _ => execute.statement.harmless,
    }
}

fn stage_of(code: u8) -> Stage {
    match code {
        code if code == Command::COM_STMT_PREPARE as u8 => Stage::Prepare,
        code if code == Command::COM_CHANGE_USER as u8 => Stage::Login,
        _ => Stage::Answer,
    }
}

fn write_closes(out: &mut BytesMut, closes: &str) {
    for id in closes.split(',').filter_map(|id| id.parse().ok()) {
        out.put_slice(&[5, 0, 0, 0, Command::COM_STMT_CLOSE as u8]);
        out.put_u32_le(id);
    }
}

#[cfg(test)]
#[path = "tests/verbatim.rs"]
mod tests;
