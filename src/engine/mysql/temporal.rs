//! Dates and times of MySQL, in their text and binary forms.

use super::codec::{take, take_u32};
use crate::engine::instant::days;
use crate::wire::chunk::Chunk;
use std::io::Write;

const DAY_MS: i64 = 86_400_000;

/// A DATE, DATETIME or TIMESTAMP. Parts may be zero: MySQL has dates without day or month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub micros: u32,
}

impl Moment {
    /// `2024-02-29 12:34:56.789012`
    #[inline]
    pub fn from_text(text: &[u8]) -> Option<Moment> {
        let (head, fraction) = text.split_first_chunk::<19>()?;
        let separators = [head[4], head[7], head[10], head[13], head[16]];
        if separators != *b"-- ::" {
            return None;
        }
        let century = two(head, 0)?;
        Some(Moment {
            year: u16::from(century) * 100 + u16::from(two(head, 2)?),
            month: two(head, 5)?,
            day: two(head, 8)?,
            hour: two(head, 11)?,
            minute: two(head, 14)?,
            second: two(head, 17)?,
            micros: micros(fraction)?,
        })
    }

    /// Milliseconds since 1970, as of UTC; `None` when a part is none of a date's or time's.
    #[inline]
    pub fn instant(self) -> Option<f64> {
        let Moment { year, month, day, hour, minute, second, micros } = self;
        let plausible = (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour <= 23
            && minute <= 59
            && second <= 59
            && micros <= 999_999;
        if !plausible {
            return None;
        }
        let days = days(i64::from(year), i64::from(month), i64::from(day));
        let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        Some((days * DAY_MS + seconds * 1000 + i64::from(micros / 1000)) as f64)
    }

    /// The moment so many milliseconds since 1970, as of UTC; `None` beyond the years of MySQL.
    pub fn from_instant(ms: f64) -> Option<Moment> {
        let ms = ms as i64;
        let (days, of_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
        let (year, month, day) = civil(days);
        let seconds = of_day / 1000;
        Some(Moment {
            year: u16::try_from(year).ok().filter(|year| *year <= 9999)?,
            month,
            day,
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            micros: (of_day % 1000) as u32 * 1000,
        })
    }
}

/// The inverse of `days`: eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * shifted + 2) / 5 + 1) as u8;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u8;
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[inline]
fn two(text: &[u8], at: usize) -> Option<u8> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then_some(tens * 10 + ones)
}

/// Of `.789012`, cut anywhere, or of nothing.
fn micros(fraction: &[u8]) -> Option<u32> {
    let Some(digits) = fraction.strip_prefix(b".") else {
        return fraction.is_empty().then_some(0);
    };
    if digits.len() > 6 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Some(number * 10u32.pow(6 - digits.len() as u32))
}

/// `2024-02-29`, as the text protocol has it.
pub(super) fn write_date(chunk: &mut Chunk, moment: Moment) {
    let mut text = [0u8; 16];
    let mut free = &mut text[..];
    let Moment { year, month, day, .. } = moment;
    write!(free, "{year:04}-{month:02}-{day:02}").expect("five digits, three and three fit");
    let used = 16 - free.len();
    chunk.text(&text[..used]);
}

/// A TIME of the binary protocol as the text protocol has it, `-838:59:59.000000`; `None` when it
/// is malformed.
pub(super) fn write_time(chunk: &mut Chunk, value: &[u8], decimals: u8) -> Option<()> {
    let (mut negative, mut days, mut clock, mut micros) = (0, 0, [0u8; 3], 0);
    let mut rest = value;
    if value.len() >= 8 {
        [negative] = take(&mut rest)?;
        days = take_u32(&mut rest)?;
        clock = take(&mut rest)?;
    }
    if value.len() >= 12 {
        micros = take_u32(&mut rest)?;
    }
    if !rest.is_empty() || micros > 999_999 {
        return None;
    }
    let sign = if negative == 0 { "" } else { "-" };
    let hours = u64::from(days) * 24 + u64::from(clock[0]);
    let mut text = [0u8; 32];
    let mut free = &mut text[..];
    write!(free, "{sign}{hours:02}:{:02}:{:02}", clock[1], clock[2]).expect("at most 20 bytes");
    // Beyond six the column has as many decimals as a value needs.
    let shown = match decimals {
        0..=6 => usize::from(decimals),
        _ if micros == 0 => 0,
        _ => 6,
    };
    if shown > 0 {
        let cut = micros / 10u32.pow(6 - shown as u32);
        write!(free, ".{cut:0shown$}").expect("at most seven bytes");
    }
    let used = 32 - free.len();
    chunk.text(&text[..used]);
    Some(())
}

#[cfg(test)]
#[path = "tests/temporal.rs"]
mod tests;
