//! The pool: takes inputs, keeps the slots, the waiters and the counters.

use super::backoff::{Backoff, Random};
use super::expiry::Expiry;
use super::failover::Failover;
use super::growth::Growth;
use super::list::{List, NONE};
use super::message::{CloseReason, ConnId, Effect, Input, Lease, RejectReason, Time, WaiterId};
use super::options::{Options, Reset};
use super::slot::{STATES, Slot, State};
use super::stats::Stats;
use super::waiters::{Waiter, Waiters};
use std::collections::VecDeque;

#[derive(Debug)]
pub struct Pool {
    pub(super) options: Options,
    pub(super) now: Time,
    pub(super) random: Random,
    pub(super) slots: Vec<Slot>,
    /// How many slots are in each state.
    pub(super) counts: [u32; STATES],
    pub(super) vacant: List,
    /// Front = idle for the longest.
    pub(super) idle: List,
    /// Front = out for the longest.
    pub(super) leased: List,
    /// Front = granted most recently.
    pub(super) shared: List,
    pub(super) waiters: Waiters,
    effects: VecDeque<Effect>,
    pub(super) epoch: u32,
    /// The slot that just proved to be alive, for the length of one `handle`: whoever gets it now
    /// need not validate it.
    pub(super) fresh: u32,
    /// The connection whose wire is shared, with option `one_wire`.
    pub(super) wire: Option<ConnId>,
    pub(super) growth: Growth,
    pub(super) backoff: Backoff,
    pub(super) expiry: Expiry,
    pub(super) failover: Failover,
    pub(super) closed: bool,
    pub(super) closed_reported: bool,
    pub(super) totals: Stats,
}

/// A lease that is out, and the waiter it was granted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    pub lease: Lease,
    pub conn: ConnId,
    pub waiter: WaiterId,
    pub since: Time,
}

impl Pool {
    /// `options` should have passed `Options::check`; values out of bounds are pulled in.
    pub fn new(mut options: Options, seed: u64, now: Time) -> Pool {
        options.max = options.max.max(1);
        options.min = options.min.min(options.max);
        let deepest = if options.one_wire { u32::MAX } else { 64 };
        options.share_depth = options.share_depth.clamp(1, deepest);
        options.max_connecting = options.max_connecting.max(1);
        Pool {
            now,
            random: Random::new(seed),
            slots: Vec::new(),
            counts: [0; STATES],
            vacant: List::new(),
            idle: List::new(),
            leased: List::new(),
            shared: List::new(),
            waiters: Waiters::new(options.priorities.saturating_add(u8::from(options.one_wire))),
            effects: VecDeque::new(),
            epoch: 0,
            fresh: NONE,
            wire: None,
            growth: Growth::new(&options),
            backoff: Backoff::default(),
            expiry: Expiry::new(now),
            failover: Failover::default(),
            closed: false,
            closed_reported: false,
            totals: Stats::default(),
            options,
        }
    }

    /// Tells the pool what happened. A clock that runs backwards counts as standing still; an
    /// input about a connection or lease that is gone changes nothing.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.now = self.now.max(now);
        self.growth.forget_place();
        self.expire_waiters();
        match input {
            Input::Acquire { waiter, want, priority, deadline } => {
                self.handle_acquire(waiter, want, priority, deadline)
            }
            Input::StatementDone { conn } => self.handle_statement_done(conn),
            Input::Release { lease, fate } => self.handle_release(lease, fate),
            Input::Recall { lease } => self.handle_recall(lease),
            Input::Cancel { waiter } => self.handle_cancel(waiter),
            Input::Dirty { conn } => self.handle_dirty(conn),
            Input::Transaction { conn, open } => self.handle_transaction(conn, open),
            Input::Hold { conn } => self.handle_hold(conn),
            Input::Settled { conn } => self.handle_settled(conn),
            Input::Retire { conn } => self.handle_retire(conn),
            Input::Misplaced { conn } => self.handle_misplaced(conn),
            Input::Connected { conn } => self.handle_connected(conn),
            Input::ConnectFailed { conn, failure } => self.handle_connect_failed(conn, failure),
            Input::Validated { conn, ok } => self.handle_validated(conn, ok),
            Input::ResetDone { conn, ok } => self.handle_reset_done(conn, ok),
            Input::Died { conn } => self.handle_died(conn),
            Input::Closed { conn } => self.handle_closed(conn),
            Input::Warm => self.handle_warm(),
            Input::Clear => self.handle_clear(),
            Input::Resize { min, max } => self.handle_resize(min, max),
            Input::Close { deadline } => self.handle_close(deadline),
            Input::Tick => self.handle_tick(),
        }
        self.dispatch();
        self.report_closed();
        #[cfg(debug_assertions)]
        self.assert_consistent();
    }

    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    pub fn stats(&self) -> Stats {
        let count = |state: State| self.counts[state as usize];
        Stats {
            max: self.options.max,
            min: self.options.min,
            total: self.total(),
            idle: count(State::Idle),
            in_use: count(State::Leased),
            shared: count(State::Shared),
            opening: count(State::Connecting),
            validating: count(State::Validating),
            resetting: count(State::Resetting) + count(State::Settling),
            closing: count(State::Closing),
            waiting: self.waiters.len() as u32,
            ..self.totals
        }
    }

    /// The leases that are out, the longest first.
    pub fn holders(&self) -> Vec<Holder> {
        self.leased.iter(&self.slots).map(|at| self.held(at)).collect()
    }

    /// The same of one slot.
    pub fn holder_of(&self, slot: u32) -> Option<Holder> {
        let leased = self.slots.get(slot as usize)?;
        (leased.state == State::Leased).then(|| self.held(slot))
    }

    fn held(&self, at: u32) -> Holder {
        let slot = &self.slots[at as usize];
        let (lease, conn) = (slot.lease(at), slot.conn(at));
        Holder { lease, conn, waiter: slot.holder, since: slot.since }
    }

    /// The connection of a lease, unless the lease is stale.
    pub fn lease_conn(&self, lease: Lease) -> Option<ConnId> {
        let slot = self.slots.get(lease.slot as usize)?;
        (slot.state == State::Leased && slot.generation == lease.generation)
            .then(|| slot.conn(lease.slot))
    }

    /// The lease that a slot is out on.
    pub fn lease_of(&self, slot: u32) -> Option<Lease> {
        self.holder_of(slot).map(|holder| holder.lease)
    }

    /// The generation of a slot's latest lease.
    pub fn generation(&self, slot: u32) -> u32 {
        self.slots.get(slot as usize).map_or(0, |slot| slot.generation)
    }

    /// When the opening of a connection began that is not over.
    pub fn opening_since(&self, conn: ConnId) -> Option<Time> {
        self.slot_in(conn, State::Connecting).map(|at| self.slots[at as usize].born)
    }

    /// How many are out on a lease beyond the end of their lifetime.
    pub fn expired(&self, now: Time) -> u32 {
        let leased = self.leased.iter(&self.slots);
        leased.filter(|at| self.slots[*at as usize].expires_at <= now).count() as u32
    }

    /// The slots that are idle, the longest first.
    pub fn idle_slots(&self) -> Vec<u32> {
        self.idle.iter(&self.slots).collect()
    }

    /// When a lease began, unless it is stale.
    pub fn leased_since(&self, lease: Lease) -> Option<Time> {
        self.lease_conn(lease).map(|_| self.slots[lease.slot as usize].since)
    }

    /// Who waits now, in no order.
    pub fn waiting(&self) -> Vec<WaiterId> {
        self.waiters.ids().collect()
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Slots that are not vacant: what counts against `max`.
    pub(super) fn total(&self) -> u32 {
        self.slots.len() as u32 - self.counts[State::Vacant as usize]
    }

    /// What leaves no room for whoever comes now.
    pub(super) fn taken(&self) -> u32 {
        if self.options.own_connects { self.alive() } else { self.total() }
    }

    /// Slots that are or become usable: `total` without what is closing.
    pub(super) fn alive(&self) -> u32 {
        self.total() - self.counts[State::Closing as usize]
    }

    pub(super) fn emit(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    pub(super) fn reject(&mut self, waiter: &Waiter, why: RejectReason) {
        match why {
            RejectReason::Timeout => self.totals.timeouts += 1,
            RejectReason::Aborted => self.totals.aborts += 1,
            _ => self.totals.rejected += 1,
        }
        let waited = self.now.saturating_sub(waiter.since);
        self.emit(Effect::Reject { waiter: waiter.id, why, waited });
    }

    /// The one place where a slot changes state: keeps the counts and the lists.
    pub(super) fn go(&mut self, at: u32, next: State) {
        let state = self.slots[at as usize].state;
        debug_assert!(state.may_become(next), "slot {at}: {state:?} -> {next:?}");
        match state {
            State::Vacant => self.vacant.remove(&mut self.slots, at),
            State::Idle => self.idle.remove(&mut self.slots, at),
            State::Shared => self.shared.remove(&mut self.slots, at),
            State::Leased => {
                self.expiry.note_lease_end(at, self.slots[at as usize].next);
                self.leased.remove(&mut self.slots, at);
            }
            _ => {}
        }
        self.counts[state as usize] -= 1;
        self.counts[next as usize] += 1;
        let slot = &mut self.slots[at as usize];
        slot.state = next;
        slot.since = self.now;
        match next {
            State::Vacant => self.vacant.push_front(&mut self.slots, at),
            State::Idle => {
                self.expiry.note_idle(slot.expires_at);
                self.idle.push_back(&mut self.slots, at);
            }
            State::Shared => self.shared.push_front(&mut self.slots, at),
            State::Leased => {
                self.leased.push_back(&mut self.slots, at);
                self.expiry.note_lease(at);
            }
            _ => {}
        }
    }

    /// Sends a connection away; it counts against `max` until the driver says `Closed`.
    pub(super) fn close(&mut self, at: u32, why: CloseReason) {
        self.go(at, State::Closing);
        let slot = &mut self.slots[at as usize];
        slot.in_flight = 0;
        slot.writes = 0;
        slot.alone = false;
        let conn = slot.conn(at);
        self.emit(Effect::Close { conn, why });
        if let Some(waiter) = self.take_claimant(at) {
            let closed = why == CloseReason::PoolClosed;
            let why = if closed { RejectReason::Closed } else { RejectReason::ConnectFailed };
            self.reject(&waiter, why);
        }
    }

    /// Books what ran on a connection that is lost or taken away under its users.
    pub(super) fn write_off(&mut self, at: u32) {
        let slot = &self.slots[at as usize];
        let lost = slot.in_flight + u32::from(slot.state == State::Leased);
        self.totals.in_flight -= slot.in_flight;
        self.totals.destroyed_leased += u64::from(lost);
    }

    /// Why a connection may not serve again, if so.
    pub(super) fn unfit(&self, slot: &Slot) -> Option<CloseReason> {
        if self.closed {
            Some(CloseReason::PoolClosed)
        } else if slot.retiring {
            Some(CloseReason::Retired)
        } else if slot.epoch != self.epoch {
            Some(CloseReason::Cleared)
        } else if slot.expires_at <= self.now {
            Some(CloseReason::Lifetime)
        } else if self.options.max_uses.is_some_and(|uses_max| slot.uses >= uses_max) {
            Some(CloseReason::MaxUses)
        } else if self.alive() > self.options.max {
            Some(CloseReason::Resized)
        } else {
            None
        }
    }

    pub(super) fn needs_reset(&self, slot: &Slot) -> bool {
        (slot.dirty || slot.in_transaction) && self.options.reset != Reset::Never
    }

    /// A connection nobody uses any more goes where it belongs: out, to be reset, or idle.
    pub(super) fn put_back(&mut self, at: u32) {
        self.slots[at as usize].alone = false;
        let slot = &self.slots[at as usize];
        if let Some(why) = self.unfit(slot) {
            self.close(at, why);
        } else if slot.held {
            self.go(at, State::Settling);
        } else if self.needs_reset(slot) {
            let conn = slot.conn(at);
            self.go(at, State::Resetting);
            self.emit(Effect::Reset { conn });
        } else {
            self.go(at, State::Idle);
        }
    }

    /// The slot of a connection that is still the one in it; `None` makes an input stale.
    pub(super) fn slot_of(&self, conn: ConnId) -> Option<u32> {
        let slot = self.slots.get(conn.slot as usize)?;
        (slot.serial == conn.serial && slot.state != State::Vacant).then_some(conn.slot)
    }

    pub(super) fn slot_in(&self, conn: ConnId, state: State) -> Option<u32> {
        self.slot_of(conn).filter(|at| self.slots[*at as usize].state == state)
    }
}
