//! Short cuts for what happens most: an idle connection is lent, a lent one comes back or goes
//! straight to the next in line. Nothing else follows from these, so there is nothing to queue or
//! to look through; whatever is not that simple is left to `handle`.

use super::message::{ConnId, Fate, Lease, Time, WaiterId, Want};
use super::options::{Reset, Validate};
use super::pool::Pool;
use super::slot::State;
use super::waiters::Waiter;

/// A lease that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// For how long it was out.
    pub held: Time,
    pub next: Option<Handed>,
}

/// Who got the connection that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    pub waiter: WaiterId,
    pub lease: Lease,
    pub conn: ConnId,
    pub waited: Time,
}

impl Pool {
    /// As `Input::Acquire` of a lease that is granted at once. `None`: nothing has changed, ask by
    /// `handle`.
    pub fn lend_idle(&mut self, now: Time, waiter: WaiterId) -> Option<Lease> {
        if !self.waiters.is_empty() || self.times_leases() || !self.growth.is_awake() {
            return None;
        }
        if self.options.one_wire {
            return None;
        }
        self.now = self.now.max(now);
        let at = self.idle_candidate()?;
        let slot = &self.slots[at as usize];
        if self.unfit(slot).is_some() || self.needs_validation(at, slot) {
            return None;
        }
        self.totals.requested += 1;
        let lease = self.lend(at, waiter);
        #[cfg(debug_assertions)]
        self.assert_consistent();
        Some(lease)
    }

    /// As `Input::Acquire` of a lease for which nothing can be done now but to wait. False: nothing
    /// has changed, ask by `handle`.
    pub fn line_up(
        &mut self,
        now: Time,
        id: WaiterId,
        priority: u8,
        deadline: Option<Time>,
    ) -> bool {
        let all_there = self.taken() >= self.options.max && self.idle.is_empty();
        let bounded = self.options.max_waiting.is_some() || self.closed || self.options.one_wire;
        if !all_there || bounded || !self.growth.is_awake() || self.waiters.contains(id) {
            return false;
        }
        self.now = self.now.max(now);
        let overdue = [self.waiters.next_deadline(), deadline];
        if overdue.iter().flatten().any(|due| *due <= self.now) {
            return false;
        }
        self.totals.requested += 1;
        self.waiters.push(Waiter { id, want: Want::Lease, priority, since: self.now, deadline });
        #[cfg(debug_assertions)]
        self.assert_consistent();
        true
    }

    /// As `Input::Release` of a connection that goes back to the idle ones, or to whoever waits
    /// first. `None`: nothing has changed, tell it to `handle`.
    pub fn take_back(&mut self, now: Time, lease: Lease, fate: Fate) -> Option<Ended> {
        let at = lease.slot;
        let slot = self.slots.get(at as usize)?;
        if slot.state != State::Leased || slot.generation != lease.generation {
            return None;
        }
        self.now = self.now.max(now);
        let held = self.now.saturating_sub(slot.since);
        let resets = matches!(self.options.reset, Reset::Always | Reset::Function);
        if self.options.one_wire {
            return None;
        }
        let stays = fate == Fate::Return && !resets && !slot.held && !self.needs_reset(slot);
        if !stays || self.times_leases() || self.unfit(slot).is_some() {
            return None;
        }
        let next = self.waiters.head().copied();
        if let Some(head) = next {
            let overdue = self.waiters.next_deadline().is_some_and(|due| due <= self.now);
            if head.want != Want::Lease || overdue || !self.idle.is_empty() || self.validates_hot()
            {
                return None;
            }
        }
        self.totals.released += 1;
        self.backoff.note_use();
        let next = match next {
            Some(head) => Some(self.hand_on(at, head)),
            None => {
                self.go(at, State::Idle);
                None
            }
        };
        #[cfg(debug_assertions)]
        self.assert_consistent();
        Some(Ended { held, next })
    }

    /// From one lease to the next, without being idle in between.
    fn hand_on(&mut self, at: u32, head: Waiter) -> Handed {
        self.waiters.pop();
        self.totals.acquired += 1;
        self.leased.remove(&mut self.slots, at);
        self.leased.push_back(&mut self.slots, at);
        let slot = &mut self.slots[at as usize];
        slot.since = self.now;
        let lease = slot.lend(at, head.id);
        let waited = self.now.saturating_sub(head.since);
        Handed { waiter: head.id, lease, conn: self.slots[at as usize].conn(at), waited }
    }

    /// Leases have deadlines of their own, which somebody has to set a timer for.
    fn times_leases(&self) -> bool {
        self.options.leak_detection.is_some() || self.options.max_lease.is_some()
    }

    /// Even what was used a moment ago is validated.
    fn validates_hot(&self) -> bool {
        match self.options.validate {
            Validate::Never => false,
            Validate::Always => true,
            Validate::Auto | Validate::Function => self.options.validate_after_idle == 0,
        }
    }
}
