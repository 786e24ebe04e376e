//! The columns of results, and the answers to PREPARE.
//!
//! A server describes the columns at each execution. What has not changed since the last one of the
//! same statement is compared and not read again.

use super::codec::take_integer;
use super::packets::PreparedOk;
use super::params::wrong_count;
use super::pending::{Fault, Stage};
use super::receive::{Step, malformed, unasked};
use super::session::Session;
use super::sink::{Broken, Sink};
use super::types::{Columns, TypeOptions, push_definition};
use mysql_common::constants::StatusFlags;
use std::rc::Rc;

/// Servers stop at 4096 columns.
const COLUMNS_MAX: u64 = 65_535;

impl Session {
    /// The count of columns, and perhaps whether they are described at all.
    #[inline]
    pub(super) fn begin_columns(&mut self, body: &[u8]) -> Step {
        let mut rest = body;
        let count = take_integer(&mut rest).filter(|count| (1..=COLUMNS_MAX).contains(count));
        let count = count.ok_or(malformed("count of columns"))?;
        let described = match (self.agreed.cached, rest) {
            (false, []) | (true, [1]) => true,
            (true, [0]) => false,
            _ => return Err(malformed("count of columns")),
        };
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        head.rows = 0;
        let prepared = head.prepared.as_ref().filter(|_| head.results == 0);
        let known = prepared.and_then(|prepared| prepared.columns());
        if !described {
            let fits = known.filter(|columns| columns.len() as u64 == count);
            head.columns = Some(fits.ok_or(Broken::Protocol("columns were left out"))?);
            return self.end_columns();
        }
        let latest = || head.statement.as_ref()?.latest(head.results, &self.types);
        head.columns = known.or_else(latest);
        head.definitions = count as u32;
        head.stage = Stage::Columns;
        self.matched = 0;
        self.definitions.clear();
        Ok(())
    }

    #[inline]
    pub(super) fn handle_definition(&mut self, body: &[u8]) -> Step {
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        let same = head.columns.as_ref().and_then(|known| known.matches(self.matched, body));
        match same {
            Some(length) => self.matched += length,
            None => {
                if let Some(known) = head.columns.take() {
                    self.definitions.extend_from_slice(&known.definitions()[..self.matched]);
                }
                push_definition(&mut self.definitions, body);
            }
        }
        head.definitions -= 1;
        if head.definitions > 0 {
            return Ok(());
        }
        if head.columns.as_ref().is_some_and(|known| known.definitions().len() != self.matched) {
            // There are fewer columns than there were.
            if let Some(known) = head.columns.take() {
                self.definitions.extend_from_slice(&known.definitions()[..self.matched]);
            }
        }
        self.end_definitions()
    }

    fn end_definitions(&mut self) -> Step {
        let parsed = match self.pending.front() {
            Some(head) if head.reading.is_some() => Some(self.read_definitions(head.reading)?),
            Some(head) if head.columns.is_none() => Some(self.parse_definitions()?),
            _ => None,
        };
        let Some(head) = self.pending.front_mut() else { return Err(unasked(&[])) };
        if let Some(columns) = parsed {
            if let Some(statement) = &head.statement {
                statement.remember(head.results, &columns);
            }
            head.columns = Some(columns);
        }
        if head.results == 0
            && let (Some(prepared), Some(columns)) = (&head.prepared, &head.columns)
        {
            prepared.describe(columns);
        }
        self.end_columns()
    }

    fn end_columns(&mut self) -> Step {
        let no_eof = self.agreed.no_eof;
        let Some(head) = self.pending.front_mut() else { return Err(unasked(&[])) };
        head.stage = if no_eof { Stage::Rows } else { Stage::ColumnsEnd };
        Ok(())
    }

    /// The rows of a cursor come when they are asked for.
    pub(super) fn handle_columns_end(&mut self, body: &[u8], sink: &mut impl Sink) -> Step {
        let ended = self.parse_end(body).ok_or(malformed("end of columns"))?;
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        head.stage = Stage::Rows;
        if head.fetch > 0 && ended.has(StatusFlags::SERVER_STATUS_CURSOR_EXISTS) {
            return self.suspend(sink);
        }
        Ok(())
    }

    /// The answer to PREPARE: a number, definitions of parameters, definitions of columns.
    #[cold]
    pub(super) fn handle_preparing(
        &mut self,
        stage: Stage,
        body: &[u8],
        sink: &mut impl Sink,
    ) -> Step {
        let no_eof = self.agreed.no_eof;
        let Some(head) = self.pending.front_mut() else { return Err(unasked(body)) };
        match stage {
            Stage::Prepare => {
                let PreparedOk { id, columns, params } =
                    PreparedOk::parse(body).ok_or(malformed("answer to PREPARE"))?;
                if let Some(prepared) = &head.prepared {
                    prepared.answered(id, params);
                }
                (head.definitions, head.later_definitions) = (u32::from(params), columns);
                head.stage = Stage::ParamDefinitions;
                if params > 0 {
                    return Ok(());
                }
            }
            Stage::ParamDefinitions | Stage::ColumnDefinitions => {
                if stage == Stage::ColumnDefinitions && self.agreed.cached {
                    push_definition(&mut self.definitions, body);
                }
                head.definitions -= 1;
                if head.definitions > 0 {
                    return Ok(());
                }
                if !no_eof {
                    let params = stage == Stage::ParamDefinitions;
                    head.stage = if params { Stage::ParamEnd } else { Stage::ColumnEnd };
                    return Ok(());
                }
            }
            Stage::ParamEnd | Stage::ColumnEnd => {}
            _ => return Err(Broken::Protocol("the server spoke out of turn")),
        }
        self.end_preparing(sink)
    }

    /// Parameters or columns have been described.
    fn end_preparing(&mut self, sink: &mut impl Sink) -> Step {
        let Some(head) = self.pending.front_mut() else { return Err(unasked(&[])) };
        let columns = std::mem::take(&mut head.later_definitions);
        if matches!(head.stage, Stage::ParamDefinitions | Stage::ParamEnd) && columns > 0 {
            head.definitions = u32::from(columns);
            head.stage = Stage::ColumnDefinitions;
            self.definitions.clear();
            return Ok(());
        }
        if self.agreed.cached && matches!(head.stage, Stage::ColumnDefinitions | Stage::ColumnEnd) {
            self.keep_described()?;
        }
        let Some(head) = self.pending.front_mut() else { return Err(unasked(&[])) };
        head.stage = Stage::Answer;
        // The EXECUTE is an exchange of its own.
        self.reader.expect(head.later_sequence);
        if head.preparing {
            self.execute_prepared(sink);
        }
        Ok(())
    }

    /// The columns told with a PREPARE: an EXECUTE may leave them out from the first time on.
    fn keep_described(&mut self) -> Step {
        let Some(head) = self.pending.front() else { return Err(unasked(&[])) };
        let latest = head.statement.as_ref().and_then(|it| it.latest(0, &self.types));
        let same = latest.filter(|columns| columns.definitions() == self.definitions);
        let columns = match same {
            Some(columns) => columns,
            None => self.parse_definitions()?,
        };
        if let Some(prepared) = &head.prepared {
            prepared.describe(&columns);
        }
        Ok(())
    }

    fn parse_definitions(&self) -> Step<Rc<Columns>> {
        parse(&self.definitions, &self.types)
    }

    /// The second half of a statement whose number had to be known first.
    fn execute_prepared(&mut self, sink: &mut impl Sink) {
        let Some(head) = self.pending.front_mut() else { return };
        let Some(prepared) = head.prepared.clone() else { return };
        if head.fault.is_some() {
            // Its guard has failed.
            return self.finish_head(sink);
        }
        let (params, fetch) = (std::mem::take(&mut head.params), head.fetch);
        let given = params.get();
        let written = match prepared.id() {
            Some(id) if prepared.params() == given.len() => self.write_execute(id, given, fetch),
            _ => Err(wrong_count(prepared.params(), given.len())),
        };
        let Some(head) = self.pending.front_mut() else { return };
        head.params = params;
        match written {
            Ok(sequence) => {
                head.preparing = false;
                self.reader.expect(sequence);
                self.release_held();
            }
            Err(error) => {
                head.fault = Some(Box::new(Fault::Refused(error)));
                self.finish_head(sink);
            }
        }
    }
}

pub(super) fn parse(definitions: &[u8], types: &TypeOptions) -> Step<Rc<Columns>> {
    let columns = Columns::parse(definitions, types);
    Ok(Rc::new(columns.ok_or(Broken::Protocol("a column is malformed"))?))
}
