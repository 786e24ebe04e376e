//! Streams that are left before their end: ended by their reader, or by the callback's return.
//!
//! Elsewhere the statement is cancelled. Within a transaction that would undo all of it, depending
//! on how much the server had sent by then.

use super::Driver;
use crate::core::message::Time;
use crate::engine::error::EngineError;
use crate::engine::request::{Stage, Token};

/// After this the statement is cancelled all the same.
const LEFT_LIMIT: Time = 5_000_000;

impl Driver {
    /// Nobody reads the stream any more.
    pub fn end_stream(&mut self, link: u32, request: i32) {
        let Some(token) = self.links.get(link).and_then(|link| link.token(request)) else { return };
        if !self.leave_reading(token) {
            self.cut_short(token, EngineError::new("ERR_POLYPOOL_ABORTED", "the stream was ended"));
        }
    }

    /// Within a transaction, which a cancel would fail, the statement is brought to an end: read in
    /// parts it ends with the part under way, else what still comes is read over. Answered when it
    /// is over. False where nothing forbids the cancel.
    pub fn leave_reading(&mut self, token: Token) -> bool {
        let at = self.now.saturating_add(LEFT_LIMIT);
        let Some(request) = self.requests.get(token) else { return true };
        let (pool, within) = (request.pool, request.mode.within);
        let (Stage::Sent, Some(id)) = (request.stage, request.conn) else { return false };
        let Some(conn) = self.live(pool, id) else { return false };
        if !within && !conn.in_transaction {
            return false;
        }
        if conn.paused {
            conn.resume();
        }
        let Some(request) = self.requests.get(token) else { return true };
        if request.left.replace(at).is_some() {
            return true;
        }
        let suspended = std::mem::take(&mut request.suspended);
        let earlier = request.deadline;
        if earlier.is_none_or(|earlier| at < earlier) {
            if let Some(later) = earlier {
                self.deadlines.remove(&(later, token));
            }
            self.limit(token, LEFT_LIMIT);
        }
        if let Some(conn) = self.live(pool, id) {
            conn.left += 1;
            if suspended {
                conn.session.close_cursor();
                self.will_write(pool, id.slot);
            }
        }
        true
    }
}

/// What such a statement and its transaction fail with.
pub fn left_too_long() -> EngineError {
    let text = format!(
        "a stream was left before its end and its statement ran on for {} ms: it was cancelled, \
         which fails the transaction around it",
        LEFT_LIMIT / 1000
    );
    EngineError::new("ERR_POLYPOOL_ABORTED", text)
}
