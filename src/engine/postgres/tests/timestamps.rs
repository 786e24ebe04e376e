use super::*;
use proptest::prelude::*;

fn plain(text: &str) -> Option<f64> {
    from_text(text.as_bytes(), false)
}

fn zoned(text: &str) -> Option<f64> {
    from_text(text.as_bytes(), true)
}

#[test]
fn known_moments() {
    for (text, ms) in [
        ("1970-01-01 00:00:00", 0.0),
        ("2000-01-01 00:00:00", 946_684_800_000.0),
        ("2024-02-29 12:34:56.789", 1_709_210_096_789.0),
        ("1969-12-31 23:59:59.9999", -1.0),
        ("0001-01-01 00:00:00 BC", -62_167_219_200_000.0),
        ("4714-11-24 00:00:00 BC", -210_866_803_200_000.0),
        ("294276-12-31 23:59:59.999999", 9_224_318_015_999_999.0),
        ("infinity", f64::INFINITY),
        ("-infinity", f64::NEG_INFINITY),
    ] {
        assert_eq!(plain(text), Some(ms), "{text}");
    }
}

#[test]
fn offsets_of_hours_minutes_and_seconds() {
    assert_eq!(zoned("1970-01-01 01:00:00+01"), Some(0.0));
    assert_eq!(zoned("1969-12-31 20:30:00-03:30"), Some(0.0));
    assert_eq!(zoned("1883-11-18 12:03:57.5-04:56:02"), zoned("1883-11-18 16:59:59.5+00"));
    assert_eq!(zoned("0044-03-15 12:00:00+00:49:56 BC"), zoned("0044-03-15 11:10:04+00 BC"));
    assert_eq!(zoned("infinity"), Some(f64::INFINITY));
}

#[test]
fn binary_rounds_down_and_keeps_infinity() {
    assert_eq!(from_binary(0), 946_684_800_000.0);
    assert_eq!(from_binary(-1), 946_684_799_999.0);
    assert_eq!(from_binary(999), 946_684_800_000.0);
    assert_eq!(from_binary(i64::MAX), f64::INFINITY);
    assert_eq!(from_binary(i64::MIN), f64::NEG_INFINITY);
    assert!(from_binary(i64::MAX - 1).is_finite());
}

#[test]
fn anything_but_iso_is_refused() {
    for text in [
        "",
        "12/17/1997 07:37:16",
        "Wed Dec 17 07:37:16 1997",
        "17.12.1997 07:37:16",
        "1997-12-17",
        "1997-13-17 07:37:16",
        "1997-12-00 07:37:16",
        "1997-12-17 07:37",
        "1997-12-17 07:61:16",
        "1997-12-17 07:37:16.",
        "1997-12-17 07:37:16.1234567",
        "1997-12-17 07:37:16+00",
        "1997-12-17 07:37:16 AD",
        "997-12-17 07:37:16",
        "1234567-12-17 07:37:16",
        "-1997-12-17 07:37:16",
        "Infinity",
    ] {
        assert_eq!(plain(text), None, "{text}");
    }
    for text in ["1997-12-17 07:37:16", "1997-12-17 07:37:16 PST", "1997-12-17 07:37:16+1"] {
        assert_eq!(zoned(text), None, "{text}");
    }
}

/// The date of a day, found by walking the calendar: slow and unlike the formula under test.
fn date(mut day: i64) -> (i64, i64, i64) {
    let leap = |year: i64| year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
    let mut year = 1970 + day.div_euclid(146_097) * 400;
    day = day.rem_euclid(146_097);
    while day >= 365 + i64::from(leap(year)) {
        day -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    (year, month as i64 + 1, day + 1)
}

proptest! {
    #[test]
    fn both_forms_agree(
        // Every moment PostgreSQL can hold.
        micros in -211_813_488_000_000_000i64..9_223_371_331_200_000_000,
        offset in -57_599i64..57_600,
        has_offset: bool,
    ) {
        let offset = if has_offset { offset } else { 0 };
        let local_us = i128::from(micros) + i128::from(offset) * 1_000_000;
        let local_s = local_us.div_euclid(1_000_000) as i64 + 946_684_800;
        let (year, month, day) = date(local_s.div_euclid(86_400));
        let second = local_s.rem_euclid(86_400);
        let (era, year) = if year > 0 { ("", year) } else { (" BC", 1 - year) };
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let clock = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        let fraction = format!(".{:06}", local_us.rem_euclid(1_000_000));
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        let expected = Some(from_binary(micros));
        let sign = if offset < 0 { '-' } else { '+' };
        let east = offset.abs();
        let (h, m, s) = (east / 3600, east / 60 % 60, east % 60);
        let zone = format!("{sign}{h:02}:{m:02}:{s:02}");
        prop_assert_eq!(zoned(&format!("{clock}{fraction}{zone}{era}")), expected);
        if !has_offset {
            prop_assert_eq!(plain(&format!("{clock}{fraction}{era}")), expected);
        }
    }

    #[test]
    fn noise_never_panics(text in "[-0-9+:. BC]{0,32}") {
        let _ = plain(&text);
        let _ = zoned(&text);
    }
}
