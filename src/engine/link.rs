//! A link: one load of lib/ in one JavaScript environment, seen from both sides.

use super::request::Token;
use super::session::{Protocol, Statement};
use crate::wire::chunk::{CHUNK_TARGET, Chunk};
use crate::wire::record;
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Sockets are not read while more than this waits for JavaScript.
const BACKLOG_LIMIT: usize = 4 * 1024 * 1024;
/// Data of a COPY are handed over in pieces of up to this, unless one message holds more.
const COPY_CHUNK: usize = 64 * 1024;
/// Empty chunks kept for reuse.
const SPARE_CHUNKS: usize = 32;
/// So much of results that are not complete yet waits without waking JavaScript.
const UNTOLD: usize = 128 * 1024;
/// A chunk's buffers are reused up to this size; larger ones go back to the allocator.
const SPARE_WEIGHT: usize = 4 * CHUNK_TARGET;
/// Shapes one link may know before all are forgotten: dynamic column names must not leak.
const SHAPES: usize = 2048;

type Wake = Box<dyn Fn() + Send>;

/// The half both threads hold.
pub struct LinkShared {
    pub id: u32,
    /// Node's number for the link's thread.
    pub thread: u32,
    outbox: Mutex<Outbox>,
    backlog: AtomicUsize,
    /// The engine has stopped reading for this link and wants to hear of a drain.
    stalled: AtomicBool,
    woken: AtomicBool,
    wake: Mutex<Option<Wake>>,
}

#[derive(Default)]
struct Outbox {
    ready: VecDeque<Chunk>,
    spare: Vec<Chunk>,
    /// Nobody will drain any more.
    silent: bool,
}

/// What a drain found.
pub enum Drained {
    Nothing,
    /// The chunk that was taken over, and whether the engine waits for the room it gave.
    Chunk {
        resume: bool,
    },
    /// The next chunk did not fit.
    TooLarge,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Data behind these locks is valid between any two statements, so a panic elsewhere is no harm.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LinkShared {
    pub fn new(id: u32, thread: u32, wake: Wake) -> Arc<LinkShared> {
        Arc::new(LinkShared {
            id,
            thread,
            outbox: Mutex::default(),
            backlog: AtomicUsize::new(0),
            stalled: AtomicBool::new(false),
            woken: AtomicBool::new(false),
            wake: Mutex::new(Some(wake)),
        })
    }

    /// After this the engine never calls into the environment again.
    pub fn silence(&self) {
        lock(&self.wake).take();
        let mut outbox = lock(&self.outbox);
        *outbox = Outbox { silent: true, ..Outbox::default() };
        self.backlog.store(0, Ordering::Relaxed);
    }

    /// Called first by a drain: completions from here on wake JavaScript anew.
    pub fn begin_drain(&self) {
        self.woken.store(false, Ordering::SeqCst);
    }

    /// Hands the next chunk to `take`, which copies it and says whether there was room.
    pub fn drain(&self, take: impl FnOnce(&Chunk) -> bool) -> Drained {
        let Some(mut chunk) = lock(&self.outbox).ready.pop_front() else {
            return Drained::Nothing;
        };
        if !take(&chunk) {
            lock(&self.outbox).ready.push_front(chunk);
            return Drained::TooLarge;
        }
        let weight = chunk.weight();
        let left = self.backlog.fetch_sub(weight, Ordering::SeqCst) - weight;
        let resume = left < BACKLOG_LIMIT / 2 && self.stalled.swap(false, Ordering::SeqCst);
        chunk.clear();
        if weight <= SPARE_WEIGHT {
            let mut outbox = lock(&self.outbox);
            if outbox.spare.len() < SPARE_CHUNKS {
                outbox.spare.push(chunk);
            }
        }
        Drained::Chunk { resume }
    }

    /// Elements of each stream of the next chunk.
    pub fn next_size(&self) -> [usize; 4] {
        lock(&self.outbox).ready.front().map_or([0; 4], Chunk::lengths)
    }

    fn push(&self, chunk: &mut Chunk) {
        let weight = chunk.weight();
        // Before a drain can see the chunk and take its weight off again.
        self.backlog.fetch_add(weight, Ordering::SeqCst);
        let mut outbox = lock(&self.outbox);
        if outbox.silent {
            chunk.clear();
            self.backlog.store(0, Ordering::SeqCst);
            return;
        }
        let spare = outbox.spare.pop().unwrap_or_default();
        outbox.ready.push_back(std::mem::replace(chunk, spare));
    }

    /// Tells JavaScript that there is something to drain.
    fn ring(&self) {
        if !self.woken.swap(true, Ordering::SeqCst)
            && let Some(wake) = &*lock(&self.wake)
        {
            wake();
        }
    }
}

/// A statement as one link numbers it.
pub struct LinkStatement {
    pub text: Rc<str>,
    pub name: Option<Rc<str>>,
    /// Made by the first pool of a protocol that runs it, and for that protocol.
    pub statement: Option<(Protocol, Rc<dyn Statement>)>,
}

/// All links, by number. A vector: looked up for every row.
#[derive(Default)]
pub struct Links(Vec<Option<Box<Link>>>);

impl Links {
    pub fn insert(&mut self, link: Link) {
        let at = link.shared.id as usize;
        if at >= self.0.len() {
            self.0.resize_with(at + 1, || None);
        }
        self.0[at] = Some(Box::new(link));
    }

    pub fn get(&mut self, id: u32) -> Option<&mut Link> {
        self.0.get_mut(id as usize)?.as_deref_mut()
    }

    pub fn remove(&mut self, id: u32) -> Option<Box<Link>> {
        self.0.get_mut(id as usize)?.take()
    }
}

/// The engine's half of a link.
pub struct Link {
    pub shared: Arc<LinkShared>,
    pub chunk: Chunk,
    /// Bytes handed over of which JavaScript was not told.
    untold: usize,
    /// The request whose rows record, or record of COPY data, is open.
    pub rows_of: Option<Token>,
    pub statements: Vec<Option<LinkStatement>>,
    /// Tokens by the request numbers that JavaScript gives.
    requests: Vec<Option<Token>>,
    shapes: HashSet<i32>,
    commands: HashSet<i32>,
    /// Connections that stopped reading until this link drains: pool and slot.
    pub stalled: Vec<(u32, u32)>,
    pub queued: bool,
}

impl Link {
    pub fn new(shared: Arc<LinkShared>) -> Link {
        Link {
            shared,
            chunk: Chunk::default(),
            untold: 0,
            rows_of: None,
            statements: Vec::new(),
            requests: Vec::new(),
            shapes: HashSet::new(),
            commands: HashSet::new(),
            stalled: Vec::new(),
            queued: false,
        }
    }

    pub fn bind(&mut self, request: i32, token: Token) {
        let at = request as usize;
        if at >= self.requests.len() {
            self.requests.resize(at + 1, None);
        }
        self.requests[at] = Some(token);
    }

    pub fn token(&self, request: i32) -> Option<Token> {
        *self.requests.get(usize::try_from(request).ok()?)?
    }

    pub fn unbind(&mut self, request: i32) {
        if let Some(entry) = self.requests.get_mut(request as usize) {
            *entry = None;
        }
    }

    /// Ends an open rows record, so that another record may follow.
    pub fn close_rows(&mut self) {
        if self.rows_of.take().is_some() {
            self.chunk.end_rows();
            self.chunk.end_bytes();
        }
    }

    /// Appends data of a COPY, to the record before if that is its own.
    pub fn copy_data(&mut self, token: Token, request: i32, data: &[u8]) {
        let held = self.chunk.bytes.len();
        if held > 0 && held + data.len() > COPY_CHUNK {
            self.flush();
        }
        if self.rows_of != Some(token) || !self.chunk.extend_bytes(data) {
            self.close_rows();
            self.chunk.begin_bytes(&[record::COPY_OUT, request], data);
            self.rows_of = Some(token);
        }
    }

    pub fn record(&mut self, words: &[i32]) {
        self.close_rows();
        self.chunk.record(words);
    }

    pub fn record_with_bytes(&mut self, words: &[i32], payload: &[u8]) {
        self.close_rows();
        self.chunk.record_with_bytes(words, payload);
    }

    /// Makes sure JavaScript has seen this shape.
    pub fn know_shape(&mut self, shape: i32, describe: impl FnOnce() -> Vec<u8>) {
        if self.shapes.contains(&shape) {
            return;
        }
        if self.shapes.len() >= SHAPES {
            self.shapes.clear();
            self.record(&[record::FORGET_SHAPES]);
        }
        self.shapes.insert(shape);
        self.record_with_bytes(&[record::SHAPE, shape], &describe());
    }

    pub fn know_command(&mut self, code: i32, name: &str) {
        if self.commands.insert(code) {
            self.record_with_bytes(&[record::COMMAND, code], name.as_bytes());
        }
    }

    /// Hands a full chunk over without waiting for the end of the burst. JavaScript need not hear of
    /// each: whoever asked is told of the last one, by `flush`.
    pub fn relieve(&mut self) {
        let weight = self.chunk.weight();
        if weight >= CHUNK_TARGET {
            self.hand_over();
            self.untold += weight;
            if self.untold >= UNTOLD {
                self.ring();
            }
        }
    }

    /// What was written goes to JavaScript, which hears of it.
    pub fn flush(&mut self) {
        if self.hand_over() || self.untold > 0 {
            self.ring();
        }
    }

    /// False where there is nothing.
    fn hand_over(&mut self) -> bool {
        self.close_rows();
        if self.chunk.is_empty() {
            return false;
        }
        self.chunk.close_segment();
        self.shared.push(&mut self.chunk);
        true
    }

    fn ring(&mut self) {
        self.untold = 0;
        self.shared.ring();
    }

    /// True while JavaScript has so much to take over that sockets should wait.
    pub fn is_full(&self) -> bool {
        if self.shared.backlog.load(Ordering::Relaxed) < BACKLOG_LIMIT {
            return false;
        }
        self.shared.stalled.store(true, Ordering::SeqCst);
        // JavaScript may have drained between the two: look again.
        self.shared.backlog.load(Ordering::SeqCst) >= BACKLOG_LIMIT / 2
    }
}
