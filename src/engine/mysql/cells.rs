//! One cell from the server's text or binary form to the chunk; both forms write the same.

use super::codec::{take, take_bytes, take_u16, take_u32};
use super::temporal::{self, Moment};
use super::types::{BINARY, CellError, Column, Extension, Int8, TypeOptions, Wire};
use crate::wire::chunk::Chunk;
use mysql_common::constants::{ColumnFlags, ColumnType};
use std::io::Write;

/// Integers of JavaScript are exact up to here.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Decimals of a number that has as many as it needs.
const FLOATING: u8 = 31;

/// How a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Tiny,
    UnsignedTiny,
    Short,
    UnsignedShort,
    /// Of 24 bits too, which travel in 32.
    Long,
    UnsignedLong,
    Big,
    UnsignedBig,
    BigText,
    UnsignedBigText,
    BigInt,
    UnsignedBigInt,
    /// With its decimals.
    Float(u8),
    Double(u8),
    Date,
    Moment,
    Time(u8),
    Text,
    Json,
    Bytes,
}

/// Why a cell was refused; `error` gives it the column's name. Carries no data, so that the hot
/// path returns it in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    UnsafeInteger,
    Malformed,
    /// The row does not fit its columns: nothing further can be read.
    Row,
}

/// False for a value that JavaScript gets as null.
type Written = Result<bool, Fault>;

impl Cell {
    pub fn of(column: &Column, options: &TypeOptions) -> Cell {
        use ColumnType::*;
        let unsigned = column.flags & ColumnFlags::UNSIGNED_FLAG.bits() != 0;
        let pick = |signed, other| if unsigned { other } else { signed };
        let Ok(kind) = ColumnType::try_from(column.kind) else { return Cell::text(column) };
        match kind {
            MYSQL_TYPE_NULL => Cell::Null,
            MYSQL_TYPE_TINY => pick(Cell::Tiny, Cell::UnsignedTiny),
            MYSQL_TYPE_SHORT => pick(Cell::Short, Cell::UnsignedShort),
            MYSQL_TYPE_YEAR => Cell::UnsignedShort,
            MYSQL_TYPE_INT24 => Cell::Long,
            MYSQL_TYPE_LONG => pick(Cell::Long, Cell::UnsignedLong),
            MYSQL_TYPE_LONGLONG => match options.int8 {
                Int8::Number => pick(Cell::Big, Cell::UnsignedBig),
                Int8::Text => pick(Cell::BigText, Cell::UnsignedBigText),
                Int8::BigInt => pick(Cell::BigInt, Cell::UnsignedBigInt),
            },
            MYSQL_TYPE_FLOAT => Cell::Float(column.decimals),
            MYSQL_TYPE_DOUBLE => Cell::Double(column.decimals),
            MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => Cell::Date,
            MYSQL_TYPE_DATETIME | MYSQL_TYPE_TIMESTAMP => Cell::Moment,
            MYSQL_TYPE_DATETIME2 | MYSQL_TYPE_TIMESTAMP2 => Cell::Moment,
            MYSQL_TYPE_TIME | MYSQL_TYPE_TIME2 => Cell::Time(column.decimals),
            MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => Cell::Text,
            MYSQL_TYPE_ENUM | MYSQL_TYPE_SET => Cell::Text,
            MYSQL_TYPE_JSON => Cell::Json,
            MYSQL_TYPE_BIT | MYSQL_TYPE_GEOMETRY | MYSQL_TYPE_VECTOR => Cell::Bytes,
            _ => Cell::text(column),
        }
    }

    /// Texts and bytes have the same types.
    fn text(column: &Column) -> Cell {
        let list = ColumnFlags::ENUM_FLAG.bits() | ColumnFlags::SET_FLAG.bits();
        match column.extension {
            Some(Extension::Json) => Cell::Json,
            Some(Extension::Text) => Cell::Text,
            _ if column.collation == BINARY && column.flags & list == 0 => Cell::Bytes,
            _ => Cell::Text,
        }
    }

    pub fn wire(self) -> Wire {
        match self {
            Cell::Tiny | Cell::UnsignedTiny | Cell::Short | Cell::UnsignedShort => Wire::Int,
            Cell::Long => Wire::Int,
            Cell::UnsignedLong | Cell::Big | Cell::UnsignedBig => Wire::Float,
            Cell::Float(_) | Cell::Double(_) => Wire::Float,
            Cell::BigInt | Cell::UnsignedBigInt => Wire::BigInt,
            Cell::Moment => Wire::Date,
            Cell::Json => Wire::Json,
            Cell::Bytes => Wire::Bytes,
            Cell::BigText | Cell::UnsignedBigText => Wire::Text,
            Cell::Null | Cell::Date | Cell::Time(_) | Cell::Text => Wire::Text,
        }
    }

    /// Reads one value of a binary row.
    #[inline]
    pub fn write_binary(self, chunk: &mut Chunk, rest: &mut &[u8]) -> Written {
        match self {
            Cell::Tiny => chunk.int(i32::from(i8::from_le_bytes(fixed(rest)?))),
            Cell::UnsignedTiny => chunk.int(i32::from(u8::from_le_bytes(fixed(rest)?))),
            Cell::Short => chunk.int(i32::from(i16::from_le_bytes(fixed(rest)?))),
            Cell::UnsignedShort => chunk.int(i32::from(u16::from_le_bytes(fixed(rest)?))),
            Cell::Long => chunk.int(i32::from_le_bytes(fixed(rest)?)),
            Cell::UnsignedLong => chunk.float(f64::from(u32::from_le_bytes(fixed(rest)?))),
            Cell::Big => chunk.float(safe(i64::from_le_bytes(fixed(rest)?))?),
            Cell::UnsignedBig => chunk.float(safe_unsigned(u64::from_le_bytes(fixed(rest)?))?),
            Cell::BigText | Cell::BigInt => write_digits(chunk, i64::from_le_bytes(fixed(rest)?)),
            Cell::UnsignedBigText | Cell::UnsignedBigInt => {
                write_digits(chunk, u64::from_le_bytes(fixed(rest)?));
            }
            Cell::Float(decimals) => {
                chunk.float(as_printed(f32::from_le_bytes(fixed(rest)?), decimals));
            }
            Cell::Double(decimals) => {
                chunk.float(rounded(f64::from_le_bytes(fixed(rest)?), decimals));
            }
            Cell::Date => temporal::write_date(chunk, moment(rest)?),
            Cell::Moment => return write_instant(chunk, moment(rest)?),
            Cell::Time(decimals) => {
                let time = take_bytes(rest).ok_or(Fault::Row)?;
                temporal::write_time(chunk, time, decimals).ok_or(Fault::Row)?;
            }
            Cell::Text | Cell::Json => chunk.text(take_bytes(rest).ok_or(Fault::Row)?),
            Cell::Bytes => chunk.blob(take_bytes(rest).ok_or(Fault::Row)?),
            Cell::Null => return Err(Fault::Row),
        }
        Ok(true)
    }

    #[inline]
    pub fn write_text(self, chunk: &mut Chunk, value: &[u8]) -> Written {
        match self {
            Cell::Text | Cell::Json | Cell::Date | Cell::Time(_) | Cell::Null => chunk.text(value),
            Cell::Bytes => chunk.blob(value),
            Cell::Tiny | Cell::UnsignedTiny | Cell::Short | Cell::UnsignedShort | Cell::Long => {
                chunk.int(i32::try_from(integer(value)?).map_err(|_| Fault::Malformed)?);
            }
            Cell::UnsignedLong => chunk.float(integer(value)? as f64),
            Cell::Big => chunk.float(safe(integer(value)?)?),
            Cell::UnsignedBig => chunk.float(safe_unsigned(digits(value)?)?),
            // Rewritten, not passed on: zeros that only fill, as of ZEROFILL, are no part of it.
            Cell::BigText | Cell::BigInt => write_digits(chunk, integer(value)?),
            Cell::UnsignedBigText | Cell::UnsignedBigInt => write_digits(chunk, digits(value)?),
            Cell::Float(_) | Cell::Double(_) => chunk.float(float(value)?),
            Cell::Moment => {
                let moment = Moment::from_text(value).ok_or(Fault::Malformed)?;
                return write_instant(chunk, moment);
            }
        }
        Ok(true)
    }
}

#[inline]
fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Fault> {
    take(rest).ok_or(Fault::Row)
}

/// A date with or without time: as many bytes as it needs.
#[inline]
fn moment(rest: &mut &[u8]) -> Result<Moment, Fault> {
    let mut value = take_bytes(rest).ok_or(Fault::Row)?;
    let length = value.len();
    let mut moment = Moment::default();
    let mut read = || {
        if length >= 4 {
            moment.year = take_u16(&mut value)?;
            [moment.month, moment.day] = take(&mut value)?;
        }
        if length >= 7 {
            [moment.hour, moment.minute, moment.second] = take(&mut value)?;
        }
        if length >= 11 {
            moment.micros = take_u32(&mut value)?;
        }
        value.is_empty().then_some(moment)
    };
    read().ok_or(Fault::Row)
}

/// Dates with a part that is zero, which are none in JavaScript, become null.
#[inline]
fn write_instant(chunk: &mut Chunk, moment: Moment) -> Written {
    if moment.month == 0 || moment.day == 0 {
        return Ok(false);
    }
    chunk.float(moment.instant().ok_or(Fault::Malformed)?);
    Ok(true)
}

#[inline]
fn safe(value: i64) -> Result<f64, Fault> {
    if value.unsigned_abs() > SAFE_INTEGER {
        return Err(Fault::UnsafeInteger);
    }
    Ok(value as f64)
}

#[inline]
fn safe_unsigned(value: u64) -> Result<f64, Fault> {
    if value > SAFE_INTEGER {
        return Err(Fault::UnsafeInteger);
    }
    Ok(value as f64)
}

/// Decimal digits, nothing else.
#[inline]
fn digits(value: &[u8]) -> Result<u64, Fault> {
    if value.is_empty() {
        return Err(Fault::Malformed);
    }
    value
        .iter()
        .try_fold(0u64, |sum, byte| {
            let digit = byte.wrapping_sub(b'0');
            let next = sum.checked_mul(10)?.checked_add(u64::from(digit))?;
            (digit <= 9).then_some(next)
        })
        .ok_or(Fault::Malformed)
}

#[inline]
fn integer(value: &[u8]) -> Result<i64, Fault> {
    match value.strip_prefix(b"-") {
        Some(rest) => 0i64.checked_sub_unsigned(digits(rest)?).ok_or(Fault::Malformed),
        None => i64::try_from(digits(value)?).map_err(|_| Fault::Malformed),
    }
}

fn float(value: &[u8]) -> Result<f64, Fault> {
    let text = std::str::from_utf8(value).map_err(|_| Fault::Malformed)?;
    text.parse().map_err(|_| Fault::Malformed)
}

fn write_digits(chunk: &mut Chunk, value: impl std::fmt::Display) {
    let mut digits = [0u8; 20];
    let mut free = &mut digits[..];
    write!(free, "{value}").expect("64 bits have at most 20 characters");
    let used = 20 - free.len();
    chunk.text(&digits[..used]);
}

/// The number that the text protocol prints of a FLOAT: six digits, or its fixed decimals. More
/// would make the same value differ between the two protocols.
fn as_printed(value: f32, decimals: u8) -> f64 {
    let wide = f64::from(value);
    if value.fract() == 0.0 && value.abs() < 1e6 || !value.is_finite() {
        return wide;
    }
    if decimals < FLOATING {
        return rounded(wide, decimals);
    }
    format!("{wide:.5e}").parse().unwrap_or(wide)
}

/// The number that the text protocol prints of a DOUBLE with fixed decimals.
#[inline]
fn rounded(value: f64, decimals: u8) -> f64 {
    if decimals >= FLOATING || !value.is_finite() {
        return value;
    }
    format!("{value:.*}", usize::from(decimals)).parse().unwrap_or(value)
}

/// Says which column was refused, and what to do about it. The value itself stays out: it may be
/// a secret of the application.
#[cold]
pub(super) fn error(fault: Fault, column: Option<&Column>) -> CellError {
    let name = column.map_or("", |column| column.name.as_str());
    let (code, message) = match fault {
        Fault::UnsafeInteger => (
            "ERR_POLYPOOL_UNSAFE_INTEGER",
            format!(
                "column \"{name}\" holds a BIGINT beyond the safe integers of JavaScript; \
                 set types: {{ int8: 'bigint' | 'string' }}"
            ),
        ),
        Fault::Malformed => {
            let kind = column.map_or(0, |column| column.kind);
            let text = format!("column \"{name}\" holds a malformed value of type {kind}");
            ("ERR_POLYPOOL_DECODE", text)
        }
        Fault::Row => ("ERR_POLYPOOL_PROTOCOL", "the server sent a malformed row".to_owned()),
    };
    CellError { column: name.to_owned(), message, code }
}

#[cfg(test)]
#[path = "tests/cells.rs"]
mod tests;
