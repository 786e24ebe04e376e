//! Instants as databases and JavaScript write them, to milliseconds since 1970.
//!
//! Written by hand: of the date crates jiff ends at the year 9999 and chrono at 262142, while
//! PostgreSQL goes to 294276; `time` gets there, but reads neither ` BC` nor anything this fast.

/// `2024-02-29 12:34:56.789+05:30 BC`: fraction, offset and era as needed. `zoned` tells whether
/// there must be an offset or must be none. JavaScript's own form has a `T` for the blank.
pub fn from_text(text: &[u8], zoned: bool) -> Option<f64> {
    match text {
        b"infinity" => return Some(f64::INFINITY),
        b"-infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let (mut rest, before_christ) = match text.strip_suffix(b" BC") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let rest = &mut rest;
    let year = digits(rest, 4, 6)?;
    let month = after(rest, b'-')?;
    let day = after(rest, b'-')?;
    let hour = after(rest, b' ').or_else(|| after(rest, b'T'))?;
    let (minute, second) = (after(rest, b':')?, after(rest, b':')?);
    let fraction_ms = fraction(rest)?;
    let offset = if zoned { offset(rest)? } else { 0 };
    let plausible = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour <= 24
        && minute <= 59
        && second <= 60
        && rest.is_empty();
    if !plausible {
        return None;
    }
    let year = if before_christ { 1 - year } else { year };
    let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second - offset;
    Some((seconds * 1000 + fraction_ms) as f64)
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar. Years are counted from
/// March, so that the leap day comes last and the months before it follow one formula.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

fn digits(rest: &mut &[u8], least: usize, most: usize) -> Option<i64> {
    let count = rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    if count < least {
        return None;
    }
    let (number, tail) = rest.split_at(count);
    *rest = tail;
    Some(number.iter().fold(0, |sum, &digit| sum * 10 + i64::from(digit - b'0')))
}

/// Two digits behind a separator.
fn after(rest: &mut &[u8], separator: u8) -> Option<i64> {
    *rest = rest.strip_prefix(&[separator])?;
    digits(rest, 2, 2)
}

/// Whole milliseconds of `.ffffff`. The fraction adds to the second in every era, so cutting it
/// is rounding down.
fn fraction(rest: &mut &[u8]) -> Option<i64> {
    let Some(tail) = rest.strip_prefix(b".") else { return Some(0) };
    *rest = tail;
    let micros = digits(rest, 1, 6)?;
    let count = tail.len() - rest.len();
    Some(micros * 10i64.pow(6 - count as u32) / 1000)
}

/// Seconds east of Greenwich of `+hh[:mm[:ss]]`.
fn offset(rest: &mut &[u8]) -> Option<i64> {
    let sign = match rest.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    *rest = &rest[1..];
    let hours = digits(rest, 2, 2)?;
    let minutes = if rest.first() == Some(&b':') { after(rest, b':')? } else { 0 };
    let seconds = if rest.first() == Some(&b':') { after(rest, b':')? } else { 0 };
    Some(sign * (hours * 3600 + minutes * 60 + seconds))
}
