//! Messages off the hot path: descriptions, errors, and what comes unasked.

use super::copy::Copying;
use super::cursor::limit_execute;
use super::error::ServerError;
use super::pending::{Fault, Stage};
use super::receive::{Step, malformed, unexpected};
use super::session::{Session, write_bind};
use super::sink::{Broken, Sink};
use super::types::{Columns, Malformed};
use postgres_protocol::message::{backend, frontend};
use std::rc::Rc;

/// Nothing this session sent has dropped it.
const LOST_STATEMENT: &str = "The server no longer knows a statement that was prepared on this \
    connection. If a pooler such as PgBouncer in transaction mode is in between, set option \
    'statementCache' to 0, or have the pooler keep them (max_prepared_statements).";

impl Session {
    #[cold]
    pub(super) fn handle_rare(&mut self, tag: u8, body: &[u8], sink: &mut impl Sink) -> Step {
        match tag {
            backend::PARSE_COMPLETE_TAG => {
                let portal = self.pending.front().is_some_and(|pending| pending.portal);
                self.advance(tag, Stage::Parse, if portal { Stage::Bind } else { Stage::Params })
            }
            backend::PARAMETER_DESCRIPTION_TAG => self.handle_param_types(body),
            backend::ROW_DESCRIPTION_TAG => self.handle_columns(body),
            backend::NO_DATA_TAG => self.handle_described(tag, None),
            backend::EMPTY_QUERY_RESPONSE_TAG => self.end_result("", tag, sink),
            backend::ERROR_RESPONSE_TAG => self.handle_error(body, sink),
            backend::CLOSE_COMPLETE_TAG => self.handle_closed(),
            backend::PORTAL_SUSPENDED_TAG => self.handle_suspended(sink),
            backend::NOTICE_RESPONSE_TAG => self.handle_notice(body, sink),
            backend::NOTIFICATION_RESPONSE_TAG => {
                let token = self.pending.front().map(|pending| pending.token);
                handle_notification(token, body, sink)
            }
            backend::PARAMETER_STATUS_TAG => self.handle_parameter(body, sink),
            backend::COPY_IN_RESPONSE_TAG => self.handle_copy_in(body, sink),
            backend::COPY_OUT_RESPONSE_TAG => self.handle_copy_out(body),
            backend::COPY_DONE_TAG => self.handle_copy_done(),
            _ => Err(unexpected(tag)),
        }
    }

    fn handle_param_types(&mut self, body: &[u8]) -> Step {
        self.advance(backend::PARAMETER_DESCRIPTION_TAG, Stage::Params, Stage::Columns)?;
        let types = parse_types(body).ok_or_else(|| malformed("ParameterDescription"))?;
        if let Some(prepared) = self.pending.front().and_then(|p| p.prepared.as_ref()) {
            prepared.describe_params(types);
        }
        Ok(())
    }

    fn handle_columns(&mut self, body: &[u8]) -> Step {
        let tag = backend::ROW_DESCRIPTION_TAG;
        let Some(pending) = self.pending.front_mut() else { return Err(unexpected(tag)) };
        let simple = pending.stage == Stage::Simple && pending.columns.is_none();
        if !simple && pending.stage != Stage::Columns {
            return Err(unexpected(tag));
        }
        if pending.portal {
            return self.handle_portal_columns(body);
        }
        let cells = pending.cells;
        let columns = Columns::parse(body, &self.decoding(cells));
        let columns = columns.map_err(|Malformed(why)| Broken::Protocol(why.to_owned()))?;
        if simple {
            if let Some(pending) = self.pending.front_mut() {
                pending.columns = Some(Rc::new(columns));
            }
            return Ok(());
        }
        self.handle_described(tag, Some(Rc::new(columns)))
    }

    fn handle_described(&mut self, tag: u8, columns: Option<Rc<Columns>>) -> Step {
        if self.pending.front().is_some_and(|it| it.portal && it.stage == Stage::Columns) {
            self.begin_rows(None);
            return Ok(());
        }
        self.advance(tag, Stage::Columns, Stage::Bind)?;
        let Some(pending) = self.pending.front_mut() else { return Ok(()) };
        if let Some(prepared) = &pending.prepared {
            prepared.describe_columns(columns);
        }
        if pending.describing {
            self.bind_described();
        }
        Ok(())
    }

    /// The second half of a statement whose types had to be known first.
    fn bind_described(&mut self) {
        let Some(pending) = self.pending.front_mut() else { return };
        let Some(prepared) = &pending.prepared else { return };
        pending.describing = false;
        pending.binary = true;
        let mark = self.outgoing.len();
        if let Err(error) = write_bind(&mut self.outgoing, prepared, pending.params.get(), true) {
            self.outgoing.truncate(mark);
            frontend::sync(&mut self.outgoing);
            pending.open = false;
            pending.stage = Stage::Ended;
            pending.fault = Some(Box::new(Fault::Refused(error)));
        } else {
            limit_execute(&mut self.outgoing, pending.fetch);
        }
        self.release_held();
    }

    fn handle_error(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let mut error = ServerError::parse(body).ok_or_else(|| malformed("ErrorResponse"))?;
        let Some(pending) = self.pending.front_mut() else {
            return Err(Broken::Server(Box::new(error)));
        };
        if error.is_fatal() {
            sink.error(pending.token, &error);
            return Err(Broken::Server(Box::new(error)));
        }
        let stage = pending.stage;
        let verbatim = self.options.verbatim;
        if stage == Stage::Bind && pending.reused && !verbatim && error.is_vanished_statement() {
            // Prepared again on each loss, they would pile up on the server.
            self.cache.give_up();
            error.hint(LOST_STATEMENT);
        }
        if pending.lead {
            pending.stage = Stage::Ended;
            pending.failed = true;
            sink.error(pending.token, &error);
            // Its name may be what was wrong; a text that short is soon parsed again.
            if let Some(prepared) = pending.prepared.clone() {
                self.cache.forget(&prepared, false);
            }
            self.end_lead(Some(error), sink);
            return Ok(());
        }
        if stage != Stage::Simple && stage != Stage::Sync {
            pending.stage = Stage::Ended;
        }
        pending.columns = None;
        pending.copying = Copying::Over;
        let unsynced = pending.describing || pending.open;
        if unsynced {
            // That flight ended in Flush: the server skips everything up to this Sync.
            pending.describing = false;
            pending.open = false;
            frontend::sync(&mut self.outgoing);
        }
        pending.closing = false;
        self.note_failure(stage, error, sink);
        if unsynced {
            self.release_held();
        }
        Ok(())
    }

    /// Reports an error of the head of the queue, or keeps it until it is known whether the
    /// statement can be run again.
    fn note_failure(&mut self, stage: Stage, mut error: ServerError, sink: &mut impl Sink) {
        let Some(pending) = self.pending.front_mut() else { return };
        let stale = stage == Stage::Bind
            && pending.reused
            && (error.is_stale_plan() || error.is_vanished_statement());
        if let Some(prepared) = &pending.prepared {
            match stage {
                Stage::Parse => {
                    error.unparsed = true;
                    self.cache.forget(prepared, false);
                }
                Stage::Params | Stage::Columns => self.cache.forget(prepared, true),
                _ if stale => self.cache.forget(prepared, !error.is_vanished_statement()),
                _ => {}
            }
        }
        if stale && !pending.retried {
            pending.fault = Some(Box::new(Fault::Stale(error)));
        } else if !pending.failed {
            pending.failed = true;
            sink.error(pending.token, &error);
            if pending.guard {
                self.lead_error = Some(error);
            }
        }
    }

    fn handle_closed(&mut self) -> Step {
        if let Some(cursor) = self.pending.front_mut().filter(|it| it.closing) {
            cursor.closing = false;
            return Ok(());
        }
        self.closes = self.closes.checked_sub(1).ok_or_else(|| unexpected(b'3'))?;
        Ok(())
    }

    fn handle_notice(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let notice = ServerError::parse(body).ok_or_else(|| malformed("NoticeResponse"))?;
        let head = self.pending.front();
        if !head.is_some_and(|pending| pending.quiet) {
            sink.notice(head.map(|pending| pending.token), &notice);
        }
        Ok(())
    }

    fn handle_parameter(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let (name, value) = parse_pair(body).ok_or_else(|| malformed("ParameterStatus"))?;
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        self.settings.note(&name, &value);
        sink.parameter(&name, &value);
        Ok(())
    }
}

fn handle_notification(token: Option<u64>, body: &[u8], sink: &mut impl Sink) -> Step {
    let parts = body.split_first_chunk::<4>();
    let parts = parts.and_then(|(process, rest)| Some((process, parse_pair(rest)?)));
    let (process, (channel, payload)) = parts.ok_or_else(|| malformed("NotificationResponse"))?;
    let (channel, payload) = (String::from_utf8_lossy(channel), String::from_utf8_lossy(payload));
    sink.notification(token, i32::from_be_bytes(*process), &channel, &payload);
    Ok(())
}

/// A count, then as many type ids.
fn parse_types(body: &[u8]) -> Option<Box<[u32]>> {
    let (count, rest) = body.split_first_chunk::<2>()?;
    let (types, rest) = rest.as_chunks::<4>();
    let fits = rest.is_empty() && types.len() == usize::from(u16::from_be_bytes(*count));
    fits.then(|| types.iter().map(|id| u32::from_be_bytes(*id)).collect())
}

/// Two strings, each ended by a NUL, and nothing more.
fn parse_pair(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (last, body) = body.split_last()?;
    let middle = body.iter().position(|&byte| byte == 0)?;
    let (first, second) = (&body[..middle], &body[middle + 1..]);
    (*last == 0 && !second.contains(&0)).then_some((first, second))
}
