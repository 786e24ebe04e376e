//! Short cuts for what happens most: an idle connection is lent, a lent one comes back or goes
//! straight to the next in line. Nothing else follows from these, so there is nothing to queue or
//! to look through; whatever is not that simple is left to `handle`.

use super::message::{ConnId, Fate, Lease, Time, WaiterId, Want};
use super::options::{Reset, Validate};
use super::pool::Pool;
use super::slot::State;

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

    /// As `Input::Release` of a connection that goes back to the idle ones, or to whoever waits
    /// first. `None`: nothing has changed, tell it to `handle`.
    pub fn take_back(&mut self, now: Time, lease: Lease, fate: Fate) -> Option<Option<Handed>> {
        let at = self.lease_conn(lease)?.slot;
        self.now = self.now.max(now);
        let slot = &self.slots[at as usize];
        let resets = matches!(self.options.reset, Reset::Always | Reset::Function);
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
        self.go(at, State::Idle);
        let handed = next.map(|head| {
            self.waiters.pop();
            let waited = self.now.saturating_sub(head.since);
            let conn = self.slots[at as usize].conn(at);
            Handed { waiter: head.id, lease: self.lend(at, head.id), conn, waited }
        });
        #[cfg(debug_assertions)]
        self.assert_consistent();
        Some(handed)
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
