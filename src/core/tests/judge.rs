//! The naive model, effects: which ones the books allow, and what must hold once the pool is quiet.
//! Numbers in brackets are the invariants of the design.

use super::world::*;
use crate::core::options::{IdleOrder, MinPolicy, Reset, Validate};
use crate::core::*;

impl World {
    pub fn judge(&mut self, effect: &Effect) {
        match *effect {
            Effect::Connect { conn } => self.judge_connect(conn),
            Effect::Validate { conn } => {
                assert!(self.pool.options().validate != Validate::Never);
                assert!(self.line().count() > 0, "validated for nobody");
                self.occupy(conn, Phase::Validating);
                let validating = self.conns.values().filter(|v| v.phase == Phase::Validating);
                assert!(validating.count() <= self.line().count(), "more validated than wanted");
            }
            Effect::Reset { conn } => {
                let view = &self.conns[&conn];
                assert!(view.is_dirty() && self.pool.options().reset != Reset::Never);
                self.occupy(conn, Phase::Resetting);
            }
            Effect::Close { conn, why } => self.judge_close(conn, why),
            Effect::GrantLease { waiter, lease, conn, waited } => {
                let want = self.judge_grant(waiter, conn, waited);
                assert_eq!(want, Want::Lease);
                let generation = self.generations.insert(conn.slot, lease.generation);
                assert!(generation.is_none_or(|last| last < lease.generation), "[3] monotonic");
                assert_eq!(lease.slot, conn.slot);
                assert_eq!(self.pool.lease_conn(lease), Some(conn));
                self.occupy(conn, Phase::Leased);
                self.leases.insert(lease, (conn, self.now));
                self.outcomes.insert(waiter, Outcome::Lease(lease, conn));
            }
            Effect::GrantStatement { waiter, conn, waited } => {
                match self.judge_grant(waiter, conn, waited) {
                    Want::Lease => panic!("a statement for who wanted a lease"),
                    Want::Alone => self.start_statement(conn, true, true),
                    Want::Share { write } => self.start_statement(conn, write, false),
                }
                self.outcomes.insert(waiter, Outcome::Statement(conn));
            }
            Effect::Reject { waiter, why, waited } => self.judge_reject(waiter, why, waited),
            Effect::Leak { lease, conn, held } => {
                let (leased, since) = self.leases[&lease];
                assert_eq!((leased, self.now - since), (conn, held));
                assert!(held >= self.pool.options().leak_detection.unwrap());
                assert!(self.leaks.insert(lease), "reported once");
            }
            Effect::Revoke { lease, conn } => {
                let (leased, since) = self.leases[&lease];
                assert_eq!(leased, conn);
                let expired =
                    self.pool.options().max_lease.is_some_and(|most| self.now - since >= most);
                let recalled = self.input == Input::Recall { lease };
                let why = if expired && !self.is_overdue() && !recalled {
                    CloseReason::LeaseExpired
                } else {
                    assert!(self.is_overdue() || recalled, "[11] revoked without cause");
                    CloseReason::PoolClosed
                };
                self.write_off_view(conn);
                self.conns.get_mut(&conn).unwrap().phase = Phase::Doomed(why);
            }
            Effect::PoolClosed => {
                assert!(self.close.is_some() && !self.closed_told);
                assert_eq!(self.taken(), 0);
                self.closed_told = true;
            }
        }
    }

    /// [13] The deadline of `Close` has passed.
    fn is_overdue(&self) -> bool {
        self.close.flatten().is_some_and(|deadline| deadline <= self.now)
    }

    fn judge_connect(&mut self, conn: ConnId) {
        assert!(self.close.is_none(), "connects while closing");
        assert!(
            !self.failed_now || self.pool.options().own_connects,
            "[15] a retry without a pause"
        );
        assert!(conn.serial > self.serial_last, "[3] serials are monotonic");
        assert!(self.conns.keys().all(|other| other.slot != conn.slot), "[3] slot in use");
        self.serial_last = conn.serial;
        self.attempts += 1;
        let view = View {
            phase: Phase::Connecting,
            since: self.now,
            opened: None,
            epoch: self.epoch,
            born: self.now,
            uses: 0,
            dirty: false,
            in_transaction: false,
            held: false,
            retired: false,
            fresh: false,
            alone: false,
            writes: Default::default(),
            busy_since: 0,
        };
        self.conns.insert(conn, view);
        let newcomer = self.judge_claim(conn);
        // What is being closed counts for those in line, until something is gone.
        let gone = self.failed_now || matches!(self.input, Input::Closed { .. });
        let taken = if newcomer || gone { self.taken() } else { self.conns.len() };
        assert!(taken <= self.max as usize, "[1] more than max");
    }

    /// A connection is opened for whoever has just come, or for the head of the line. True: for the
    /// former, whose deadline is the connect's from now on.
    fn judge_claim(&mut self, conn: ConnId) -> bool {
        let Some(claimant) = self.pool.slots[conn.slot as usize].claimant else { return false };
        assert!(self.pool.options().own_connects);
        assert!(self.line().any(|waiting| waiting.id == claimant), "two are opened for one");
        let newcomer = matches!(self.input, Input::Acquire { waiter: new, .. } if new == claimant);
        let head = self.line().min_by_key(|waiting| waiting.class).map(|head| head.id);
        assert!(newcomer || head == Some(claimant), "[6] opened for somebody in the middle");
        self.claims.insert(conn, claimant);
        let waiting = self.queue.iter_mut().find(|waiting| waiting.id == claimant);
        if let Some(waiting) = waiting.filter(|_| newcomer) {
            waiting.deadline = None;
        }
        newcomer
    }

    /// What counts against `max` for whoever comes now.
    fn taken(&self) -> usize {
        let own = self.pool.options().own_connects;
        self.conns.values().filter(|view| !own || view.phase != Phase::Closing).count()
    }

    /// A free connection that is fit to be handed out, validated or reset is taken.
    fn occupy(&mut self, conn: ConnId, phase: Phase) {
        let now = self.now;
        let view = self.conns.get_mut(&conn).unwrap();
        assert_eq!(view.phase, Phase::Free, "{conn:?} is not free");
        assert!(!view.held, "[9] a cancel is under way on {conn:?}");
        view.phase = phase;
        view.since = now;
        view.uses += u64::from(phase == Phase::Leased);
    }

    fn start_statement(&mut self, conn: ConnId, write: bool, alone: bool) {
        if self.conns[&conn].phase == Phase::Free {
            self.occupy(conn, Phase::Shared);
            self.conns.get_mut(&conn).unwrap().busy_since = self.now;
        } else {
            assert!(!alone, "alone on a wire in use");
            self.judge_share(conn, write);
        }
        let view = self.conns.get_mut(&conn).unwrap();
        view.alone = alone;
        view.uses += 1;
        view.writes.push_back(write);
    }

    fn judge_share(&self, conn: ConnId, write: bool) {
        let view = &self.conns[&conn];
        let options = self.pool.options();
        assert!(view.phase == Phase::Shared && options.pipeline, "not to be shared");
        assert!(!view.alone && !view.held, "behind a statement that is alone or cancelled");
        assert!(view.writes.len() < options.share_depth as usize, "too deep");
        assert!(self.now - view.busy_since < options.share_patience, "behind a slow one");
        let apart = self.leases.is_empty() || options.one_wire;
        assert!(apart || !write, "a write shares while a lease is out");
        assert!(apart || !view.writes.contains(&true), "a read behind a write");
        let paused = !options.own_connects && self.pool.backoff.is_pausing(self.now);
        let grown = self.conns.len() >= self.max as usize || paused;
        assert!(grown || options.one_wire, "shares before it grows");
    }

    /// [6] Granted are heads only; [8] waiters only; [9] [11] [12] fit connections only.
    fn judge_grant(&mut self, waiter: WaiterId, conn: ConnId, waited: Time) -> Want {
        let claimed = self.claims.get(&conn) == Some(&waiter);
        let mut first = self.queue.iter().filter(|waiting| claimed && waiting.id == waiter);
        let head = first.next().or(self.head_beside(waiter));
        let head = *head.expect("somebody waits");
        assert_eq!(head.id, waiter, "[6] overtaken");
        let direct = matches!(self.input, Input::Acquire { waiter: new, .. } if new == waiter);
        assert!(direct || head.deadline.is_none_or(|deadline| deadline > self.now), "[8] late");
        assert_eq!(waited, self.now - head.since);
        self.queue.retain(|waiting| waiting.id != waiter);
        self.books.granted += 1;
        if claimed {
            self.claims.remove(&conn);
            assert!(self.conns[&conn].fresh, "opened for this waiter, but lent before");
            return head.want;
        }

        let (view, options) = (&self.conns[&conn], self.pool.options());
        assert!(self.close.is_none() && !view.retired && view.epoch == self.epoch, "[12]");
        assert!(!view.is_dirty() || options.reset == Reset::Never, "[9] dirty");
        assert!(options.max_uses.is_none_or(|most| view.uses < most), "used up");
        let age = self.now - view.opened.unwrap();
        assert!(options.max_lifetime.is_none_or(|most| age < most), "[11] expired");
        if view.phase == Phase::Free && !view.fresh {
            let idle = self.now - view.since;
            match options.validate {
                Validate::Never => {}
                Validate::Always => panic!("granted without validation"),
                _ => assert!(idle < options.validate_after_idle, "granted without validation"),
            }
            if !options.one_wire {
                self.judge_idle_order(view);
            }
        }
        if view.phase != Phase::Free {
            let free = |view: &View| view.phase == Phase::Free && !view.held;
            let wide = self.pool.stats().shared >= options.share_width;
            let spread = wide || options.one_wire;
            assert!(spread || !self.conns.values().any(free), "shares beside a free connection");
        }
        head.want
    }

    /// The first in line, where those who share have a line of their own: of that of this waiter.
    fn head_beside(&self, waiter: WaiterId) -> Option<&Waiting> {
        let shares = |waiting: &Waiting| matches!(waiting.want, Want::Share { .. });
        let lines = self.pool.options().one_wire;
        let mine = self.line().find(|waiting| waiting.id == waiter).map(shares);
        let same = |waiting: &&Waiting| !lines || Some(shares(waiting)) == mine;
        let urgency = |waiting: &&Waiting| match lines && shares(waiting) {
            true => 0,
            false => waiting.class,
        };
        self.line().filter(same).min_by_key(urgency)
    }

    /// All that shares is on one wire, and of several connections one is left for it.
    fn judge_wire(&self) {
        let statements = self.conns.values().filter(|view| view.phase == Phase::Shared);
        let (alone, shared): (Vec<_>, Vec<_>) = statements.partition(|view| view.alone);
        assert!(shared.len() <= 1, "two wires are shared");
        let beside = alone.len() + self.leases.len();
        let granted = self.last.iter().any(|effect| match effect {
            Effect::GrantLease { .. } => true,
            Effect::GrantStatement { conn, .. } => self.conns[conn].alone,
            _ => false,
        });
        let left = beside < self.max as usize || self.max == 1;
        assert!(!granted || left, "nothing is left for who shares");
        let waits = self.line().any(|waiting| matches!(waiting.want, Want::Share { .. }));
        let idle = self.stats().idle > 0 && self.stats().validating == 0;
        assert!(!waits || !idle || !shared.is_empty(), "[5] who could share waits");
    }

    fn judge_idle_order(&self, taken: &View) {
        let free = self.conns.values().filter(|view| view.phase == Phase::Free && !view.held);
        let since = free.map(|view| view.since);
        let expected = match self.pool.options().idle_order {
            IdleOrder::Lifo => since.max(),
            IdleOrder::Fifo => since.min(),
        };
        assert_eq!(Some(taken.since), expected, "idle order");
    }

    /// [19] Everybody is rejected for a reason of his own.
    fn judge_reject(&mut self, waiter: WaiterId, why: RejectReason, waited: Time) {
        let index = self.queue.iter().position(|waiting| waiting.id == waiter);
        let waiting = self.queue.remove(index.expect("[4] settles once"));
        let claim = self.claims.iter().find(|(_, claimant)| **claimant == waiter);
        let claim = claim.map(|(conn, _)| *conn);
        self.claims.retain(|_, claimant| *claimant != waiter);
        assert_eq!(waited, self.now - waiting.since);
        let newcomer = matches!(self.input, Input::Acquire { waiter: new, .. } if new == waiter);
        match why {
            RejectReason::Timeout => assert!(waiting.deadline.unwrap() <= self.now),
            RejectReason::Aborted => assert_eq!(self.input, Input::Cancel { waiter }),
            RejectReason::QueueFull => {
                assert!(newcomer && self.pool.options().max_waiting.is_some())
            }
            RejectReason::Closed => {
                assert!(self.close.is_some());
                let late = claim.is_some() && self.is_overdue();
                assert!(newcomer || late || matches!(self.input, Input::Close { .. }));
            }
            RejectReason::ConnectFailed => {
                let (failed, failure) = match self.input {
                    Input::ConnectFailed { conn, failure } => (conn, failure),
                    Input::Died { conn } => (conn, ConnectFailure::Transient),
                    ref other => panic!("no connect failed: {other:?}"),
                };
                assert!(failure == ConnectFailure::Fatal || claim == Some(failed));
            }
        }
        self.books.rejected += 1;
        self.outcomes.insert(waiter, Outcome::Rejected(why));
    }

    /// [11] Every close has its cause, and idle time and lifetime never touch what is in use.
    fn judge_close(&mut self, conn: ConnId, why: CloseReason) {
        let alive = self.conns.values().filter(|view| view.phase != Phase::Closing).count() as u32;
        let (view, options) = (&self.conns[&conn], self.pool.options());
        let in_use = matches!(view.phase, Phase::Leased | Phase::Shared);
        assert!(view.phase != Phase::Closing, "closed twice");
        if view.phase == Phase::Doomed(why) {
            return self.start_closing(conn);
        }
        assert!(!in_use || why == CloseReason::PoolClosed, "{why:?} closes a connection in use");
        match why {
            CloseReason::Idle => {
                assert_eq!(self.input, Input::Tick);
                assert!(self.now - view.since >= options.idle_timeout.unwrap());
                assert!(alive > self.min || options.evict_below_min);
            }
            CloseReason::Lifetime => {
                let lifetime = options.max_lifetime.unwrap();
                let age = self.now - view.opened.unwrap();
                assert!(age >= lifetime - lifetime / 40, "too young to die");
            }
            CloseReason::MaxUses => assert!(view.uses >= options.max_uses.unwrap()),
            CloseReason::Retired => assert!(view.retired),
            CloseReason::Cleared => assert!(view.epoch != self.epoch),
            CloseReason::Resized => assert!(alive > self.max),
            CloseReason::PoolClosed => assert!(self.close.is_some()),
            other => panic!("closed as {other:?} without cause"),
        }
        if in_use {
            assert!(self.is_overdue(), "closed under its user");
            self.write_off_view(conn);
        }
        self.start_closing(conn);
    }

    fn start_closing(&mut self, conn: ConnId) {
        let view = self.conns.get_mut(&conn).unwrap();
        view.phase = Phase::Closing;
    }

    pub fn judge_quiet(&mut self) {
        let stats = self.stats();
        self.judge_counts(&stats);
        self.judge_books(&stats);
        for (conn, view) in &self.conns {
            assert!(!matches!(view.phase, Phase::Doomed(_)), "{conn:?} should be closed");
            if view.phase == Phase::Free {
                let resets = view.is_dirty() && self.pool.options().reset != Reset::Never;
                assert!(!resets || view.held, "[9] {conn:?} is idle and dirty");
                assert!(!view.retired && view.epoch == self.epoch, "[12] {conn:?} is idle");
                assert!(self.close.is_none());
            }
        }
        let late = |waiting: &Waiting| waiting.deadline.is_some_and(|at| at <= self.now);
        assert!(!self.queue.iter().any(late), "[4] waits past its deadline");
        let waiting = self.line().count() as u32;
        if self.pool.options().one_wire {
            self.judge_wire();
        } else {
            let served = stats.idle == 0 || waiting <= stats.validating;
            assert!(served, "[5] a waiter beside an idle one");
            self.judge_unshared_head();
        }
        assert!(waiting == 0 || self.close.is_none(), "[13] waits on a closed pool");
        let footprint = self.pool.waiters.footprint();
        assert!(footprint <= 1024, "[17] {footprint} entries for waiters");
        assert!(!self.is_overdue() || stats.in_use + stats.shared == 0 || !self.ticked());
    }

    fn ticked(&self) -> bool {
        matches!(self.input, Input::Tick | Input::Close { .. })
    }

    /// [5] for statements: whoever is at the head and could join a wire of a full pool has.
    fn judge_unshared_head(&self) {
        let head = self.line().min_by_key(|waiting| waiting.class);
        let Some(Waiting { want: Want::Share { write }, .. }) = head else { return };
        let options = self.pool.options();
        let leased = !self.leases.is_empty();
        let idle = self.stats().idle > 0; // then enough are being validated for all who wait
        if idle || self.conns.len() < self.max as usize || !options.pipeline || (*write && leased) {
            return;
        }
        let alive = self.conns.values().filter(|view| view.phase != Phase::Closing).count();
        for (conn, view) in &self.conns {
            let fit = !view.retired
                && view.epoch == self.epoch
                && alive <= self.max as usize
                && (!view.is_dirty() || options.reset == Reset::Never)
                && options.max_uses.is_none_or(|most| view.uses < most)
                && options.max_lifetime.is_none();
            let joinable = view.phase == Phase::Shared
                && !view.alone
                && !view.held
                && view.writes.len() < options.share_depth as usize
                && self.now - view.busy_since < options.share_patience
                && !(leased && view.writes.contains(&true));
            assert!(!(fit && joinable), "[5] the head could join {conn:?}");
        }
    }

    /// [2] The gauges are what the driver sees.
    fn judge_counts(&self, stats: &Stats) {
        let count =
            |phase: Phase| self.conns.values().filter(|view| view.phase == phase).count() as u32;
        let settling = self.conns.values().filter(|v| v.phase == Phase::Free && v.held).count();
        let in_flight: usize = self.conns.values().map(|view| view.writes.len()).sum();
        let expected = Stats {
            max: self.max,
            min: self.min,
            total: self.conns.len() as u32,
            idle: count(Phase::Free) - settling as u32,
            in_use: count(Phase::Leased),
            shared: count(Phase::Shared),
            opening: count(Phase::Connecting),
            validating: count(Phase::Validating),
            resetting: count(Phase::Resetting) + settling as u32,
            closing: count(Phase::Closing),
            waiting: self.line().count() as u32,
            in_flight: in_flight as u32,
            ..*stats
        };
        assert_eq!(*stats, expected, "[2] after {:?}", self.input);
        assert_eq!(stats.in_use as usize, self.leases.len(), "[3] one lease per connection");
    }

    /// [14] The totals are what the driver counted, so the two sums hold.
    fn judge_books(&self, stats: &Stats) {
        let books = &self.books;
        assert_eq!(stats.requested, books.requested);
        assert_eq!(stats.acquired, books.granted);
        assert_eq!(stats.released, books.released, "[14] after {:?}", self.input);
        assert_eq!(stats.destroyed_leased, books.lost);
        assert_eq!(stats.timeouts + stats.aborts + stats.rejected, books.rejected);
        assert_eq!((stats.created, stats.destroyed), (books.opened, books.destroyed));
        let out = u64::from(stats.in_use + stats.in_flight);
        assert_eq!(stats.acquired, stats.released + stats.destroyed_leased + out);
    }

    /// [16] Whether the pool owes its user `min` open connections.
    pub fn owes_min(&self) -> bool {
        let options = self.pool.options();
        self.close.is_none() && options.min_policy == MinPolicy::Fill && self.books.requested > 0
    }
}
