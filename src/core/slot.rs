//! One slot of the pool: the state of its connection and the table of allowed transitions.

use super::list::NONE;
use super::message::{ConnId, Lease, Time, WaiterId};

/// ```text
///  Vacant --Connect--> Connecting --Connected--> back
///
///  Idle --lease---------------> Leased -----Release------------> back
///  Idle --statement-----------> Shared(n) --last StatementDone-> back
///  Idle --idle for too long---> Validating --ok----------------> back
///
///  back: Settling    while a cancel is under way on the wire     --Settled---> back
///        Resetting   else if dirty and the policy resets         --ResetDone-> back
///        Idle        else
///
///  every state but Vacant --unfit, refused, died--> Closing --Closed--> Vacant
///  Connecting --ConnectFailed--> Vacant
/// ```
/// The n of `Shared` is `Slot::in_flight`; "back" is `Pool::put_back`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Vacant,
    Connecting,
    Validating,
    Idle,
    Leased,
    Shared,
    Settling,
    Resetting,
    Closing,
}

pub const STATES: usize = State::Closing as usize + 1;

impl State {
    /// The one transition table.
    pub fn may_become(self, next: State) -> bool {
        use State::*;
        match self {
            Vacant => next == Connecting,
            Connecting => matches!(next, Idle | Settling | Vacant | Closing),
            Validating => matches!(next, Idle | Resetting | Settling | Closing),
            Idle => matches!(next, Validating | Leased | Shared | Resetting | Settling | Closing),
            Leased | Shared => matches!(next, Idle | Resetting | Settling | Closing),
            Settling => matches!(next, Idle | Resetting | Closing),
            Resetting => matches!(next, Idle | Settling | Closing),
            Closing => next == Vacant,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Slot {
    pub state: State,
    /// Of the connection in it; never reused, so that answers meant for an earlier one miss.
    pub serial: u32,
    /// Of the last lease granted on it, over all its connections.
    pub generation: u32,
    /// Who asked for that lease.
    pub holder: WaiterId,
    /// The pool's epoch when the connection was opened; `Clear` starts a new one.
    pub epoch: u32,
    /// When its connection was begun.
    pub born: Time,
    /// Whom it is being opened for, while that waiter still waits.
    pub claimant: Option<WaiterId>,
    pub prev: u32,
    pub next: u32,
    /// Statements on the wire, and for each whether it writes (bit 0 = the oldest).
    pub in_flight: u32,
    pub writes: u64,
    /// When the oldest statement in flight began: at its grant or when the one before it ended.
    pub busy_since: Time,
    /// Its statement must have the wire to itself.
    pub alone: bool,
    /// A cancel is under way on the wire.
    pub held: bool,
    /// Not as a fresh session any more.
    pub dirty: bool,
    pub in_transaction: bool,
    pub retiring: bool,
    /// It was open once (counts as created).
    pub opened: bool,
    /// Since when it is in its state.
    pub since: Time,
    pub expires_at: Time,
    pub uses: u64,
}

impl Slot {
    pub fn vacant() -> Slot {
        Slot {
            state: State::Vacant,
            serial: 0,
            generation: 0,
            holder: WaiterId(0),
            epoch: 0,
            born: 0,
            claimant: None,
            prev: NONE,
            next: NONE,
            in_flight: 0,
            writes: 0,
            busy_since: 0,
            alone: false,
            held: false,
            dirty: false,
            in_transaction: false,
            retiring: false,
            opened: false,
            since: 0,
            expires_at: Time::MAX,
            uses: 0,
        }
    }

    /// A new connection in an old slot: everything is forgotten but the lease generation.
    pub fn renew(&mut self, serial: u32, epoch: u32) {
        let (generation, prev, next) = (self.generation, self.prev, self.next);
        *self = Slot { state: self.state, serial, epoch, generation, prev, next, ..Slot::vacant() };
    }

    pub fn conn(&self, slot: u32) -> ConnId {
        ConnId { slot, serial: self.serial }
    }

    pub fn lease(&self, slot: u32) -> Lease {
        Lease { slot, generation: self.generation }
    }

    /// The next lease begins.
    pub fn lend(&mut self, slot: u32, holder: WaiterId) -> Lease {
        self.generation = self.generation.wrapping_add(1);
        self.holder = holder;
        self.uses += 1;
        self.lease(slot)
    }

    pub fn push_statement(&mut self, now: Time, write: bool) {
        debug_assert!(!write || self.in_flight < 64, "the bits of `writes` are one per statement");
        if self.in_flight == 0 {
            self.busy_since = now;
        }
        if write {
            self.writes |= 1 << self.in_flight;
        }
        self.in_flight += 1;
        self.uses += 1;
    }

    /// Statements on one wire end in the order they went out.
    pub fn pop_statement(&mut self, now: Time) {
        self.writes >>= 1;
        self.in_flight -= 1;
        self.busy_since = now;
    }
}
