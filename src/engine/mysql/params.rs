//! Parameters into the body of an EXECUTE.

use super::codec::put_bytes;
use super::temporal::Moment;
use crate::engine::instant;
use crate::wire::param::{Param, Params};
use bytes::{BufMut, BytesMut};
use mysql_common::constants::ColumnType;

/// The protocol counts parameters in 16 bits.
const MAX_PARAMS: usize = 65_535;

/// Integers up to here are what JavaScript means by them.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The high byte of a type, for integers without a sign.
const UNSIGNED: u8 = 0x80;

/// A parameter, or a statement, that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// From 1; 0 is the statement as a whole.
    pub position: usize,
    pub message: String,
}

impl EncodeError {
    pub fn of_statement(message: impl Into<String>) -> EncodeError {
        EncodeError { position: 0, message: message.into() }
    }
}

impl std::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.position {
            0 => f.write_str(&self.message),
            position => write!(f, "parameter {position} {}", self.message),
        }
    }
}

impl std::error::Error for EncodeError {}

/// A statement that has other than the given parameters.
#[cold]
pub(super) fn wrong_count(wanted: usize, given: usize) -> EncodeError {
    let parameters = if wanted == 1 { "parameter" } else { "parameters" };
    let message = format!("the statement has {wanted} {parameters}, and {given} were given");
    EncodeError::of_statement(message)
}

/// Appends NULL bits, types and values. After an error `out` ends in half a packet: the caller
/// cuts it off.
pub(super) fn write_params(out: &mut BytesMut, params: Params<'_>) -> Result<(), EncodeError> {
    let count = params.len();
    if count == 0 {
        return Ok(());
    }
    if count > MAX_PARAMS {
        let message = format!("a statement takes at most {MAX_PARAMS} parameters");
        return Err(EncodeError::of_statement(message));
    }
    // One pass: bits and types have a known place and are filled in while the values follow.
    let nulls_at = out.len();
    out.put_bytes(0, count.div_ceil(8));
    // The types follow: each execution may bring others.
    out.put_u8(1);
    let types_at = out.len();
    out.put_bytes(0, 2 * count);
    for (index, param) in params.iter().enumerate() {
        if matches!(param, Param::Null) {
            out[nulls_at + index / 8] |= 1 << (index % 8);
        }
        let kind = write_value(out, param)
            .map_err(|message| EncodeError { position: index + 1, message: message.into() })?;
        out[types_at + 2 * index..types_at + 2 * index + 2].copy_from_slice(&kind);
    }
    Ok(())
}

/// Writes one value and says of which type it is. All integers are of one type, for a server
/// prepares anew what it first saw with another.
fn write_value(out: &mut BytesMut, param: Param<'_>) -> Result<[u8; 2], &'static str> {
    use ColumnType::*;
    let kind = match param {
        Param::Null => MYSQL_TYPE_NULL,
        Param::Bool(value) => write_integer(out, i64::from(value)),
        Param::Int(value) => write_integer(out, i64::from(value)),
        Param::Float(value) => write_float(out, value)?,
        Param::BigInt(digits) => return Ok(write_big(out, digits)),
        Param::Text(text) | Param::Json(text) | Param::Array { json: text, .. } => {
            put_bytes(out, text.as_bytes());
            MYSQL_TYPE_VAR_STRING
        }
        Param::Bytes(bytes) => {
            put_bytes(out, bytes);
            MYSQL_TYPE_BLOB
        }
        Param::Date(text) => write_date(out, text)?,
    };
    Ok([kind as u8, 0])
}

#[inline]
fn write_integer(out: &mut BytesMut, value: i64) -> ColumnType {
    out.put_i64_le(value);
    ColumnType::MYSQL_TYPE_LONGLONG
}

/// JavaScript has one type of number; the whole ones are integers, except minus zero.
fn write_float(out: &mut BytesMut, value: f64) -> Result<ColumnType, &'static str> {
    if !value.is_finite() {
        return Err("is NaN or infinite, and MySQL has no such numbers");
    }
    let whole = value.fract() == 0.0 && value.abs() <= SAFE_INTEGER;
    if whole && (value != 0.0 || value.is_sign_positive()) {
        return Ok(write_integer(out, value as i64));
    }
    out.put_f64_le(value);
    Ok(ColumnType::MYSQL_TYPE_DOUBLE)
}

/// Beyond 64 bits it is a DECIMAL.
fn write_big(out: &mut BytesMut, digits: &str) -> [u8; 2] {
    if let Ok(value) = digits.parse::<i64>() {
        return [write_integer(out, value) as u8, 0];
    }
    if let Ok(value) = digits.parse::<u64>() {
        out.put_u64_le(value);
        return [ColumnType::MYSQL_TYPE_LONGLONG as u8, UNSIGNED];
    }
    put_bytes(out, digits.as_bytes());
    [ColumnType::MYSQL_TYPE_NEWDECIMAL as u8, 0]
}

/// The instant as of UTC, which is what sessions have for their time zone.
fn write_date(out: &mut BytesMut, text: &str) -> Result<ColumnType, &'static str> {
    let moment = instant::from_text(text.as_bytes(), true).and_then(Moment::from_instant);
    let moment = moment.ok_or("is a Date beyond the years 0 to 9999 of MySQL")?;
    out.put_u8(if moment.micros == 0 { 7 } else { 11 });
    out.put_u16_le(moment.year);
    out.put_slice(&[moment.month, moment.day, moment.hour, moment.minute, moment.second]);
    if moment.micros != 0 {
        out.put_u32_le(moment.micros);
    }
    Ok(ColumnType::MYSQL_TYPE_DATETIME)
}

#[cfg(test)]
#[path = "tests/params.rs"]
mod tests;
