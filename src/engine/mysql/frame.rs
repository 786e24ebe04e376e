//! Packets: three bytes of length, one of sequence, a body; bodies of 16 MiB and more in parts.

use bytes::{BufMut, BytesMut};
use mysql_common::constants::CapabilityFlags;
use std::borrow::Cow;

/// Length and sequence number.
pub const HEADER: usize = 4;
/// A part of this length is followed by another one, which may be empty.
pub const PART_MAX: usize = 0xff_ffff;
/// The servers' own bound (`max_allowed_packet`), for both directions.
pub const BODY_MAX: usize = 1 << 30;

/// A part is not what comes next in its exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    OutOfOrder,
    TooLong,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Fault::OutOfOrder => "a packet of the server is out of order",
            Fault::TooLong => "a packet of the server exceeds 1 GiB",
        })
    }
}

impl std::error::Error for Fault {}

/// What is at the head of the input.
#[derive(Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// Not yet a whole part.
    Wait,
    /// A part of a longer body, which was put aside: so many bytes are used up.
    Part(usize),
    /// A whole body, and how many bytes of the input are used up.
    Whole { taken: usize, body: Cow<'a, [u8]> },
}

/// Takes bodies from bytes. What a header announces is never allocated ahead of its bytes.
#[derive(Debug, Default)]
pub struct Reader {
    joined: Vec<u8>,
    /// Sequence number of the next part.
    sequence: u8,
    /// Numbers are not looked at.
    unnumbered: bool,
}

impl Reader {
    /// Within compressed packets servers go on counting from the number of those.
    pub fn of(capabilities: CapabilityFlags) -> Reader {
        let compressed = CapabilityFlags::CLIENT_COMPRESS
            .union(CapabilityFlags::CLIENT_ZSTD_COMPRESSION_ALGORITHM);
        Reader { unnumbered: capabilities.intersects(compressed), ..Reader::default() }
    }

    /// The number that the next part of the peer must have, which is that of our next one too.
    pub fn sequence(&self) -> u8 {
        self.sequence
    }

    /// A new exchange begins, or the other side had its turn.
    pub fn expect(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    /// `input` must begin where the last `Part` or `Whole` has ended.
    #[inline]
    pub fn read<'a>(&mut self, input: &'a [u8]) -> Result<Read<'a>, Fault> {
        let Some((&[a, b, c, sequence], rest)) = input.split_first_chunk::<HEADER>() else {
            return Ok(Read::Wait);
        };
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        let Some(body) = rest.get(..length) else { return Ok(Read::Wait) };
        // What ends a connection may come at any time, numbered anyhow.
        if sequence != self.sequence && !self.unnumbered && body.first() != Some(&0xff) {
            return Err(Fault::OutOfOrder);
        }
        self.sequence = sequence.wrapping_add(1);
        let taken = HEADER + length;
        if length < PART_MAX && self.joined.is_empty() {
            return Ok(Read::Whole { taken, body: Cow::Borrowed(body) });
        }
        self.join(body)?;
        if length == PART_MAX {
            return Ok(Read::Part(taken));
        }
        Ok(Read::Whole { taken, body: Cow::Owned(std::mem::take(&mut self.joined)) })
    }

    #[cold]
    fn join(&mut self, part: &[u8]) -> Result<(), Fault> {
        if self.joined.len() + part.len() > BODY_MAX {
            return Err(Fault::TooLong);
        }
        self.joined.extend_from_slice(part);
        Ok(())
    }

    /// Bytes that the part at the head of the input has in all, as far as can be told.
    pub fn needed(&self, input: &[u8]) -> usize {
        match input.first_chunk::<3>() {
            Some(&[a, b, c]) => HEADER + u32::from_le_bytes([a, b, c, 0]) as usize,
            None => HEADER,
        }
    }
}

/// Opens a packet in `out`; its body is what is appended until `end`, which wants the mark.
#[inline]
pub fn begin(out: &mut BytesMut) -> usize {
    let mark = out.len();
    out.put_slice(&[0; HEADER]);
    mark
}

/// Writes the header, and returns the sequence number after that of the last part.
#[inline]
pub fn end(out: &mut BytesMut, mark: usize, sequence: u8) -> u8 {
    let length = out.len() - mark - HEADER;
    if length >= PART_MAX {
        return split(out, mark, sequence);
    }
    out[mark..mark + HEADER].copy_from_slice(&header(length, sequence));
    sequence.wrapping_add(1)
}

/// The same for a body whose parts need headers between them.
#[cold]
fn split(out: &mut BytesMut, mark: usize, mut sequence: u8) -> u8 {
    let packet = out.split_off(mark);
    let body = &packet[HEADER..];
    out.reserve(body.len() + (body.len() / PART_MAX + 1) * HEADER);
    let mut at = 0;
    loop {
        let part = &body[at..body.len().min(at + PART_MAX)];
        out.put_slice(&header(part.len(), sequence));
        out.put_slice(part);
        sequence = sequence.wrapping_add(1);
        at += part.len();
        if part.len() < PART_MAX {
            return sequence;
        }
    }
}

/// A whole packet of a body that is at hand.
pub fn write(out: &mut BytesMut, body: &[u8], sequence: u8) -> u8 {
    let mark = begin(out);
    out.put_slice(body);
    end(out, mark, sequence)
}

fn header(length: usize, sequence: u8) -> [u8; HEADER] {
    let [a, b, c, ..] = length.to_le_bytes();
    [a, b, c, sequence]
}

#[cfg(test)]
#[path = "tests/frame.rs"]
mod tests;
