//! What falls due with time: waiters, leases, idle connections, lifetimes, the end of a closing
//! pool.

use super::list::NONE;
use super::message::{CloseReason, Effect, Lease, RejectReason, Time};
use super::pool::Pool;
use super::slot::State;

#[derive(Debug)]
pub struct Expiry {
    /// No idle connection's lifetime ends before this. May be too early after a connection left,
    /// which costs one look too many, never too late.
    lifetime_floor: Time,
    /// The first lease (in the order of granting) that has not been reported as a leak.
    leak_next: u32,
    swept_at: Time,
    close_deadline: Option<Time>,
}

impl Expiry {
    pub fn new(now: Time) -> Expiry {
        Expiry { lifetime_floor: Time::MAX, leak_next: NONE, swept_at: now, close_deadline: None }
    }

    pub fn note_idle(&mut self, expires_at: Time) {
        self.lifetime_floor = self.lifetime_floor.min(expires_at);
    }

    pub fn note_lease(&mut self, at: u32) {
        if self.leak_next == NONE {
            self.leak_next = at;
        }
    }

    pub fn note_lease_end(&mut self, at: u32, next: u32) {
        if self.leak_next == at {
            self.leak_next = next;
        }
    }

    /// The earlier of two deadlines counts.
    pub fn note_close(&mut self, deadline: Option<Time>) {
        self.close_deadline = match (self.close_deadline, deadline) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

impl Pool {
    /// When `handle` must be called with `Tick` at the latest, if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Time> {
        // One by one: every call of a pool of JavaScript's resources asks.
        let mut first = Time::MAX;
        let mut note = |due: Option<Time>| first = first.min(due.unwrap_or(Time::MAX));
        note(self.waiters.next_deadline());
        note(self.idle_due());
        note(self.lifetime_due());
        note(self.connect_due());
        note(self.lease_due());
        note(self.leak_due());
        note(self.close_due());
        (first < Time::MAX).then_some(first)
    }

    pub(super) fn handle_tick(&mut self) {
        self.expire_close();
        self.expire_leases();
        self.report_leaks();
        self.expire_lifetimes();
        self.expire_idle();
    }

    /// Before anything is granted: who is past its deadline receives nothing any more.
    pub(super) fn expire_waiters(&mut self) {
        while let Some(waiter) = self.waiters.pop_expired(self.now) {
            self.reject(&waiter, RejectReason::Timeout);
        }
    }

    fn close_due(&self) -> Option<Time> {
        let in_use =
            !self.leased.is_empty() || !self.shared.is_empty() || self.waiters.claims() > 0;
        self.expiry.close_deadline.filter(|_| in_use)
    }

    pub(super) fn expire_close(&mut self) {
        if self.close_due().is_none_or(|due| due > self.now) {
            return;
        }
        while !self.leased.is_empty() {
            self.revoke(self.leased.front, CloseReason::PoolClosed);
        }
        while !self.shared.is_empty() {
            let at = self.shared.front;
            self.write_off(at);
            self.close(at, CloseReason::PoolClosed);
        }
        let slots = if self.waiters.claims() > 0 { self.slots.len() as u32 } else { 0 };
        for at in 0..slots {
            if self.is_claimed(at) {
                self.close(at, CloseReason::PoolClosed);
            }
        }
    }

    pub(super) fn handle_recall(&mut self, lease: Lease) {
        if let Some(conn) = self.lease_conn(lease) {
            self.revoke(conn.slot, CloseReason::PoolClosed);
        }
    }

    fn revoke(&mut self, at: u32, why: CloseReason) {
        let slot = &self.slots[at as usize];
        let (lease, conn) = (slot.lease(at), slot.conn(at));
        self.emit(Effect::Revoke { lease, conn });
        self.write_off(at);
        self.close(at, why);
    }

    fn lease_due(&self) -> Option<Time> {
        let slot = self.slots.get(self.leased.front as usize)?;
        Some(slot.since.saturating_add(self.options.max_lease?))
    }

    fn expire_leases(&mut self) {
        while self.lease_due().is_some_and(|due| due <= self.now) {
            self.revoke(self.leased.front, CloseReason::LeaseExpired);
        }
    }

    fn leak_due(&self) -> Option<Time> {
        let slot = self.slots.get(self.expiry.leak_next as usize)?;
        Some(slot.since.saturating_add(self.options.leak_detection?))
    }

    fn report_leaks(&mut self) {
        while self.leak_due().is_some_and(|due| due <= self.now) {
            let at = self.expiry.leak_next;
            let slot = &self.slots[at as usize];
            let (lease, conn) = (slot.lease(at), slot.conn(at));
            let held = self.now.saturating_sub(slot.since);
            self.expiry.leak_next = slot.next;
            self.emit(Effect::Leak { lease, conn, held });
        }
    }

    fn lifetime_due(&self) -> Option<Time> {
        (!self.idle.is_empty() && self.expiry.lifetime_floor < Time::MAX)
            .then_some(self.expiry.lifetime_floor)
    }

    fn expire_lifetimes(&mut self) {
        if self.lifetime_due().is_none_or(|due| due > self.now) {
            return;
        }
        self.expiry.lifetime_floor = Time::MAX;
        let mut at = self.idle.front;
        while at != NONE {
            let slot = &self.slots[at as usize];
            let (next, expires_at) = (slot.next, slot.expires_at);
            if expires_at <= self.now {
                self.close(at, CloseReason::Lifetime);
            } else {
                self.expiry.note_idle(expires_at);
            }
            at = next;
        }
    }

    /// When the connection idle for the longest has been idle for too long, if it may be evicted.
    fn overdue_idle(&self) -> Option<Time> {
        let timeout = self.options.idle_timeout?;
        let slot = self.slots.get(self.idle.front as usize)?;
        let spared = self.idle.len <= self.options.max_idle.unwrap_or(0)
            || (self.alive() <= self.options.min && !self.options.evict_below_min);
        (!spared).then(|| slot.since.saturating_add(timeout))
    }

    fn idle_due(&self) -> Option<Time> {
        let due = self.overdue_idle()?;
        let interval = self.options.sweep_interval.unwrap_or(0);
        Some(due.max(self.expiry.swept_at.saturating_add(interval)))
    }

    fn expire_idle(&mut self) {
        if self.idle_due().is_none_or(|due| due > self.now) {
            return;
        }
        self.expiry.swept_at = self.now;
        while self.overdue_idle().is_some_and(|due| due <= self.now) {
            debug_assert_eq!(self.slots[self.idle.front as usize].state, State::Idle);
            self.close(self.idle.front, CloseReason::Idle);
        }
    }
}
