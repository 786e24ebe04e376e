//! Replies as JavaScript reads them: one tag for each element, its payload behind it, in the order
//! in which RESP has them.

use super::resp::{Element, Scanner, take};
use crate::wire::chunk::Chunk;
use crate::wire::record::value as tag;

/// What a text becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    Strings,
    Bytes,
}

/// V8's bound on the length of a string.
const STRING_MAX: usize = 0x1fff_ffe8;
const TOO_LONG: &[u8] = b"ERR the text is longer than a string can be: ask for bytes";

const INT_MIN: i64 = i32::MIN as i64;
const INT_MAX: i64 = i32::MAX as i64;
/// Integers up to here are exact as numbers of JavaScript's.
const SAFE: u64 = (1 << 53) - 1;

/// Appends a reply that is known to be whole.
pub fn write(chunk: &mut Chunk, mut reply: &[u8], texts: Texts) {
    while !reply.is_empty() {
        match take(&mut reply) {
            Element::Nil => chunk.int(tag::NIL),
            Element::Bool(value) => chunk.int(if value { tag::TRUE } else { tag::FALSE }),
            Element::Int(value) => write_int(chunk, value),
            Element::Status(b"OK") if texts == Texts::Strings => chunk.int(tag::OK),
            Element::Status(text) => write_text(chunk, tag::STATUS, text, texts),
            Element::Text(text) => write_text(chunk, tag::TEXT, text, texts),
            Element::Error(text) => write_string(chunk, tag::ERROR, text),
            Element::Double(text) => write_string(chunk, tag::DOUBLE, text),
            Element::Big(text) => write_string(chunk, tag::BIG, text),
            Element::Verbatim(text) => write_text(chunk, tag::TEXT, &text[4..], texts),
            Element::Array(count) => write_head(chunk, tag::ARRAY, count),
            Element::Map(pairs) => write_head(chunk, tag::MAP, pairs),
            Element::Set(count) => write_head(chunk, tag::SET, count),
            Element::Push(count) => write_head(chunk, tag::PUSH, count),
            Element::Attribute(pairs) => skip(&mut reply, pairs),
        }
    }
}

/// What a reply says beside itself is nobody's.
fn skip(reply: &mut &[u8], pairs: u32) {
    for _ in 0..u64::from(pairs) * 2 {
        let Ok(Some(length)) = Scanner::default().scan(reply) else { return };
        *reply = &reply[length..];
    }
}

pub fn write_head(chunk: &mut Chunk, tag: i32, count: u32) {
    chunk.int(tag);
    chunk.int(count as i32);
}

pub fn write_int(chunk: &mut Chunk, value: i64) {
    match value {
        INT_MIN..=INT_MAX => {
            chunk.int(tag::INT);
            chunk.int(value as i32);
        }
        _ if value.unsigned_abs() <= SAFE => {
            chunk.int(tag::LONG);
            chunk.float(value as f64);
        }
        _ => write_string(chunk, tag::BIG, value.to_string().as_bytes()),
    }
}

fn write_text(chunk: &mut Chunk, tag: i32, text: &[u8], texts: Texts) {
    match texts {
        Texts::Strings => write_string(chunk, tag, text),
        Texts::Bytes => {
            chunk.int(tag::BYTES);
            chunk.blob(text);
        }
    }
}

fn write_string(chunk: &mut Chunk, tag: i32, text: &[u8]) {
    if text.len() > STRING_MAX {
        chunk.int(tag::ERROR);
        return chunk.text(TOO_LONG);
    }
    chunk.int(tag);
    chunk.text(text);
}

#[cfg(test)]
#[path = "tests/value.rs"]
mod tests;
