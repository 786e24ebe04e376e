//! An unpooled session as its caller steers it: statements under the names it gives, one flight of
//! Parse, Bind, Describe of the portal, Execute and Sync, results as text; and the bare wire, when
//! JavaScript speaks the protocol itself.

use super::copy::Copying;
use super::error::ServerError;
use super::params::EncodeError;
use super::pending::{Pending, Stage};
use super::receive::{Step, malformed, parse_any_header};
use super::session::{Execute, Session, unfit_text, write_bind_with};
use super::sink::{Broken, Flow, Sink};
use super::statements::{EXECUTE_SYNC, Prepared};
use super::types::{Columns, Decoding, Malformed, TypeOptions};
use crate::engine::session::Cells;
use bytes::{BufMut, BytesMut};
use postgres_protocol::message::backend;
use postgres_protocol::message::frontend;
use std::rc::Rc;

/// Describe of the unnamed portal.
const DESCRIBE_PORTAL: &[u8] = b"D\0\0\0\x06P\0";

/// One result format for all columns: text, or binary.
const ALL_AS_TEXT: &[u8] = b"\0\x01\0\0";
const ALL_AS_BYTES: &[u8] = b"\0\x01\0\x01";

/// ReadyForQuery in all.
const READY_SIZE: usize = 6;

impl Session {
    pub(super) fn encode_verbatim(&mut self, execute: Execute<'_>) -> Result<(), EncodeError> {
        let statement = execute.statement;
        if execute.mode.wire {
            return self.open_wire(execute.token);
        }
        // By the extended protocol a COPY would swallow the Sync that was sent with it.
        let simple = execute.params.is_empty() && (execute.mode.simple || statement.copies);
        if self.is_kept_back(execute, simple, true) {
            return Ok(());
        }
        self.write_closes();
        let mut pending = match simple {
            true => self.encode_simple(execute)?,
            false => self.encode_portal(execute)?,
        };
        pending.cells = match execute.mode.cells {
            // It has no binary form.
            Cells::Binary if simple => Cells::Text,
            cells => cells,
        };
        pending.retried = true;
        pending.exclusive = statement.copies;
        pending.guard = execute.mode.guard;
        if statement.forgets {
            self.cache.discard_all();
        }
        self.push(pending, execute.mode.lead && !simple);
        Ok(())
    }

    fn encode_portal(&mut self, execute: Execute<'_>) -> Result<Pending, EncodeError> {
        let known = self.cache.find_chosen(execute.statement);
        let reused = known.is_some();
        let prepared = known.unwrap_or_else(|| self.cache.prepare_chosen(execute.statement));
        self.write_closes();
        let mark = self.outgoing.len();
        if let Err(error) = write_flight(&mut self.outgoing, &prepared, execute, reused) {
            self.outgoing.truncate(mark);
            if !reused {
                self.cache.forget(&prepared, false);
            }
            return Err(error);
        }
        let stage = if reused { Stage::Bind } else { Stage::Parse };
        let mut pending = Pending::new(execute.token, stage, execute.statement.class);
        pending.reused = reused;
        pending.portal = true;
        pending.prepared = Some(prepared);
        Ok(pending)
    }

    /// How the cells of a statement are read.
    pub(super) fn decoding(&self, cells: Cells) -> TypeOptions {
        let decoding = match cells {
            Cells::Values => self.options.types.decoding,
            Cells::Text => Decoding::Text,
            Cells::Binary => Decoding::Bytes,
        };
        TypeOptions { decoding, ..self.options.types }
    }

    /// The columns of a portal. Mostly they are those of last time.
    pub(super) fn handle_portal_columns(&mut self, body: &[u8]) -> Step {
        let Some(pending) = self.pending.front() else { return Ok(()) };
        let types = self.decoding(pending.cells);
        let statement = pending.prepared.as_ref().map(|prepared| &prepared.statement);
        let latest = statement.and_then(|it| it.latest.borrow().clone());
        let columns = match latest.filter(|latest| latest.is_of(body, &types)) {
            Some(columns) => columns,
            None => {
                let columns = Columns::parse(body, &types);
                let columns = columns.map_err(|Malformed(why)| Broken::Protocol(why.to_owned()))?;
                Rc::new(columns)
            }
        };
        if let Some(statement) = statement {
            statement.latest.replace(Some(columns.clone()));
        }
        self.begin_rows(Some(columns));
        Ok(())
    }

    pub(super) fn begin_rows(&mut self, columns: Option<Rc<Columns>>) {
        let Some(pending) = self.pending.front_mut() else { return };
        pending.stage = Stage::Rows;
        pending.columns = columns;
    }

    // ---- The bare wire ----

    fn open_wire(&mut self, token: u64) -> Result<(), EncodeError> {
        if !self.pending.is_empty() {
            let message = "the wire is not free".into();
            return Err(EncodeError { position: 0, message });
        }
        self.lead_error = None;
        // Statements that are to be closed wait: JavaScript must not get the answers.
        let mut pending = Pending::new(token, Stage::Wire, super::classify::Class::Other);
        pending.copying = Copying::Wire;
        pending.exclusive = true;
        self.pending.push_back(pending);
        Ok(())
    }

    pub(super) fn is_wire(&self) -> bool {
        self.pending.front().is_some_and(|pending| pending.stage == Stage::Wire)
    }

    /// Whole messages, and as much of the last one as is there: JavaScript gives the wire back
    /// between two of them.
    pub(super) fn pass_wire(
        &mut self,
        input: &[u8],
        sink: &mut impl Sink,
    ) -> Result<(usize, Flow), Broken> {
        let mut at = 0;
        while let Some(header) = parse_any_header(&input[at..])? {
            let (total, left) = (header.len() as usize + 1, input.len() - at);
            if header.tag() == backend::READY_FOR_QUERY_TAG {
                if total != READY_SIZE {
                    return Err(malformed("ReadyForQuery"));
                }
                let Some(status) = input.get(at + READY_SIZE - 1) else { break };
                self.transaction = *status;
            }
            if left < total {
                self.partial = total - left;
                at = input.len();
                break;
            }
            at += total;
        }
        if at == 0 {
            return Ok((0, Flow::Go));
        }
        Ok((at, self.pass_on(&input[..at], sink)))
    }

    /// JavaScript is through with it. What it left unanswered ends before the answer to an empty
    /// query, which nothing else looks like; then the session goes on.
    pub(super) fn close_wire(&mut self) {
        if let Some(pending) = self.pending.front_mut() {
            pending.stage = Stage::LeftWire;
        }
        frontend::query("", &mut self.outgoing).expect("a constant without NUL");
    }

    pub(super) fn is_left_wire(&self) -> bool {
        self.pending.front().is_some_and(|pending| pending.stage == Stage::LeftWire)
    }

    /// Whether a message is an answer to JavaScript that nobody waits for any more, such as the end
    /// of a portal that was closed behind the last Sync.
    #[cold]
    pub(super) fn ends_unheard(&mut self, tag: u8, body: &[u8]) -> bool {
        match tag {
            backend::EMPTY_QUERY_RESPONSE_TAG => {
                if let Some(pending) = self.pending.front_mut() {
                    pending.stage = Stage::Simple;
                }
                false
            }
            backend::NOTICE_RESPONSE_TAG
            | backend::NOTIFICATION_RESPONSE_TAG
            | backend::PARAMETER_STATUS_TAG => false,
            backend::ERROR_RESPONSE_TAG => {
                ServerError::parse(body).is_some_and(|error| !error.is_fatal())
            }
            _ => true,
        }
    }
}

fn write_flight(
    out: &mut BytesMut,
    prepared: &Prepared,
    execute: Execute<'_>,
    reused: bool,
) -> Result<(), EncodeError> {
    if !reused {
        let text = &execute.statement.text;
        frontend::parse(prepared.name(), text, [], out).map_err(|_| unfit_text())?;
    }
    let formats = match execute.mode.cells {
        Cells::Binary => ALL_AS_BYTES,
        Cells::Values | Cells::Text => ALL_AS_TEXT,
    };
    write_bind_with(out, prepared, execute.params, None, formats, 0)?;
    out.put_slice(DESCRIBE_PORTAL);
    out.put_slice(EXECUTE_SYNC);
    Ok(())
}

#[cfg(test)]
#[path = "tests/verbatim.rs"]
mod tests;
