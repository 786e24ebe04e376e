//! One connection's I/O: bytes from the socket into the session, its bytes out.

use super::Driver;
use super::copy::Copying;
use super::failover::Doubt;
use super::password::Question;
use crate::core::message::{ConnId, Input as Message, Lease, Time};
use crate::engine::bridge::Failure;
use crate::engine::error::EngineError;
use crate::engine::replies::{Peer, Replies};
use crate::engine::request::Token;
use crate::engine::session::{Opened, Session};
use crate::engine::stream::Stream;
use crate::engine::values::Pushes;
use bytes::{Buf, BytesMut};
use serde_json::json;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::AbortHandle;

/// Reads of one turn; then others have theirs.
const READS: usize = 4;
const INPUT: usize = 16 * 1024;
/// A busy connection's buffer grows to this by itself; beyond, only for a message that needs it.
const INPUT_BUSY: usize = 64 * 1024;

/// A buffer that one large parameter blew up is given back.
const OUTPUT_KEPT: usize = 256 * 1024;

/// Where a slot of the core stands for the driver.
pub struct Slot {
    pub serial: u32,
    pub phase: Phase,
    /// Requests that wait until the connection is idle again or gone.
    pub awaiting: Vec<(u32, i32)>,
}

pub enum Phase {
    Empty,
    Connecting {
        abort: AbortHandle,
        /// JavaScript is asked for the password.
        password: Option<Question>,
        /// The link that makes its transport, if JavaScript does.
        transport: Option<u32>,
    },
    Live(Box<Conn>),
    /// Taken out for the length of a turn.
    Turn,
    Closing,
}

impl Slot {
    pub fn empty() -> Slot {
        Slot { serial: 0, phase: Phase::Empty, awaiting: Vec::new() }
    }

    pub fn conn(&mut self) -> Option<&mut Conn> {
        match &mut self.phase {
            Phase::Live(conn) => Some(conn),
            _ => None,
        }
    }
}

pub struct Conn {
    pub id: ConnId,
    pub stream: Stream,
    pub session: Box<dyn Session>,
    pub input: Input,
    pub waker: Option<Waker>,
    /// What the session has in flight, in order.
    pub flight: VecDeque<Token>,
    /// What waits until the wire may be used again.
    pub queue: VecDeque<Token>,
    /// One statement at a time: a proxy in between cannot pipeline.
    pub serial_wire: bool,
    /// A cancel is under way: nothing goes out until it has settled.
    pub hold: Option<Hold>,
    /// A COPY is on the wire.
    pub copying: Option<Copying>,
    /// Streams in flight that nobody reads any more. Nothing goes out behind them, where the cancel
    /// of one that takes too long could hit it.
    pub left: usize,
    /// Reading waits for credit or for JavaScript to catch up.
    pub paused: bool,
    pub in_writing: bool,
    /// Given back while statements were still under way: lease, destroy, whom to answer.
    pub release: Option<(Lease, bool, (u32, i32))>,
    /// A JavaScript hook runs on it; the driver's token for its deadline.
    pub hook: Option<Token>,
    /// The link that runs it.
    pub hook_runner: Option<u32>,
    pub in_transaction: bool,
    /// Its server may not be the one to write to.
    pub doubt: Doubt,
    /// When the last statement on the wire ended: only then the next one began.
    pub last_end: Time,
    /// Resetting for the core, hook included.
    pub resetting: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The side connection has closed.
    pub side_closed: bool,
    pub deadline: Token,
}

/// Bytes read and not yet understood.
pub struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    pub fn new(leftover: &[u8]) -> Input {
        let mut buffer = leftover.to_vec();
        let end = buffer.len();
        buffer.resize(end.max(INPUT), 0);
        Input { buffer, start: 0, end }
    }

    pub fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Makes room at the end; grows only as bytes really arrive, whatever a message announces.
    fn room(&mut self, needed: usize) -> &mut [u8] {
        if self.start > 0 && (self.end == self.buffer.len() || self.start > self.buffer.len() / 2) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let doubled = self.buffer.len() * 2;
            let wanted = needed.clamp(INPUT_BUSY, doubled.max(INPUT_BUSY));
            self.buffer.resize(wanted.max(self.buffer.len() + INPUT), 0);
        }
        &mut self.buffer[self.end..]
    }

    /// More came than fits: larger reads from now on.
    fn widen(&mut self) {
        if self.buffer.len() < INPUT_BUSY {
            self.buffer.resize(INPUT_BUSY, 0);
        }
    }

    /// A buffer that one large message blew up is given back.
    fn settle(&mut self) {
        if self.end == 0 && self.buffer.len() > INPUT_BUSY {
            self.buffer = vec![0; INPUT];
        }
    }
}

impl Drop for Conn {
    /// Its task looks once more, finds it gone and ends.
    fn drop(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Conn {
    pub fn new(id: ConnId, opened: Opened, serial_wire: bool) -> Conn {
        Conn {
            id,
            stream: opened.stream,
            session: opened.session,
            input: Input::new(&opened.leftover),
            waker: None,
            flight: VecDeque::new(),
            queue: VecDeque::new(),
            serial_wire,
            hold: None,
            copying: None,
            left: 0,
            paused: false,
            in_writing: false,
            release: None,
            hook: None,
            hook_runner: None,
            in_transaction: false,
            doubt: Doubt::None,
            last_end: 0,
            resetting: false,
        }
    }

    /// May another statement go out now?
    pub fn is_open(&self) -> bool {
        self.hold.is_none()
            && self.copying.is_none()
            && self.left == 0
            && (!self.serial_wire || self.flight.is_empty())
    }

    pub fn is_quiet(&self) -> bool {
        self.flight.is_empty() && self.queue.is_empty() && self.hold.is_none()
    }

    pub fn resume(&mut self) {
        self.paused = false;
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Writes what the session has to send. `Err` when the transport is gone.
    pub fn write(&mut self) -> std::io::Result<()> {
        let Some(waker) = self.waker.clone() else { return Ok(()) };
        let mut cx = Context::from_waker(&waker);
        let out = self.session.outgoing();
        while out.has_remaining() {
            match Pin::new(&mut self.stream).poll_write(&mut cx, out) {
                Poll::Ready(Ok(0)) => return Err(std::io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => out.advance(count),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        out.clear();
        if out.capacity() > OUTPUT_KEPT {
            *out = BytesMut::new();
        }
        match Pin::new(&mut self.stream).poll_flush(&mut cx) {
            Poll::Ready(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// One read. `Ready(Ok(false))` at the end of the stream.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<(bool, bool)>> {
        let needed = self.session.needed(self.input.unread());
        let room = self.input.room(needed);
        let mut buffer = ReadBuf::new(room);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                let count = buffer.filled().len();
                let full = buffer.remaining() == 0;
                self.input.end += count;
                Poll::Ready(Ok((count > 0, full)))
            }
        }
    }
}

impl Driver {
    /// One turn of a connection's task. Ready when the connection is no longer the task's.
    pub fn poll_conn(&mut self, pool: u32, id: ConnId, cx: &mut Context<'_>) -> Poll<()> {
        self.now = self.runtime.clock.now();
        self.runtime.stir();
        let Some(mut conn) = self.take_conn(pool, id) else { return Poll::Ready(()) };
        if !conn.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            conn.waker = Some(cx.waker().clone());
        }
        let lost = self
            .read_conn(pool, &mut conn, cx)
            .or_else(|| conn.write().err().map(|error| transport_lost("write", &error)));
        let copied = conn.copied();
        self.put_conn(pool, conn);
        self.renew_credit(copied);
        if lost.is_some() {
            // What its last answers set free must not be put to use on it again.
            self.tell(pool, Message::Hold { conn: id });
        }
        self.finish_all(pool, id);
        let gone = lost.is_some();
        if let Some(error) = lost {
            self.died(pool, id, error);
        }
        self.end_turn();
        if gone { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Reads and understands what is there; the reason when the connection is lost.
    fn read_conn(
        &mut self,
        pool: u32,
        conn: &mut Conn,
        cx: &mut Context<'_>,
    ) -> Option<EngineError> {
        if !conn.paused && !conn.input.unread().is_empty() {
            // A pause left whole messages behind.
            if let Err(error) = self.understand(pool, conn) {
                return Some(error);
            }
        }
        for _ in 0..READS {
            if conn.paused {
                return None;
            }
            let full = match conn.read(cx) {
                Poll::Pending => return None,
                Poll::Ready(Err(error)) => return Some(transport_lost("read", &error)),
                Poll::Ready(Ok((false, _))) => {
                    return Some(EngineError::lost("the server closed the connection"));
                }
                Poll::Ready(Ok((true, full))) => full,
            };
            if let Err(error) = self.understand(pool, conn) {
                return Some(error);
            }
            // A read that was not full most likely took all there was; Tokio knows, and the next
            // one asks the system again only when there is more.
            if full {
                conn.input.widen();
            }
        }
        // More may be there: after the others.
        cx.waker().wake_by_ref();
        None
    }

    fn understand(&mut self, pool: u32, conn: &mut Conn) -> Result<(), EngineError> {
        let mut replies = Replies {
            requests: &mut self.requests,
            links: &mut self.links,
            names: &mut self.names,
            finished: &mut self.finished,
            talking: &mut self.talking,
            peer: Peer { connection: conn.id.serial, process: conn.session.process_id() },
            notices: &mut self.notices,
            parameters: &mut self.parameters,
            notifications: &mut self.notifications,
            pushes: Pushes { pool: self.pools.get(&pool).map(|it| &*it.shared), conn: conn.id },
            stop: false,
            distrust: None,
            retire: false,
            stalled_by: None,
        };
        let taken = conn.session.receive(conn.input.unread(), &mut replies)?;
        let Replies { stop, retire, stalled_by, distrust, .. } = replies;
        if let Some(error) = distrust {
            return Err(error);
        }
        conn.input.consume(taken);
        conn.input.settle();
        conn.paused = stop;
        if retire {
            self.tell(pool, Message::Retire { conn: conn.id });
        }
        if let Some(link) = stalled_by
            && let Some(link) = self.links.get(link)
        {
            link.stalled.push((pool, conn.id.slot));
        }
        Ok(())
    }

    fn take_conn(&mut self, pool: u32, id: ConnId) -> Option<Box<Conn>> {
        let slot = self.pool(pool)?.slots.get_mut(id.slot as usize)?;
        if slot.serial != id.serial || !matches!(slot.phase, Phase::Live(_)) {
            return None;
        }
        match std::mem::replace(&mut slot.phase, Phase::Turn) {
            Phase::Live(conn) => Some(conn),
            _ => None,
        }
    }

    fn put_conn(&mut self, pool: u32, conn: Box<Conn>) {
        if let Some(state) = self.pool(pool)
            && let Some(slot) = state.slots.get_mut(conn.id.slot as usize)
        {
            slot.phase = Phase::Live(conn);
        }
    }

    /// Remembers that this connection has bytes to write at the end of the turn.
    pub fn will_write(&mut self, pool: u32, slot: u32) {
        if let Some(state) = self.pool(pool)
            && let Some(conn) = state.conn(slot)
            && !conn.in_writing
        {
            conn.in_writing = true;
            self.writing.push_back((pool, slot));
        }
    }

    pub fn write_all(&mut self) {
        // In the order in which they were asked for; a lost one may bring others.
        while let Some((pool, slot)) = self.writing.pop_front() {
            let Some(state) = self.pool(pool) else { continue };
            let Some(conn) = state.conn(slot) else { continue };
            conn.in_writing = false;
            let id = conn.id;
            conn.session.settle_lead();
            let written = conn.write();
            let copied = conn.copied();
            self.renew_credit(copied);
            if let Err(error) = written {
                self.died(pool, id, transport_lost("write", &error));
                self.perform_all();
            }
        }
    }

    /// The link has room again: those that waited for it read on.
    pub fn resume_link(&mut self, link: u32) {
        let Some(link) = self.links.get(link) else { return };
        for (pool, slot) in std::mem::take(&mut link.stalled) {
            if let Some(conn) = self.pool(pool).and_then(|state| state.conn(slot)) {
                conn.resume();
            }
        }
    }
}

fn transport_lost(syscall: &str, error: &std::io::Error) -> EngineError {
    let lost = EngineError::lost(format!("the connection was lost: {error}"))
        .with("socket", json!({ "syscall": syscall, "os": error.raw_os_error() }));
    match Failure::of(error) {
        Some(failure) => lost.with("cause", failure.to_json()),
        None => lost,
    }
}
