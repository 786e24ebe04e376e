//! Completion chunks: three streams (Int32, Float64, bytes) that JavaScript reads in step.
//!
//! Everything the engine tells one link goes through a chunk. Text is written in segments: runs of
//! ASCII cells that JavaScript cuts from one string. A segment ends on a cell's boundary, at about
//! `SEGMENT_TARGET` bytes, so that a kept cell pins one small parent string only.

use super::record;

/// Segments stop growing here. 200-256 bytes measured best: fewer, larger slices pin more memory.
const SEGMENT_TARGET: usize = 224;

/// A chunk is handed over once it holds this much, so that one decode stays far below 1 ms.
pub const CHUNK_TARGET: usize = 32 * 1024;

#[derive(Default)]
pub struct Chunk {
    pub ints: Vec<i32>,
    pub floats: Vec<f64>,
    pub bytes: Vec<u8>,
    /// Index in `ints` of the open segment's length word, and the bytes in it so far.
    segment: Option<(usize, usize)>,
    /// Index in `ints` of the open rows record's count word, and the rows in it so far.
    rows: Option<(usize, i32)>,
}

/// A mark to go back to when a row proves undecodable half way.
#[derive(Clone, Copy)]
pub struct Mark {
    ints: usize,
    floats: usize,
    bytes: usize,
    segment: Option<(usize, usize)>,
}

impl Chunk {
    pub fn is_empty(&self) -> bool {
        self.ints.is_empty()
    }

    /// Bytes that JavaScript will have to take over.
    pub fn weight(&self) -> usize {
        self.ints.len() * 4 + self.floats.len() * 8 + self.bytes.len()
    }

    pub fn clear(&mut self) {
        self.ints.clear();
        self.floats.clear();
        self.bytes.clear();
        self.segment = None;
        self.rows = None;
    }

    /// Appends a record of plain words.
    pub fn record(&mut self, words: &[i32]) {
        debug_assert!(self.rows.is_none(), "a rows record is still open");
        self.ints.extend_from_slice(words);
    }

    /// Appends a record of plain words that owns a byte payload; its length is the last word.
    pub fn record_with_bytes(&mut self, words: &[i32], payload: &[u8]) {
        debug_assert!(self.rows.is_none(), "a rows record is still open");
        self.close_segment();
        self.ints.extend_from_slice(words);
        self.ints.push(length_word(payload.len()));
        self.bytes.extend_from_slice(payload);
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

    /// A cell of text. ASCII goes into the current segment as `[length]` (a new segment writes its
    /// own length word first); anything else as `[!length]` followed by its UTF-8 bytes.
    pub fn text(&mut self, value: &[u8]) {
        if value.is_ascii() {
            self.ascii(value);
        } else {
            self.close_segment();
            self.ints.push(!length_word(value.len()));
            self.bytes.extend_from_slice(value);
        }
    }

    fn ascii(&mut self, value: &[u8]) {
        let length = value.len();
        if length > 0 && self.segment.is_some_and(|(_, used)| used + length > SEGMENT_TARGET) {
            self.close_segment();
        }
        self.ints.push(length_word(length));
        if length == 0 {
            return;
        }
        match &mut self.segment {
            Some((_, used)) => *used += length,
            None => {
                self.ints.push(0);
                self.segment = Some((self.ints.len() - 1, length));
            }
        }
        self.bytes.extend_from_slice(value);
    }

    /// A cell of raw bytes, `[length]`.
    pub fn blob(&mut self, value: &[u8]) {
        self.close_segment();
        self.ints.push(length_word(value.len()));
        self.bytes.extend_from_slice(value);
    }

    /// Writes the open segment's length. The reader takes a new segment when the old one is used
    /// up, so both sides agree without a marker.
    pub fn close_segment(&mut self) {
        if let Some((at, used)) = self.segment.take() {
            self.ints[at] = length_word(used);
        }
    }

    pub fn mark(&self) -> Mark {
        Mark {
            ints: self.ints.len(),
            floats: self.floats.len(),
            bytes: self.bytes.len(),
            segment: self.segment,
        }
    }

    pub fn rewind(&mut self, mark: Mark) {
        self.ints.truncate(mark.ints);
        self.floats.truncate(mark.floats);
        self.bytes.truncate(mark.bytes);
        self.segment = mark.segment;
    }
}

/// PostgreSQL and MySQL bound a value at 1 GiB, so a length always fits.
fn length_word(length: usize) -> i32 {
    i32::try_from(length).expect("a value is at most 1 GiB")
}
