//! Where bridges and the driver meet: one pipe for each transport, and what JavaScript must hear.

use super::failure::Failure;
use super::{KEPT, WINDOW};
use bytes::{Buf, BytesMut};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::io::ReadBuf;

/// Credit that JavaScript gives is believed up to this much.
pub(super) const CREDIT_MAX: usize = 1024 * 1024;

enum End {
    /// The peer closed its side.
    Over,
    Failed(Failure),
}

/// What both halves know of one transport.
pub struct Pipe {
    pub id: i32,
    /// The link whose thread has the Duplex.
    pub link: u32,
    phase: i32,
    /// Read from the Duplex and not yet by the session.
    incoming: BytesMut,
    /// Bytes that JavaScript may still send.
    room: usize,
    /// Bytes read since JavaScript was last told.
    taken: usize,
    outgoing: Vec<u8>,
    /// A `Note::Write` for what is in `outgoing` is under way.
    noted: bool,
    /// Bytes that JavaScript takes.
    credit: usize,
    end: Option<End>,
    finishing: bool,
    /// What the server showed when TLS began.
    certificate: Option<Vec<u8>>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn new(id: i32, link: u32) -> Pipe {
        Pipe {
            id,
            link,
            phase: 0,
            incoming: BytesMut::new(),
            room: WINDOW,
            taken: 0,
            outgoing: Vec::new(),
            noted: false,
            credit: 0,
            end: None,
            finishing: false,
            certificate: None,
            reader: None,
            writer: None,
        }
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    fn finish(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        self.wake();
    }

    fn fail(&mut self, message: &str) {
        self.finish(End::Failed(Failure::new(self.id, message)));
    }

    /// Takes what is to be written, for the record that carries it.
    pub fn take_outgoing(&mut self) -> Vec<u8> {
        self.noted = false;
        std::mem::take(&mut self.outgoing)
    }

    /// Gets the buffer back for the next write.
    pub fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.outgoing.is_empty() && buffer.capacity() <= KEPT {
            buffer.clear();
            self.outgoing = buffer;
        }
    }

    fn broken(&self) -> Option<io::Error> {
        match &self.end {
            Some(End::Failed(failure)) => Some(failure.to_error()),
            _ => None,
        }
    }

    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match (&self.end, self.credit) {
            (Some(_), _) => {
                let over = || io::Error::from(io::ErrorKind::UnexpectedEof);
                Poll::Ready(Err(self.broken().unwrap_or_else(over)))
            }
            (None, 0) => {
                self.writer = Some(cx.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    /// TLS begins: what was said in clear no longer counts.
    pub(super) fn begin_phase(&mut self) {
        if !self.incoming.is_empty() {
            self.fail(IN_CLEAR);
        }
        self.phase += 1;
        self.credit = 0;
    }

    pub(super) fn take_certificate(&mut self) -> Option<Vec<u8>> {
        self.certificate.take()
    }

    /// Reads what is there. `Ready` with the room to grant JavaScript, 0 while it has enough.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.incoming.is_empty() {
            return match (&self.end, self.broken()) {
                (_, Some(error)) => Poll::Ready(Err(error)),
                (Some(_), None) => Poll::Ready(Ok(0)),
                (None, None) => {
                    self.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        let count = self.incoming.len().min(buf.remaining());
        buf.put_slice(&self.incoming[..count]);
        self.incoming.advance(count);
        if self.incoming.is_empty() && self.incoming.capacity() > KEPT {
            self.incoming = BytesMut::new();
        }
        self.taken += count;
        if self.taken < WINDOW / 2 {
            return Poll::Ready(Ok(0));
        }
        self.room += self.taken;
        Poll::Ready(Ok(std::mem::take(&mut self.taken)))
    }

    /// Takes what there is credit for. `Ready` with its size, and whether a note has to be made.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<(usize, bool)>> {
        if let Some(error) = self.broken() {
            return Poll::Ready(Err(error));
        }
        if self.end.is_some() || self.finishing {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = buf.len().min(self.credit);
        if count == 0 && !buf.is_empty() {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.credit -= count;
        self.outgoing.extend_from_slice(&buf[..count]);
        let unnoted = !std::mem::replace(&mut self.noted, true);
        Poll::Ready(Ok((count, unnoted)))
    }

    /// Ready when the Duplex has closed. `Pending` calls `begin` the first time.
    pub(super) fn poll_finish(&mut self, cx: &mut Context<'_>, begin: impl FnOnce()) -> Poll<()> {
        if self.end.is_some() {
            return Poll::Ready(());
        }
        self.writer = Some(cx.waker().clone());
        if !std::mem::replace(&mut self.finishing, true) {
            begin();
        }
        Poll::Pending
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> [usize; 2] {
        [self.incoming.len(), self.outgoing.len()]
    }
}

const IN_CLEAR: &str = "the server sent bytes in clear after it had agreed to TLS";

pub type SharedPipe = Rc<RefCell<Pipe>>;

/// Something JavaScript has to be told, in this order.
pub enum Note {
    Open { pool: u32, target: Value },
    Secure { pool: u32, how: Value },
    Write,
    Credit(usize),
    Close { graceful: bool },
}

/// All transports of the engine: where bridges and the driver meet.
#[derive(Default)]
pub struct Port {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    pipes: HashMap<i32, SharedPipe>,
    next: i32,
    notes: Vec<(SharedPipe, Note)>,
    waker: Option<Waker>,
}

impl Port {
    pub(super) fn note(&self, pipe: &SharedPipe, note: Note) {
        let mut state = self.state.borrow_mut();
        state.notes.push((pipe.clone(), note));
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Ready when JavaScript has to be told something.
    pub fn poll_notes(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.borrow_mut();
        if !state.notes.is_empty() {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    pub fn take_notes(&self) -> Vec<(SharedPipe, Note)> {
        std::mem::take(&mut self.state.borrow_mut().notes)
    }

    /// A transport of this link; others are none of its business.
    fn pipe(&self, link: u32, id: i32) -> Option<SharedPipe> {
        let pipe = self.state.borrow().pipes.get(&id).cloned()?;
        let mine = pipe.borrow().link == link;
        mine.then_some(pipe)
    }

    pub(super) fn add(&self, link: u32) -> SharedPipe {
        let mut state = self.state.borrow_mut();
        loop {
            let id = state.next;
            state.next = id.checked_add(1).unwrap_or(0);
            if let Entry::Vacant(free) = state.pipes.entry(id) {
                return free.insert(Rc::new(RefCell::new(Pipe::new(id, link)))).clone();
            }
        }
    }

    /// Bytes of the peer.
    pub fn data(&self, link: u32, id: i32, phase: i32, bytes: &[u8]) {
        let Some(pipe) = self.pipe(link, id) else { return };
        let mut pipe = pipe.borrow_mut();
        if phase != pipe.phase {
            return pipe.fail(IN_CLEAR);
        }
        if bytes.len() > pipe.room {
            return pipe.fail("the transport sent more than was asked for");
        }
        pipe.room -= bytes.len();
        pipe.incoming.extend_from_slice(bytes);
        if let Some(waker) = pipe.reader.take() {
            waker.wake();
        }
    }

    /// The transport takes so many bytes more; the first time in a phase, it is ready, and under
    /// TLS the server has shown this certificate.
    pub fn credit(&self, link: u32, id: i32, phase: i32, bytes: usize, certificate: &[u8]) {
        let Some(pipe) = self.pipe(link, id) else { return };
        let mut pipe = pipe.borrow_mut();
        if phase != pipe.phase {
            return;
        }
        if !certificate.is_empty() {
            pipe.certificate = Some(certificate.to_vec());
        }
        pipe.credit = pipe.credit.saturating_add(bytes).min(CREDIT_MAX);
        if let Some(waker) = pipe.writer.take() {
            waker.wake();
        }
    }

    /// The peer has closed, or with JSON of it a failure has ended the transport.
    pub fn end(&self, link: u32, id: i32, failure: &[u8]) {
        let Some(pipe) = self.pipe(link, id) else { return };
        let end = match failure {
            [] => End::Over,
            json => End::Failed(Failure::parse(id, json)),
        };
        pipe.borrow_mut().finish(end);
    }

    /// The thread that has the Duplexes is gone.
    pub fn close_link(&self, link: u32) {
        let pipes: Vec<_> = self.state.borrow().pipes.values().cloned().collect();
        for pipe in pipes {
            let mut pipe = pipe.borrow_mut();
            if pipe.link == link {
                pipe.fail("the thread that made the transport has ended");
            }
        }
    }

    /// The engine's end is gone: what JavaScript says of it from here on is late.
    pub(super) fn remove(&self, id: i32) {
        self.state.borrow_mut().pipes.remove(&id);
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.state.borrow().pipes.len()
    }
}
