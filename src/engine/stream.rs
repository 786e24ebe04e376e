//! The transports a session may run over.

use super::bridge::Bridge;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::client::TlsStream;

pub enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    /// Boxed: its buffers would make every connection of the other kinds as large.
    Tls(Box<TlsStream<TcpStream>>),
    /// Made by JavaScript.
    Bridge(Bridge),
    /// Over another one: a protocol's compression.
    Layer(Box<dyn Layer>),
}

/// A transport over a transport.
pub trait Layer: AsyncRead + AsyncWrite + Unpin {
    fn peer_certificate(&self) -> Option<&[u8]>;
}

impl Stream {
    /// The certificate that the server showed, in DER.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        match self {
            Stream::Tls(stream) => stream.get_ref().1.peer_certificates()?.first().map(|c| &**c),
            Stream::Bridge(bridge) => bridge.peer_certificate(),
            Stream::Layer(layer) => layer.peer_certificate(),
            _ => None,
        }
    }
}

/// Runs the same poll on whichever transport it is.
macro_rules! delegate {
    ($stream:expr, $method:ident $(, $argument:expr)*) => {
        match $stream.get_mut() {
            Stream::Tcp(inner) => Pin::new(inner).$method($($argument),*),
            #[cfg(unix)]
            Stream::Unix(inner) => Pin::new(inner).$method($($argument),*),
            Stream::Tls(inner) => Pin::new(inner).$method($($argument),*),
            Stream::Bridge(inner) => Pin::new(inner).$method($($argument),*),
            Stream::Layer(inner) => Pin::new(inner).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, poll_read, cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write, cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write_vectored, cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Tcp(inner) => inner.is_write_vectored(),
            #[cfg(unix)]
            Stream::Unix(inner) => inner.is_write_vectored(),
            Stream::Tls(inner) => inner.is_write_vectored(),
            Stream::Bridge(inner) => inner.is_write_vectored(),
            Stream::Layer(inner) => inner.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_flush, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_shutdown, cx)
    }
}
