//! What must hold between any two inputs; checked after each one in debug builds.

use super::list::List;
use super::options::Reset;
use super::pool::Pool;
use super::slot::{STATES, State};

impl Pool {
    pub(super) fn assert_consistent(&self) {
        let mut counts = [0; STATES];
        let mut in_flight = 0;
        for (at, slot) in self.slots.iter().enumerate() {
            counts[slot.state as usize] += 1;
            in_flight += slot.in_flight;
            let running = slot.state == State::Shared;
            assert_eq!(running, slot.in_flight > 0, "slot {at}: statements only while Shared");
            assert!(slot.writes.checked_shr(slot.in_flight).unwrap_or(0) == 0, "slot {at}: writes");
            assert!(!slot.alone || slot.in_flight == 1, "slot {at}: alone means alone");
            if slot.state == State::Idle {
                assert!(!slot.held && !slot.retiring, "slot {at}: idle but held or retiring");
                let clean = !slot.dirty && !slot.in_transaction;
                assert!(clean || self.options.reset == Reset::Never, "slot {at}: dirty");
                assert_eq!(slot.epoch, self.epoch, "slot {at}: idle but cleared");
            }
        }
        assert_eq!(counts, self.counts);
        assert_eq!(in_flight, self.totals.in_flight);
        self.assert_list(&self.vacant, State::Vacant);
        self.assert_list(&self.idle, State::Idle);
        self.assert_list(&self.leased, State::Leased);
        self.assert_list(&self.shared, State::Shared);
        self.assert_served();
        self.assert_books();
    }

    fn assert_list(&self, list: &List, state: State) {
        let mut len = 0;
        for at in list.iter(&self.slots) {
            assert_eq!(self.slots[at as usize].state, state, "slot {at} in the wrong list");
            len += 1;
        }
        assert_eq!(len, list.len);
        assert_eq!(len, self.counts[state as usize], "{state:?} slots out of their list");
    }

    /// No waiter and free connection side by side: an idle one beside a waiter can only be one
    /// too many for those whose validation is under way.
    fn assert_served(&self) {
        let validating = self.counts[State::Validating as usize];
        let waiting = self.waiters.len() as u32;
        // One may be left for those who share.
        let kept = self.options.one_wire;
        assert!(self.idle.is_empty() || waiting <= validating || kept, "{waiting} wait, some idle");
        assert!(!self.closed || (waiting == 0 && self.idle.is_empty()));
        assert!(self.fresh == super::list::NONE);
        let claimed = (0..self.slots.len() as u32).filter(|at| self.is_claimed(*at));
        assert_eq!(claimed.count(), self.waiters.claims(), "a claim on no connection");
    }

    fn assert_books(&self) {
        let stats = self.stats();
        let out = u64::from(stats.in_use + stats.in_flight);
        assert_eq!(stats.acquired, stats.released + stats.destroyed_leased + out);
        let settled = stats.acquired + stats.timeouts + stats.aborts + stats.rejected;
        let claims = self.waiters.claims() as u64;
        assert_eq!(stats.requested, settled + u64::from(stats.waiting) + claims);
    }
}
