//! One cell from the server's text or binary form to the chunk; both forms write the same.

use super::arrays::{self, Element};
use super::timestamps;
use super::types::{CellError, Column, Decoding, Int8, TypeOptions, Wire, oid};
use crate::wire::chunk::Chunk;
use std::io::Write;

/// Integers of JavaScript are exact up to here.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// How a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Bool,
    Int2,
    Int4,
    Int8Number,
    Int8Text,
    Oid,
    Float4,
    Float8,
    Timestamp,
    Timestamptz,
    Bytea,
    Text,
    Array(Element),
    /// As the parsers of `pg-types` take them: what they do not understand is false, no date.
    LooseBool,
    LooseTimestamp,
    LooseTimestamptz,
    /// As it came.
    Bytes,
}

/// Why a cell was refused; `error` gives it the column's name. Carries no data, so that the hot
/// path returns it in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    UnsafeInteger,
    Malformed,
    Timestamp,
}

impl Cell {
    pub fn of(type_oid: u32, options: &TypeOptions) -> Cell {
        match options.decoding {
            Decoding::Native => {}
            Decoding::Peer => return Cell::as_peer(type_oid),
            Decoding::Text => return Cell::Text,
            Decoding::Bytes => return Cell::Bytes,
        }
        match type_oid {
            oid::BOOL => Cell::Bool,
            oid::INT2 => Cell::Int2,
            oid::INT4 => Cell::Int4,
            oid::INT8 if options.int8 == Int8::Number => Cell::Int8Number,
            oid::INT8 => Cell::Int8Text,
            oid::OID => Cell::Oid,
            oid::FLOAT4 => Cell::Float4,
            oid::FLOAT8 => Cell::Float8,
            oid::TIMESTAMP => Cell::Timestamp,
            oid::TIMESTAMPTZ => Cell::Timestamptz,
            oid::BYTEA => Cell::Bytea,
            oid::INT2_ARRAY | oid::INT4_ARRAY => Cell::Array(Element::Int),
            oid::TEXT_ARRAY | oid::VARCHAR_ARRAY | oid::UUID_ARRAY => Cell::Array(Element::Text),
            _ => Cell::Text,
        }
    }

    /// int8 and all else that is text there stays text; float4 is read as it is printed.
    fn as_peer(type_oid: u32) -> Cell {
        match type_oid {
            oid::BOOL => Cell::LooseBool,
            oid::INT8 => Cell::Text,
            oid::FLOAT4 => Cell::Float8,
            oid::TIMESTAMP => Cell::LooseTimestamp,
            oid::TIMESTAMPTZ => Cell::LooseTimestamptz,
            other => Cell::of(other, &TypeOptions::default()),
        }
    }

    pub fn wire(self) -> Wire {
        match self {
            Cell::Bool | Cell::LooseBool => Wire::Bool,
            Cell::Int2 | Cell::Int4 => Wire::Int,
            Cell::Int8Number | Cell::Oid | Cell::Float4 | Cell::Float8 => Wire::Float,
            Cell::Timestamp | Cell::Timestamptz => Wire::Float,
            Cell::LooseTimestamp | Cell::LooseTimestamptz => Wire::Float,
            Cell::Int8Text | Cell::Text => Wire::Text,
            Cell::Bytea | Cell::Bytes => Wire::Bytes,
            Cell::Array(Element::Int) => Wire::Ints,
            Cell::Array(Element::Text) => Wire::Texts,
        }
    }

    pub fn has_binary(self) -> bool {
        use Cell::{Array, Bytes, LooseBool, LooseTimestamp, LooseTimestamptz, Text};
        !matches!(self, Text | Array(_) | LooseBool | LooseTimestamp | LooseTimestamptz | Bytes)
    }

    #[inline]
    pub fn write(self, chunk: &mut Chunk, binary: bool, value: &[u8]) -> Result<(), Fault> {
        if let Cell::Array(element) = self {
            arrays::write(chunk, element, value);
            Ok(())
        } else if self == Cell::Text {
            chunk.text(value);
            Ok(())
        } else if binary {
            self.write_binary(chunk, value)
        } else {
            self.write_text(chunk, value)
        }
    }

    #[inline]
    fn write_binary(self, chunk: &mut Chunk, value: &[u8]) -> Result<(), Fault> {
        match self {
            Cell::Bool => chunk.int(i32::from(u8::from_be_bytes(sized(value)?) != 0)),
            Cell::Int2 => chunk.int(i32::from(i16::from_be_bytes(sized(value)?))),
            Cell::Int4 => chunk.int(i32::from_be_bytes(sized(value)?)),
            Cell::Int8Number => chunk.float(safe(i64::from_be_bytes(sized(value)?))?),
            Cell::Int8Text => write_decimal(chunk, i64::from_be_bytes(sized(value)?)),
            Cell::Oid => chunk.float(f64::from(u32::from_be_bytes(sized(value)?))),
            Cell::Float4 => chunk.float(widen(f32::from_be_bytes(sized(value)?))),
            Cell::Float8 => chunk.float(one_nan(f64::from_be_bytes(sized(value)?))),
            Cell::Timestamp | Cell::Timestamptz => {
                chunk.float(timestamps::from_binary(i64::from_be_bytes(sized(value)?)));
            }
            Cell::Bytea | Cell::Bytes => chunk.blob(value),
            // These have one form only.
            Cell::Text
            | Cell::Array(_)
            | Cell::LooseBool
            | Cell::LooseTimestamp
            | Cell::LooseTimestamptz => chunk.text(value),
        }
        Ok(())
    }

    fn write_text(self, chunk: &mut Chunk, value: &[u8]) -> Result<(), Fault> {
        match self {
            Cell::Bool => chunk.int(match value {
                b"t" => 1,
                b"f" => 0,
                _ => return Err(Fault::Malformed),
            }),
            Cell::Int2 => chunk.int(i32::from(number::<i16>(value)?)),
            Cell::Int4 => chunk.int(number(value)?),
            Cell::Int8Number => chunk.float(safe(number(value)?)?),
            // Rewritten, not passed on: nonsense is refused here and not in BigInt().
            Cell::Int8Text => write_decimal(chunk, number(value)?),
            Cell::Oid => chunk.float(f64::from(number::<u32>(value)?)),
            Cell::Float4 => chunk.float(widen(number(value)?)),
            Cell::Float8 => chunk.float(one_nan(number(value)?)),
            Cell::Timestamp => {
                chunk.float(timestamps::from_text(value, false).ok_or(Fault::Timestamp)?);
            }
            Cell::Timestamptz => {
                chunk.float(timestamps::from_text(value, true).ok_or(Fault::Timestamp)?);
            }
            Cell::LooseBool => chunk.int(i32::from(is_true(value))),
            Cell::LooseTimestamp => chunk.float(loose(timestamps::from_text(value, false))),
            Cell::LooseTimestamptz => chunk.float(loose(timestamps::from_text(value, true))),
            Cell::Bytea => chunk.blob(&bytes_from_text(value).ok_or(Fault::Malformed)?),
            Cell::Bytes => chunk.blob(value),
            // Both have one form only.
            Cell::Text | Cell::Array(_) => chunk.text(value),
        }
        Ok(())
    }
}

#[inline]
fn sized<const N: usize>(value: &[u8]) -> Result<[u8; N], Fault> {
    value.try_into().map_err(|_| Fault::Malformed)
}

fn number<T: std::str::FromStr>(value: &[u8]) -> Result<T, Fault> {
    let text = std::str::from_utf8(value).map_err(|_| Fault::Malformed)?;
    text.parse().map_err(|_| Fault::Malformed)
}

#[inline]
fn safe(value: i64) -> Result<f64, Fault> {
    if value.unsigned_abs() > SAFE_INTEGER {
        return Err(Fault::UnsafeInteger);
    }
    Ok(value as f64)
}

fn is_true(value: &[u8]) -> bool {
    matches!(value, b"t" | b"true" | b"TRUE" | b"y" | b"yes" | b"on" | b"1")
}

fn loose(milliseconds: Option<f64>) -> f64 {
    milliseconds.unwrap_or(f64::NAN)
}

fn write_decimal(chunk: &mut Chunk, value: i64) {
    let mut digits = [0u8; 20];
    let mut free = &mut digits[..];
    write!(free, "{value}").expect("an i64 has at most 20 characters");
    let used = 20 - free.len();
    chunk.text(&digits[..used]);
}

/// NaNs have many bit patterns, and the two forms must not tell them apart.
#[inline]
fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

/// The double nearest to the shortest decimal of a float4: 0.1, not 0.10000000149011612. Text goes
/// this way too, since servers before 12 print up to nine digits.
fn widen(value: f32) -> f64 {
    let wide = one_nan(f64::from(value));
    let whole = value.abs() < 16_777_216.0 && value.fract() == 0.0;
    if whole || !value.is_finite() {
        return wide;
    }
    let middle = |neighbour: f32| f64::midpoint(wide, f64::from(neighbour));
    let (a, b) = (middle(value.next_down()), middle(value.next_up()));
    let inside = |decimal: &f64| a < *decimal && *decimal < b;
    let parse = |text: &str| text.parse().ok().filter(inside);
    // The server never prints a decimal half way to the next float4, which others would accept.
    parse(zmij::Buffer::new().format_finite(value))
        .or_else(|| (0..9).find_map(|digits| parse(&format!("{value:.digits$e}"))))
        .unwrap_or(wide)
}

/// Both output forms of bytea: hex with its `\x`, and escape, where `\\` is a backslash and
/// `\ooo` an octal byte.
fn bytes_from_text(value: &[u8]) -> Option<Vec<u8>> {
    if let Some(digits) = value.strip_prefix(b"\\x") {
        let (pairs, odd) = digits.as_chunks::<2>();
        if !odd.is_empty() {
            return None;
        }
        return pairs.iter().map(|&[high, low]| Some(hex(high)? << 4 | hex(low)?)).collect();
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, tail)) = rest.split_first() {
        rest = match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => {
                bytes.push(b'\\');
                tail
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                tail
            }
            (b'\\', _) => return None,
            _ => {
                bytes.push(first);
                tail
            }
        };
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Says which column was refused, and what to do about it. The value itself stays out: it may be
/// a secret of the application.
#[cold]
pub(super) fn error(fault: Fault, column: &Column) -> CellError {
    let name = &column.name;
    let (code, message) = match fault {
        Fault::UnsafeInteger => (
            "ERR_POLYPOOL_UNSAFE_INTEGER",
            format!(
                "column \"{name}\" holds an int8 beyond the safe integers of JavaScript; \
                 set types: {{ int8: 'bigint' | 'string' }}"
            ),
        ),
        Fault::Timestamp => (
            "ERR_POLYPOOL_DECODE",
            format!(
                "column \"{name}\" holds a timestamp that is not in ISO form; \
                 keep DateStyle at ISO"
            ),
        ),
        Fault::Malformed => (
            "ERR_POLYPOOL_DECODE",
            format!("column \"{name}\" holds a malformed value of type {}", column.type_oid),
        ),
    };
    CellError { column: name.clone(), message, code }
}

#[cfg(test)]
#[path = "tests/cells.rs"]
mod tests;
