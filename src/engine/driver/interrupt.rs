//! Empties a wire whose statements wait for something: all that is on it is stopped on the server, one
//! after the other, and nothing goes out behind it until it is quiet.
//!
//! Whoever asks for it knows each of them to be one statement that commits by itself: one that is
//! stopped has done nothing, and what became of it is told with its error.

use super::Driver;
use super::settle::{CANCEL_AGAIN, CANCEL_LIMIT};
use crate::core::message::{ConnId, Time};
use crate::engine::request::{Kind, Token};
use crate::engine::session::LocalFuture;
use std::time::Duration;

/// A statement that came to the head of the wire has so long to end by itself.
const NEXT: Duration = Duration::from_millis(30);
/// What each statement adds to the time within which the wire must be quiet.
const LIMIT_EACH: Time = 600_000;

impl Driver {
    /// The wire that this request is on.
    pub fn interrupt(&mut self, link: u32, request: i32) {
        let Some(link) = self.links.get(link) else { return };
        // Answered meanwhile, and with it what it waited for.
        let Some(token) = link.token(request) else { return };
        let Some(request) = self.requests.get(token) else { return };
        let (pool, Some(id)) = (request.pool, request.conn) else { return };
        let Some(conn) = self.live(pool, id) else { return };
        if conn.flight.is_empty() || conn.hold.is_some() || !conn.session.can_stop() {
            return;
        }
        let flight = conn.flight.clone();
        let limit = CANCEL_LIMIT + LIMIT_EACH * flight.len() as Time;
        let Some(deadline) = self.hold(pool, id, limit) else { return };
        for token in flight {
            if let Some(request) = self.requests.get(token) {
                request.interrupted = true;
            }
        }
        self.stop_each(pool, id, deadline);
        self.perform_all();
    }

    fn stop_each(&mut self, pool: u32, id: ConnId, deadline: Token) {
        let me = self.me.clone();
        tokio::task::spawn_local(async move {
            loop {
                let Some(driver) = me.upgrade() else { return };
                let next = driver.borrow_mut().stop_first(pool, id, deadline);
                drop(driver);
                let Some((first, side)) = next else { return };
                side.await;
                let Some(driver) = me.upgrade() else { return };
                driver.borrow_mut().note_cancel(pool, id, deadline);
                drop(driver);
                tokio::time::sleep(NEXT).await;
                let Some(driver) = me.upgrade() else { return };
                let stays = driver.borrow_mut().runs_first(pool, id) == Some(first);
                drop(driver);
                if stays {
                    // The cancel came ahead of it, or it takes its time to stop.
                    tokio::time::sleep(CANCEL_AGAIN - NEXT).await;
                }
            }
        });
    }

    /// What executes, and what stops it; `None` once the wire is to become quiet by itself.
    fn stop_first(
        &mut self,
        pool: u32,
        id: ConnId,
        deadline: Token,
    ) -> Option<(Token, LocalFuture<()>)> {
        let first = self.runs_first(pool, id)?;
        self.hold_of(pool, id, deadline)?.side_closed = false;
        Some((first, self.live(pool, id)?.session.cancel()))
    }

    /// The statement at the head of a wire; the round trip that settles it is none.
    fn runs_first(&mut self, pool: u32, id: ConnId) -> Option<Token> {
        let first = self.live(pool, id)?.flight.front().copied()?;
        let kind = self.requests.get(first)?.kind;
        matches!(kind, Kind::Held | Kind::Pooled).then_some(first)
    }
}
