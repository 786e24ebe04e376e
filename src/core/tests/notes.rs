//! The naive model, inputs: what each one means to the driver's own books.

use super::world::*;
use crate::core::options::{Reset, SECOND};
use crate::core::*;

impl World {
    pub fn note_input(&mut self, input: &Input) {
        let now = self.now;
        self.failed_now = false;
        match *input {
            Input::Acquire { waiter, want, priority, deadline } => {
                let class = priority.min(self.pool.options().priorities - 1);
                self.books.requested += 1;
                self.queue.push(Waiting { id: waiter, want, class, since: now, deadline });
                assert!(self.outcomes.insert(waiter, Outcome::Waits).is_none());
            }
            Input::Release { lease, fate } => self.note_release(lease, fate),
            Input::StatementDone { conn } => self.note_statement_done(conn),
            Input::Resize { min, max } if max > 0 && min <= max => {
                (self.min, self.max) = (min, max);
            }
            Input::Clear => self.new_epoch(),
            Input::Misplaced { conn } => {
                if self.conns.get(&conn).is_some_and(|view| view.epoch == self.epoch) {
                    self.give_up_generation(Time::MAX);
                }
            }
            Input::Close { deadline } => {
                self.close = Some(match (self.close.flatten(), deadline) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                });
            }
            Input::Dirty { conn } => self.with_view(conn, |view| view.dirty = true),
            Input::Transaction { conn, open } => {
                self.with_view(conn, |view| view.in_transaction = open)
            }
            Input::Hold { conn } => self.with_view(conn, |view| view.held = true),
            Input::Settled { conn } => self.note_settled(conn),
            Input::Retire { conn } => self.with_view(conn, |view| view.retired = true),
            Input::Connected { conn } => self.note_answer(conn, Phase::Connecting, Phase::Free),
            Input::Validated { conn, ok } => {
                let then = if ok { Phase::Free } else { Phase::Doomed(CloseReason::Invalid) };
                self.note_answer(conn, Phase::Validating, then);
            }
            Input::ResetDone { conn, ok } => {
                let then = if ok { Phase::Free } else { Phase::Doomed(CloseReason::ResetFailed) };
                self.note_answer(conn, Phase::Resetting, then);
            }
            Input::ConnectFailed { conn, .. } => {
                if self.conns.get(&conn).is_some_and(|view| view.phase == Phase::Connecting) {
                    self.conns.remove(&conn);
                    self.failed_now = true;
                }
            }
            Input::Died { conn } => self.note_died(conn),
            Input::Closed { conn } => {
                if self.conns.get(&conn).is_some_and(|view| view.phase == Phase::Closing) {
                    let view = self.conns.remove(&conn).unwrap();
                    self.books.destroyed += u64::from(view.opened.is_some());
                }
            }
            Input::Recall { .. }
            | Input::Cancel { .. }
            | Input::Warm
            | Input::Tick
            | Input::Resize { .. } => {}
        }
    }

    fn with_view(&mut self, conn: ConnId, change: impl FnOnce(&mut View)) {
        if let Some(view) = self.conns.get_mut(&conn) {
            change(view);
        }
    }

    fn note_settled(&mut self, conn: ConnId) {
        let now = self.now;
        self.with_view(conn, |view| {
            if view.held && view.phase == Phase::Free {
                view.since = now;
            }
            view.held = false;
        });
    }

    fn note_answer(&mut self, conn: ConnId, from: Phase, to: Phase) {
        let now = self.now;
        let Some(view) = self.conns.get_mut(&conn).filter(|view| view.phase == from) else {
            return;
        };
        view.phase = to;
        view.since = now;
        view.fresh = to == Phase::Free;
        if from == Phase::Connecting {
            view.opened = Some(now);
            self.books.opened += 1;
        }
        if from == Phase::Connecting || (from == Phase::Resetting && to == Phase::Free) {
            view.dirty = false;
            view.in_transaction = false;
        }
    }

    fn note_release(&mut self, lease: Lease, fate: Fate) {
        let Some((conn, _)) = self.leases.remove(&lease) else { return };
        self.books.released += 1;
        self.stale.push(lease);
        let always = matches!(self.pool.options().reset, Reset::Always | Reset::Function);
        let view = self.conns.get_mut(&conn).unwrap();
        view.since = self.now;
        view.dirty |= always;
        view.phase = match fate {
            Fate::Return => Phase::Free,
            Fate::Destroy => Phase::Doomed(CloseReason::Released),
        };
    }

    fn note_statement_done(&mut self, conn: ConnId) {
        let now = self.now;
        let Some(view) = self.conns.get_mut(&conn).filter(|view| view.phase == Phase::Shared)
        else {
            return;
        };
        view.writes.pop_front().unwrap();
        view.busy_since = now;
        self.books.released += 1;
        if view.writes.is_empty() {
            view.phase = Phase::Free;
            view.since = now;
            view.alone = false;
        }
    }

    fn note_died(&mut self, conn: ConnId) {
        let Some(view) = self.conns.get_mut(&conn).filter(|view| view.phase != Phase::Closing)
        else {
            return;
        };
        view.phase = Phase::Doomed(CloseReason::Died);
        let counts = view.uses > 0 && view.epoch == self.epoch;
        self.write_off_view(conn);
        if counts {
            self.deaths.push(self.now);
            let recent: Vec<Time> =
                self.deaths.iter().copied().filter(|at| self.now - at <= SECOND).collect();
            if recent.len() >= 3 {
                self.give_up_generation(recent[recent.len() - 3]);
            }
        }
    }

    fn new_epoch(&mut self) {
        self.epoch += 1;
        self.deaths.clear();
    }

    fn give_up_generation(&mut self, since: Time) {
        let lately = self.given_up.is_some_and(|at| self.now - at < 5 * SECOND);
        if !lately && self.close.is_none() {
            self.given_up = Some(self.now);
            self.new_epoch();
            let later = self.conns.values_mut().filter(|view| view.born >= since);
            later.for_each(|view| view.epoch = self.epoch);
        }
    }

    /// [14] What ran on a lost connection is neither out nor released.
    pub fn write_off_view(&mut self, conn: ConnId) {
        let view = self.conns.get_mut(&conn).unwrap();
        self.books.lost += view.writes.len() as u64;
        view.writes.clear();
        if let Some(lease) = self.leases.iter().find(|(_, (c, _))| *c == conn).map(|(l, _)| *l) {
            self.leases.remove(&lease);
            self.stale.push(lease);
            self.books.lost += 1;
        }
    }
}
