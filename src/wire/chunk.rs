//! Completion chunks: four streams (Int32, Float64, Latin-1 texts, bytes) that JavaScript reads in
//! step.
//!
//! Everything the engine tells one link goes through a chunk. Text is written in segments: runs of
//! Latin-1 cells that JavaScript has as one string and cuts. A segment ends on a cell's boundary, at
//! about `SEGMENT_TARGET` bytes, so that a kept cell pins one small parent string only. Text beyond
//! Latin-1 goes as UTF-16, which JavaScript takes over without decoding (57 ns a cell, UTF-8 140).

use super::record;

/// Segments stop growing here. 200-256 bytes measured best: fewer, larger slices pin more memory.
const SEGMENT_TARGET: usize = 224;

/// A chunk is handed over once it holds this much, so that one decode stays far below 1 ms.
pub const CHUNK_TARGET: usize = 32 * 1024;

/// UTF-8 sequences of characters up to U+00FF begin below this byte.
const FIRST_BEYOND_LATIN_1: u8 = 0xc4;

#[derive(Default)]
pub struct Chunk {
    pub ints: Vec<i32>,
    pub floats: Vec<f64>,
    /// The segments, in Latin-1.
    pub text: Vec<u8>,
    /// Bytes of each segment that has ended.
    segments: Vec<usize>,
    /// Everything else that is bytes: UTF-16, bytea, payloads of records.
    pub bytes: Vec<u8>,
    /// Bytes of the open segment; 0 when none is.
    segment: usize,
    /// Index in `ints` of the open rows record's count word, and the rows in it so far.
    rows: Option<(usize, i32)>,
    /// Index in `ints` of the length word of a payload that may still grow.
    growing: Option<usize>,
}

/// A mark to go back to when a row proves undecodable half way.
#[derive(Clone, Copy)]
pub struct Mark {
    ints: usize,
    floats: usize,
    text: usize,
    segments: usize,
    bytes: usize,
    segment: usize,
}

impl Chunk {
    pub fn is_empty(&self) -> bool {
        self.ints.is_empty()
    }

    /// Elements of each stream: ints, floats, segments of text, bytes.
    pub fn lengths(&self) -> [usize; 4] {
        [self.ints.len(), self.floats.len(), self.segments.len(), self.bytes.len()]
    }

    /// The segments, all of which have ended.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        debug_assert_eq!(self.segment, 0, "a segment is still open");
        let mut rest = &self.text[..];
        self.segments.iter().map(move |length| {
            let (segment, behind) = rest.split_at(*length);
            rest = behind;
            segment
        })
    }

    /// Bytes that JavaScript will have to take over.
    pub fn weight(&self) -> usize {
        self.ints.len() * 4 + self.floats.len() * 8 + self.text.len() + self.bytes.len()
    }

    pub fn clear(&mut self) {
        self.ints.clear();
        self.floats.clear();
        self.text.clear();
        self.segments.clear();
        self.bytes.clear();
        self.segment = 0;
        self.rows = None;
        self.growing = None;
    }

    /// Appends a record of plain words.
    pub fn record(&mut self, words: &[i32]) {
        debug_assert!(self.rows.is_none(), "a rows record is still open");
        self.ints.extend_from_slice(words);
    }

    /// Appends a record of plain words that owns a byte payload; its length is the last word.
    pub fn record_with_bytes(&mut self, words: &[i32], payload: &[u8]) {
        debug_assert!(self.rows.is_none(), "a rows record is still open");
        self.ints.extend_from_slice(words);
        self.ints.push(length_word(payload.len()));
        self.bytes.extend_from_slice(payload);
    }

    /// As `record_with_bytes`; `extend_bytes` may append to the payload until `end_bytes`.
    pub fn begin_bytes(&mut self, words: &[i32], payload: &[u8]) {
        self.record_with_bytes(words, payload);
        self.growing = Some(self.ints.len() - 1);
    }

    /// False when no payload is open.
    pub fn extend_bytes(&mut self, payload: &[u8]) -> bool {
        let Some(at) = self.growing else { return false };
        self.ints[at] += length_word(payload.len());
        self.bytes.extend_from_slice(payload);
        true
    }

    pub fn end_bytes(&mut self) {
        self.growing = None;
    }

    /// Opens `[ROWS, request, shape, count]`; rows follow until `end_rows`.
    pub fn begin_rows(&mut self, request: i32, shape: i32) {
        debug_assert!(self.rows.is_none(), "a rows record is still open");
        self.ints.extend_from_slice(&[record::ROWS, request, shape, 0]);
        self.rows = Some((self.ints.len() - 1, 0));
    }

    pub fn rows_open(&self) -> bool {
        self.rows.is_some()
    }

    pub fn end_rows(&mut self) {
        if let Some((at, count)) = self.rows.take() {
            self.ints[at] = count;
        }
    }

    /// Starts a row of `columns` cells: one word of NULL bits per 32 columns. Returns its index.
    pub fn begin_row(&mut self, columns: usize) -> usize {
        let at = self.ints.len();
        self.ints.resize(at + columns.div_ceil(32), 0);
        at
    }

    pub fn null(&mut self, row: usize, column: usize) {
        self.ints[row + column / 32] |= (1u32 << (column % 32)) as i32;
    }

    pub fn end_row(&mut self) {
        if let Some((_, count)) = &mut self.rows {
            *count += 1;
        }
    }

    pub fn int(&mut self, value: i32) {
        self.ints.push(value);
    }

    pub fn float(&mut self, value: f64) {
        self.floats.push(value);
    }

    /// A cell of text, given in UTF-8. Latin-1 goes into the current segment as `[length]`; anything
    /// else as `[!units]` and UTF-16.
    pub fn text(&mut self, value: &[u8]) {
        if value.is_ascii() {
            self.begin_text(value.len());
            self.text.extend_from_slice(value);
        } else {
            match std::str::from_utf8(value) {
                Ok(value) => self.beyond_ascii(value),
                Err(_) => self.beyond_ascii(&String::from_utf8_lossy(value)),
            }
        }
    }

    fn beyond_ascii(&mut self, value: &str) {
        if value.bytes().all(|byte| byte < FIRST_BEYOND_LATIN_1) {
            self.begin_text(value.chars().count());
            self.text.extend(value.chars().map(|char| char as u8));
            return;
        }
        let at = self.ints.len();
        self.ints.push(0);
        let start = self.bytes.len();
        self.bytes.reserve(value.len() * 2);
        self.bytes.extend(value.encode_utf16().flat_map(u16::to_le_bytes));
        self.ints[at] = !length_word((self.bytes.len() - start) / 2);
    }

    /// The length word of a cell in a segment: a new one if it would grow too large.
    fn begin_text(&mut self, length: usize) {
        if length > 0 && self.segment + length > SEGMENT_TARGET {
            self.close_segment();
        }
        self.ints.push(length_word(length));
        self.segment += length;
    }

    /// A cell of raw bytes, `[length]`.
    pub fn blob(&mut self, value: &[u8]) {
        self.ints.push(length_word(value.len()));
        self.bytes.extend_from_slice(value);
    }

    /// Ends the open segment. The reader takes a new one when the old one is used up, so both sides
    /// agree without a marker.
    pub fn close_segment(&mut self) {
        if self.segment > 0 {
            self.segments.push(std::mem::take(&mut self.segment));
        }
    }

    /// Takes over what another one holds, which has no record open.
    pub fn append(&mut self, other: &mut Chunk) {
        // Its first text begins a segment.
        self.close_segment();
        other.close_segment();
        self.ints.append(&mut other.ints);
        self.floats.append(&mut other.floats);
        self.text.append(&mut other.text);
        self.segments.append(&mut other.segments);
        self.bytes.append(&mut other.bytes);
    }

    pub fn mark(&self) -> Mark {
        Mark {
            ints: self.ints.len(),
            floats: self.floats.len(),
            text: self.text.len(),
            segments: self.segments.len(),
            bytes: self.bytes.len(),
            segment: self.segment,
        }
    }

    pub fn rewind(&mut self, mark: Mark) {
        self.ints.truncate(mark.ints);
        self.floats.truncate(mark.floats);
        self.text.truncate(mark.text);
        self.segments.truncate(mark.segments);
        self.bytes.truncate(mark.bytes);
        self.segment = mark.segment;
    }
}

/// PostgreSQL and MySQL bound a value at 1 GiB, so a length always fits.
fn length_word(length: usize) -> i32 {
    i32::try_from(length).expect("a value is at most 1 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(values: &[&str]) -> Chunk {
        let mut chunk = Chunk::default();
        for value in values {
            chunk.text(value.as_bytes());
        }
        chunk.close_segment();
        chunk
    }

    #[test]
    fn latin_1_shares_a_segment_and_the_rest_is_utf_16() {
        let chunk = written(&["abc", "é", "", "漢🐘", "x"]);
        assert_eq!(chunk.ints, [3, 1, 0, !3, 1]);
        assert_eq!(chunk.segments().collect::<Vec<_>>(), [b"abc\xe9x"]);
        assert_eq!(chunk.bytes, [0x22, 0x6f, 0x3d, 0xd8, 0x18, 0xdc]);
    }

    #[test]
    fn a_segment_ends_before_it_pins_much() {
        let long = "a".repeat(SEGMENT_TARGET - 1);
        let chunk = written(&[&long, "b", "c"]);
        assert_eq!(chunk.ints, [SEGMENT_TARGET as i32 - 1, 1, 1]);
        assert_eq!(chunk.segments, [SEGMENT_TARGET, 1]);
        let huge = "a".repeat(10 * SEGMENT_TARGET);
        assert_eq!(written(&["a", &huge, "b"]).segments, [1, 10 * SEGMENT_TARGET, 1]);
    }

    #[test]
    fn a_payload_grows_until_it_is_ended() {
        let mut chunk = Chunk::default();
        assert!(!chunk.extend_bytes(b"nobody's"));
        chunk.begin_bytes(&[record::COPY_OUT, 7], b"ab");
        assert!(chunk.extend_bytes(b"c"));
        chunk.end_bytes();
        assert!(!chunk.extend_bytes(b"late"));
        assert_eq!(chunk.ints, [record::COPY_OUT, 7, 3]);
        assert_eq!(chunk.bytes, b"abc");
        chunk.begin_bytes(&[record::COPY_OUT, 8], b"d");
        chunk.clear();
        assert!(!chunk.extend_bytes(b"gone"));
    }

    #[test]
    fn text_that_is_not_utf_8_is_replaced() {
        let mut chunk = Chunk::default();
        chunk.text(b"a\xff");
        assert_eq!(chunk.ints, [!2]);
        assert_eq!(chunk.bytes, [b'a', 0, 0xfd, 0xff]);
    }
}
