//! A long random walk: any input at any time, judged after every step. Every failure prints its
//! seed; `POLYPOOL_SEED=<seed>` walks that one alone, `POLYPOOL_STEPS=<n>` walks further.

use super::world::*;
use crate::core::options::{IdleOrder, MILLISECOND, MinPolicy, Reset, SECOND, Validate};
use crate::core::*;
use std::collections::BTreeSet;

const STEPS: u64 = 200_000;
const STEPS_PER_SEED: u64 = 500;
const DAY: Time = 24 * 3600 * SECOND;

struct TellSeed(u64);

impl Drop for TellSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with POLYPOOL_SEED={}", self.0);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}

#[test]
fn random_walk_keeps_every_invariant() {
    if let Some(seed) = number("POLYPOOL_SEED") {
        return walk(seed, &mut BTreeSet::new());
    }
    let steps = number("POLYPOOL_STEPS").unwrap_or(STEPS);
    let mut seen = BTreeSet::new();
    for seed in 0..steps.div_ceil(STEPS_PER_SEED) {
        walk(seed, &mut seen);
    }
    // A walk that never gets anywhere would keep every invariant too.
    assert_eq!(seen.len(), KINDS, "the walk saw only {seen:?}");
}

/// The effects, with every reason to close and to reject, but for what only a closing pool has,
/// which `end` asserts each time.
const KINDS: usize = 7 + 12 + 4;

fn kind(effect: &Effect) -> String {
    match effect {
        Effect::Close { why, .. } => format!("Close {why:?}"),
        Effect::Reject { why, .. } => format!("Reject {why:?}"),
        other => format!("{other:?}").split(' ').next().unwrap().to_owned(),
    }
}

fn walk(seed: u64, seen: &mut BTreeSet<String>) {
    let _tell = TellSeed(seed);
    let mut setup = World::seeded(Options::default(), seed);
    let mut world = World::seeded(setup.draw_options(), seed);
    for _ in 0..STEPS_PER_SEED {
        world.step();
        seen.extend(world.last.iter().map(kind));
    }
    world.heal();
    world.end();
}

impl World {
    fn below(&mut self, n: u64) -> u64 {
        self.random.up_to(n - 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn draw_options(&mut self) -> Options {
        let max = 1 + self.below(6) as u32;
        let ms = MILLISECOND;
        let drawn = Options {
            max,
            min: self.below(u64::from(max) + 1) as u32,
            idle_timeout: self.pick(&[None, Some(20 * ms), Some(SECOND)]),
            max_lifetime: self.pick(&[None, None, Some(200 * ms), Some(5 * SECOND)]),
            max_uses: self.pick(&[None, None, Some(1), Some(7)]),
            max_waiting: self.pick(&[None, None, Some(0), Some(5)]),
            validate: self.pick(&[Validate::Auto, Validate::Always, Validate::Never]),
            validate_after_idle: self.pick(&[0, 3 * ms, 500 * ms]),
            max_connecting: 1 + self.below(3) as u32,
            idle_order: self.pick(&[IdleOrder::Lifo, IdleOrder::Fifo]),
            leak_detection: self.pick(&[None, Some(30 * ms)]),
            max_lease: self.pick(&[None, None, Some(100 * ms)]),
            lazy: self.chance(30),
            wait_for_server: self.chance(30),
            pipeline: self.chance(80),
            reset: self.pick(&[Reset::Auto, Reset::Auto, Reset::Always, Reset::Never]),
            min_policy: self.pick(&[MinPolicy::Fill, MinPolicy::Spare]),
            evict_below_min: self.chance(20),
            max_idle: self.pick(&[None, None, Some(2)]),
            sweep_interval: self.pick(&[None, Some(50 * ms)]),
            priorities: 1 + self.below(3) as u8,
            own_connects: self.chance(25),
            share_depth: self.pick(&[1, 3, 16, 64]),
            ..Options::default()
        };
        if self.chance(25) {
            return Options { one_wire: true, own_connects: false, pipeline: true, ..drawn };
        }
        drawn
    }

    fn draw_gates(&mut self) {
        let all = [Gate::Ok, Gate::Ok, Gate::Ok, Gate::Ok, Gate::Err, Gate::Slow, Gate::Never];
        let fatal = self.chance(10);
        self.gates = Gates {
            connect: self.pick(&all),
            validate: self.pick(&all),
            reset: self.pick(&all),
            failure: if fatal { ConnectFailure::Fatal } else { ConnectFailure::Transient },
        };
    }

    fn step(&mut self) {
        self.draw_gates();
        match self.below(100) {
            0..=27 => self.step_acquire(),
            28..=42 => self.step_release(),
            43..=60 => self.step_statement_done(),
            61..=64 => self.step_cancel(),
            65..=77 => {
                let span = self.pick(&[0, 1, 1, 5, 30, 30, 200, 2000]) * MILLISECOND;
                self.run(span);
            }
            78..=79 => {
                let span = self.pick(&[1, 50, 5000]) * MILLISECOND;
                self.sleep(span);
            }
            80..=92 => self.step_on_connection(),
            93..=95 => self.step_stale(),
            _ => self.step_rare(),
        }
    }

    fn step_acquire(&mut self) {
        if self.queue.len() > 40 {
            return self.run(MILLISECOND);
        }
        let wants = [
            Want::Lease,
            Want::Alone,
            Want::Share { write: false },
            Want::Share { write: false },
            Want::Share { write: true },
        ];
        let (want, priority) = (self.pick(&wants), self.below(4) as u8);
        let ms = self.pick(&[None, Some(0), Some(2), Some(20), Some(500)]);
        self.ask(want, priority, ms.map(|ms: Time| ms * MILLISECOND));
    }

    fn step_release(&mut self) {
        let held: Vec<Lease> = self.leases.keys().copied().collect();
        if !held.is_empty() {
            let lease = self.pick(&held);
            if self.chance(3) {
                return self.send(Input::Recall { lease });
            }
            let fate = if self.chance(10) { Fate::Destroy } else { Fate::Return };
            self.send(Input::Release { lease, fate });
        }
    }

    fn step_statement_done(&mut self) {
        let shared = self.conns.iter().filter(|(_, view)| view.phase == Phase::Shared);
        let shared: Vec<ConnId> = shared.map(|(conn, _)| *conn).collect();
        if !shared.is_empty() {
            let conn = self.pick(&shared);
            self.done(conn);
        }
    }

    fn step_cancel(&mut self) {
        let waiting: Vec<WaiterId> = self.queue.iter().map(|waiting| waiting.id).collect();
        let unknown = WaiterId(u64::MAX);
        let waiter = if waiting.is_empty() { unknown } else { self.pick(&waiting) };
        self.send(Input::Cancel { waiter });
    }

    /// Anything may be said of any connection, in whatever state it is.
    fn step_on_connection(&mut self) {
        let conns: Vec<ConnId> = self.conns.keys().copied().collect();
        if conns.is_empty() {
            return;
        }
        let conn = self.pick(&conns);
        let ok = self.chance(50);
        let input = match self.below(13) {
            0..=1 => Input::Dirty { conn },
            2 => Input::Transaction { conn, open: ok },
            // Nothing runs yet that could be cancelled.
            3..=4 if self.claims.contains_key(&conn) => Input::Dirty { conn },
            3..=4 => {
                let settled = self.now + self.below(20) * MILLISECOND;
                self.events.push((settled, Input::Settled { conn }));
                Input::Hold { conn }
            }
            5 => Input::Retire { conn },
            6..=7 => Input::Died { conn },
            8 => Input::Connected { conn },
            9 => Input::Validated { conn, ok },
            10 => Input::ResetDone { conn, ok },
            11 => Input::Misplaced { conn },
            _ => Input::Closed { conn },
        };
        self.send(input);
    }

    /// [7] What is said of a lease or connection that is gone changes nothing at all.
    fn step_stale(&mut self) {
        self.send(Input::Tick);
        let before = self.stats();
        let known: Vec<Lease> = self.stale.clone();
        let nobody = Lease { slot: 3, generation: u32::MAX };
        let lease = if known.is_empty() { nobody } else { self.pick(&known) };
        self.send(Input::Release { lease, fate: Fate::Return });
        self.send(Input::Recall { lease });
        let serial = self.serial_last + 1;
        let conn = ConnId { slot: self.below(9) as u32, serial };
        let inputs = [
            Input::StatementDone { conn },
            Input::Dirty { conn },
            Input::Transaction { conn, open: true },
            Input::Hold { conn },
            Input::Retire { conn },
            Input::Misplaced { conn },
            Input::Died { conn },
            Input::Closed { conn },
            Input::ConnectFailed { conn, failure: ConnectFailure::Fatal },
            Input::Resize { min: 2, max: 1 },
            Input::Cancel { waiter: WaiterId(0) },
        ];
        for input in inputs {
            self.send(input);
            assert!(self.last.is_empty(), "[7] {:?} had effects: {:?}", self.input, self.last);
            assert_eq!(before, self.stats(), "[7] {:?} changed something", self.input);
        }
        assert_eq!(self.pool.lease_conn(lease), None);
    }

    fn step_rare(&mut self) {
        match self.below(8) {
            0..=1 => self.send(Input::Warm),
            2 => self.send(Input::Clear),
            3..=4 => {
                let max = 1 + self.below(6) as u32;
                let min = self.below(u64::from(max) + 1) as u32;
                self.send(Input::Resize { min, max });
            }
            5 => self.jump_a_day(),
            _ => self.send(Input::Tick),
        }
    }

    /// [18] However much is overdue, each waiter and each connection is dealt with once.
    fn jump_a_day(&mut self) {
        let concerned = self.queue.len() + 3 * self.conns.len() + self.max as usize;
        self.sleep(DAY);
        self.send(Input::Tick);
        assert!(self.last.len() <= concerned, "[18] a storm of {} effects", self.last.len());
        let next = self.pool.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "the timer stands still");
    }

    /// The faults end and everybody gives back: all are served, and `min` is there again.
    fn heal(&mut self) {
        let failure = ConnectFailure::Transient;
        self.gates = Gates { connect: Gate::Ok, validate: Gate::Ok, reset: Gate::Ok, failure };
        self.run(2 * DRIVER_BOUND);
        self.settle_all();
        for round in 0.. {
            self.free_all();
            if self.queue.is_empty() && self.leases.is_empty() {
                break;
            }
            assert!(round < 200, "[5] {} waiters are never served", self.queue.len());
            self.run(50 * MILLISECOND);
        }
        let waiter = self.ask(Want::Lease, 0, Some(30 * SECOND));
        self.run(10 * SECOND);
        let Outcome::Lease(lease, _) = self.outcome(waiter) else {
            let full = Outcome::Rejected(RejectReason::QueueFull);
            assert_eq!(self.outcome(waiter), full, "a healed pool serves");
            return;
        };
        self.give_back(lease);
        for round in 0.. {
            let stats = self.stats();
            let open = stats.total - stats.closing - stats.opening;
            if open >= self.min || !self.owes_min() {
                break;
            }
            assert!(round < 50, "[16] {open} of {} are up", self.min);
            self.run(MILLISECOND);
        }
    }

    fn settle_all(&mut self) {
        for conn in self.conns.keys().copied().collect::<Vec<_>>() {
            self.send(Input::Settled { conn });
        }
    }

    fn free_all(&mut self) {
        while let Some((lease, _)) = self.leases.first_key_value() {
            self.give_back(*lease);
        }
        for conn in self.conns.keys().copied().collect::<Vec<_>>() {
            while self.conns.get(&conn).is_some_and(|view| view.phase == Phase::Shared) {
                self.done(conn);
            }
        }
    }

    /// [13] [4] Close ends by its deadline, with whatever is out then, and everybody has settled.
    fn end(&mut self) {
        for _ in 0..self.below(20) {
            self.step();
        }
        let deadline = self.now + self.below(2000) * MILLISECOND;
        self.send(Input::Close { deadline: Some(deadline) });
        let late = self.acquire();
        self.assert_rejected(late, RejectReason::Closed);
        self.run_until(self.now.max(deadline) + 10 * MILLISECOND);
        assert!(self.closed_told && self.conns.is_empty(), "[13] not closed by its deadline");
        assert_eq!(self.pool.poll_timeout(), None);
        assert!(self.outcomes.values().all(|outcome| *outcome != Outcome::Waits), "[4] lost");
        let told = self.pool.closed && self.closed_told;
        self.send(Input::Tick);
        assert!(told && self.last.is_empty());
    }
}
