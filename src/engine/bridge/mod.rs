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

mod failure;
mod port;

pub use failure::Failure;
pub use port::{Note, Port, SharedPipe};
use serde_json::Value;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of one transport that JavaScript may send ahead of the session.
const WINDOW: usize = 256 * 1024;
/// A buffer that grew beyond this is given back when it is empty.
const KEPT: usize = 64 * 1024;

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
        let bridge = Bridge { pipe, certificate: None, bridges: self.clone() };
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
    certificate: Option<Vec<u8>>,
    bridges: Bridges,
}

impl Bridge {
    /// Has JavaScript put TLS on the transport. What the peer has sent must have been read.
    pub async fn secure(&mut self, how: Value) -> io::Result<()> {
        self.pipe.borrow_mut().begin_phase();
        let Bridges { port, pool, .. } = &self.bridges;
        port.note(&self.pipe, Note::Secure { pool: *pool, how });
        poll_fn(|cx| self.pipe.borrow_mut().poll_ready(cx)).await?;
        self.certificate = self.pipe.borrow_mut().take_certificate();
        Ok(())
    }

    /// The link whose thread has the Duplex.
    pub fn link(&self) -> u32 {
        self.bridges.link
    }

    /// The certificate that the server showed when TLS began, in DER.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let id = self.pipe.borrow().id;
        let port = &self.bridges.port;
        port.remove(id);
        port.note(&self.pipe, Note::Close { graceful: false });
    }
}

impl AsyncRead for Bridge {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let granted = ready!(self.pipe.borrow_mut().poll_read(cx, buf))?;
        if granted > 0 {
            self.bridges.port.note(&self.pipe, Note::Credit(granted));
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
        let (count, unnoted) = ready!(self.pipe.borrow_mut().poll_write(cx, buf))?;
        if unnoted {
            self.bridges.port.note(&self.pipe, Note::Write);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ready when the Duplex has closed.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let goodbye = || self.bridges.port.note(&self.pipe, Note::Close { graceful: true });
        self.pipe.borrow_mut().poll_finish(cx, goodbye).map(Ok)
    }
}

#[cfg(test)]
mod tests;
