//! Parameters into the body of a Bind message.

use super::timestamps;
use super::types::oid;
use crate::wire::param::{Param, Params};
use bytes::{BufMut, BytesMut};
use std::fmt::Write;

/// The protocol counts parameters in 16 bits.
const MAX_PARAMS: usize = 65_535;

/// A parameter that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// From 1, as in `$1`.
    pub position: usize,
    pub message: String,
}

impl std::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "parameter ${}: {}", self.position, self.message)
    }
}

impl std::error::Error for EncodeError {}

/// An array is a literal or JSON by the type of its parameter, so that must be described first.
pub fn needs_description(params: Params<'_>) -> bool {
    params.iter().any(|param| matches!(param, Param::Array { .. }))
}

/// Appends the part of Bind between the statement's name and the result formats: count and list
/// of format codes, count and list of values. `described` are the types the server gave for the
/// parameters; without them everything but bytes goes as text, for the server to interpret.
///
/// After an error `out` ends in half a message: the caller cuts it off.
pub fn write_params(
    out: &mut BytesMut,
    params: Params<'_>,
    described: Option<&[u32]>,
) -> Result<(), EncodeError> {
    if params.len() > MAX_PARAMS {
        let message = format!("a statement takes at most {MAX_PARAMS} parameters");
        return Err(EncodeError { position: MAX_PARAMS + 1, message });
    }
    let count = params.len() as u16;
    // One pass: the format codes have a known place and are filled in while the values follow.
    out.put_u16(count);
    let formats_at = out.len();
    out.put_bytes(0, 2 * params.len());
    out.put_u16(count);
    for (index, param) in params.iter().enumerate() {
        let type_oid = described.and_then(|types| types.get(index)).copied().unwrap_or(0);
        let length_at = out.len();
        out.put_i32(-1);
        if matches!(param, Param::Null) {
            continue;
        }
        let binary = write_value(out, param, type_oid)
            .map_err(|message| EncodeError { position: index + 1, message: message.into() })?;
        let length = i32::try_from(out.len() - length_at - 4)
            .map_err(|_| EncodeError { position: index + 1, message: "is too long".into() })?;
        out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
        out[formats_at + 2 * index + 1] = u8::from(binary);
    }
    Ok(())
}

/// Writes one value and says whether it is in binary form.
fn write_value(out: &mut BytesMut, param: Param<'_>, type_oid: u32) -> Result<bool, &'static str> {
    match param {
        Param::Null => Ok(false),
        Param::Bool(value) => Ok(write_bool(out, value, type_oid)),
        Param::Int(value) => Ok(write_int(out, value, type_oid)),
        Param::Float(value) => Ok(write_float(out, value, type_oid)),
        Param::Text(text) | Param::BigInt(text) | Param::Json(text) => write_text(out, text),
        Param::Date(text) => write_date(out, text, type_oid),
        Param::Bytes(bytes) => {
            out.put_slice(bytes);
            Ok(true)
        }
        Param::Array { json, .. } if matches!(type_oid, oid::JSON | oid::JSONB) => {
            write_text(out, json)
        }
        Param::Array { literal, .. } => write_text(out, literal),
    }
}

fn write_text(out: &mut BytesMut, text: &str) -> Result<bool, &'static str> {
    if text.as_bytes().contains(&0) {
        return Err("text for PostgreSQL cannot contain a NUL character");
    }
    out.put_slice(text.as_bytes());
    Ok(false)
}

/// The instant spares the server its reading of dates. Whatever takes the wall clock, or is no
/// timestamp at all, gets the text.
fn write_date(out: &mut BytesMut, text: &str, type_oid: u32) -> Result<bool, &'static str> {
    match timestamps::to_binary(text.as_bytes()) {
        Some(micros) if type_oid == oid::TIMESTAMPTZ => {
            out.put_i64(micros);
            Ok(true)
        }
        _ => write_text(out, text),
    }
}

/// Spelled out in text: `true` is boolean input and JSON alike.
fn write_bool(out: &mut BytesMut, value: bool, type_oid: u32) -> bool {
    if type_oid == oid::BOOL {
        out.put_u8(u8::from(value));
        return true;
    }
    out.put_slice(if value { b"true" } else { b"false" });
    false
}

/// Binary when the type holds the value; else text, so that the server tells what is wrong.
fn write_int(out: &mut BytesMut, value: i32, type_oid: u32) -> bool {
    match type_oid {
        oid::INT4 => out.put_i32(value),
        oid::INT8 => out.put_i64(i64::from(value)),
        oid::FLOAT8 => out.put_f64(f64::from(value)),
        oid::FLOAT4 => return write_float(out, f64::from(value), type_oid),
        oid::INT2 if i16::try_from(value).is_ok() => out.put_i16(value as i16),
        oid::OID if value >= 0 => out.put_i32(value),
        _ => {
            write!(out, "{value}").expect("a buffer in memory grows");
            return false;
        }
    }
    true
}

/// float4 takes the binary form only when nothing is lost: rounding and overflow stay the
/// server's, as at the first use of a statement.
fn write_float(out: &mut BytesMut, value: f64, type_oid: u32) -> bool {
    match type_oid {
        oid::FLOAT8 => {
            out.put_f64(value);
            true
        }
        oid::FLOAT4 if value.is_nan() || f64::from(value as f32) == value => {
            out.put_f32(value as f32);
            true
        }
        _ => {
            write_float_text(out, value).expect("a buffer in memory grows");
            false
        }
    }
}

/// The shortest digits that read back as this double, spelled as JavaScript does, except that
/// minus zero keeps its sign.
fn write_float_text(out: &mut BytesMut, value: f64) -> std::fmt::Result {
    let size = value.abs();
    if value.is_nan() {
        out.write_str("NaN")
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else if size == 0.0 || (1e-6..1e21).contains(&size) {
        write!(out, "{value}")
    } else if size < 1.0 {
        write!(out, "{value:e}")
    } else {
        out.write_str(&format!("{value:e}").replace('e', "e+"))
    }
}

#[cfg(test)]
#[path = "tests/params.rs"]
mod tests;
