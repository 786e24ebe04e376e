//! One pool as all threads see it: the core behind a lock, its clock and its histograms.

use super::clock::Clock;
use super::session::Connector;
use crate::core::direct::{Ended, Handed};
use crate::core::message::{ConnId, Effect, Fate, Input, Lease, Time, WaiterId};
use crate::core::options::Options;
use crate::core::pool::Pool;
use crate::wire::record::hook;
use hdrhistogram::Histogram;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a protocol may read of the process: handed in, never looked up.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    pub environment: BTreeMap<String, String>,
    /// The operating system's name for the user.
    pub user: Option<String>,
    /// PEM texts of the certificate authorities that Node trusts.
    pub roots: Arc<Vec<String>>,
    /// An unpooled session that its caller steers: what it sends at its start beside user and
    /// database, instead of what pools send.
    pub startup: Option<Vec<(String, String)>>,
}

/// JavaScript functions that were passed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hooks {
    pub on_connect: bool,
    pub reset: bool,
    /// Option `password` is a function.
    pub password: bool,
    /// Transports are made by JavaScript.
    pub stream: bool,
}

impl Hooks {
    /// Each as the option is called, and whether it was passed.
    pub fn named(&self) -> [(&'static str, i32, bool); 4] {
        [
            ("onConnect", hook::ON_CONNECT, self.on_connect),
            ("reset", hook::RESET, self.reset),
            ("password", hook::PASSWORD, self.password),
            ("stream", hook::STREAM, self.stream),
        ]
    }

    fn has(&self, kind: i32) -> bool {
        self.named().iter().any(|(_, known, passed)| *known == kind && *passed)
    }
}

/// A link that uses the pool, in the order of their coming.
#[derive(Clone, Copy, Debug)]
pub struct Attached {
    pub link: u32,
    /// Node's number for the thread.
    pub thread: u32,
    /// What it passed, and so can run.
    pub hooks: Hooks,
}

/// A pool beside another one that reads for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    #[default]
    Alone,
    Primary {
        replicas: u32,
    },
    Replicas,
}

pub struct PoolShared {
    pub id: u32,
    pub role: Role,
    /// Of a primary: the pool of its replicas.
    pub replicas: Option<Arc<PoolShared>>,
    /// Of a pool of replicas: none can be reached, and reads go to the primary. Changed by the
    /// engine alone, which then tells every link.
    pub away: AtomicBool,
    /// Of whatever is random about this pool.
    pub seed: u64,
    pub clock: Clock,
    pub options: Options,
    /// What the pool was created with: these run for every connection.
    pub hooks: Hooks,
    pub connector: Arc<dyn Connector>,
    /// A pool of the same name that still closes: its connections count until they are gone.
    pub after: Option<u32>,
    /// One link, unless threads share the pool. Changed by `registry` alone.
    attached: Mutex<Vec<Attached>>,
    /// When the engine looks at this core again. Whoever makes the core want an earlier look
    /// lowers it and tells the engine.
    pub alarm: AtomicU64,
    state: Mutex<State>,
}

pub struct State {
    pub core: Pool,
    pub waits: Latency,
    pub uses: Latency,
    pub creates: Latency,
    /// The last connections of each slot.
    identities: Vec<VecDeque<Identity>>,
}

/// Connections of a slot that are remembered for those who hold an old lease of it.
const IDENTITIES: usize = 16;

struct Identity {
    /// Generation of its first lease.
    first_lease: u32,
    serial: u32,
    process: i32,
}

/// Microseconds; made when the first value comes, so that an idle pool stays small.
#[derive(Default)]
pub struct Latency {
    histogram: Option<Histogram<u32>>,
    /// Most waits are none at all: these are counted apart.
    zeros: u64,
}

/// Two significant digits: enough for a percentile, small enough to keep for each pool.
const DIGITS: u8 = 2;

impl Latency {
    pub fn record(&mut self, value: Time) {
        if value == 0 {
            self.zeros += 1;
            return;
        }
        // The histogram grows by itself; it refuses nothing below 2^64.
        let _ = self.histogram.get_or_insert_with(empty).record(value);
    }

    /// Milliseconds.
    fn figures(&self) -> Json {
        let mut histogram = self.histogram.clone().unwrap_or_else(empty);
        let _ = histogram.record_n(0, u32::try_from(self.zeros).unwrap_or(u32::MAX));
        let ms = |us: u64| us as f64 / 1000.0;
        let quantile = |at| ms(histogram.value_at_quantile(at));
        json!({
            "count": histogram.len(),
            "mean": histogram.mean() / 1000.0,
            "p50": quantile(0.5),
            "p99": quantile(0.99),
            "max": ms(histogram.max()),
        })
    }
}

fn empty() -> Histogram<u32> {
    Histogram::new(DIGITS).expect("two digits are in range")
}

impl PoolShared {
    pub fn new(
        id: u32,
        owner: Attached,
        options: Options,
        connector: Arc<dyn Connector>,
        clock: Clock,
        seed: u64,
        after: Option<u32>,
    ) -> Arc<PoolShared> {
        let state = State::new(options.clone(), seed, clock.now());
        let state = Mutex::new(state);
        let alarm = AtomicU64::new(Time::MAX);
        let (hooks, attached) = (owner.hooks, Mutex::new(vec![owner]));
        Arc::new(PoolShared {
            id,
            role: Role::Alone,
            replicas: None,
            away: AtomicBool::new(false),
            seed,
            clock,
            options,
            hooks,
            connector,
            after,
            attached,
            alarm,
            state,
        })
    }

    pub fn attached(&self) -> MutexGuard<'_, Vec<Attached>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every link that uses the pool now.
    pub fn links(&self) -> Vec<u32> {
        self.attached().iter().map(|it| it.link).collect()
    }

    /// The link that runs a hook: the first that passed it and is still there.
    pub fn runner(&self, kind: i32) -> Option<u32> {
        self.attached().iter().find(|it| it.hooks.has(kind)).map(|it| it.link)
    }

    /// A hook without which no connection is complete, and that nobody is left to run.
    pub fn missing_hook(&self) -> Option<&'static str> {
        let wanted = self.hooks.named().into_iter().filter(|(.., passed)| *passed);
        wanted.filter(|(_, kind, _)| self.runner(*kind).is_none()).map(|(name, ..)| name).next()
    }

    /// Threads that use the pool now.
    pub fn threads(&self) -> usize {
        let threads: BTreeSet<u32> = self.attached().iter().map(|it| it.thread).collect();
        threads.len()
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        // The core never panics half way through a transition that others could misread; going on
        // with what it holds is safer than poisoning every caller.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the core one thing and drains what it asks for. True when the core wants to be
    /// looked at earlier than the engine intends to.
    pub fn handle(&self, now: Time, input: Input, effects: &mut Vec<Effect>) -> bool {
        let mut state = self.lock();
        state.handle(now, input, effects);
        self.lower_alarm(&state)
    }

    /// A lease of an idle connection, when it is that simple (`core/direct.rs`).
    pub fn lend_idle(&self, now: Time, waiter: WaiterId) -> Option<Lease> {
        self.lock().lend_idle(now, waiter)
    }

    /// The end of a lease, likewise, and who got the connection. True: as of `handle`.
    pub fn take_back(&self, now: Time, lease: Lease, fate: Fate) -> Option<(Option<Handed>, bool)> {
        let mut state = self.lock();
        let handed = state.take_back(now, lease, fate)?;
        let sooner = handed.is_none() && self.lower_alarm(&state);
        Some((handed, sooner))
    }

    /// Under the lock: alarm and core change together.
    fn lower_alarm(&self, state: &State) -> bool {
        let next = state.core.poll_timeout().unwrap_or(Time::MAX);
        let sooner = next < self.alarm.load(Ordering::SeqCst);
        if sooner {
            self.alarm.store(next, Ordering::SeqCst);
        }
        sooner
    }

    /// The alarm went off: the next `handle` sets it anew.
    pub fn disarm(&self) {
        self.alarm.store(Time::MAX, Ordering::SeqCst);
    }
}

impl State {
    pub fn new(options: Options, seed: u64, now: Time) -> State {
        State {
            core: Pool::new(options, seed, now),
            waits: Latency::default(),
            uses: Latency::default(),
            creates: Latency::default(),
            identities: Vec::new(),
        }
    }

    /// What `stats()` says in every thread.
    pub fn figures(&self, name: Option<&str>) -> Json {
        let stats = self.core.stats();
        json!({
            "name": name,
            "max": stats.max,
            "min": stats.min,
            "total": stats.total,
            "idle": stats.idle,
            "inUse": stats.in_use + stats.shared,
            "connecting": stats.opening,
            "waiting": stats.waiting,
            "acquired": stats.acquired,
            "released": stats.released,
            "created": stats.created,
            "destroyed": stats.destroyed,
            "timeouts": stats.timeouts,
            "errors": stats.connect_failures + stats.destroyed_leased,
            "waitMs": self.waits.figures(),
            "useMs": self.uses.figures(),
            "createMs": self.creates.figures(),
        })
    }

    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        if let Input::Release { lease, .. } = &input {
            self.note_use(now, *lease);
        }
        self.core.handle(now, input);
        while let Some(effect) = self.core.poll_effect() {
            match &effect {
                Effect::GrantLease { waited, .. } | Effect::GrantStatement { waited, .. } => {
                    self.waits.record(*waited);
                }
                _ => {}
            }
            effects.push(effect);
        }
    }

    pub fn lend_idle(&mut self, now: Time, waiter: WaiterId) -> Option<Lease> {
        let lease = self.core.lend_idle(now, waiter)?;
        self.waits.record(0);
        Some(lease)
    }

    pub fn take_back(&mut self, now: Time, lease: Lease, fate: Fate) -> Option<Option<Handed>> {
        let Ended { held, next } = self.core.take_back(now, lease, fate)?;
        self.uses.record(held);
        if let Some(next) = &next {
            self.waits.record(next.waited);
        }
        Some(next)
    }

    /// A connection is there: its number in the pool and the server's for it.
    pub fn note_identity(&mut self, conn: ConnId, process: i32) {
        let at = conn.slot as usize;
        if at >= self.identities.len() {
            self.identities.resize_with(at + 1, VecDeque::new);
        }
        let first_lease = self.core.generation(conn.slot).wrapping_add(1);
        let log = &mut self.identities[at];
        log.push_back(Identity { first_lease, serial: conn.serial, process });
        if log.len() > IDENTITIES {
            log.pop_front();
        }
    }

    /// The connection that a lease of this slot had, also when it is long gone.
    pub fn identity(&self, slot: u32, generation: u32) -> Option<(u32, i32)> {
        let log = self.identities.get(slot as usize)?;
        let found = log.iter().rev().find(|it| it.first_lease <= generation)?;
        Some((found.serial, found.process))
    }

    fn note_use(&mut self, now: Time, lease: Lease) {
        if let Some(since) = self.core.leased_since(lease) {
            self.uses.record(now.saturating_sub(since));
        }
    }
}
