//! The driver performs what the cores ask for. It alone turns Effects into I/O.
//!
//! Everything runs on the engine's thread in turns: a turn starts with messages, a timer or bytes
//! from a socket, feeds the cores, performs their effects until none is left, and ends by writing
//! what sessions have to send and handing links what they have to hear.

mod connection;
mod copy;
mod failover;
mod interrupt;
mod left;
mod lifecycle;
mod password;
mod settle;
mod sharing;
mod split;
mod submit;
mod timeout;
mod transports;

use super::bridge::Port;
use super::error::EngineError;
use super::link::{Link, Links};
use super::pool::PoolShared;
use super::replies::{Finished, Names, Notification, talk};
use super::request::{Request, Requests, Token};
use super::runtime::{Message, Runtime, SharedDriver};
use super::session::{Protocol, Statement};
use crate::core::message::{ConnId, Effect, Input, RejectReason, Time, WaiterId};
use crate::wire::record;
use connection::{Conn, Slot};
use serde_json::json;
use sharing::Leaving;
use split::Standing;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
pub use submit::NUMBERS;

/// Marks the number of a waiter that is a lease asked for by JavaScript: link, then request.
const LEASE_WAITER: u64 = 1 << 63;

/// The waiter's number for a lease that `request` of `link` asks for.
pub fn lease_waiter(link: u32, request: i32) -> WaiterId {
    WaiterId(LEASE_WAITER | u64::from(link) << 32 | u64::from(request as u32))
}

/// Whose lease a waiter's number stands for; `None` for the driver's own statements.
pub fn lease_origin(waiter: WaiterId) -> Option<(u32, i32)> {
    let number = waiter.0;
    (number & LEASE_WAITER != 0).then_some(((number >> 32) as u32 & 0x7fff_ffff, number as i32))
}

pub struct Driver {
    runtime: Arc<Runtime>,
    me: Weak<RefCell<Driver>>,
    /// Wakes the main task, which owns the timer.
    pub main: Option<Waker>,
    /// When the timer fires.
    pub armed: Option<Time>,
    now: Time,
    links: Links,
    pools: BTreeMap<u32, Box<PoolState>>,
    requests: Requests,
    names: Names,
    finished: Vec<Finished>,
    talking: Vec<u32>,
    notices: Vec<EngineError>,
    parameters: Vec<(String, String)>,
    notifications: Vec<Notification>,
    effects: VecDeque<(u32, Effect)>,
    scratch: Vec<Effect>,
    /// Connections with bytes to write: pool and slot.
    writing: VecDeque<(u32, u32)>,
    /// Statement timeouts and the driver's own.
    deadlines: BTreeSet<(Time, Token)>,
    statements: Interner,
    flusher: Option<Waker>,
    /// Requests that ended since links were flushed.
    answered: usize,
    /// Transports that JavaScript makes.
    port: Rc<Port>,
    /// Threads that detach from pools that others go on using.
    leaving: Vec<Leaving>,
}

/// One statement per text, protocol and process, so that threads share prepared statements.
#[derive(Default)]
struct Interner {
    by_text: [HashMap<Box<str>, Rc<dyn Statement>>; Protocol::COUNT],
    next: u32,
}

/// From so many requests under way, answers are collected for a moment before JavaScript is woken.
const SATURATED: usize = 16;

/// Lets more answers arrive: bigger batches cost both threads and the servers on this machine
/// less (a third more queries per second with 65 workers, `benches/node` row `point`). The thread
/// sleeps, since Tokio's timer has a grain of a millisecond; the system's timer slack makes it
/// about 55 us on Linux.
async fn coalesce() {
    if cfg!(unix) {
        std::thread::sleep(std::time::Duration::from_micros(2));
    }
    // Resumes after the sockets were looked at once more.
    tokio::task::yield_now().await;
}

/// A burst is collected for at most so many microseconds, or one moment where that took longer: on
/// a busy machine whoever sleeps comes back late.
const COLLECTING: Time = 200;

/// Goes on while each moment brings more answers, until half of the requests have theirs: a wake
/// and the submission it leads to cost JavaScript's thread as much as some ten statements.
async fn collect(driver: &Weak<RefCell<Driver>>) {
    let mut before = None;
    let mut until = Time::MAX;
    loop {
        let Some((now, answered, left)) = driver.upgrade().map(|it| it.borrow().progress()) else {
            return;
        };
        if before == Some(answered) || answered >= left || now >= until {
            return;
        }
        if before.replace(answered).is_none() {
            until = now.saturating_add(COLLECTING);
        }
        coalesce().await;
    }
}

/// Above this many texts, those that no link knows any more are dropped.
const STATEMENTS: usize = 4096;

impl Interner {
    fn get(
        &mut self,
        protocol: Protocol,
        text: &str,
        name: Option<&str>,
        make: impl FnOnce(u32) -> Rc<dyn Statement>,
    ) -> Rc<dyn Statement> {
        // Under a name of its own it is one link's.
        let unnamed = name.is_none();
        let by_text = &mut self.by_text[protocol as usize];
        if let Some(statement) = by_text.get(text).filter(|_| unnamed) {
            return statement.clone();
        }
        if by_text.len() >= STATEMENTS {
            by_text.retain(|_, statement| Rc::strong_count(statement) > 1);
        }
        self.next = self.next.wrapping_add(1);
        let statement = make(self.next);
        if unnamed {
            by_text.insert(text.into(), statement.clone());
        }
        statement
    }
}

/// What the driver keeps for one pool.
struct PoolState {
    shared: Arc<PoolShared>,
    slots: Vec<Slot>,
    /// Requests for WARM and CLOSE: link and number.
    warming: Vec<(u32, i32)>,
    closing: Vec<(u32, i32)>,
    /// Deadlines of its goodbyes.
    farewells: Vec<Token>,
    /// Its core was told to close.
    ending: bool,
    last_error: Option<EngineError>,
    /// Connections of a later pool of the same name, which open when this one is gone.
    successors: Vec<(u32, ConnId)>,
    /// Of a pool of replicas.
    standing: Standing,
    /// Bytes of the parameters of statements that wait for a connection.
    waiting_bytes: usize,
}

/// Statements that wait for the one wire they all share may hold so many bytes together: there may
/// be any number of them while the server is away.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

impl Driver {
    pub fn new(runtime: Arc<Runtime>) -> SharedDriver {
        let driver = Rc::new_cyclic(|me| {
            RefCell::new(Driver {
                runtime,
                me: me.clone(),
                main: None,
                armed: None,
                now: 0,
                links: Links::default(),
                pools: BTreeMap::new(),
                requests: Requests::default(),
                names: Names::default(),
                finished: Vec::new(),
                talking: Vec::new(),
                notices: Vec::new(),
                parameters: Vec::new(),
                notifications: Vec::new(),
                effects: VecDeque::new(),
                scratch: Vec::new(),
                writing: VecDeque::new(),
                deadlines: BTreeSet::new(),
                statements: Interner::default(),
                flusher: None,
                answered: 0,
                port: Rc::default(),
                leaving: Vec::new(),
            })
        });
        driver.borrow().start_flusher();
        driver.borrow().start_carrier();
        driver
    }

    /// Links are flushed by a task of its own: woken by the first connection of a burst, it runs
    /// after all the others that were ready, so that JavaScript is woken once.
    fn start_flusher(&self) {
        let me = self.me.clone();
        tokio::task::spawn_local(async move {
            loop {
                let turn = poll_fn(|cx| match me.upgrade() {
                    Some(driver) => driver.borrow_mut().poll_flusher(cx),
                    None => Poll::Ready(None),
                });
                let Some(saturated) = turn.await else { return };
                if saturated {
                    collect(&me).await;
                }
                if let Some(driver) = me.upgrade() {
                    let flush = || driver.borrow_mut().flush_links();
                    // A panic loses this burst; the flusher itself must go on.
                    let _ = catch_unwind(AssertUnwindSafe(flush));
                }
            }
        });
    }

    /// Ready when a link has something to hear: whether the engine is saturated.
    fn poll_flusher(&mut self, cx: &mut Context<'_>) -> Poll<Option<bool>> {
        if !self.flusher.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.flusher = Some(cx.waker().clone());
        }
        if self.talking.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(Some(self.requests.count() >= SATURATED))
    }

    /// The time, requests answered since JavaScript was last woken, and those that are left.
    fn progress(&self) -> (Time, usize, usize) {
        (self.runtime.clock.now(), self.answered, self.requests.count())
    }

    fn flush_links(&mut self) {
        self.answered = 0;
        self.runtime.told();
        while let Some(id) = self.talking.pop() {
            if let Some(link) = self.links.get(id) {
                link.queued = false;
                link.flush();
            }
        }
    }

    pub fn handle_messages(&mut self, messages: &mut Vec<Message>) {
        self.now = self.runtime.clock.now();
        for message in messages.drain(..) {
            // A panic in here is a bug; it must cost its request, not the host process.
            if catch_unwind(AssertUnwindSafe(|| self.handle_message(message))).is_err() {
                self.finished.clear();
            }
        }
    }

    fn handle_message(&mut self, message: Message) {
        match message {
            Message::OpenLink(shared) => self.links.insert(Link::new(shared)),
            Message::CloseLink(link) => self.close_link(link),
            Message::OpenPool(shared) => self.open_pool(shared),
            Message::Submission { link, words } => {
                self.submit(link, &words);
                self.runtime.recycle(words);
            }
            Message::Effects { pool, effects } => {
                self.effects.extend(effects.into_iter().map(|effect| (pool, effect)));
                self.perform_all();
            }
            Message::Drained(link) => self.resume_link(link),
            Message::WriteOut(_written) => self.end_turn(),
        }
    }

    fn open_pool(&mut self, shared: Arc<PoolShared>) {
        let id = shared.id;
        let state = PoolState {
            shared,
            slots: Vec::new(),
            warming: Vec::new(),
            closing: Vec::new(),
            farewells: Vec::new(),
            ending: false,
            last_error: None,
            successors: Vec::new(),
            standing: Standing::default(),
            waiting_bytes: 0,
        };
        self.pools.insert(id, Box::new(state));
    }

    fn pool(&mut self, id: u32) -> Option<&mut PoolState> {
        self.pools.get_mut(&id).map(|state| &mut **state)
    }

    fn pool_ids(&self) -> Vec<u32> {
        self.pools.keys().copied().collect()
    }

    /// Takes a request out, and its deadline with it.
    fn forget_request(&mut self, token: Token) -> Option<Request> {
        let request = self.requests.remove(token)?;
        self.answered += 1;
        if let Some(at) = request.deadline {
            self.deadlines.remove(&(at, token));
        }
        Some(request)
    }

    /// Cuts a request short after so many microseconds.
    fn limit(&mut self, token: Token, after: Time) {
        let at = self.now.saturating_add(after);
        if let Some(request) = self.requests.get(token) {
            request.deadline = Some(at);
            self.deadlines.insert((at, token));
        }
    }

    /// Tells a pool's core one thing; what it asks for is queued.
    fn tell(&mut self, pool: u32, input: Input) {
        let now = self.now;
        let Some(state) = self.pools.get(&pool) else { return };
        state.shared.handle(now, input, &mut self.scratch);
        for effect in self.scratch.drain(..) {
            self.effects.push_back((pool, effect));
        }
    }

    fn perform_all(&mut self) {
        while let Some((pool, effect)) = self.effects.pop_front() {
            self.perform(pool, effect);
        }
    }

    fn perform(&mut self, pool: u32, effect: Effect) {
        match effect {
            Effect::Connect { conn } => self.connect(pool, conn),
            Effect::Validate { conn } => self.validate(pool, conn),
            Effect::Reset { conn } => self.reset(pool, conn),
            Effect::Close { conn, why } => self.close_conn(pool, conn, why),
            Effect::GrantStatement { waiter, conn, .. } => {
                self.note_waited(pool, waiter.0);
                self.start(waiter.0, conn, None);
            }
            Effect::GrantLease { waiter, lease, .. } => self.grant(pool, waiter, lease),
            Effect::Reject { waiter, why, waited } => self.reject(pool, waiter, why, waited),
            Effect::Leak { lease, conn, held } => {
                let process = self.live(pool, conn).map(|conn| conn.session.process_id());
                let event = json!({ "type": "leak", "slot": lease.slot,
                    "generation": lease.generation, "connection": conn.serial,
                    "processId": process, "heldMs": held / 1000 });
                match self.holder(pool, conn) {
                    Some(link) => self.event_to(link, pool, &event),
                    None => self.event(pool, &event),
                }
            }
            // Only its holder knows that lease.
            Effect::Revoke { lease, .. } => {
                let event = json!({ "type": "revoke", "slot": lease.slot,
                    "generation": lease.generation });
                self.event(pool, &event);
            }
            Effect::PoolClosed => self.pool_closed(pool),
        }
    }

    fn grant(&mut self, pool: u32, waiter: WaiterId, lease: crate::core::message::Lease) {
        let Some((id, request)) = lease_origin(waiter) else { return };
        match self.links.get(id) {
            Some(link) => {
                let generation = lease.generation as i32;
                link.record(&[record::GRANT, request, lease.slot as i32, generation]);
                talk(link, &mut self.talking);
            }
            // Its thread ended while the grant was on its way.
            None => {
                let fate = crate::core::message::Fate::Return;
                self.tell(pool, Input::Release { lease, fate });
            }
        }
    }

    fn reject(&mut self, pool: u32, waiter: WaiterId, why: RejectReason, waited: Time) {
        let origin = lease_origin(waiter);
        if origin.is_none() {
            self.note_waited(pool, waiter.0);
        }
        if origin.is_none() && self.is_taken_over(waiter, why) {
            return;
        }
        let leaves = origin.is_some_and(|(link, _)| self.is_leaving(pool, link));
        let why = match why {
            RejectReason::Aborted if leaves => RejectReason::Closed,
            why => why,
        };
        let error = self.rejection(pool, why, waited);
        match origin {
            Some(origin) => self.fail(origin, &error),
            None => self.settle_with(waiter.0, error),
        }
    }

    /// A statement waits no more.
    fn note_waited(&mut self, pool: u32, token: Token) {
        let Some(request) = self.requests.get(token) else { return };
        let bytes = request.params.get().size();
        if let Some(state) = self.pools.get_mut(&pool) {
            state.waiting_bytes = state.waiting_bytes.saturating_sub(bytes);
        }
    }

    /// The error of a waiter that got nothing.
    fn rejection(&mut self, pool: u32, why: RejectReason, waited: Time) -> EngineError {
        let Some(state) = self.pool(pool) else { return closed() };
        match why {
            RejectReason::Timeout => self.timed_out(pool, waited),
            RejectReason::Aborted => EngineError::new("ERR_POLYPOOL_ABORTED", "aborted"),
            RejectReason::QueueFull => {
                let name = state.shared.options.name.clone().unwrap_or_default();
                let load = crate::engine::timeout::load(&state.shared.lock().core.stats());
                let text = format!("pool '{name}': too many requests wait ({load})");
                EngineError::new("ERR_POLYPOOL_QUEUE_FULL", text)
            }
            RejectReason::Closed => closed(),
            RejectReason::ConnectFailed => state.last_error.clone().unwrap_or_else(|| {
                EngineError::new("ERR_POLYPOOL_CONNECT", "the connection could not be made")
            }),
        }
    }

    /// Settles a number of a link that has no request behind it (leases, WARM, CLOSE).
    fn fail(&mut self, (id, request): (u32, i32), error: &EngineError) {
        if let Some(link) = self.links.get(id) {
            link.record_with_bytes(&[record::FAIL, request], &error.to_bytes());
            talk(link, &mut self.talking);
        }
    }

    fn ok(&mut self, (id, request): (u32, i32)) {
        if let Some(link) = self.links.get(id) {
            link.record(&[record::OK, request]);
            talk(link, &mut self.talking);
        }
    }

    pub fn poll_timeout(&self) -> Option<Time> {
        let cores = self.pools.values().map(|pool| pool.shared.alarm.load(Ordering::SeqCst)).min();
        let own = self.deadlines.first().map(|(at, _)| *at);
        let next = cores.unwrap_or(Time::MAX).min(own.unwrap_or(Time::MAX));
        (next != Time::MAX).then_some(next)
    }

    pub fn handle_timeout(&mut self) {
        self.now = self.runtime.clock.now();
        while let Some((at, token)) = self.deadlines.first().copied() {
            if at > self.now {
                break;
            }
            self.deadlines.pop_first();
            self.expire(token, at);
        }
        for pool in self.pool_ids() {
            let Some(state) = self.pool(pool) else { continue };
            let shared = state.shared.clone();
            if shared.alarm.load(Ordering::SeqCst) <= self.now {
                shared.disarm();
                self.tell(pool, Input::Tick);
            }
        }
        self.perform_all();
    }

    /// Ends a turn: nothing is left to perform, written bytes are out, links know what they must.
    pub fn end_turn(&mut self) {
        self.perform_all();
        if !self.leaving.is_empty() {
            self.check_leaving();
        }
        self.write_all();
        if !self.talking.is_empty()
            && let Some(flusher) = &self.flusher
        {
            flusher.wake_by_ref();
        }
        let next = self.poll_timeout();
        if next.is_some_and(|next| self.armed.is_none_or(|armed| next < armed))
            && let Some(main) = &self.main
        {
            main.wake_by_ref();
        }
    }
}

fn closed() -> EngineError {
    EngineError::new("ERR_POLYPOOL_CLOSED", "the pool is closed")
}

#[cfg(test)]
mod tests;

impl PoolState {
    fn conn(&mut self, slot: u32) -> Option<&mut Conn> {
        self.slots.get_mut(slot as usize)?.conn()
    }
}
