//! Cursors: a portal that gives some rows and waits to be asked for more.
//!
//! Its flights end in Flush, for a Sync outside a transaction block would end the portal. So nothing
//! is sent behind it until it is over: at its end, at an error, or when it is closed early.

use super::params::EncodeError;
use super::pending::Stage;
use super::receive::{Step, unexpected};
use super::session::Session;
use super::sink::Sink;
use super::statements::EXECUTE_SYNC;
use bytes::BytesMut;
use postgres_protocol::message::{backend, frontend};

/// The unnamed portal.
const PORTAL: &str = "";

impl Session {
    /// Asks the suspended cursor for more rows.
    pub fn fetch(&mut self, rows: u32) {
        if let Some(cursor) = self.pending.front_mut().filter(|it| it.stage == Stage::Suspended) {
            cursor.stage = Stage::Rows;
            write_execute(&mut self.outgoing, rows);
        }
    }

    /// Ends the suspended cursor; false when there is none.
    pub fn close_cursor(&mut self) -> bool {
        match self.pending.front_mut() {
            Some(cursor) if cursor.stage == Stage::Suspended => {
                cursor.stage = Stage::Ended;
                self.end_cursor();
                true
            }
            _ => false,
        }
    }

    /// The portal is closed by name: in a transaction block it would outlive the Sync, and keep
    /// its tables from being altered.
    pub(super) fn end_cursor(&mut self) {
        let Some(cursor) = self.pending.front_mut() else { return };
        cursor.open = false;
        cursor.closing = true;
        frontend::close(b'P', PORTAL, &mut self.outgoing).expect("a constant without NUL");
        frontend::sync(&mut self.outgoing);
    }

    pub(super) fn handle_suspended(&mut self, sink: &mut impl Sink) -> Step {
        match self.pending.front_mut() {
            Some(cursor) if cursor.open && cursor.stage == Stage::Rows => {
                cursor.stage = Stage::Suspended;
                match sink.suspended(cursor.token) {
                    Some(0) => {}
                    Some(rows) => self.fetch(rows),
                    None => {
                        self.close_cursor();
                    }
                }
                Ok(())
            }
            _ => Err(unexpected(backend::PORTAL_SUSPENDED_TAG)),
        }
    }
}

/// Replaces the Execute and Sync that were just written by an Execute of so many rows and a Flush;
/// 0 leaves them.
#[inline]
pub(super) fn limit_execute(out: &mut BytesMut, rows: u32) {
    if rows > 0 {
        out.truncate(out.len() - EXECUTE_SYNC.len());
        write_execute(out, rows);
    }
}

fn write_execute(out: &mut BytesMut, rows: u32) {
    // The server takes a limit beyond 2^31 for none.
    let rows = i32::try_from(rows).unwrap_or(i32::MAX);
    frontend::execute(PORTAL, rows, out).expect("a constant without NUL");
    frontend::flush(out);
}

#[cold]
pub(super) fn no_cursor() -> EncodeError {
    EncodeError { position: 0, message: "COPY cannot be read through a cursor".into() }
}

#[cfg(test)]
#[path = "tests/cursor.rs"]
mod tests;
