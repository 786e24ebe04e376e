use super::*;
use proptest::prelude::*;

fn instant(text: &str) -> Option<f64> {
    Moment::from_text(text.as_bytes())?.instant()
}

#[test]
fn known_moments() {
    for (text, ms) in [
        ("1970-01-01 00:00:00", 0.0),
        ("2000-01-01 00:00:00", 946_684_800_000.0),
        ("2024-02-29 12:34:56.789012", 1_709_210_096_789.0),
        ("1969-12-31 23:59:59.9999", -1.0),
        ("0001-01-01 00:00:00", -62_135_596_800_000.0),
        ("9999-12-31 23:59:59.999999", 253_402_300_799_999.0),
    ] {
        assert_eq!(instant(text), Some(ms), "{text}");
    }
}

#[test]
fn what_is_no_moment_is_refused() {
    for text in [
        "",
        "2024-01-01",
        "2024-01-01T00:00:00",
        "2024-13-01 00:00:00",
        "2024-01-01 24:00:00",
        "2024-01-01 00:60:00",
        "2024-01-01 00:00:0x",
        "2024-01-01 00:00:00.",
        "2024-01-01 00:00:00.1234567",
        "2024-01-01 00:00:00 ",
        "0000-00-00 00:00:00",
    ] {
        let refused = instant(text).is_none() || text.ends_with('.');
        assert!(refused, "{text}");
    }
}

fn time(days: u32, clock: [u8; 3], micros: u32, negative: bool, decimals: u8) -> String {
    let mut value = vec![u8::from(negative)];
    value.extend_from_slice(&days.to_le_bytes());
    value.extend_from_slice(&clock);
    if micros > 0 {
        value.extend_from_slice(&micros.to_le_bytes());
    }
    let mut chunk = Chunk::default();
    write_time(&mut chunk, &value, decimals).unwrap();
    String::from_utf8(chunk.text).unwrap()
}

#[test]
fn times_go_beyond_a_day_and_below_zero() {
    assert_eq!(time(34, [22, 59, 59], 0, true, 0), "-838:59:59");
    assert_eq!(time(0, [1, 2, 3], 450_000, false, 2), "01:02:03.45");
    assert_eq!(time(0, [1, 2, 3], 0, false, 6), "01:02:03.000000");
    assert_eq!(time(0, [1, 2, 3], 7, false, 31), "01:02:03.000007");
    let most = time(u32::MAX, [255; 3], 999_999, true, 6);
    assert_eq!(most, "-103079215335:255:255.999999");
    let mut chunk = Chunk::default();
    write_time(&mut chunk, &[], 3).unwrap();
    assert_eq!(chunk.text, b"00:00:00.000");
    assert_eq!(write_time(&mut chunk, &[0; 9], 0), None);
}

proptest! {
    #[test]
    fn instants_come_back(ms in -62_167_219_200_000i64..253_402_300_800_000) {
        let moment = Moment::from_instant(ms as f64).unwrap();
        prop_assert_eq!(moment.instant(), Some(ms as f64));
    }

    #[test]
    fn years_that_mysql_lacks_are_none(ms in prop_oneof![
        -8_640_000_000_000_000i64..-62_167_219_200_000,
        253_402_300_800_000..8_640_000_000_000_000i64,
    ]) {
        prop_assert_eq!(Moment::from_instant(ms as f64), None);
    }
}
