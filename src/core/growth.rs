//! When a connection is opened: for waiters, for `min`, within `max`, the connect limit and the
//! backoff.

use super::message::{CloseReason, ConnId, ConnectFailure, Effect, RejectReason, Time};
use super::options::{MinPolicy, Options};
use super::pool::Pool;
use super::slot::{Slot, State};
use super::waiters::Waiter;

/// Lifetimes are shortened by up to this share, so that a fleet opened together does not close
/// together.
const LIFETIME_JITTER_PER_MILLE: Time = 25;

#[derive(Debug)]
pub struct Growth {
    /// Connects that may be under way at once; doubles while they succeed and waiters stay.
    limit: u32,
    /// The last attempt failed for good: nothing is opened until somebody asks again.
    fatal: bool,
    /// `Warm` was asked for and not all it wants is up yet.
    warm: bool,
    /// Somebody wanted something: a lazy pool fills `min` only from then on.
    asked: bool,
    /// For the length of one `handle`: a place came free, for whoever is first in line.
    place: bool,
    serials: u32,
}

impl Growth {
    pub fn new(options: &Options) -> Growth {
        Growth {
            limit: options.max_connecting,
            fatal: false,
            warm: false,
            asked: false,
            place: false,
            serials: 0,
        }
    }

    pub fn note_asked(&mut self) {
        self.asked = true;
        self.fatal = false;
    }

    pub fn note_place(&mut self) {
        self.place = true;
    }

    pub fn has_place(&self) -> bool {
        self.place
    }

    pub fn forget_place(&mut self) {
        self.place = false;
    }

    /// Another request changes nothing here.
    pub fn is_awake(&self) -> bool {
        self.asked && !self.fatal
    }

    fn next_serial(&mut self) -> u32 {
        self.serials = self.serials.wrapping_add(1);
        self.serials
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    Nothing,
    Waiters,
    Min,
}

impl Pool {
    pub(super) fn handle_warm(&mut self) {
        self.growth.note_asked();
        self.growth.warm = true;
    }

    fn warm_target(&self) -> u32 {
        if self.growth.warm { self.options.min.max(1) } else { 0 }
    }

    /// One more connection could be asked for, now or as soon as the connect limit allows.
    /// Statements do not share a wire while this holds.
    pub(super) fn can_grow(&self) -> bool {
        let pausing = !self.options.own_connects && self.backoff.is_pausing(self.now);
        let refused = self.closed || self.growth.fatal || pausing;
        !refused && self.total() < self.options.max
    }

    /// Connections that come free without anybody giving them back.
    pub(super) fn supply(&self) -> u32 {
        let coming: u32 = [State::Connecting, State::Validating, State::Settling, State::Resetting]
            .iter()
            .map(|state| self.counts[*state as usize])
            .sum();
        coming - self.waiters.claims() as u32
    }

    /// Somebody still waits for the connection being opened in this slot.
    pub(super) fn is_claimed(&self, at: u32) -> bool {
        let claimant = self.slots[at as usize].claimant;
        claimant.is_some_and(|id| self.waiters.has_claim(id, at))
    }

    /// Whoever still waits for it, once its opening has come to an end.
    pub(super) fn take_claimant(&mut self, at: u32) -> Option<Waiter> {
        let id = self.slots[at as usize].claimant.take()?;
        self.waiters.take_claim(id, at)
    }

    fn demand(&self) -> Demand {
        let connecting = self.counts[State::Connecting as usize];
        let growth = &self.growth;
        let taken = if growth.place { self.taken() } else { self.total() };
        if self.closed || growth.fatal || taken >= self.options.max || connecting >= growth.limit {
            return Demand::Nothing;
        }
        if self.wanted() > self.supply() as usize {
            return Demand::Waiters;
        }
        let fills =
            self.options.min_policy == MinPolicy::Fill && (growth.asked || !self.options.lazy);
        let min = if fills { self.options.min } else { 0 };
        if self.alive() < min.max(self.warm_target()) { Demand::Min } else { Demand::Nothing }
    }

    /// When the next connect is to start, if one is wanted.
    pub(super) fn connect_due(&self) -> Option<Time> {
        match self.demand() {
            Demand::Nothing => None,
            Demand::Waiters if self.options.own_connects => Some(self.now),
            Demand::Waiters => Some(self.now.max(self.backoff.until())),
            Demand::Min => Some(self.now.max(self.backoff.unasked_until())),
        }
    }

    /// Starts the connects that are due; whether there were any.
    pub(super) fn grow(&mut self) -> bool {
        let mut started = false;
        if self.waiters.is_empty() {
            self.growth.limit = self.options.max_connecting;
        }
        while self.connect_due().is_some_and(|due| due <= self.now) {
            let claims = self.options.own_connects && self.demand() == Demand::Waiters;
            self.growth.place = false;
            let at = self.open();
            if claims {
                self.slots[at as usize].claimant = self.waiters.claim(at);
            }
            started = true;
        }
        started
    }

    /// Begins a connection in a vacant slot.
    fn open(&mut self) -> u32 {
        let serial = self.growth.next_serial();
        if self.vacant.is_empty() {
            let at = self.slots.len() as u32;
            self.slots.push(Slot::vacant());
            self.counts[State::Vacant as usize] += 1;
            self.vacant.push_back(&mut self.slots, at);
        }
        let at = self.vacant.front;
        self.slots[at as usize].renew(serial, self.epoch);
        self.slots[at as usize].born = self.now;
        self.go(at, State::Connecting);
        self.emit(Effect::Connect { conn: self.slots[at as usize].conn(at) });
        at
    }

    /// Opens one for somebody who finds none that is idle.
    pub(super) fn open_for(&mut self, waiter: Waiter) {
        let at = self.open();
        self.slots[at as usize].claimant = Some(waiter.id);
        self.waiters.push_claim(waiter, at);
    }

    pub(super) fn handle_connected(&mut self, conn: ConnId) {
        let Some(at) = self.slot_in(conn, State::Connecting) else { return };
        self.totals.created += 1;
        self.growth.fatal = false;
        self.backoff.note_connect();
        let expires_at = self.lifetime_end();
        let slot = &mut self.slots[at as usize];
        slot.opened = true;
        slot.in_transaction = false;
        slot.dirty = false; // what the set-up of the session did is how a fresh one looks
        slot.expires_at = expires_at;
        match self.take_claimant(at) {
            Some(waiter) => {
                self.go(at, State::Idle);
                self.grant(at, &waiter);
            }
            None => {
                if !self.options.validate_new {
                    self.fresh = at;
                }
                self.put_back(at);
            }
        }
        let connecting = self.counts[State::Connecting as usize];
        if self.waiters.len() > connecting as usize + 1 {
            self.growth.limit = self.growth.limit.saturating_mul(2).min(self.options.max);
        }
        if self.alive() - connecting >= self.warm_target() {
            self.growth.warm = false;
        }
    }

    fn lifetime_end(&mut self) -> Time {
        let Some(lifetime) = self.options.max_lifetime else { return Time::MAX };
        let jitter = self.random.up_to(lifetime / 1000 * LIFETIME_JITTER_PER_MILLE);
        self.now.saturating_add(lifetime - jitter)
    }

    pub(super) fn handle_connect_failed(&mut self, conn: ConnId, failure: ConnectFailure) {
        let Some(at) = self.slot_in(conn, State::Connecting) else { return };
        self.go(at, State::Vacant);
        self.growth.note_place();
        self.totals.connect_failures += 1;
        if let Some(waiter) = self.take_claimant(at) {
            self.reject(&waiter, RejectReason::ConnectFailed);
        }
        self.growth.limit = self.options.max_connecting;
        match failure {
            ConnectFailure::Fatal => {
                self.growth.fatal = true;
                self.growth.warm = false;
                self.reject_all(RejectReason::ConnectFailed);
            }
            ConnectFailure::Transient => self.handle_transient_failure(),
        }
    }

    /// With connects for one request the pause holds for filling `min` only: each failure costs a
    /// waiter anyway.
    fn handle_transient_failure(&mut self) {
        if !self.options.wait_for_server {
            self.growth.warm = false; // who warms the pool is told by the driver and decides anew
        }
        self.backoff.note_failure(self.now, &mut self.random);
    }

    /// The transport is gone, whatever the connection was doing.
    pub(super) fn handle_died(&mut self, conn: ConnId) {
        let Some(at) = self.slot_of(conn) else { return };
        let slot = &self.slots[at as usize];
        if slot.state == State::Closing {
            return;
        }
        let counts = slot.uses > 0 && slot.epoch == self.epoch;
        if slot.uses == 0 {
            // It never served anybody: to open the next one at once would be a storm.
            self.backoff.note_failure(self.now, &mut self.random);
        }
        self.write_off(at);
        self.close(at, CloseReason::Died);
        if counts {
            self.note_death();
        }
    }
}
