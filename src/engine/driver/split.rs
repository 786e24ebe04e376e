//! Reads to replicas: the pool that a statement goes to, and what happens when no replica answers.
//!
//! The replicas of a pool are a pool of their own, with its own core and budget. While none can be
//! reached, reads go to the primary at once and the replicas are tried again in the background.

use super::connection::{Phase, Slot};
use super::submit::want;
use super::{Driver, PoolState};
use crate::core::message::{Input, RejectReason, Time, WaiterId};
use crate::engine::error::EngineError;
use crate::engine::pool::Role;
use crate::engine::request::{Kind, Request, Stage, Token};
use crate::engine::session::{Dispatch, Statement};
use crate::wire::record::flag;
use serde_json::json;
use std::sync::atomic::Ordering;

/// Reads wait so long for the first connection to a replica, then they go to the primary.
const PATIENCE: Time = 1_000_000;
/// How often replicas that are away are tried; a refused login is not asked for so often.
const PROBE: Time = 1_000_000;
const PROBE_FATAL: Time = 30_000_000;

/// What the driver keeps for a pool of replicas.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    patient: bool,
    probing: bool,
}

impl Driver {
    /// The pool of replicas that a statement of `pool` goes to.
    pub fn route(&mut self, pool: u32, flags: i32, statement: &dyn Statement) -> Option<u32> {
        let Role::Primary { replicas } = self.pools.get(&pool)?.shared.role else { return None };
        let reads = statement.dispatch() == Dispatch::Read || flags & flag::REPLICA != 0;
        let here = !reads || flags & flag::PRIMARY != 0;
        let reachable = !here && self.pools.get(&replicas).is_some_and(|it| !it.is_away());
        reachable.then_some(replicas)
    }

    /// Has a statement that replicas were to run wait for the primary instead.
    pub fn move_to_primary(&mut self, token: Token) {
        let Some(request) = self.requests.get(token) else { return };
        let Some(primary) = request.fallback.take() else { return };
        request.pool = primary;
        request.conn = None;
        request.stage = Stage::Waiting;
        request.error = None;
        let stream = request.credit.is_some();
        let Some(statement) = request.statement.clone() else { return };
        let started = request.started;
        let Some(state) = self.pool(primary) else {
            return self.settle_with(token, super::closed());
        };
        let limit = state.shared.options.acquire_timeout;
        let deadline = limit.map(|limit| started.saturating_add(limit));
        let (waiter, want) = (WaiterId(token), want(&*statement, stream));
        self.tell(primary, Input::Acquire { waiter, want, priority: 0, deadline });
    }

    /// A waiter of the replicas got nothing; whether the primary serves it.
    pub fn is_taken_over(&mut self, waiter: WaiterId, why: RejectReason) -> bool {
        let ends = matches!(why, RejectReason::Timeout | RejectReason::Closed);
        let open = |request: &mut Request| request.fallback.is_some() && !request.settled;
        let moves = !ends && self.requests.get(waiter.0).is_some_and(open);
        if moves {
            self.move_to_primary(waiter.0);
        }
        moves
    }

    /// An attempt to reach a replica begins.
    pub fn replicas_tried(&mut self, pool: u32) {
        let Some(state) = self.pool(pool) else { return };
        let replicas = state.shared.role == Role::Replicas;
        if replicas && !state.is_away() && !state.standing.patient {
            state.standing.patient = true;
            self.alarm(pool, Kind::Patience, PATIENCE);
        }
    }

    pub fn patience_ended(&mut self, pool: u32) {
        let Some(state) = self.pool(pool) else { return };
        state.standing.patient = false;
        if state.shared.lock().core.stats().opening > 0 {
            let text = "no replica has answered yet";
            self.replicas_failed(pool, &EngineError::new("ERR_POLYPOOL_CONNECT", text));
        }
    }

    /// No replica was reached; unless one still serves, reads are the primary's for now.
    pub fn replicas_failed(&mut self, pool: u32, error: &EngineError) {
        let Some(state) = self.pool(pool) else { return };
        let up = |slot: &Slot| match &slot.phase {
            Phase::Live(conn) => conn.hook.is_none(),
            phase => matches!(phase, Phase::Turn),
        };
        if state.shared.role != Role::Replicas || state.slots.iter().any(up) {
            return;
        }
        let waiting = state.shared.lock().core.waiting();
        let news = !state.shared.away.swap(true, Ordering::SeqCst);
        let probe = !std::mem::replace(&mut state.standing.probing, true);
        if news {
            let event = json!({ "type": "replicas", "reachable": false, "error": error.json });
            self.event(pool, &event);
        }
        for waiter in waiting {
            self.tell(pool, Input::Cancel { waiter });
        }
        if probe {
            self.alarm(pool, Kind::Probe, if error.fatal { PROBE_FATAL } else { PROBE });
        }
    }

    pub fn probe_replicas(&mut self, pool: u32) {
        let Some(state) = self.pool(pool) else { return };
        state.standing.probing = false;
        if state.is_away() {
            self.tell(pool, Input::Warm);
        }
    }

    /// A connection to a replica is up.
    pub fn replicas_answered(&mut self, pool: u32) {
        let Some(state) = self.pool(pool) else { return };
        if state.shared.away.swap(false, Ordering::SeqCst) {
            self.event(pool, &json!({ "type": "replicas", "reachable": true }));
        }
    }

    fn alarm(&mut self, pool: u32, kind: Kind, after: Time) {
        let token = self.requests.insert(Request::new(kind, pool, None, self.now));
        self.limit(token, after);
    }
}

impl PoolState {
    fn is_away(&self) -> bool {
        self.shared.away.load(Ordering::SeqCst)
    }
}
