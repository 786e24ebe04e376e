//! Transports that JavaScript makes: any Duplex, or TLS with options that rustls lacks.
//!
//! A `Bridge` is a byte stream like a socket. What is written to it goes to JavaScript in records,
//! what JavaScript reads of the Duplex comes back in records. Either side sends only against the
//! other's credit, so that a slow Duplex and a slow reader hold at most a window of bytes here.
//!
//! ```text
//! opening -credit-> open -secure()-> securing -credit-> open ... -> ended
//! ```
//! The first credit of a phase is JavaScript's word that the transport is ready, and verified where
//! verification was asked for. Records of an earlier phase are told apart by its number: credit is
//! ignored, and data is an attacker's (bytes in clear after the server agreed to TLS).

use bytes::{Buf, BytesMut};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of one transport that JavaScript may send ahead of the session.
const WINDOW: usize = 256 * 1024;
/// Credit that JavaScript gives is believed up to this much.
const CREDIT_MAX: usize = 1024 * 1024;
/// A buffer that grew beyond this is given back when it is empty.
const KEPT: usize = 64 * 1024;

/// Why a transport ended, in JavaScript's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub message: String,
    /// `ECONNREFUSED` and the like; may be empty.
    pub code: String,
    /// It happened while TLS was being set up.
    pub tls: bool,
    /// Another try would end the same way: a refused certificate, not a Duplex.
    pub fatal: bool,
    /// By this number JavaScript finds the error it threw.
    pub transport: i32,
}

impl Failure {
    fn new(transport: i32, message: &str) -> Failure {
        let (message, code) = (message.to_owned(), String::new());
        Failure { message, code, tls: false, fatal: false, transport }
    }

    /// `{ message, code, tls, fatal }`; what is missing or of another type is left at its default.
    pub fn parse(transport: i32, json: &[u8]) -> Failure {
        let value: Value = serde_json::from_slice(json).unwrap_or_default();
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let flag = |key: &str| value[key].as_bool().unwrap_or(false);
        let (message, code) = (text("message"), text("code"));
        Failure { message, code, tls: flag("tls"), fatal: flag("fatal"), transport }
    }

    /// As the cause of an error.
    pub fn to_json(&self) -> Value {
        let mut json =
            json!({ "kind": "system", "message": self.message, "transport": self.transport });
        if !self.code.is_empty() {
            json["code"] = self.code.clone().into();
        }
        json
    }

    /// The failure behind an error of a `Bridge`.
    pub fn of(error: &io::Error) -> Option<&Failure> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

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
            Some(End::Failed(failure)) => {
                Some(io::Error::new(error_kind(&failure.code), failure.clone()))
            }
            _ => None,
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
}

/// The system's kinds, so that a refused tunnel is treated as a refused socket.
fn error_kind(code: &str) -> io::ErrorKind {
    match code {
        "ECONNREFUSED" => io::ErrorKind::ConnectionRefused,
        "ECONNRESET" => io::ErrorKind::ConnectionReset,
        "EPIPE" => io::ErrorKind::BrokenPipe,
        "ETIMEDOUT" => io::ErrorKind::TimedOut,
        "ENOENT" => io::ErrorKind::NotFound,
        "EHOSTUNREACH" => io::ErrorKind::HostUnreachable,
        "ENETUNREACH" => io::ErrorKind::NetworkUnreachable,
        "EACCES" => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    }
}

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
    fn note(&self, pipe: &SharedPipe, note: Note) {
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

    fn add(&self, link: u32) -> SharedPipe {
        let mut state = self.state.borrow_mut();
        loop {
            let id = state.next;
            state.next = id.checked_add(1).unwrap_or(0);
            if !state.pipes.contains_key(&id) {
                let pipe = Rc::new(RefCell::new(Pipe::new(id, link)));
                state.pipes.insert(id, pipe.clone());
                return pipe;
            }
        }
    }

    /// Bytes of the peer.
    pub fn data(&self, link: u32, id: i32, phase: i32, bytes: &[u8]) {
        let Some(pipe) = self.pipe(link, id) else { return };
        let mut pipe = pipe.borrow_mut();
        if phase != pipe.phase {
            return pipe.fail("the peer sent bytes in clear after it had agreed to TLS");
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

    /// The transport takes so many bytes more; the first time in a phase, it is ready.
    pub fn credit(&self, link: u32, id: i32, phase: i32, bytes: usize) {
        let Some(pipe) = self.pipe(link, id) else { return };
        let mut pipe = pipe.borrow_mut();
        if phase != pipe.phase {
            return;
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

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.state.borrow().pipes.len()
    }
}

/// Opens transports for one pool, in the thread that created it.
#[derive(Clone)]
pub struct Bridges {
    port: Rc<Port>,
    link: u32,
    pool: u32,
}

impl Bridges {
    pub fn new(port: Rc<Port>, link: u32, pool: u32) -> Bridges {
        Bridges { port, link, pool }
    }

    /// A transport to `target`, which JavaScript is told as it is. Dropping the future gives up.
    pub async fn open(&self, target: Value) -> io::Result<Bridge> {
        let pipe = self.port.add(self.link);
        let bridge = Bridge { pipe, bridges: self.clone() };
        self.port.note(&bridge.pipe, Note::Open { pool: self.pool, target });
        self.port.note(&bridge.pipe, Note::Credit(WINDOW));
        poll_fn(|cx| bridge.pipe.borrow_mut().poll_ready(cx)).await?;
        Ok(bridge)
    }
}

impl fmt::Debug for Bridges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bridges({}, {})", self.link, self.pool)
    }
}

impl PartialEq for Bridges {
    fn eq(&self, other: &Bridges) -> bool {
        (self.link, self.pool) == (other.link, other.pool) && Rc::ptr_eq(&self.port, &other.port)
    }
}

impl Eq for Bridges {}

/// The engine's end of a transport.
pub struct Bridge {
    pipe: SharedPipe,
    bridges: Bridges,
}

impl Bridge {
    /// Has JavaScript put TLS on the transport. What the peer has sent must have been read.
    pub async fn secure(&mut self, how: Value) -> io::Result<()> {
        {
            let mut pipe = self.pipe.borrow_mut();
            if !pipe.incoming.is_empty() {
                pipe.fail("the peer sent bytes in clear after it had agreed to TLS");
            }
            pipe.phase += 1;
            pipe.credit = 0;
        }
        let Bridges { port, pool, .. } = &self.bridges;
        port.note(&self.pipe, Note::Secure { pool: *pool, how });
        poll_fn(|cx| self.pipe.borrow_mut().poll_ready(cx)).await
    }

    pub fn is_secure(&self) -> bool {
        self.pipe.borrow().phase > 0
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let id = self.pipe.borrow().id;
        let port = &self.bridges.port;
        port.state.borrow_mut().pipes.remove(&id);
        port.note(&self.pipe, Note::Close { graceful: false });
    }
}

impl AsyncRead for Bridge {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut pipe = self.pipe.borrow_mut();
        let pipe = &mut *pipe;
        if pipe.incoming.is_empty() {
            return match (&pipe.end, pipe.broken()) {
                (_, Some(error)) => Poll::Ready(Err(error)),
                (Some(_), None) => Poll::Ready(Ok(())),
                (None, None) => {
                    pipe.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        let count = pipe.incoming.len().min(buf.remaining());
        buf.put_slice(&pipe.incoming[..count]);
        pipe.incoming.advance(count);
        if pipe.incoming.is_empty() && pipe.incoming.capacity() > KEPT {
            pipe.incoming = BytesMut::new();
        }
        pipe.taken += count;
        if pipe.taken >= WINDOW / 2 {
            let taken = std::mem::take(&mut pipe.taken);
            pipe.room += taken;
            self.bridges.port.note(&self.pipe, Note::Credit(taken));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bridge {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = self.pipe.borrow_mut();
        if let Some(error) = pipe.broken() {
            return Poll::Ready(Err(error));
        }
        if pipe.end.is_some() || pipe.finishing {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = buf.len().min(pipe.credit);
        if count == 0 && !buf.is_empty() {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        pipe.credit -= count;
        pipe.outgoing.extend_from_slice(&buf[..count]);
        if !std::mem::replace(&mut pipe.noted, true) {
            self.bridges.port.note(&self.pipe, Note::Write);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ready when the Duplex has closed.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.pipe.borrow_mut();
        if pipe.end.is_some() {
            return Poll::Ready(Ok(()));
        }
        pipe.writer = Some(cx.waker().clone());
        if !std::mem::replace(&mut pipe.finishing, true) {
            self.bridges.port.note(&self.pipe, Note::Close { graceful: true });
        }
        Poll::Pending
    }
}

#[cfg(test)]
#[path = "tests/bridge.rs"]
mod tests;
