//! How statements end: answered, cancelled, timed out, or lost with their connection.

use super::Driver;
use super::connection::{Conn, Hold};
use super::failover::Doubt;
use super::left::left_too_long;
use crate::core::message::{ConnId, Fate, Input, Lease, Time, WaiterId};
use crate::engine::error::EngineError;
use crate::engine::replies::{Finished, Notification, Peer, notice_event, settle, talk};
use crate::engine::request::{Kind, Request, Stage, Token};
use crate::engine::session::LocalFuture;
use crate::wire::record;
use serde_json::json;
use std::time::Duration;

/// After a cancel the wire must have settled within this, or the connection is discarded.
pub const CANCEL_LIMIT: Time = 5_000_000;
/// A statement that goes on for so long after its cancel is cancelled again.
pub const CANCEL_AGAIN: Duration = Duration::from_millis(300);

impl Driver {
    /// Everything that the last bytes completed on this connection.
    pub fn finish_all(&mut self, pool: u32, id: ConnId) {
        if !self.notifications.is_empty() {
            self.deliver(pool, id);
        }
        let mut finished = std::mem::take(&mut self.finished);
        for done in finished.drain(..) {
            self.finish(pool, id, &done);
        }
        self.finished = finished;
        for (name, value) in std::mem::take(&mut self.parameters) {
            let event = json!({ "type": "parameter", "name": name, "value": value });
            self.event_to_holder(pool, id, &event);
        }
        for notice in std::mem::take(&mut self.notices) {
            let process = self.live(pool, id).map_or(0, |conn| conn.session.process_id());
            let peer = Peer { connection: id.serial, process };
            self.event_to_holder(pool, id, &notice_event(peer, None, &notice));
        }
        self.perform_all();
        self.proceed(pool, id);
    }

    fn event_to_holder(&mut self, pool: u32, id: ConnId, event: &serde_json::Value) {
        match self.holder(pool, id) {
            Some(link) => self.event_to(link, pool, event),
            None => self.event(pool, event),
        }
    }

    /// Hands notifications to the link that borrowed the connection: a hub's, or one whose own
    /// LISTEN brings them. One that is far behind has the connection wait, as rows would.
    fn deliver(&mut self, pool: u32, id: ConnId) {
        let mut notifications = std::mem::take(&mut self.notifications);
        let holder = self.holder(pool, id);
        let first = || self.pools.get(&pool)?.shared.links().first().copied();
        let owner = holder.or_else(first);
        let mut full = false;
        if let Some(link) = owner.and_then(|owner| self.links.get(owner)) {
            for Notification { process, text } in &notifications {
                let words = [record::NOTIFICATION, pool as i32, *process];
                link.record_with_bytes(&words, text);
                link.relieve();
            }
            talk(link, &mut self.talking);
            full = link.is_full();
            if full {
                link.stalled.push((pool, id.slot));
            }
        }
        if full && let Some(conn) = self.live(pool, id) {
            conn.paused = true;
        }
        notifications.clear();
        self.notifications = notifications;
    }

    fn finish(&mut self, pool: u32, id: ConnId, done: &Finished) {
        let (now, token) = (self.now, done.token);
        let left = self.requests.get(token).is_some_and(|request| request.left.is_some());
        let mut changed = false;
        let mut doubted = false;
        let mut began = 0;
        if let Some(conn) = self.live(pool, id) {
            if let Some(at) = conn.flight.iter().position(|entry| *entry == token) {
                conn.flight.remove(at);
            }
            if conn.copying.is_some_and(|copying| copying.token == token) {
                conn.copying = None;
            }
            conn.left -= usize::from(left);
            changed = conn.in_transaction != done.in_transaction;
            conn.in_transaction = done.in_transaction;
            doubted = conn.doubt == Doubt::Raised;
            began = std::mem::replace(&mut conn.last_end, now);
        }
        if changed {
            self.tell(pool, Input::Transaction { conn: id, open: done.in_transaction });
        }
        if doubted {
            self.ask_place(pool, id);
        }
        if self.requests.get(token).is_some_and(|request| request.moves()) {
            // Its deadline goes with it.
            self.tell(pool, Input::StatementDone { conn: id });
            return self.move_to_primary(token);
        }
        let Some(request) = self.forget_request(token) else { return };
        let failed = request.error.is_some();
        match request.kind {
            Kind::Pooled | Kind::Held => {
                // A cursor's time is mostly its reader's.
                if let Some(statement) = &request.statement
                    && !failed
                    && request.mode.fetch == 0
                {
                    statement.note(now.saturating_sub(began.max(request.sent)));
                }
                if done.dirties {
                    self.tell(pool, Input::Dirty { conn: id });
                }
                if let Some(error) = &request.error {
                    self.note_failure(pool, id, error);
                }
                if request.kind == Kind::Pooled {
                    self.tell(pool, Input::StatementDone { conn: id });
                }
            }
            Kind::Check => self.tell(pool, Input::Validated { conn: id, ok: !failed }),
            Kind::Reset => self.session_reset(pool, id, !failed && !done.in_transaction),
            Kind::Settle => self.settled(pool, id),
            Kind::Place => self.place_known(pool, id, &request),
            Kind::Hook | Kind::Hold | Kind::Warm | Kind::Patience => {}
            Kind::Probe | Kind::Leave | Kind::Farewell => {}
        }
    }

    /// What the failure of a statement means for its connection and for what depends on it.
    fn note_failure(&mut self, pool: u32, id: ConnId, error: &EngineError) {
        let by_option =
            self.pool(pool).is_some_and(|state| state.shared.options.destroy_on_query_error);
        if by_option {
            self.tell(pool, Input::Retire { conn: id });
        } else if error.not_here {
            self.note_not_here(pool, id, error);
        }
    }

    /// Sends what waited for the wire, gives back what was released meanwhile.
    fn proceed(&mut self, pool: u32, id: ConnId) {
        while let Some(conn) = self.live(pool, id) {
            if conn.hold.is_some_and(|hold| hold.side_closed) && conn.flight.is_empty() {
                // The cancel has been delivered: one round trip shows that the wire is quiet.
                self.round_trip(pool, id, Kind::Settle);
                return;
            }
            if !conn.is_open() {
                return;
            }
            let Some(token) = conn.queue.pop_front() else { break };
            self.start(token, id, None);
        }
        let Some(conn) = self.live(pool, id) else { return };
        if conn.is_quiet()
            && let Some((lease, destroy, origin)) = conn.release.take()
        {
            self.release_now(pool, id, lease, destroy, origin);
        }
    }

    fn settled(&mut self, pool: u32, id: ConnId) {
        let Some(conn) = self.live(pool, id) else { return };
        if let Some(hold) = conn.hold.take() {
            self.forget_request(hold.deadline);
        }
        self.tell(pool, Input::Settled { conn: id });
    }

    /// A lease comes back by way of the ring: after the statements that were submitted before.
    pub fn release(&mut self, pool: u32, lease: Lease, destroy: bool, origin: (u32, i32)) {
        let Some(id) = self.lease_conn(pool, lease) else { return self.ok(origin) };
        match self.live(pool, id) {
            Some(conn) if !destroy && !conn.is_quiet() => {
                if let Some((.., earlier)) = conn.release.replace((lease, destroy, origin)) {
                    self.ok(earlier);
                }
                self.will_write(pool, id.slot);
            }
            _ => self.release_now(pool, id, lease, destroy, origin),
        }
    }

    fn release_now(
        &mut self,
        pool: u32,
        id: ConnId,
        lease: Lease,
        destroy: bool,
        origin: (u32, i32),
    ) {
        let fate = if destroy { Fate::Destroy } else { Fate::Return };
        self.tell(pool, Input::Release { lease, fate });
        self.perform_all();
        self.await_return(pool, id, origin);
    }

    /// Answers when the connection is idle again or gone.
    pub fn await_return(&mut self, pool: u32, id: ConnId, origin: (u32, i32)) {
        let Some(state) = self.pool(pool) else { return self.ok(origin) };
        let slot = state.slot(id);
        let busy = slot.serial == id.serial
            && match &slot.phase {
                super::connection::Phase::Live(conn) => conn.resetting,
                super::connection::Phase::Closing => true,
                _ => false,
            };
        if busy {
            slot.awaiting.push(origin);
        } else {
            self.ok(origin);
        }
    }

    pub fn lease_conn(&mut self, pool: u32, lease: Lease) -> Option<ConnId> {
        self.pool(pool)?.shared.lock().core.lease_conn(lease)
    }

    /// The caller gave up: an AbortSignal fired.
    pub fn cancel(&mut self, link: u32, request: i32) {
        let Some(link_state) = self.links.get(link) else { return };
        // Answered meanwhile. (An acquire has no request here: it is withdrawn from the core.)
        let Some(token) = link_state.token(request) else { return };
        self.cut_short(token, EngineError::new("ERR_POLYPOOL_ABORTED", "aborted"));
    }

    /// A deadline has passed.
    pub fn expire(&mut self, token: Token, at: Time) {
        let Some(request) = self.requests.get(token) else { return };
        request.deadline = None;
        if request.suspended && request.credit.is_none() {
            return;
        }
        let left = request.left == Some(at);
        let (pool, conn, kind) = (request.pool, request.conn, request.kind);
        let started = request.started;
        match kind {
            Kind::Pooled | Kind::Held if left => self.cut_short(token, left_too_long()),
            Kind::Pooled | Kind::Held => {
                let ms = at.saturating_sub(started) / 1000;
                let text = format!("the query did not end within {ms} ms");
                let error = EngineError::new("ERR_POLYPOOL_QUERY_TIMEOUT", text);
                self.cut_short(token, error.with("timeoutMs", ms.into()));
            }
            Kind::Hook => {
                if let Some(id) = conn {
                    let text = "it did not settle within connectTimeoutMs";
                    self.hook_done(pool, id, Some(text));
                }
                self.forget_request(token);
            }
            Kind::Check | Kind::Reset | Kind::Settle | Kind::Hold | Kind::Place => {
                if let Some(id) = conn {
                    self.died(pool, id, EngineError::lost("the server did not answer in time"));
                }
                self.forget_request(token);
            }
            Kind::Warm => {
                let ms = at.saturating_sub(started) / 1000;
                self.warm_expired(pool, ms);
                self.forget_request(token);
            }
            Kind::Leave => {
                self.forget_request(token);
                self.leave_now(token);
            }
            Kind::Farewell => {
                self.forget_request(token);
                self.end_farewells(pool);
            }
            Kind::Patience => {
                self.forget_request(token);
                self.patience_ended(pool);
            }
            Kind::Probe => {
                self.forget_request(token);
                self.probe_replicas(pool);
            }
        }
    }

    /// Ends a statement early: its caller is told at once, the server as far as that harms nobody.
    pub fn cut_short(&mut self, token: Token, error: EngineError) {
        let Some(request) = self.requests.get(token) else { return };
        match request.stage {
            Stage::Waiting => {
                let pool = request.pool;
                request.error = Some(error);
                settle(request, &mut self.links, &mut self.talking);
                self.tell(pool, Input::Cancel { waiter: WaiterId(token) });
            }
            Stage::Queued => {
                let (pool, conn) = (request.pool, request.conn);
                self.settle_with(token, error);
                self.unqueue(pool, conn, token);
            }
            Stage::Sent => {
                let reason = error.message().to_owned();
                if !request.settled {
                    request.error = Some(error);
                    settle(request, &mut self.links, &mut self.talking);
                }
                self.stop_on_server(token, &reason);
            }
        }
        self.perform_all();
    }

    fn unqueue(&mut self, pool: u32, conn: Option<ConnId>, token: Token) {
        let Some(request) = self.forget_request(token) else { return };
        let Some(id) = conn else { return };
        if let Some(conn) = self.live(pool, id) {
            conn.queue.retain(|entry| *entry != token);
        }
        if request.kind == Kind::Pooled {
            self.tell(pool, Input::StatementDone { conn: id });
        }
        self.proceed(pool, id);
    }

    /// Cancels only what executes now with nothing else on its wire: a cancel hits whatever the
    /// session runs when it arrives.
    fn stop_on_server(&mut self, token: Token, reason: &str) {
        let Some(request) = self.requests.get(token) else { return };
        // A stream that nobody reads any more must not hold its wire up.
        request.credit = None;
        let suspended = std::mem::take(&mut request.suspended);
        let (pool, Some(id)) = (request.pool, request.conn) else { return };
        let Some(conn) = self.live(pool, id) else { return };
        // A server that waits for data ends the COPY by this, before the cancel gets there; one that
        // is busy with what it has needs the cancel.
        let failed = conn.session.copy_end(token, Some(reason));
        if conn.paused {
            conn.resume();
        }
        if failed {
            self.will_write(pool, id.slot);
        }
        let Some(conn) = self.live(pool, id) else { return };
        // Its own BEGIN in front of it shares its fate anyway.
        let (first, alone) = (conn.flight.front().copied(), conn.flight.len() == 1);
        let led = conn.flight.len() == 2 && conn.flight[1] == token;
        let led = led && first.and_then(|it| self.requests.get(it)).is_some_and(|it| it.mode.lead);
        let Some(conn) = self.live(pool, id) else { return };
        let closed = suspended && conn.session.close_cursor();
        let idle = conn.hold.is_none() && (led || alone && first == Some(token));
        let side = match closed {
            // Nothing executes: that it is over shows when the wire is quiet.
            true => Box::pin(std::future::ready(())),
            false if idle && conn.session.can_stop() => conn.session.cancel(),
            false => return,
        };
        if closed {
            self.will_write(pool, id.slot);
        }
        if !idle {
            return;
        }
        let Some(deadline) = self.hold(pool, id, CANCEL_LIMIT) else { return };
        let me = self.me.clone();
        tokio::task::spawn_local(async move {
            let mut next = Some(side);
            while let Some(side) = next.take() {
                side.await;
                let Some(driver) = me.upgrade() else { return };
                driver.borrow_mut().note_cancel(pool, id, deadline);
                drop(driver);
                tokio::time::sleep(CANCEL_AGAIN).await;
                let Some(driver) = me.upgrade() else { return };
                next = driver.borrow_mut().cancel_again(pool, id, deadline, token);
            }
        });
    }

    /// Nothing goes out on a connection until a cancel has settled, or the connection is given up.
    /// Its deadline says which hold it is; `None` where it has one, or is gone.
    pub fn hold(&mut self, pool: u32, id: ConnId, within: Time) -> Option<Token> {
        self.live(pool, id).filter(|conn| conn.hold.is_none())?;
        let mut limit = Request::new(Kind::Hold, pool, None, self.now);
        limit.conn = Some(id);
        let deadline = self.requests.insert(limit);
        self.limit(deadline, within);
        if let Some(conn) = self.live(pool, id) {
            conn.hold = Some(Hold { side_closed: false, deadline });
        }
        self.tell(pool, Input::Hold { conn: id });
        Some(deadline)
    }

    /// The side connection of a cancel has closed.
    pub fn note_cancel(&mut self, pool: u32, id: ConnId, deadline: Token) {
        self.now = self.runtime.clock.now();
        if let Some(hold) = self.hold_of(pool, id, deadline) {
            hold.side_closed = true;
        }
        self.proceed(pool, id);
        self.end_turn();
    }

    /// A cancel that got there ahead of its statement has done nothing: once more, while that runs.
    fn cancel_again(
        &mut self,
        pool: u32,
        id: ConnId,
        deadline: Token,
        token: Token,
    ) -> Option<LocalFuture<()>> {
        let runs = self.live(pool, id)?.flight.contains(&token);
        let hold = self.hold_of(pool, id, deadline).filter(|_| runs)?;
        hold.side_closed = false;
        Some(self.live(pool, id)?.session.cancel())
    }

    /// The hold on a connection, if it is still the one with this deadline.
    pub fn hold_of(&mut self, pool: u32, id: ConnId, deadline: Token) -> Option<&mut Hold> {
        self.live(pool, id)?.hold.as_mut().filter(|hold| hold.deadline == deadline)
    }

    /// Nobody listens any more (the thread ended): as an abort, without an answer.
    pub fn give_up(&mut self, token: Token) {
        if let Some(request) = self.requests.get(token) {
            request.settled = true;
        }
        self.cut_short(token, EngineError::new("ERR_POLYPOOL_ABORTED", "the thread ended"));
    }

    /// Settles a request that never reached a session.
    pub fn settle_with(&mut self, token: Token, error: EngineError) {
        let Some(request) = self.requests.get(token) else { return };
        if !request.settled {
            request.error = Some(error);
            settle(request, &mut self.links, &mut self.talking);
        }
        if request.stage == Stage::Waiting {
            self.forget_request(token);
        }
    }

    /// The connection takes its statements with it: each is told why.
    pub fn abandon_all(&mut self, conn: &mut Conn, error: &EngineError) {
        let sent: Vec<Token> = conn.flight.drain(..).collect();
        let unanswered = conn.session.unanswered(error);
        let queued: Vec<Token> = conn.queue.drain(..).collect();
        for (tokens, error) in [(sent, &unanswered), (queued, error)] {
            for token in tokens {
                if let Some(mut request) = self.forget_request(token)
                    && !request.settled
                {
                    request.error.get_or_insert_with(|| error.clone());
                    settle(&mut request, &mut self.links, &mut self.talking);
                }
            }
        }
        if let Some(hold) = conn.hold.take() {
            self.forget_request(hold.deadline);
        }
        if let Some(hook) = conn.hook.take() {
            self.forget_request(hook);
        }
        // The core takes the lease back with the connection.
        if let Some((.., origin)) = conn.release.take() {
            self.ok(origin);
        }
    }
}
