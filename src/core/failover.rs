//! When one connection's trouble is the server's: then the others are no better, and all of that
//! generation are given up.

use super::message::{ConnId, Time};
use super::options::SECOND;
use super::pool::Pool;

/// So many connections lost within `WINDOW` are not lost for reasons of their own.
const DEATHS: usize = 3;
const WINDOW: Time = SECOND;
/// A generation is given up at most this often: one made while the new server is still being
/// settled on would otherwise go the same way at once.
const PAUSE: Time = 5 * SECOND;

#[derive(Debug, Default)]
pub struct Failover {
    /// The last deaths of this generation, oldest first.
    deaths: [Option<Time>; DEATHS - 1],
    cleared: Option<Time>,
}

impl Failover {
    /// If this death is one too many: when the first of them was.
    fn note_death(&mut self, now: Time) -> Option<Time> {
        let oldest = self.deaths[0];
        self.deaths.rotate_left(1);
        self.deaths[DEATHS - 2] = Some(now);
        oldest.filter(|at| now.saturating_sub(*at) <= WINDOW)
    }

    pub fn note_generation(&mut self) {
        self.deaths = Default::default();
    }
}

impl Pool {
    /// The driver has made sure that the server of this connection is not the one wanted.
    pub(super) fn handle_misplaced(&mut self, conn: ConnId) {
        if self.slot_of(conn).is_some_and(|at| self.slots[at as usize].epoch == self.epoch) {
            self.give_up_generation(Time::MAX);
        }
    }

    /// A connection of this generation that had served was lost.
    pub(super) fn note_death(&mut self) {
        if let Some(first) = self.failover.note_death(self.now) {
            self.give_up_generation(first);
        }
    }

    /// But for connections begun at `since` or later: those know the server as it is now.
    fn give_up_generation(&mut self, since: Time) {
        let now = self.now;
        let lately = self.failover.cleared.is_some_and(|at| now.saturating_sub(at) < PAUSE);
        if !lately && !self.closed {
            self.failover.cleared = Some(now);
            let next = self.epoch.wrapping_add(1);
            for slot in self.slots.iter_mut().filter(|slot| slot.born >= since) {
                slot.epoch = next;
            }
            self.handle_clear();
        }
    }
}
