//! One pool, several links: who hears what, and how one of them leaves.

use super::connection::Phase;
use super::lifecycle::{GRACE, cut_off};
use super::{Driver, lease_origin};
use crate::core::message::{
    CloseReason, ConnId, ConnectFailure, Fate, Input, Lease, Time, WaiterId,
};
use crate::engine::clock::from_ms;
use crate::engine::error::EngineError;
use crate::engine::pool::{PoolShared, Role};
use crate::engine::registry;
use crate::engine::replies::talk;
use crate::engine::request::{Kind, Request, Stage, Token};
use crate::engine::stream::Stream;
use crate::wire::record;
use serde_json::Value;
use std::sync::Arc;

/// A link that closed its part of a pool, until it has given back what it uses.
pub struct Leaving {
    pool: u32,
    link: u32,
    /// Whom to answer.
    requests: Vec<i32>,
    deadline: Option<Time>,
    /// The driver's request for the deadline.
    token: Option<Token>,
}

impl Driver {
    // ---- Events ----

    /// An event of the pool, for all who use it.
    pub fn event(&mut self, pool: u32, event: &Value) {
        let Some(state) = self.pool(pool) else { return };
        let links = state.shared.links();
        for link in links {
            self.event_to(link, pool, event);
        }
    }

    pub fn event_to(&mut self, link: u32, pool: u32, event: &Value) {
        if let Some(link) = self.links.get(link) {
            let json = event.to_string();
            link.record_with_bytes(&[record::EVENT, pool as i32], json.as_bytes());
            talk(link, &mut self.talking);
        }
    }

    /// The link that has this connection on a lease.
    pub fn holder(&mut self, pool: u32, conn: ConnId) -> Option<u32> {
        let holder = self.pool(pool)?.shared.lock().core.holder_of(conn.slot);
        let holder = holder.filter(|holder| holder.conn == conn)?;
        lease_origin(holder.waiter).map(|(link, _)| link)
    }

    // ---- Closing ----

    /// `close()` of one link: the pool's end if nobody else uses it, else only its own. Replicas
    /// end with their primary.
    pub fn close_for(&mut self, pool: u32, origin: (u32, i32), timeout_ms: i32) {
        let Some(state) = self.pool(pool) else { return self.ok(origin) };
        let (shared, ending) = (state.shared.clone(), state.ending);
        let deadline = u64::try_from(timeout_ms).ok();
        let deadline = deadline.map(|ms| self.now.saturating_add(from_ms(ms)));
        let last = match shared.role {
            Role::Replicas => ending && !self.is_leaving(pool, origin.0),
            _ => registry::retire_for(&shared, origin.0),
        };
        if last {
            // Called before, while others were there: answered with this one.
            let before = self.end_leaving(pool, origin.0).map(|entry| entry.requests);
            let mut origins = vec![origin];
            origins.extend(before.into_iter().flatten().map(|request| (origin.0, request)));
            self.close_pool(pool, origins, deadline);
        } else if shared.links().contains(&origin.0) {
            self.leave(pool, origin, deadline);
        } else {
            self.ok(origin);
        }
    }

    fn close_pool(&mut self, pool: u32, origins: Vec<(u32, i32)>, deadline: Option<Time>) {
        let Some(state) = self.pool(pool) else {
            return origins.into_iter().for_each(|origin| self.ok(origin));
        };
        let role = state.shared.role;
        state.ending = true;
        state.closing.extend(&origins);
        for origin in std::mem::take(&mut state.warming) {
            self.fail(origin, &super::closed());
        }
        if let Some(deadline) = deadline {
            let farewell = self.requests.insert(Request::new(Kind::Farewell, pool, None, self.now));
            self.limit(farewell, deadline.saturating_sub(self.now).saturating_add(GRACE));
            if let Some(state) = self.pool(pool) {
                state.farewells.push(farewell);
            }
        }
        self.tell(pool, Input::Close { deadline });
        self.perform_all();
        if let Role::Primary { replicas } = role {
            let mut left = Vec::new();
            for (link, _) in origins {
                let requests = self.end_leaving(replicas, link).map(|entry| entry.requests);
                left.extend(requests.into_iter().flatten().map(|request| (link, request)));
            }
            self.close_pool(replicas, left, deadline);
        }
    }

    pub fn pool_closed(&mut self, pool: u32) {
        let Some(state) = self.pools.remove(&pool) else { return };
        registry::forget(&state.shared);
        for farewell in state.farewells {
            self.forget_request(farewell);
        }
        for origin in state.closing {
            self.ok(origin);
        }
        for (pool, conn) in state.successors {
            self.connect(pool, conn);
        }
    }

    pub fn is_leaving(&self, pool: u32, link: u32) -> bool {
        self.leaving.iter().any(|it| (it.pool, it.link) == (pool, link))
    }

    /// Refuses what the link still waits for; `check_leaving` sees when the rest is over.
    fn leave(&mut self, pool: u32, (link, request): (u32, i32), deadline: Option<Time>) {
        let known = self.leaving.iter().position(|it| (it.pool, it.link) == (pool, link));
        let at = known.unwrap_or_else(|| {
            let (requests, deadline, token) = (Vec::new(), None, None);
            self.leaving.push(Leaving { pool, link, requests, deadline, token });
            self.leaving.len() - 1
        });
        let now = self.now;
        let entry = &mut self.leaving[at];
        entry.requests.push(request);
        if let Some(deadline) = deadline
            && entry.deadline.is_none_or(|earlier| deadline < earlier)
        {
            entry.deadline = Some(deadline);
            let limit = self.requests.insert(Request::new(Kind::Leave, pool, None, now));
            let replaced = self.leaving[at].token.replace(limit);
            if let Some(replaced) = replaced {
                self.forget_request(replaced);
            }
            self.limit(limit, deadline.saturating_sub(now));
        }
        self.refuse_waiters(pool, link);
        self.perform_all();
    }

    /// What waits for a connection or for the pool gets none any more.
    fn refuse_waiters(&mut self, pool: u32, link: u32) {
        let Some(state) = self.pool(pool) else { return };
        let waiting = state.shared.lock().core.waiting();
        let warming = std::mem::take(&mut state.warming);
        let (mine, others) = warming.into_iter().partition(|(id, _)| *id == link);
        state.warming = others;
        let mine: Vec<(u32, i32)> = mine;
        for origin in mine {
            self.fail(origin, &super::closed());
        }
        for waiter in waiting.into_iter().filter(|waiter| is_of(link, *waiter)) {
            self.tell(pool, Input::Cancel { waiter });
        }
        for token in self.statements_of(pool, link) {
            if self.requests.get(token).is_some_and(|it| it.stage == Stage::Waiting) {
                self.cut_short(token, super::closed());
            }
        }
    }

    /// Statements of a link that have not been answered.
    fn statements_of(&mut self, pool: u32, link: u32) -> Vec<Token> {
        let mut tokens = self.requests.tokens();
        tokens.retain(|token| {
            self.requests.get(*token).is_some_and(|it| {
                it.pool == pool && !it.settled && it.origin.is_some_and(|(id, _)| id == link)
            })
        });
        tokens
    }

    fn leases_of(&mut self, pool: u32, link: u32) -> Vec<Lease> {
        let Some(state) = self.pool(pool) else { return Vec::new() };
        let holders = state.shared.lock().core.holders();
        let mine = holders.into_iter().filter(|holder| is_of(link, holder.waiter));
        mine.map(|holder| holder.lease).collect()
    }

    /// Those that have nothing under way any more have left.
    pub fn check_leaving(&mut self) {
        let mut leaving: Vec<_> = self.leaving.iter().map(|it| (it.pool, it.link)).collect();
        // A primary has a higher number than its replicas, which follow it.
        leaving.sort_unstable_by(|one, other| other.cmp(one));
        for (pool, link) in leaving {
            let follows = self.primary_of(pool).is_some_and(|it| self.is_leaving(it, link));
            if !follows
                && self.leases_of(pool, link).is_empty()
                && self.statements_of(pool, link).is_empty()
            {
                self.left(pool, link);
            }
        }
    }

    /// The open pool that these replicas read for.
    fn primary_of(&self, replicas: u32) -> Option<u32> {
        let role = Role::Primary { replicas };
        let mut pools = self.pools.values();
        pools.find(|state| state.shared.role == role).map(|state| state.shared.id)
    }

    fn left(&mut self, pool: u32, link: u32) {
        let Some(entry) = self.end_leaving(pool, link) else { return };
        let origins: Vec<_> = entry.requests.into_iter().map(|request| (link, request)).collect();
        let Some(state) = self.pool(pool) else {
            return origins.into_iter().for_each(|origin| self.ok(origin));
        };
        let shared = state.shared.clone();
        if shared.role != Role::Replicas && registry::retire_for(&shared, link) {
            // The others have gone meanwhile.
            self.close_pool(pool, origins, entry.deadline);
        } else {
            registry::detach(&shared, link);
            self.lose_hooks(&shared, link);
            origins.into_iter().for_each(|origin| self.ok(origin));
        }
    }

    fn end_leaving(&mut self, pool: u32, link: u32) -> Option<Leaving> {
        let at = self.leaving.iter().position(|it| (it.pool, it.link) == (pool, link))?;
        let entry = self.leaving.swap_remove(at);
        if let Some(token) = entry.token {
            self.forget_request(token);
        }
        Some(entry)
    }

    /// The time of one that leaves is up: what it still uses is cut off.
    pub fn leave_now(&mut self, token: Token) {
        let Some(entry) = self.leaving.iter_mut().find(|it| it.token == Some(token)) else {
            return;
        };
        entry.token = None;
        let (pool, link) = (entry.pool, entry.link);
        for lease in self.leases_of(pool, link) {
            self.tell(pool, Input::Recall { lease });
        }
        self.perform_all();
        for token in self.statements_of(pool, link) {
            self.cut_short(token, cut_off(CloseReason::PoolClosed));
        }
    }

    // ---- The end of a link ----

    /// A thread has ended, or lib/ was unloaded: nothing of it may stay behind.
    pub fn close_link(&mut self, link: u32) {
        self.links.remove(link);
        self.port.close_link(link);
        for token in self.requests.tokens() {
            let Some(request) = self.requests.get(token) else { continue };
            if request.origin.is_some_and(|(id, _)| id == link) {
                self.give_up(token);
            }
        }
        for pool in self.pool_ids() {
            self.end_leaving(pool, link);
            let Some(state) = self.pool(pool) else { continue };
            state.warming.retain(|(id, _)| *id != link);
            let shared = state.shared.clone();
            let waiting = shared.lock().core.waiting();
            for waiter in waiting.into_iter().filter(|waiter| is_of(link, *waiter)) {
                self.tell(pool, Input::Cancel { waiter });
            }
            for lease in self.leases_of(pool, link) {
                self.tell(pool, Input::Release { lease, fate: Fate::Destroy });
            }
            if registry::detach(&shared, link) {
                let now = self.now;
                self.close_pool(pool, Vec::new(), Some(now));
            } else {
                self.lose_hooks(&shared, link);
            }
        }
        self.perform_all();
    }

    /// Functions that the link was running: their connections go, and new ones have theirs run by
    /// another link that passed the same function. Transports that it made are replaced.
    fn lose_hooks(&mut self, shared: &Arc<PoolShared>, link: u32) {
        let pool = shared.id;
        let Some(state) = self.pool(pool) else { return };
        let (mut begun, mut lost, mut carried) = (Vec::new(), Vec::new(), Vec::new());
        for (at, slot) in state.slots.iter_mut().enumerate() {
            match &slot.phase {
                Phase::Connecting { abort, password, transport } => {
                    let asked = password.as_ref().map(|question| question.link);
                    if asked == Some(link) || *transport == Some(link) {
                        abort.abort();
                        slot.phase = Phase::Empty;
                        begun.push(ConnId { slot: at as u32, serial: slot.serial });
                    }
                }
                Phase::Live(conn) if conn.hook.is_some() && conn.hook_runner == Some(link) => {
                    lost.push((conn.id, conn.resetting));
                }
                Phase::Live(conn) => {
                    if matches!(&conn.stream, Stream::Bridge(bridge) if bridge.link() == link) {
                        carried.push(conn.id);
                    }
                }
                _ => {}
            }
        }
        for id in begun {
            self.begin_anew(pool, id);
        }
        for conn in carried {
            self.tell(pool, Input::Retire { conn });
        }
        for (id, resetting) in lost {
            let ended = "the thread that ran it has ended";
            if resetting || shared.missing_hook().is_some() {
                self.hook_done(pool, id, Some(ended));
                continue;
            }
            self.fail_flight(pool, id, &EngineError::lost(ended));
            self.drop_conn(pool, id);
            self.begin_anew(pool, id);
        }
        self.perform_all();
    }

    /// An attempt to connect was given up, but has not failed: whoever waits for the pool waits for
    /// the next one.
    fn begin_anew(&mut self, pool: u32, conn: ConnId) {
        self.tell(pool, Input::ConnectFailed { conn, failure: ConnectFailure::Transient });
        if self.pool(pool).is_some_and(|state| !state.warming.is_empty()) {
            self.tell(pool, Input::Warm);
        }
        self.perform_all();
    }
}

/// Whether a waiter is a lease that this link asked for.
fn is_of(link: u32, waiter: WaiterId) -> bool {
    lease_origin(waiter).is_some_and(|(id, _)| id == link)
}
