//! The compressed protocol: packets within packets, by zlib or zstd. The codec is sans-IO;
//! `Compressed` is a transport over a transport, so that the session knows nothing of it.

use super::frame::{HEADER, PART_MAX};
use super::hello::ZSTD_LEVEL;
use crate::engine::stream::{Layer, Stream};
use bytes::{Buf, BufMut, BytesMut};
use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};
use mysql_common::constants::CapabilityFlags;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zstd::bulk::{Compressor, Decompressor};

/// Length, sequence number, length before compression (0: sent as it is).
const OUTER: usize = HEADER + 3;
/// What is shorter gains nothing; the servers have the same bound.
const SHORT: usize = 50;
/// Bytes of one `write` that are taken, and that may wait for the socket.
const TAKEN_MAX: usize = 256 * 1024;

enum Method {
    Zlib(Box<Compress>, Box<Decompress>),
    Zstd(Box<Compressor<'static>>, Box<Decompressor<'static>>),
}

impl Method {
    fn of(capabilities: CapabilityFlags) -> io::Result<Option<Method>> {
        if capabilities.contains(CapabilityFlags::CLIENT_ZSTD_COMPRESSION_ALGORITHM) {
            let packer = Box::new(Compressor::new(i32::from(ZSTD_LEVEL))?);
            return Ok(Some(Method::Zstd(packer, Box::new(Decompressor::new()?))));
        }
        let zlib = capabilities.contains(CapabilityFlags::CLIENT_COMPRESS);
        Ok(zlib.then(|| {
            let packer = Compress::new(flate2::Compression::fast(), true);
            Method::Zlib(Box::new(packer), Box::new(Decompress::new(true)))
        }))
    }

    /// `None` when it would not be shorter.
    fn pack(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut packed = Vec::with_capacity(plain.len());
        let done = match self {
            Method::Zlib(packer, _) => {
                packer.reset();
                let status = packer.compress_vec(plain, &mut packed, FlushCompress::Finish);
                matches!(status, Ok(Status::StreamEnd))
            }
            Method::Zstd(packer, _) => packer.compress_to_buffer(plain, &mut packed).is_ok(),
        };
        (done && packed.len() < plain.len()).then_some(packed)
    }

    /// `None` when it does not come to just so many bytes.
    fn unpack(&mut self, packed: &[u8], length: usize) -> Option<Vec<u8>> {
        let mut plain = Vec::with_capacity(length);
        let done = match self {
            Method::Zlib(_, unpacker) => {
                unpacker.reset(true);
                let finish = FlushDecompress::Finish;
                let status = unpacker.decompress_vec(packed, &mut plain, finish);
                matches!(status, Ok(Status::StreamEnd))
            }
            Method::Zstd(_, unpacker) => unpacker.decompress_to_buffer(packed, &mut plain).is_ok(),
        };
        (done && plain.len() == length).then_some(plain)
    }
}

/// Both directions of one connection.
pub struct Codec {
    method: Method,
    /// Written and not yet packed: the beginning of an inner packet.
    head: BytesMut,
    /// Bytes that the inner packet under way still has.
    left: usize,
    /// It is of the greatest length, so that another part of the same packet follows.
    full: bool,
    /// Of our next outer packet within the same command.
    sequence: u8,
    /// What follows the server's last outer packet, when that came after ours.
    answer: Option<u8>,
}

impl Codec {
    fn new(method: Method) -> Codec {
        let head = BytesMut::new();
        Codec { method, head, left: 0, full: false, sequence: 0, answer: None }
    }

    /// Packs what is written. Each command has outer packets of its own, numbered from 0: that is
    /// how servers count, even where several commands come at once. One holds as much as it can,
    /// since servers answer with the number after the last.
    fn pack(&mut self, mut plain: &[u8], out: &mut BytesMut) {
        while !plain.is_empty() {
            if self.left == 0 {
                let wanted = (HEADER - self.head.len()).min(plain.len());
                self.head.put_slice(&plain[..wanted]);
                plain = &plain[wanted..];
                let Some(&[a, b, c, inner]) = self.head.first_chunk::<HEADER>() else { return };
                self.begin(u32::from_le_bytes([a, b, c, 0]) as usize, inner);
            }
            let piece = self.left.min(plain.len()).min(PART_MAX - self.head.len());
            self.head.put_slice(&plain[..piece]);
            self.left -= piece;
            plain = &plain[piece..];
            if self.left == 0 || self.head.len() == PART_MAX {
                let whole = self.head.split();
                self.write(&whole, out);
            }
        }
    }

    /// An inner packet: of a new command, of the same one, or an answer to the server.
    fn begin(&mut self, length: usize, inner: u8) {
        if !self.full {
            let answer = self.answer.take().unwrap_or(self.sequence);
            self.sequence = if inner == 0 { 0 } else { answer };
        }
        self.left = length;
        self.full = length == PART_MAX;
    }

    fn write(&mut self, plain: &[u8], out: &mut BytesMut) {
        let packed = if plain.len() < SHORT { None } else { self.method.pack(plain) };
        let (body, length) = match &packed {
            Some(packed) => (&packed[..], plain.len()),
            None => (plain, 0),
        };
        out.put_uint_le(body.len() as u64, 3);
        out.put_u8(self.sequence);
        out.put_uint_le(length as u64, 3);
        out.put_slice(body);
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Takes one outer packet off `raw`; false when none is whole.
    fn unpack(&mut self, raw: &mut BytesMut, plain: &mut BytesMut) -> io::Result<bool> {
        let Some(&[a, b, c, sequence, d, e, f]) = raw.first_chunk::<OUTER>() else {
            return Ok(false);
        };
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        let Some(body) = raw.get(OUTER..OUTER + length) else { return Ok(false) };
        match u32::from_le_bytes([d, e, f, 0]) as usize {
            0 => plain.put_slice(body),
            length => plain.put_slice(&self.method.unpack(body, length).ok_or_else(corrupt)?),
        }
        raw.advance(OUTER + length);
        self.answer = Some(sequence.wrapping_add(1));
        Ok(true)
    }
}

fn corrupt() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a compressed packet of the server is corrupt")
}

/// A transport whose bytes go packed over another one.
pub struct Compressed {
    inner: Stream,
    codec: Codec,
    raw: BytesMut,
    plain: BytesMut,
    out: BytesMut,
}

impl Compressed {
    /// The transport as it is where nothing was agreed on. `input` is what came after the login.
    pub fn over(
        inner: Stream,
        capabilities: CapabilityFlags,
        input: &mut BytesMut,
    ) -> io::Result<Stream> {
        let Some(method) = Method::of(capabilities)? else { return Ok(inner) };
        let (codec, raw) = (Codec::new(method), input.split());
        let (plain, out) = (BytesMut::new(), BytesMut::new());
        Ok(Stream::Layer(Box::new(Compressed { inner, codec, raw, plain, out })))
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.out.has_remaining() {
            let count = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.out))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.advance(count);
        }
        Poll::Ready(Ok(()))
    }

    /// More of the transport's bytes; false at its end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        const ROOM: usize = 16 * 1024;
        let mut room = [0; ROOM];
        let mut buffer = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer))?;
        self.raw.put_slice(buffer.filled());
        Poll::Ready(Ok(!buffer.filled().is_empty()))
    }
}

impl Layer for Compressed {
    fn peer_certificate(&self) -> Option<&[u8]> {
        self.inner.peer_certificate()
    }
}

impl AsyncRead for Compressed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        while me.plain.is_empty() {
            if me.codec.unpack(&mut me.raw, &mut me.plain)? {
                continue;
            }
            if !ready!(me.poll_fill(cx))? {
                let cut = !me.raw.is_empty();
                let end = if cut { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) };
                return Poll::Ready(end);
            }
        }
        let count = me.plain.len().min(buf.remaining());
        buf.put_slice(&me.plain.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Compressed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        if me.out.len() >= TAKEN_MAX {
            ready!(me.poll_drain(cx))?;
        }
        let taken = &buf[..buf.len().min(TAKEN_MAX)];
        me.codec.pack(taken, &mut me.out);
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        ready!(me.poll_drain(cx))?;
        Pin::new(&mut me.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        ready!(me.poll_drain(cx))?;
        Pin::new(&mut me.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[path = "tests/compress.rs"]
mod tests;
