//! How connections come and go: connect, hooks, validation, reset, close.

use super::connection::{Conn, Phase, Slot};
use super::password::try_once;
use super::{Driver, PoolState};
use crate::core::message::{CloseReason, ConnId, ConnectFailure, Input, Time};
use crate::engine::bridge::Bridges;
use crate::engine::error::EngineError;
use crate::engine::replies::talk;
use crate::engine::request::{Kind, Request, Stage};
use crate::engine::session::{Attempt, Opened, Place};
use crate::wire::record;
use serde_json::{Value, json};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// A connect timeout of "none".
const FOREVER: Time = 365 * 24 * 3600 * 1_000_000;

/// A goodbye that the peer does not take in this time is not worth waiting for.
const GOODBYE: Duration = Duration::from_secs(1);
/// Beyond the deadline of `close()` for those that go on without anybody waiting.
pub const GRACE: Time = 100_000;

impl Driver {
    pub fn connect(&mut self, pool: u32, id: ConnId) {
        let (me, port) = (self.me.clone(), self.port.clone());
        let since = self.now;
        let Some(state) = self.pool(pool) else { return };
        if state.slot(id).serial >= id.serial {
            // Closed before it began.
            return;
        }
        if let Some(hook) = state.shared.missing_hook() {
            state.slot(id).serial = id.serial;
            return self.connect_failed(pool, id, no_runner(hook));
        }
        let before = state.shared.after;
        if let Some(before) = before.and_then(|before| self.pool(before)) {
            before.successors.push((pool, id));
            return;
        }
        let Some(state) = self.pool(pool) else { return };
        let connector = state.shared.connector.clone();
        let runner = state.shared.runner(record::hook::STREAM);
        let bound = state.shared.options.connect_timeout;
        let attempt = Attempt {
            seed: state.shared.seed ^ u64::from(id.serial),
            now: since,
            limit: bound.map(Duration::from_micros),
            password: None,
            bridges: Some(Bridges::new(port, runner.unwrap_or_default(), pool)),
            place: Place::default(),
        };
        let limit = bound.unwrap_or(FOREVER);
        let (password, answer) = self.ask_password(pool, id);
        let task = tokio::task::spawn_local(async move {
            let result = try_once(connector, answer, attempt, limit).await;
            if let Some(driver) = me.upgrade() {
                let mut driver = driver.borrow_mut();
                driver.now = driver.runtime.clock.now();
                driver.connected(pool, id, result, since);
                driver.end_turn();
            }
        });
        let Some(state) = self.pool(pool) else { return };
        let slot = state.slot(id);
        slot.serial = id.serial;
        slot.phase = Phase::Connecting { abort: task.abort_handle(), password, transport: runner };
        self.replicas_tried(pool);
    }

    fn connected(
        &mut self,
        pool: u32,
        id: ConnId,
        result: Result<Opened, EngineError>,
        since: Time,
    ) {
        let me = self.me.clone();
        let now = self.now;
        let Some(state) = self.pool(pool) else { return };
        let slot = state.slot(id);
        if slot.serial != id.serial || !matches!(slot.phase, Phase::Connecting { .. }) {
            return;
        }
        match result {
            Err(error) => {
                slot.phase = Phase::Empty;
                self.connect_failed(pool, id, error);
            }
            Ok(opened) => {
                let serial_wire = !state.shared.options.pipeline;
                let conn = Conn::new(id, opened, serial_wire);
                state.slot(id).phase = Phase::Live(Box::new(conn));
                let process = conn_process(state, id);
                let mut locked = state.shared.lock();
                locked.creates.record(now.saturating_sub(since));
                locked.note_identity(id, process);
                drop(locked);
                let on_connect = state.shared.hooks.on_connect;
                tokio::task::spawn_local(poll_fn(move |cx| {
                    let Some(driver) = me.upgrade() else { return Poll::Ready(()) };
                    let turn = || driver.borrow_mut().poll_conn(pool, id, cx);
                    catch_unwind(AssertUnwindSafe(turn)).unwrap_or_else(|_| {
                        driver.borrow_mut().panicked(pool, id);
                        Poll::Ready(())
                    })
                }));
                if on_connect {
                    self.call_hook(pool, id, record::hook::ON_CONNECT);
                } else {
                    self.open_for_use(pool, id);
                }
            }
        }
    }

    fn open_for_use(&mut self, pool: u32, id: ConnId) {
        let Some(conn) = self.pool(pool).and_then(|state| state.conn(id.slot)) else { return };
        let process = conn.session.process_id();
        let mut event = json!({ "type": "connect", "connection": id.serial, "processId": process });
        if let Some(started) = conn.session.announce() {
            event["started"] = started;
        }
        self.event(pool, &event);
        self.replicas_answered(pool);
        self.tell(pool, Input::Connected { conn: id });
        self.perform_all();
        self.check_warm(pool);
    }

    /// WARM is answered when as many connections are up as were asked for.
    fn check_warm(&mut self, pool: u32) {
        let Some(state) = self.pool(pool) else { return };
        if state.warming.is_empty() {
            return;
        }
        let ready = |slot: &&Slot| match &slot.phase {
            Phase::Live(conn) => conn.hook.is_none(),
            phase => matches!(phase, Phase::Turn),
        };
        let live = state.slots.iter().filter(ready).count();
        if live >= state.shared.options.min.max(1) as usize {
            for origin in std::mem::take(&mut state.warming) {
                self.ok(origin);
            }
        }
    }

    pub fn connect_failed(&mut self, pool: u32, id: ConnId, error: EngineError) {
        let failure = match error.fatal {
            true => ConnectFailure::Fatal,
            false => ConnectFailure::Transient,
        };
        let Some(state) = self.pool(pool) else { return };
        state.last_error = Some(error.clone());
        // createPool fails fast, unless it was told to wait for the server.
        if error.fatal || !state.shared.options.wait_for_server {
            for origin in std::mem::take(&mut state.warming) {
                self.fail(origin, &error);
            }
        }
        self.tell(pool, Input::ConnectFailed { conn: id, failure });
        self.replicas_failed(pool, &error);
        self.perform_all();
    }

    /// Has JavaScript run one of the pool's functions on this connection.
    fn call_hook(&mut self, pool: u32, id: ConnId, kind: i32) {
        let mut request = Request::new(Kind::Hook, pool, None, self.now);
        request.conn = Some(id);
        let token = self.requests.insert(request);
        let Some(state) = self.pool(pool) else { return };
        let runner = state.shared.runner(kind);
        let limit = state.shared.options.connect_timeout.unwrap_or(FOREVER);
        let Some(conn) = state.conn(id.slot) else { return };
        conn.hook = Some(token);
        conn.hook_runner = runner;
        let process = conn.session.process_id();
        self.limit(token, limit);
        match runner.and_then(|runner| self.links.get(runner)) {
            Some(link) => {
                link.record(&[
                    record::HOOK_CALL,
                    pool as i32,
                    kind,
                    id.slot as i32,
                    id.serial as i32,
                    process,
                ]);
                talk(link, &mut self.talking);
            }
            None => self.hook_done(pool, id, Some("the thread that runs it has ended")),
        }
    }

    /// A hook has ended: with `None` well, else with what it threw.
    pub fn hook_done(&mut self, pool: u32, id: ConnId, failure: Option<&str>) {
        let Some(conn) = self.live(pool, id) else { return };
        let Some(token) = conn.hook.take() else { return };
        let resetting = conn.resetting;
        let left_open = conn.in_transaction.then_some("it left a transaction open");
        self.forget_request(token);
        match (failure.or(left_open), resetting) {
            (None, false) => self.open_for_use(pool, id),
            (None, true) => self.reset_done(pool, id, true),
            (Some(_), true) => self.reset_done(pool, id, false),
            (Some(message), false) => {
                let text = format!("onConnect failed: {message}");
                let mut error = EngineError::new("ERR_POLYPOOL_CONNECT", text);
                error.fatal = true;
                self.fail_flight(pool, id, &error);
                self.drop_conn(pool, id);
                self.connect_failed(pool, id, error);
            }
        }
    }

    pub fn validate(&mut self, pool: u32, id: ConnId) {
        if !self.round_trip(pool, id, Kind::Check) {
            self.tell(pool, Input::Validated { conn: id, ok: false });
        }
    }

    pub fn reset(&mut self, pool: u32, id: ConnId) {
        let by_hook = self.pool(pool).is_some_and(|state| state.shared.hooks.reset);
        match self.live(pool, id) {
            Some(conn) => conn.resetting = true,
            None => {
                self.tell(pool, Input::ResetDone { conn: id, ok: false });
                return;
            }
        }
        if by_hook {
            self.call_hook(pool, id, record::hook::RESET);
        } else {
            self.round_trip(pool, id, Kind::Reset);
        }
    }

    /// The session is fresh again: what onConnect did must be done again too.
    pub fn session_reset(&mut self, pool: u32, id: ConnId, ok: bool) {
        let on_connect = self.pool(pool).is_some_and(|state| state.shared.hooks.on_connect);
        if ok && on_connect {
            self.call_hook(pool, id, record::hook::ON_CONNECT);
        } else {
            self.reset_done(pool, id, ok);
        }
    }

    pub fn reset_done(&mut self, pool: u32, id: ConnId, ok: bool) {
        if let Some(conn) = self.live(pool, id) {
            conn.resetting = false;
        }
        self.tell(pool, Input::ResetDone { conn: id, ok });
        if ok {
            self.answer_awaiting(pool, id);
        }
        self.perform_all();
    }

    /// Sends one of the driver's own round trips, bounded by connectTimeoutMs.
    pub fn round_trip(&mut self, pool: u32, id: ConnId, kind: Kind) -> bool {
        let mut request = Request::new(kind, pool, None, self.now);
        request.conn = Some(id);
        let token = self.requests.insert(request);
        let Some(state) = self.pool(pool) else { return false };
        let limit = state.shared.options.connect_timeout.unwrap_or(FOREVER);
        let Some(conn) = state.conn(id.slot).filter(|conn| conn.id == id) else {
            self.forget_request(token);
            return false;
        };
        conn.flight.push_back(token);
        match kind {
            Kind::Reset => conn.session.reset(token),
            Kind::Place => conn.session.check_place(token),
            _ => conn.session.check(token),
        }
        self.limit(token, limit);
        self.will_write(pool, id.slot);
        true
    }

    /// Closes a connection as the core asks.
    pub fn close_conn(&mut self, pool: u32, id: ConnId, why: CloseReason) {
        let Some(state) = self.pool(pool) else { return };
        let slot = state.slot(id);
        if slot.serial < id.serial {
            // Its Connect, asked for by another thread, is still on its way here.
            slot.serial = id.serial;
            slot.phase = Phase::Empty;
        }
        if slot.serial != id.serial {
            return;
        }
        match std::mem::replace(&mut slot.phase, Phase::Closing) {
            Phase::Connecting { abort, .. } => {
                abort.abort();
                self.closed(pool, id);
            }
            Phase::Live(conn) => {
                self.removed(pool, id, conn.session.process_id(), json!({ "reason": why.name() }));
                self.say_goodbye(pool, *conn, why);
            }
            Phase::Empty => self.closed(pool, id),
            // A turn puts its connection back before effects are performed.
            Phase::Turn | Phase::Closing => {}
        }
    }

    /// Ends the protocol politely and, if something still runs, stops it on the server.
    fn say_goodbye(&mut self, pool: u32, mut conn: Conn, why: CloseReason) {
        let id = conn.id;
        let busy = !conn.flight.is_empty();
        let error = cut_off(why);
        self.abandon_all(&mut conn, &error);
        let cancel = busy.then(|| conn.session.cancel());
        conn.session.terminate(why == CloseReason::Released);
        let me = self.me.clone();
        tokio::task::spawn_local(async move {
            let goodbye = async {
                if let Some(cancel) = cancel {
                    cancel.await;
                }
                let _ = conn.stream.write_all_buf(conn.session.outgoing()).await;
                let _ = shutdown(&mut conn.stream).await;
            };
            // Best effort: the peer may be gone already.
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
            drop(conn);
            if let Some(driver) = me.upgrade() {
                let mut driver = driver.borrow_mut();
                driver.now = driver.runtime.clock.now();
                if driver.is_closing(pool, id) {
                    driver.closed(pool, id);
                }
                driver.end_turn();
            }
        });
    }

    fn is_closing(&mut self, pool: u32, id: ConnId) -> bool {
        let slot = self.pool(pool).and_then(|state| state.slots.get(id.slot as usize));
        slot.is_some_and(|slot| slot.serial == id.serial && matches!(slot.phase, Phase::Closing))
    }

    /// Nobody waits any longer for goodbyes that a peer does not take; they go on for their time.
    pub fn end_farewells(&mut self, pool: u32) {
        let Some(state) = self.pool(pool) else { return };
        let slots = state.slots.iter().enumerate();
        let closing = slots.filter(|(_, slot)| matches!(slot.phase, Phase::Closing));
        let closing: Vec<ConnId> =
            closing.map(|(at, slot)| ConnId { slot: at as u32, serial: slot.serial }).collect();
        for id in closing {
            self.closed(pool, id);
        }
        self.perform_all();
    }

    fn closed(&mut self, pool: u32, id: ConnId) {
        if let Some(state) = self.pool(pool) {
            state.slot(id).phase = Phase::Empty;
        }
        self.answer_awaiting(pool, id);
        // Not performed here: closing many connections at once would recurse once for each.
        self.tell(pool, Input::Closed { conn: id });
    }

    /// Announces the end of a connection, and which lease it takes along.
    fn removed(&mut self, pool: u32, id: ConnId, process: i32, mut event: Value) {
        let Some(state) = self.pool(pool) else { return };
        let lease = state.shared.lock().core.lease_of(id.slot);
        event["type"] = "remove".into();
        event["connection"] = id.serial.into();
        event["processId"] = process.into();
        event["slot"] = id.slot.into();
        event["generation"] = lease.map(|lease| lease.generation).into();
        self.event(pool, &event);
    }

    /// A turn ended in a panic: a bug, and its connection is lost.
    fn panicked(&mut self, pool: u32, id: ConnId) {
        self.finished.clear();
        self.notifications.clear();
        let error = EngineError::lost("the connection was lost: internal error");
        for token in self.requests.tokens() {
            if self.requests.get(token).is_some_and(|r| r.pool == pool && r.conn == Some(id)) {
                if let Some(request) = self.requests.get(token) {
                    request.stage = Stage::Waiting;
                }
                self.settle_with(token, error.clone());
            }
        }
        self.drop_conn(pool, id);
        self.tell(pool, Input::Died { conn: id });
        self.closed(pool, id);
        self.end_turn();
    }

    /// The transport is gone or the peer speaks nonsense.
    pub fn died(&mut self, pool: u32, id: ConnId, error: EngineError) {
        let Some(conn) = self.live(pool, id) else { return };
        let process = conn.session.process_id();
        let opening = conn.hook.is_some() && !conn.resetting;
        let idle = conn.is_quiet() && conn.hook.is_none();
        // What its end sets free must not be put to use on it again.
        self.tell(pool, Input::Hold { conn: id });
        self.fail_flight(pool, id, &error);
        self.drop_conn(pool, id);
        if opening {
            self.connect_failed(pool, id, error);
            return;
        }
        let event = json!({ "reason": "died", "idle": idle, "error": error.json });
        self.removed(pool, id, process, event);
        self.tell(pool, Input::Died { conn: id });
        if error.not_here {
            self.tell(pool, Input::Misplaced { conn: id });
        }
        self.closed(pool, id);
    }

    pub fn fail_flight(&mut self, pool: u32, id: ConnId, error: &EngineError) {
        let Some(state) = self.pool(pool) else { return };
        let slot = state.slot(id);
        if let Phase::Live(mut conn) = std::mem::replace(&mut slot.phase, Phase::Closing) {
            self.abandon_all(&mut conn, error);
        }
    }

    pub fn drop_conn(&mut self, pool: u32, id: ConnId) {
        if let Some(state) = self.pool(pool) {
            state.slot(id).phase = Phase::Empty;
        }
    }

    fn answer_awaiting(&mut self, pool: u32, id: ConnId) {
        let Some(state) = self.pool(pool) else { return };
        for origin in std::mem::take(&mut state.slot(id).awaiting) {
            self.ok(origin);
        }
    }

    pub fn live(&mut self, pool: u32, id: ConnId) -> Option<&mut Conn> {
        self.pool(pool)?.conn(id.slot).filter(|conn| conn.id == id)
    }

    pub fn warm(&mut self, pool: u32, origin: (u32, i32)) {
        let Some(state) = self.pool(pool) else { return self.fail(origin, &super::closed()) };
        state.warming.push(origin);
        let waits = state.shared.options.wait_for_server;
        if let Some(limit) = state.shared.options.acquire_timeout.filter(|_| waits) {
            let request = Request::new(Kind::Warm, pool, None, self.now);
            let token = self.requests.insert(request);
            self.limit(token, limit);
        }
        self.tell(pool, Input::Warm);
        self.perform_all();
        self.check_warm(pool);
    }

    /// The server did not come in time.
    pub fn warm_expired(&mut self, pool: u32, ms: Time) {
        let Some(state) = self.pool(pool) else { return };
        let waiting = std::mem::take(&mut state.warming);
        let text = format!("the server could not be reached within {ms} ms");
        let error = EngineError::new("ERR_POLYPOOL_ACQUIRE_TIMEOUT", text)
            .with("waitedMs", ms.into())
            .with("max", state.shared.options.max.into())
            .caused_by(state.last_error.as_ref());
        for origin in waiting {
            self.fail(origin, &error);
        }
    }
}

impl PoolState {
    pub fn slot(&mut self, id: ConnId) -> &mut Slot {
        let at = id.slot as usize;
        if at >= self.slots.len() {
            self.slots.resize_with(at + 1, Slot::empty);
        }
        &mut self.slots[at]
    }
}

fn conn_process(state: &mut PoolState, id: ConnId) -> i32 {
    state.conn(id.slot).map_or(0, |conn| conn.session.process_id())
}

async fn shutdown(stream: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
    stream.shutdown().await
}

fn no_runner(hook: &str) -> EngineError {
    let text = format!(
        "no connection can be opened: every thread that passed '{hook}' has left the shared pool"
    );
    let mut error = EngineError::new("ERR_POLYPOOL_CONNECT", text);
    error.fatal = true;
    error
}

/// What a statement is told whose connection is closed under it.
pub fn cut_off(why: CloseReason) -> EngineError {
    match why {
        CloseReason::PoolClosed => {
            EngineError::new("ERR_POLYPOOL_CLOSED", "the pool was closed while the statement ran")
        }
        CloseReason::LeaseExpired => EngineError::new(
            "ERR_POLYPOOL_STALE_CONNECTION",
            "the lease outlived maxLeaseMs and was taken away while the statement ran",
        ),
        _ => EngineError::lost("the connection was closed while the statement ran"),
    }
}
