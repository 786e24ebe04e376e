//! Commands to bytes: an array of bulk strings, whatever the words are.

use crate::wire::param::{Param, Params};
use bytes::BytesMut;
use std::fmt;

/// A word that cannot be sent; counted from 1, the command's name not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    pub position: usize,
    pub reason: &'static str,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            0 => f.write_str(self.reason),
            position => write!(f, "argument {position} {}", self.reason),
        }
    }
}

/// Bytes that head and end of one word take at most.
const FRAME: usize = 16;

/// `*3\r\n`
pub fn put_head(out: &mut BytesMut, words: usize) {
    put_length(out, b'*', words);
}

/// `$3\r\nSET\r\n`
pub fn put_word(out: &mut BytesMut, word: &[u8]) {
    put_length(out, b'$', word.len());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// A whole command.
pub fn put_command(out: &mut BytesMut, words: &[&[u8]]) {
    put_head(out, words.len());
    for word in words {
        put_word(out, word);
    }
}

fn put_length(out: &mut BytesMut, tag: u8, length: usize) {
    let mut digits = [0; 24];
    let mut at = digits.len() - 2;
    digits[at..].copy_from_slice(b"\r\n");
    let mut rest = length;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    at -= 1;
    digits[at] = tag;
    out.extend_from_slice(&digits[at..]);
}

/// Room for all of these at once.
pub fn reserve(out: &mut BytesMut, params: Params<'_>) {
    out.reserve(params.size() + params.len() * FRAME);
}

/// The word at this position.
pub fn put_param(out: &mut BytesMut, param: Param<'_>, position: usize) -> Result<(), EncodeError> {
    let refused = |reason| Err(EncodeError { position, reason });
    match param {
        Param::Text(text) | Param::BigInt(text) => put_word(out, text.as_bytes()),
        Param::Bytes(bytes) => put_word(out, bytes),
        Param::Int(value) => put_word(out, decimal(value, &mut [0; 12])),
        Param::Float(value) => put_word(out, value.to_string().as_bytes()),
        Param::Null => return refused("is null, which Redis has not"),
        Param::Bool(_) => return refused("is a boolean, which Redis has not"),
        Param::Date(_) | Param::Json(_) | Param::Array { .. } => {
            return refused("is an object: give a text, a number or bytes");
        }
    }
    Ok(())
}

fn decimal(value: i32, digits: &mut [u8; 12]) -> &[u8] {
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    &digits[at..]
}

/// What a parameter says, as far as it is text.
pub fn word_of<'a>(param: Param<'a>) -> &'a [u8] {
    match param {
        Param::Text(text) => text.as_bytes(),
        Param::Bytes(bytes) => bytes,
        _ => b"",
    }
}

#[cfg(test)]
#[path = "tests/encode.rs"]
mod tests;
