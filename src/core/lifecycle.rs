//! What the driver reports about connections, and what is asked of all of them at once.

use super::message::{CloseReason, ConnId, Effect, RejectReason, Time};

use super::pool::Pool;
use super::slot::State;

impl Pool {
    pub(super) fn handle_transaction(&mut self, conn: ConnId, open: bool) {
        let Some(at) = self.slot_of(conn) else { return };
        self.slots[at as usize].in_transaction = open;
        self.reset_if_idle(at);
    }

    pub(super) fn handle_dirty(&mut self, conn: ConnId) {
        let Some(at) = self.slot_of(conn) else { return };
        self.slots[at as usize].dirty = true;
        self.reset_if_idle(at);
    }

    fn reset_if_idle(&mut self, at: u32) {
        let slot = &self.slots[at as usize];
        if slot.state == State::Idle && self.needs_reset(slot) {
            self.put_back(at);
        }
    }

    pub(super) fn handle_hold(&mut self, conn: ConnId) {
        let Some(at) = self.slot_of(conn) else { return };
        self.slots[at as usize].held = true;
        if self.slots[at as usize].state == State::Idle {
            self.go(at, State::Settling);
        }
    }

    pub(super) fn handle_settled(&mut self, conn: ConnId) {
        let Some(at) = self.slot_of(conn) else { return };
        self.slots[at as usize].held = false;
        if self.slots[at as usize].state == State::Settling {
            self.put_back(at);
        }
    }

    pub(super) fn handle_retire(&mut self, conn: ConnId) {
        let Some(at) = self.slot_of(conn) else { return };
        self.slots[at as usize].retiring = true;
        if self.is_unused(at) {
            self.close(at, CloseReason::Retired);
        }
    }

    pub(super) fn handle_validated(&mut self, conn: ConnId, ok: bool) {
        let Some(at) = self.slot_in(conn, State::Validating) else { return };
        if ok {
            self.fresh = at;
            self.put_back(at);
            return;
        }
        if self.options.validate_new && self.slots[at as usize].uses == 0 {
            // As good as not opened: to open the next one at once would be a storm.
            self.backoff.note_failure(self.now, &mut self.random);
        }
        self.close(at, CloseReason::Invalid);
    }

    pub(super) fn handle_reset_done(&mut self, conn: ConnId, ok: bool) {
        let Some(at) = self.slot_in(conn, State::Resetting) else { return };
        if ok {
            self.slots[at as usize].dirty = false;
            self.slots[at as usize].in_transaction = false;
            self.fresh = at;
            self.put_back(at);
        } else {
            self.close(at, CloseReason::ResetFailed);
        }
    }

    pub(super) fn handle_closed(&mut self, conn: ConnId) {
        let Some(at) = self.slot_in(conn, State::Closing) else { return };
        self.totals.destroyed += u64::from(self.slots[at as usize].opened);
        self.go(at, State::Vacant);
        self.growth.note_place();
    }

    pub(super) fn handle_clear(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.failover.note_generation();
        self.close_unused(CloseReason::Cleared);
    }

    /// Bounds that contradict each other change nothing (`Options::check` names them).
    pub(super) fn handle_resize(&mut self, min: u32, max: u32) {
        if max == 0 || min > max {
            return;
        }
        self.options.min = min;
        self.options.max = max;
        while self.alive() > max && !self.idle.is_empty() {
            self.close(self.idle.front, CloseReason::Resized);
        }
    }

    pub(super) fn handle_close(&mut self, deadline: Option<Time>) {
        self.closed = true;
        self.growth.note_place();
        self.reject_all(RejectReason::Closed);
        self.close_unused(CloseReason::PoolClosed);
        self.expiry.note_close(deadline);
        self.expire_close();
    }

    /// Tells once that a closed pool has let go of its last connection.
    pub(super) fn report_closed(&mut self) {
        let claims = self.waiters.claims() as u32;
        if self.closed && self.counts[State::Connecting as usize] > claims {
            self.close_unused(CloseReason::PoolClosed); // nobody waits for it any more
        }
        // Who gave back what is being closed may see its end; what was idle nobody waits for.
        let over = self.total() == 0 || (self.taken() == 0 && self.growth.has_place());
        if self.closed && !self.closed_reported && over {
            self.closed_reported = true;
            self.emit(Effect::PoolClosed);
        }
    }

    fn is_unused(&self, at: u32) -> bool {
        use State::*;
        !matches!(self.slots[at as usize].state, Vacant | Leased | Shared | Closing)
            && !self.is_claimed(at)
    }

    fn close_unused(&mut self, why: CloseReason) {
        // Those that are idle first, the longest idle before the others.
        for at in self.idle_slots().into_iter().chain(0..self.slots.len() as u32) {
            let slot = &self.slots[at as usize];
            let spared = why == CloseReason::Cleared && slot.epoch == self.epoch;
            if self.is_unused(at) && !spared {
                self.close(at, why);
            }
        }
    }
}
