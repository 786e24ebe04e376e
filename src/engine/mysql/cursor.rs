//! Cursors: rows that wait at the server until they are asked for.
//!
//! Nothing is sent behind one until it is over: at its end, at an error, or when it is left early.

use super::frame;
use super::pending::Stage;
use super::receive::Step;
use super::session::Session;
use super::sink::{Broken, Sink};
use bytes::BufMut;
use mysql_common::constants::Command;

impl Session {
    /// Asks the suspended cursor for more rows.
    pub fn fetch(&mut self, rows: u32) {
        let Some(cursor) = self.pending.front_mut().filter(|it| it.stage == Stage::Suspended)
        else {
            return;
        };
        cursor.stage = Stage::Rows;
        let id = cursor.prepared.as_ref().and_then(|prepared| prepared.id());
        self.write_to_statement(Command::COM_STMT_FETCH, id, Some(rows));
    }

    /// Ends the suspended cursor; false when there is none.
    pub fn close_cursor(&mut self) -> bool {
        let Some(cursor) = self.pending.front_mut().filter(|it| it.stage == Stage::Suspended)
        else {
            return false;
        };
        cursor.stage = Stage::Closing;
        let id = cursor.prepared.as_ref().and_then(|prepared| prepared.id());
        self.write_to_statement(Command::COM_STMT_RESET, id, None);
        true
    }

    /// The server has a cursor, or has given as many of its rows as it was asked for.
    pub(super) fn suspend(&mut self, sink: &mut impl Sink) -> Step {
        let Some(cursor) = self.pending.front_mut() else {
            return Err(Broken::Protocol("a cursor that nobody has opened"));
        };
        cursor.stage = Stage::Suspended;
        let wanted = match std::mem::replace(&mut cursor.fetched, true) {
            false => Some(cursor.fetch),
            true => sink.suspended(cursor.token),
        };
        match wanted {
            Some(0) => {}
            Some(rows) => self.fetch(rows),
            None => {
                self.close_cursor();
            }
        }
        Ok(())
    }

    fn write_to_statement(&mut self, command: Command, id: Option<u32>, rows: Option<u32>) {
        self.reader.expect(1);
        let mark = frame::begin(&mut self.outgoing);
        self.outgoing.put_u8(command as u8);
        // An EXECUTE was answered, so its statement has a number.
        self.outgoing.put_u32_le(id.unwrap_or_default());
        if let Some(rows) = rows {
            self.outgoing.put_u32_le(rows);
        }
        frame::end(&mut self.outgoing, mark, 0);
    }
}

#[cfg(test)]
#[path = "tests/cursor.rs"]
mod tests;
