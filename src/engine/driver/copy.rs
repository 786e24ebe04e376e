//! COPY FROM STDIN on the driver's side: data from JavaScript to the wire, credit back.
//!
//! JavaScript may submit `COPY_WINDOW` bytes ahead of what the socket has taken, so that is all a
//! COPY ever holds here, whatever its size.

use super::Driver;
use super::connection::Conn;
use crate::core::message::ConnId;
use crate::engine::error::EngineError;
use crate::engine::replies::{COPY_WINDOW, talk};
use crate::engine::request::{Stage, Token};
use crate::engine::session::{Direction, Mode};
use crate::wire::record;

/// Credit goes back in portions: each may wake JavaScript.
const PORTION: usize = COPY_WINDOW / 4;

/// The COPY that a connection executes: nothing goes out behind it.
#[derive(Clone, Copy, Debug)]
pub struct Copying {
    pub token: Token,
    /// Bytes from JavaScript for which it has no credit back yet.
    owed: usize,
}

impl Copying {
    pub fn of(token: Token, mode: Mode) -> Option<Copying> {
        (mode.copy.is_some() || mode.wire).then_some(Copying { token, owed: 0 })
    }
}

impl Conn {
    /// Bytes of a COPY that have left since this was last asked.
    pub fn copied(&mut self) -> Option<(Token, usize)> {
        let copying = self.copying.as_mut()?;
        let gone = copying.owed.saturating_sub(self.session.outgoing().len());
        if gone < PORTION {
            return None;
        }
        copying.owed -= gone;
        Some((copying.token, gone))
    }
}

impl Driver {
    pub fn copy_data(&mut self, link: u32, request: i32, data: &[u8]) {
        let Some((token, pool, id)) = self.copy_of(link, request) else { return };
        let Some(conn) = self.live(pool, id) else { return };
        if conn.session.copy_data(token, data) {
            if let Some(copying) = &mut conn.copying {
                copying.owed += data.len();
            }
            self.will_write(pool, id.slot);
        }
    }

    pub fn copy_end(&mut self, link: u32, request: i32, failure: Option<&str>) {
        let Some(token) = self.links.get(link).and_then(|link| link.token(request)) else { return };
        if let Some(reason) = failure {
            let reads =
                self.requests.get(token).is_some_and(|it| it.mode.copy != Some(Direction::In));
            if !(reads && self.leave_reading(token)) {
                self.cut_short(token, EngineError::new("ERR_POLYPOOL_ABORTED", reason));
            }
            return;
        }
        let Some((token, pool, id)) = self.copy_of(link, request) else { return };
        let Some(conn) = self.live(pool, id) else { return };
        if conn.session.copy_end(token, None) {
            self.will_write(pool, id.slot);
        }
    }

    /// The request's COPY or wire, if it is the one on its connection.
    fn copy_of(&mut self, link: u32, request: i32) -> Option<(Token, u32, ConnId)> {
        let token = self.links.get(link)?.token(request)?;
        let request = self.requests.get(token)?;
        let (pool, id) = (request.pool, request.conn?);
        let sends = request.mode.copy == Some(Direction::In) || request.mode.wire;
        let mine = request.stage == Stage::Sent && sends;
        mine.then_some((token, pool, id))
    }

    /// Gives JavaScript credit for what the socket has taken.
    pub fn renew_credit(&mut self, copied: Option<(Token, usize)>) {
        let Some((token, bytes)) = copied else { return };
        let Some(request) = self.requests.get(token).filter(|request| !request.settled) else {
            return;
        };
        let Some((link, number)) = request.origin else { return };
        let Some(link) = self.links.get(link) else { return };
        let bytes = i32::try_from(bytes).expect("no more than the window is owed");
        link.record(&[record::COPY_CREDIT, number, bytes]);
        talk(link, &mut self.talking);
    }
}
