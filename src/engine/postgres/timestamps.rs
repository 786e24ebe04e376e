//! Timestamps to milliseconds since 1970, from the binary form or from ISO text.

pub(super) use crate::engine::instant::from_text;

/// 2000-01-01, where PostgreSQL counts from, in milliseconds since 1970.
const EPOCH_2000_MS: i64 = 946_684_800_000;

/// Microseconds since 2000, rounded down to whole milliseconds.
#[inline]
pub(super) fn from_binary(micros: i64) -> f64 {
    match micros {
        i64::MAX => f64::INFINITY,
        i64::MIN => f64::NEG_INFINITY,
        _ => (micros.div_euclid(1000) + EPOCH_2000_MS) as f64,
    }
}

/// Microseconds since 2000 of a finite instant in ISO form.
pub(super) fn to_binary(text: &[u8]) -> Option<i64> {
    let ms = from_text(text, true).filter(|ms| ms.is_finite())? as i64;
    (ms - EPOCH_2000_MS).checked_mul(1000)
}

#[cfg(test)]
#[path = "tests/timestamps.rs"]
mod tests;
