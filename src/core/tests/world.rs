//! A pool with fake resources on a virtual clock: performs effects by `Gate` and keeps its own
//! naive books, against which `judge` holds every effect.

use crate::core::backoff::Random;
use crate::core::direct::Handed;
use crate::core::options::{MILLISECOND, SECOND};
use crate::core::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// How a fake resource answers. The driver bounds every step, so `Never` is a late failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Ok,
    Err,
    Slow,
    Never,
}

pub const ANSWER: Time = MILLISECOND;
pub const SLOW: Time = 400 * MILLISECOND;
pub const DRIVER_BOUND: Time = 3 * SECOND;

#[derive(Clone, Copy, Debug)]
pub struct Gates {
    pub connect: Gate,
    pub validate: Gate,
    pub reset: Gate,
    pub failure: ConnectFailure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connecting,
    Validating,
    /// Nobody uses it: idle, or settling while held.
    Free,
    Leased,
    Shared,
    Resetting,
    Closing,
    /// Must be closed before the pool is quiet again, for this reason.
    Doomed(CloseReason),
}

/// What the driver knows about one connection.
#[derive(Clone, Debug)]
pub struct View {
    pub phase: Phase,
    pub since: Time,
    pub opened: Option<Time>,
    pub epoch: u32,
    pub born: Time,
    pub uses: u64,
    pub dirty: bool,
    pub in_transaction: bool,
    pub held: bool,
    pub retired: bool,
    pub fresh: bool,
    pub alone: bool,
    pub writes: VecDeque<bool>,
    pub busy_since: Time,
}

impl View {
    pub fn is_dirty(&self) -> bool {
        self.dirty || self.in_transaction
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    pub id: WaiterId,
    pub want: Want,
    pub class: u8,
    pub since: Time,
    pub deadline: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Waits,
    Lease(Lease, ConnId),
    Statement(ConnId),
    Rejected(RejectReason),
}

#[derive(Default, Debug)]
pub struct Books {
    pub requested: u64,
    pub granted: u64,
    pub released: u64,
    pub lost: u64,
    pub rejected: u64,
    pub opened: u64,
    pub destroyed: u64,
}

pub struct World {
    pub pool: Pool,
    pub now: Time,
    pub random: Random,
    pub gates: Gates,
    pub conns: BTreeMap<ConnId, View>,
    pub queue: Vec<Waiting>,
    /// Of those in the queue: for whom which connection is being opened (`own_connects`).
    pub claims: BTreeMap<ConnId, WaiterId>,
    pub outcomes: HashMap<WaiterId, Outcome>,
    pub leases: BTreeMap<Lease, (ConnId, Time)>,
    pub stale: Vec<Lease>,
    pub leaks: BTreeSet<Lease>,
    pub generations: HashMap<u32, u32>,
    pub events: Vec<(Time, Input)>,
    pub input: Input,
    /// Effects of the last `send`.
    pub last: Vec<Effect>,
    pub attempts: u64,
    /// The input is the failure of a connect under way.
    pub failed_now: bool,
    pub books: Books,
    pub serial_last: u32,
    pub epoch: u32,
    /// Deaths of this epoch, and when one was given up because of them.
    pub deaths: Vec<Time>,
    pub given_up: Option<Time>,
    pub min: u32,
    pub max: u32,
    pub close: Option<Option<Time>>,
    pub closed_told: bool,
    next_waiter: u64,
}

impl World {
    pub fn new(options: Options) -> World {
        World::seeded(options, 1)
    }

    pub fn seeded(options: Options, seed: u64) -> World {
        let now = SECOND;
        let (min, max) = (options.min, options.max);
        let ok = Gate::Ok;
        let failure = ConnectFailure::Transient;
        World {
            pool: Pool::new(options, seed, now),
            now,
            random: Random::new(seed ^ 0x5eed),
            gates: Gates { connect: ok, validate: ok, reset: ok, failure },
            conns: BTreeMap::new(),
            queue: Vec::new(),
            claims: BTreeMap::new(),
            outcomes: HashMap::new(),
            leases: BTreeMap::new(),
            stale: Vec::new(),
            leaks: BTreeSet::new(),
            generations: HashMap::new(),
            events: Vec::new(),
            input: Input::Tick,
            last: Vec::new(),
            attempts: 0,
            failed_now: false,
            books: Books::default(),
            serial_last: 0,
            epoch: 0,
            deaths: Vec::new(),
            given_up: None,
            min,
            max,
            close: None,
            closed_told: false,
            next_waiter: 0,
        }
    }

    /// One input, the full drain of its effects, and the verdict on all of it.
    pub fn send(&mut self, input: Input) {
        self.input = input.clone();
        self.last.clear();
        self.note_input(&input);
        if !self.send_directly(&input) {
            self.pool.handle(self.now, input);
        }
        while let Some(effect) = self.pool.poll_effect() {
            self.hear(effect);
        }
        self.judge_quiet();
        for view in self.conns.values_mut() {
            view.fresh = false;
        }
    }

    fn hear(&mut self, effect: Effect) {
        self.judge(&effect);
        self.perform(&effect);
        self.last.push(effect);
    }

    /// Every other lease goes by the short cuts, where these take it.
    fn send_directly(&mut self, input: &Input) -> bool {
        match *input {
            Input::Acquire { waiter, want: Want::Lease, priority, deadline }
                if waiter.0 % 2 == 0 =>
            {
                if self.pool.line_up(self.now, waiter, priority, deadline) {
                    return true;
                }
                let Some(lease) = self.pool.lend_idle(self.now, waiter) else { return false };
                let conn = self.pool.lease_conn(lease).expect("it was lent this moment");
                self.hear(Effect::GrantLease { waiter, lease, conn, waited: 0 });
                true
            }
            Input::Release { lease, fate } if lease.generation % 2 == 0 => {
                let Some(ended) = self.pool.take_back(self.now, lease, fate) else { return false };
                if let Some(Handed { waiter, lease, conn, waited }) = ended.next {
                    self.hear(Effect::GrantLease { waiter, lease, conn, waited });
                }
                true
            }
            _ => false,
        }
    }

    fn perform(&mut self, effect: &Effect) {
        let (gate, ok, failed) = match *effect {
            Effect::Connect { conn } => {
                let failure = self.gates.failure;
                let failed = Input::ConnectFailed { conn, failure };
                (self.gates.connect, Input::Connected { conn }, failed)
            }
            Effect::Validate { conn } => {
                let answer = |ok| Input::Validated { conn, ok };
                (self.gates.validate, answer(true), answer(false))
            }
            Effect::Reset { conn } => {
                let answer = |ok| Input::ResetDone { conn, ok };
                (self.gates.reset, answer(true), answer(false))
            }
            Effect::Close { conn, .. } => {
                let closed = Input::Closed { conn };
                (Gate::Ok, closed.clone(), closed)
            }
            _ => return,
        };
        let (after, answer) = match gate {
            Gate::Ok => (ANSWER, ok),
            Gate::Err => (ANSWER, failed),
            Gate::Slow => (SLOW, ok),
            Gate::Never => (DRIVER_BOUND, failed),
        };
        self.events.push((self.now + after, answer));
    }

    /// Runs answers and timers up to `to`, in their order.
    pub fn run_until(&mut self, to: Time) {
        loop {
            let event = self.events.iter().enumerate().min_by_key(|(_, (at, _))| *at);
            let event = event.map(|(index, (at, _))| (*at, index)).filter(|(at, _)| *at <= to);
            let timer = self.pool.poll_timeout().filter(|at| *at <= to);
            match (event, timer) {
                (Some((at, index)), timer) if timer.is_none_or(|timer| at <= timer) => {
                    self.now = self.now.max(at);
                    let (_, input) = self.events.remove(index);
                    self.send(input);
                }
                (_, Some(at)) => {
                    self.now = self.now.max(at);
                    self.send(Input::Tick);
                    let next = self.pool.poll_timeout();
                    assert!(next.is_none_or(|next| next > self.now), "the timer stands still");
                }
                _ => break,
            }
        }
        self.now = self.now.max(to);
    }

    /// Those who wait for whatever comes free.
    pub fn line(&self) -> impl Iterator<Item = &Waiting> {
        let claimed = |id: WaiterId| self.claims.values().any(|claimant| *claimant == id);
        self.queue.iter().filter(move |waiting| !claimed(waiting.id))
    }

    pub fn run(&mut self, span: Time) {
        self.run_until(self.now + span);
    }

    /// Time passes but nobody wakes up: the next input finds everything overdue.
    pub fn sleep(&mut self, span: Time) {
        self.now += span;
    }

    pub fn ask(&mut self, want: Want, priority: u8, timeout: Option<Time>) -> WaiterId {
        self.next_waiter += 1;
        let waiter = WaiterId(self.next_waiter);
        let deadline = timeout.map(|timeout| self.now + timeout);
        self.send(Input::Acquire { waiter, want, priority, deadline });
        waiter
    }

    pub fn acquire(&mut self) -> WaiterId {
        self.ask(Want::Lease, 0, None)
    }

    pub fn read(&mut self) -> WaiterId {
        self.ask(Want::Share { write: false }, 0, None)
    }

    pub fn write(&mut self) -> WaiterId {
        self.ask(Want::Share { write: true }, 0, None)
    }

    /// A lease that must be there already.
    #[track_caller]
    pub fn lease_of(&self, waiter: WaiterId) -> (Lease, ConnId) {
        match self.outcome(waiter) {
            Outcome::Lease(lease, conn) => (lease, conn),
            other => panic!("{waiter:?}: {other:?} instead of a lease"),
        }
    }

    #[track_caller]
    pub fn statement_of(&self, waiter: WaiterId) -> ConnId {
        match self.outcome(waiter) {
            Outcome::Statement(conn) => conn,
            other => panic!("{waiter:?}: {other:?} instead of a statement"),
        }
    }

    /// Asks for a lease and gives the connection time to open.
    #[track_caller]
    pub fn lease(&mut self) -> (Lease, ConnId) {
        let waiter = self.acquire();
        self.run(10 * MILLISECOND);
        self.lease_of(waiter)
    }

    #[track_caller]
    pub fn leases<const N: usize>(&mut self) -> [(Lease, ConnId); N] {
        let waiters = [(); N].map(|()| self.acquire());
        self.run(20 * MILLISECOND);
        waiters.map(|waiter| self.lease_of(waiter))
    }

    pub fn give_back(&mut self, lease: Lease) {
        self.send(Input::Release { lease, fate: Fate::Return });
    }

    pub fn done(&mut self, conn: ConnId) {
        self.send(Input::StatementDone { conn });
    }

    pub fn outcome(&self, waiter: WaiterId) -> Outcome {
        self.outcomes[&waiter]
    }

    #[track_caller]
    pub fn assert_waits(&self, waiter: WaiterId) {
        assert_eq!(self.outcome(waiter), Outcome::Waits);
    }

    #[track_caller]
    pub fn assert_rejected(&self, waiter: WaiterId, why: RejectReason) {
        assert_eq!(self.outcome(waiter), Outcome::Rejected(why));
    }

    /// The reason with which a connection was closed by the last input.
    pub fn closed_by_last(&self, conn: ConnId) -> Option<CloseReason> {
        self.last.iter().find_map(|effect| match effect {
            Effect::Close { conn: closed, why } if *closed == conn => Some(*why),
            _ => None,
        })
    }

    pub fn stats(&self) -> Stats {
        self.pool.stats()
    }
}
