//! The engine's thread: one per process, a current-thread Tokio runtime and an inbox.

use super::clock::Clock;
use super::driver::Driver;
use super::link::LinkShared;
use super::pool::PoolShared;
use super::spin::{Next, Spin};
use crate::core::message::{Effect, Time};
use once_cell::sync::OnceCell;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// What other threads tell the engine.
pub enum Message {
    OpenLink(Arc<LinkShared>),
    CloseLink(u32),
    OpenPool(Arc<PoolShared>),
    /// The records of one tick of one link.
    Submission {
        link: u32,
        words: Vec<i32>,
    },
    /// What a core asked for while another thread held it.
    Effects {
        pool: u32,
        effects: Vec<Effect>,
    },
    /// A link has room again.
    Drained(u32),
    /// Dropped once all that came before is written, as far as the sockets take it.
    WriteOut(Sender<()>),
}

/// Submission buffers kept for reuse; a longer one goes back to the allocator.
const SPARE_BUFFERS: usize = 16;
const SPARE_WORDS: usize = 64 * 1024;

/// TLS handshakes wait for their peers in there: some that hang must not keep others out.
const BLOCKING_THREADS: usize = 16;

pub struct Runtime {
    inbox: Mutex<Inbox>,
    /// Set while a wake is under way, so that a burst costs one.
    signalled: AtomicBool,
    /// The engine waits, or is about to: only then it has to be woken. Awake, it looks at the inbox
    /// between any two tasks, and once more before it waits.
    asleep: AtomicBool,
    /// This and the two below are the engine's own: they stand here for the hook that it runs before
    /// it waits.
    spin: Mutex<Spin>,
    /// Something was done since the engine last looked for something to do.
    stirred: AtomicBool,
    /// JavaScript was told something since the engine last had something of it.
    told: AtomicBool,
    pub clock: Clock,
}

/// How long the engine looks for something to do before it sleeps, in microseconds, and what sets
/// that: about what a wake takes on a virtual machine.
const SPIN: Time = 200;
const SPIN_MAX: Time = 10_000;
const SPIN_VARIABLE: &str = "POLYPOOL_SPIN_US";

fn spin_limit() -> io::Result<Time> {
    let given = std::env::var(SPIN_VARIABLE).unwrap_or_default();
    let limit = match given.trim() {
        "" => SPIN,
        text => text.parse().ok().filter(|limit| *limit <= SPIN_MAX).ok_or_else(|| {
            let rule = format!("{SPIN_VARIABLE} has to be a number from 0 to {SPIN_MAX}");
            io::Error::new(io::ErrorKind::InvalidInput, rule)
        })?,
    };
    // With a single processor, nobody else could bring what it looks for.
    let alone = std::thread::available_parallelism().is_ok_and(|count| count.get() == 1);
    Ok(if alone { 0 } else { limit })
}

#[derive(Default)]
struct Inbox {
    messages: Vec<Message>,
    spare: Vec<Vec<i32>>,
    waker: Option<Waker>,
}

static RUNTIME: OnceCell<Arc<Runtime>> = OnceCell::new();

impl Runtime {
    /// The process's engine, started at the first use.
    pub fn get() -> io::Result<&'static Arc<Runtime>> {
        RUNTIME.get_or_try_init(Runtime::start)
    }

    pub(super) fn new(spin: Time) -> Arc<Runtime> {
        Arc::new(Runtime {
            inbox: Mutex::default(),
            signalled: AtomicBool::new(false),
            asleep: AtomicBool::new(true),
            spin: Mutex::new(Spin::new(spin)),
            stirred: AtomicBool::new(false),
            told: AtomicBool::new(false),
            clock: Clock::start(),
        })
    }

    fn start() -> io::Result<Arc<Runtime>> {
        let runtime = Runtime::new(spin_limit()?);
        let (before, after) = (runtime.clone(), runtime.clone());
        let tokio = tokio::runtime::Builder::new_current_thread()
            .on_thread_park(move || before.pause())
            .on_thread_unpark(move || after.asleep.store(false, Ordering::SeqCst))
            .enable_io()
            .enable_time()
            .max_blocking_threads(BLOCKING_THREADS)
            .build()?;
        let shared = runtime.clone();
        std::thread::Builder::new().name("polypool".into()).spawn(move || {
            let tasks = tokio::task::LocalSet::new();
            tasks.block_on(&tokio, serve(shared));
        })?;
        Ok(runtime)
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn send(&self, message: Message) {
        let mut inbox = self.inbox();
        inbox.messages.push(message);
        if !self.signalled.swap(true, Ordering::SeqCst)
            && self.asleep.load(Ordering::SeqCst)
            && let Some(waker) = inbox.waker.clone()
        {
            drop(inbox);
            waker.wake();
        }
    }

    /// Something was done: bytes came, or messages.
    pub fn stir(&self) {
        self.stirred.store(true, Ordering::Relaxed);
    }

    /// JavaScript has an answer, and may ask for more.
    pub fn told(&self) {
        self.told.store(true, Ordering::Relaxed);
    }

    /// Called by the engine before it waits: it may have another look instead, at the inbox and the
    /// sockets, after whoever else can run.
    fn pause(&self) {
        let stirred = self.stirred.swap(false, Ordering::Relaxed);
        let next = if self.told.load(Ordering::Relaxed) { Next::Request } else { Next::Answer };
        let mut spin = self.spin.lock().unwrap_or_else(PoisonError::into_inner);
        if spin.goes_on(self.clock.now(), stirred, next)
            && let Some(waker) = self.inbox().waker.clone()
        {
            std::thread::yield_now();
            waker.wake();
        } else {
            self.lie_down();
        }
    }

    /// Who has sent something until now may not have woken the engine.
    fn lie_down(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        if self.signalled.load(Ordering::SeqCst)
            && let Some(waker) = self.inbox().waker.clone()
        {
            waker.wake();
        }
    }

    /// An empty buffer for a submission.
    pub fn buffer(&self) -> Vec<i32> {
        self.inbox().spare.pop().unwrap_or_default()
    }

    pub fn recycle(&self, mut buffer: Vec<i32>) {
        if buffer.capacity() <= SPARE_WORDS {
            buffer.clear();
            let mut inbox = self.inbox();
            if inbox.spare.len() < SPARE_BUFFERS {
                inbox.spare.push(buffer);
            }
        }
    }

    /// Swaps the filled inbox for an empty one.
    fn take(&self, into: &mut Vec<Message>) {
        self.signalled.store(false, Ordering::SeqCst);
        std::mem::swap(&mut self.inbox().messages, into);
    }
}

/// The main task: takes messages and timers, for as long as the process lives.
async fn serve(runtime: Arc<Runtime>) {
    let driver = Driver::new(runtime.clone());
    let mut messages = Vec::new();
    let mut timer = Box::pin(tokio::time::sleep_until(tokio::time::Instant::now()));
    let mut armed = None;
    poll_fn(move |cx| {
        {
            let mut inbox = runtime.inbox();
            if !inbox.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                inbox.waker = Some(cx.waker().clone());
            }
        }
        runtime.take(&mut messages);
        if !messages.is_empty() {
            runtime.stir();
            runtime.told.store(false, Ordering::Relaxed);
        }
        let mut turn = driver.borrow_mut();
        turn.main = Some(cx.waker().clone());
        turn.handle_messages(&mut messages);
        // A timer that fires is polled again at once, so that the new one is registered.
        loop {
            let next = turn.poll_timeout();
            if next != armed {
                armed = next;
                if let Some(at) = next {
                    timer.as_mut().reset(runtime.clock.instant(at));
                }
            }
            if armed.is_none() || timer.as_mut().poll(cx).is_pending() {
                break;
            }
            armed = None;
            turn.handle_timeout();
        }
        turn.armed = armed;
        turn.end_turn();
        Poll::Pending
    })
    .await
}

pub type SharedDriver = Rc<RefCell<Driver>>;

use std::future::Future;
