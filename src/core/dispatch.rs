//! Who gets which connection, and what becomes of it afterwards.
//!
//! Only the head of the queue is ever looked at: whoever cannot be served holds up those behind
//! it. That keeps the order within a class, and it is why a waiter for a lease stops new sharing
//! until the next connection to drain is its own.

use super::list::NONE;
use super::message::{
    CloseReason, ConnId, Effect, Fate, Lease, RejectReason, Time, WaiterId, Want,
};
use super::options::{IdleOrder, Reset, Validate};
use super::pool::Pool;
use super::slot::{Slot, State};
use super::waiters::Waiter;

/// How many connections are compared when a statement looks for one to share.
const SHARED_LOOK: usize = 8;

impl Pool {
    pub(super) fn handle_acquire(
        &mut self,
        id: WaiterId,
        want: Want,
        priority: u8,
        deadline: Option<Time>,
    ) {
        if self.waiters.contains(id) {
            return; // it waits already and settles once
        }
        self.totals.requested += 1;
        self.growth.note_asked();
        let priority = self.class_of(want, priority);
        let waiter = Waiter { id, want, priority, since: self.now, deadline };
        if self.closed {
            return self.reject(&waiter, RejectReason::Closed);
        }
        if !self.stands_in_line(want, priority)
            && let Some(at) = self.take_ready(want)
        {
            return self.grant(at, &waiter);
        }
        if self.options.own_connects && self.idle.is_empty() && self.taken() < self.options.max {
            // The bound of the connect, which begins now, is its own: only one of two may run out.
            return self.open_for(Waiter { deadline: None, ..waiter });
        }
        if self.is_full() {
            return self.reject(&waiter, RejectReason::QueueFull);
        }
        if deadline.is_some_and(|deadline| deadline <= self.now) {
            return self.reject(&waiter, RejectReason::Timeout);
        }
        self.waiters.push(waiter);
    }

    /// `max_waiting` bounds those who wait for others to give back, not those for whom a
    /// connection is on its way or can be opened.
    fn is_full(&self) -> bool {
        let Some(waiting_max) = self.options.max_waiting else { return false };
        let room = self.options.max.saturating_sub(self.total());
        let coming = room + self.idle.len + self.supply();
        self.waiters.len() as u64 >= u64::from(waiting_max) + u64::from(coming)
    }

    pub(super) fn handle_cancel(&mut self, id: WaiterId) {
        if let Some(waiter) = self.waiters.remove(id) {
            self.reject(&waiter, RejectReason::Aborted);
        }
    }

    pub(super) fn reject_all(&mut self, why: RejectReason) {
        while let Some(waiter) = self.waiters.pop() {
            self.reject(&waiter, why);
        }
    }

    pub(super) fn handle_release(&mut self, lease: Lease, fate: Fate) {
        let Some(conn) = self.lease_conn(lease) else { return };
        let at = conn.slot;
        self.totals.released += 1;
        self.backoff.note_use();
        match fate {
            Fate::Destroy => self.close(at, CloseReason::Released),
            Fate::Return => {
                let always = matches!(self.options.reset, Reset::Always | Reset::Function);
                self.slots[at as usize].dirty |= always;
                self.put_back(at);
            }
        }
    }

    pub(super) fn handle_statement_done(&mut self, conn: ConnId) {
        let Some(at) = self.slot_in(conn, State::Shared) else { return };
        self.totals.released += 1;
        self.totals.in_flight -= 1;
        self.backoff.note_use();
        let slot = &mut self.slots[at as usize];
        slot.pop_statement(self.now);
        if slot.in_flight == 0 {
            self.put_back(at);
        }
    }

    /// Serves the queue as far as it goes and opens what is still missing. Once nothing more can
    /// be opened, statements may share: hence the second round.
    pub(super) fn dispatch(&mut self) {
        self.serve();
        if self.grow() {
            self.serve();
        }
        self.fresh = NONE;
    }

    fn serve(&mut self) {
        let mut class = 0;
        while let Some(head) = self.next_in_line(class).copied() {
            if let Some(at) = self.take_ready(head.want) {
                self.waiters.remove(head.id);
                self.grant(at, &head);
            } else if self.start_validation(head.want) {
                continue;
            } else if self.may_pass(&head) {
                class = 1;
            } else {
                break;
            }
        }
    }

    /// A connection that can be granted at once; connections that may not serve again are closed
    /// on the way.
    fn take_ready(&mut self, want: Want) -> Option<u32> {
        if self.options.one_wire {
            return self.take_beside(want);
        }
        // Wide enough: more wires would only cost whoever serves them.
        if let Want::Share { write } = want
            && self.shared.len >= self.options.share_width
            && let Some(at) = self.pick_shared(write)
        {
            return Some(at);
        }
        while let Some(at) = self.idle_candidate() {
            let slot = &self.slots[at as usize];
            if let Some(why) = self.unfit(slot) {
                self.close(at, why);
            } else {
                return (!self.needs_validation(at, slot)).then_some(at);
            }
        }
        match want {
            Want::Share { write } if !self.can_grow() => self.pick_shared(write),
            _ => None,
        }
    }

    pub(super) fn idle_candidate(&self) -> Option<u32> {
        if self.idle.is_empty() {
            return None;
        }
        if self.fresh != NONE && self.slots[self.fresh as usize].state == State::Idle {
            return Some(self.fresh);
        }
        Some(match self.options.idle_order {
            IdleOrder::Lifo => self.idle.back,
            IdleOrder::Fifo => self.idle.front,
        })
    }

    pub(super) fn needs_validation(&self, at: u32, slot: &Slot) -> bool {
        at != self.fresh
            && match self.options.validate {
                Validate::Never => false,
                Validate::Always => true,
                Validate::Auto | Validate::Function => {
                    self.now.saturating_sub(slot.since) >= self.options.validate_after_idle
                }
            }
    }

    /// Validation is not for one waiter: whoever is at the head when it ends gets the connection.
    /// So a failed one costs nobody its place, and an aborted waiter leaves no one empty-handed.
    fn start_validation(&mut self, want: Want) -> bool {
        let validating = self.counts[State::Validating as usize] as usize;
        let shares = self.options.one_wire && matches!(want, Want::Share { .. });
        if validating >= self.waiters.len() || (shares && validating > 0) {
            return false;
        }
        let Some(at) = self.candidate(want) else { return false };
        self.go(at, State::Validating);
        self.emit(Effect::Validate { conn: self.slots[at as usize].conn(at) });
        true
    }

    /// The connection on whose wire one more statement is queued: of the hottest few the one with
    /// the fewest before it.
    fn pick_shared(&self, write: bool) -> Option<u32> {
        if !self.options.pipeline || (write && !self.leased.is_empty()) {
            return None;
        }
        let shared = self.shared.iter(&self.slots);
        shared
            .filter(|at| self.may_join(&self.slots[*at as usize]))
            .take(SHARED_LOOK)
            .min_by_key(|at| self.slots[*at as usize].in_flight)
    }

    /// While a lease is out, its owner may hold the row lock a write in flight waits for, and may
    /// itself be waiting for what is queued behind that write: the server cannot see that cycle.
    pub(super) fn may_join(&self, slot: &Slot) -> bool {
        slot.in_flight < self.options.share_depth
            && !slot.alone
            && !slot.held
            && self.now.saturating_sub(slot.busy_since) < self.options.share_patience
            && (slot.writes == 0 || self.leased.is_empty())
            && !self.needs_reset(slot)
            && self.unfit(slot).is_none()
    }

    /// Out on a new lease.
    pub(super) fn lend(&mut self, at: u32, waiter: WaiterId) -> Lease {
        self.totals.acquired += 1;
        let lease = self.slots[at as usize].lend(at, waiter);
        self.go(at, State::Leased);
        lease
    }

    pub(super) fn grant(&mut self, at: u32, waiter: &Waiter) {
        let (now, waited) = (self.now, self.now.saturating_sub(waiter.since));
        let conn = self.slots[at as usize].conn(at);
        let (write, alone) = match waiter.want {
            Want::Lease => {
                let lease = self.lend(at, waiter.id);
                return self.emit(Effect::GrantLease { waiter: waiter.id, lease, conn, waited });
            }
            Want::Alone => (true, true),
            // On the one wire nobody's write is in the way of a lease.
            Want::Share { write } => (write && !self.options.one_wire, false),
        };
        self.totals.acquired += 1;
        let slot = &mut self.slots[at as usize];
        slot.alone = alone;
        slot.push_statement(now, write);
        self.totals.in_flight += 1;
        if slot.state != State::Shared {
            self.go(at, State::Shared);
        } else if self.shared.front != at {
            self.shared.remove(&mut self.slots, at);
            self.shared.push_front(&mut self.slots, at);
        }
        self.emit(Effect::GrantStatement { waiter: waiter.id, conn, waited });
    }
}
