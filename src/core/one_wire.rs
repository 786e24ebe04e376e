//! Statements that share all go on one wire, in the order they were asked for (option `one_wire`).
//!
//! They have a line of their own, ahead of those who want a connection to themselves, and one
//! connection of `max` is left for them, so that no lease, however long, stops them. While some are
//! on a wire that takes no more (it is full, worn or about to close), the others wait: on another
//! wire they might overtake those.

use super::message::Want;
use super::options::IdleOrder;
use super::pool::Pool;
use super::slot::State;
use super::waiters::Waiter;

impl Pool {
    /// The class in which a waiter stands: those who share have the first one.
    pub(super) fn class_of(&self, want: Want, priority: u8) -> u8 {
        match want {
            _ if !self.options.one_wire => priority,
            Want::Share { .. } => 0,
            _ => priority.saturating_add(1),
        }
    }

    /// Whether such a newcomer has to stand in line.
    pub(super) fn stands_in_line(&self, want: Want, class: u8) -> bool {
        let ahead = |head: Option<&Waiter>| head.is_some_and(|head| head.priority <= class);
        match want {
            _ if !self.options.one_wire => ahead(self.waiters.head()),
            _ if self.options.max == 1 => !self.waiters.is_empty(),
            Want::Share { .. } => ahead(self.waiters.head()),
            _ => ahead(self.waiters.head_from(1)),
        }
    }

    /// The next to be served. With one connection it is whoever waits for longer: who wants it to
    /// himself would otherwise wait for ever.
    pub(super) fn next_in_line(&self, class: u8) -> Option<&Waiter> {
        let head = self.waiters.head_from(class);
        if !self.options.one_wire || self.options.max > 1 {
            return head;
        }
        let beside = self.waiters.head_from(1);
        beside.filter(|it| head.is_some_and(|head| it.since <= head.since)).or(head)
    }

    /// Those who share wait for their wire; the others need not.
    pub(super) fn may_pass(&self, head: &Waiter) -> bool {
        self.options.one_wire && self.options.max > 1 && head.priority == 0
    }

    /// As `take_ready`.
    pub(super) fn take_beside(&mut self, want: Want) -> Option<u32> {
        let shares = matches!(want, Want::Share { .. });
        if let Some(at) = self.busy_wire().filter(|_| shares) {
            return self.may_join(&self.slots[at as usize]).then_some(at);
        }
        while let Some(at) = self.candidate(want) {
            let slot = &self.slots[at as usize];
            if let Some(why) = self.unfit(slot) {
                self.close(at, why);
                continue;
            }
            if self.needs_validation(at, slot) {
                return None;
            }
            if shares {
                self.wire = Some(slot.conn(at));
            }
            return Some(at);
        }
        None
    }

    /// The shared wire, while statements are on it.
    fn busy_wire(&self) -> Option<u32> {
        let at = self.slot_in(self.wire?, State::Shared)?;
        (!self.slots[at as usize].alone).then_some(at)
    }

    /// The idle connection that such a waiter would get.
    pub(super) fn candidate(&self, want: Want) -> Option<u32> {
        if !self.options.one_wire {
            return self.idle_candidate();
        }
        let wire = self.wire.and_then(|wire| self.slot_in(wire, State::Idle));
        if matches!(want, Want::Share { .. }) {
            return match self.busy_wire() {
                Some(_) => None,
                None => wire.or_else(|| self.idle_candidate()),
            };
        }
        if self.options.max == 1 {
            return self.idle_candidate();
        }
        if self.room_beside() == 0 {
            return None;
        }
        let first = self.idle_candidate();
        if first != wire {
            return first;
        }
        let mut others = self.idle.iter(&self.slots).filter(|at| Some(*at) != wire);
        match self.options.idle_order {
            IdleOrder::Lifo => others.last(),
            IdleOrder::Fifo => others.next(),
        }
    }

    /// How many connections may yet be had by those who want one to themselves.
    fn room_beside(&self) -> u32 {
        let in_use = self.counts[State::Leased as usize] + self.counts[State::Shared as usize];
        let beside = in_use - u32::from(self.busy_wire().is_some());
        let most = if self.options.max == 1 { 1 } else { self.options.max - 1 };
        most.saturating_sub(beside)
    }

    /// For how many waiters a connection would be opened.
    pub(super) fn wanted(&self) -> usize {
        if !self.options.one_wire {
            return self.waiters.len();
        }
        let sharing = self.waiters.len_of(0);
        let wire = usize::from(sharing > 0 && self.busy_wire().is_none());
        wire + (self.waiters.len() - sharing).min(self.room_beside() as usize)
    }
}
