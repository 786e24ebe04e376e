use super::super::codec::put_bytes;
use super::*;
use bytes::BytesMut;
use proptest::prelude::*;

fn text(cell: Cell, value: &[u8]) -> Result<(bool, Chunk), Fault> {
    let mut chunk = Chunk::default();
    let written = cell.write_text(&mut chunk, value)?;
    Ok((written, chunk))
}

fn binary(cell: Cell, value: &[u8]) -> Result<(bool, Chunk), Fault> {
    let mut chunk = Chunk::default();
    let mut rest = value;
    let written = cell.write_binary(&mut chunk, &mut rest)?;
    assert!(rest.is_empty() || !written, "all of it is read");
    Ok((written, chunk))
}

fn lengthened(value: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    put_bytes(&mut out, value);
    out.to_vec()
}

fn same(cell: Cell, value: &str, bytes: &[u8]) {
    let (written, from_text) = text(cell, value.as_bytes()).unwrap();
    let (also, from_binary) = binary(cell, bytes).unwrap();
    assert_eq!(written, also, "{value}");
    assert_eq!(from_text.ints, from_binary.ints, "{value}");
    let bits = |chunk: &Chunk| chunk.floats.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&from_text), bits(&from_binary), "{value}");
    assert_eq!(from_text.text, from_binary.text, "{value}");
    assert_eq!(from_text.bytes, from_binary.bytes, "{value}");
}

#[test]
fn both_forms_write_the_same() {
    same(Cell::Tiny, "-128", &[0x80]);
    same(Cell::UnsignedTiny, "255", &[0xff]);
    same(Cell::Short, "-2", &(-2i16).to_le_bytes());
    same(Cell::UnsignedShort, "02024", &2024u16.to_le_bytes());
    same(Cell::Long, "-2147483648", &i32::MIN.to_le_bytes());
    same(Cell::UnsignedLong, "4294967295", &u32::MAX.to_le_bytes());
    same(Cell::Big, "-9007199254740991", &(-9_007_199_254_740_991i64).to_le_bytes());
    same(Cell::UnsignedBig, "9007199254740991", &9_007_199_254_740_991u64.to_le_bytes());
    same(Cell::BigText, "-9223372036854775808", &i64::MIN.to_le_bytes());
    same(Cell::UnsignedBigInt, "18446744073709551615", &u64::MAX.to_le_bytes());
    same(Cell::UnsignedBigText, "00000000000000000007", &7u64.to_le_bytes());
    same(Cell::Double(31), "-1.5e300", &(-1.5e300f64).to_le_bytes());
    same(Cell::Double(2), "0.30", &0.300_000_000_000_000_04_f64.to_le_bytes());
    same(Cell::Float(31), "16777200", &16_777_216f32.to_le_bytes());
    same(Cell::Float(31), "0.1", &0.1f32.to_le_bytes());
    same(Cell::Float(4), "999.0001", &999.000_1f32.to_le_bytes());
    same(Cell::Date, "2024-02-29", &[4, 0xe8, 7, 2, 29]);
    same(Cell::Date, "0000-00-00", &[0]);
    same(Cell::Moment, "2024-02-29 00:00:00", &[4, 0xe8, 7, 2, 29]);
    same(Cell::Moment, "2024-02-29 12:34:56", &[7, 0xe8, 7, 2, 29, 12, 34, 56]);
    let micros = [&[11, 0xe8, 7, 2, 29, 12, 34, 56], &789_012u32.to_le_bytes()[..]].concat();
    same(Cell::Moment, "2024-02-29 12:34:56.789012", &micros);
    same(Cell::Time(0), "00:00:00", &[0]);
    same(Cell::Text, "é", &lengthened("é".as_bytes()));
    same(Cell::Json, "[1]", &lengthened(b"[1]"));
    same(Cell::Bytes, "\0x", &lengthened(b"\0x"));
}

#[test]
fn dates_with_a_part_that_is_zero_are_null() {
    for (value, bytes) in [
        ("0000-00-00 00:00:00", &[0][..]),
        ("2024-00-10 00:00:00.000000", &[4, 0xe8, 7, 0, 10]),
        ("2024-10-00 00:00:00", &[4, 0xe8, 7, 10, 0]),
    ] {
        assert!(!text(Cell::Moment, value.as_bytes()).unwrap().0, "{value}");
        same(Cell::Moment, value, bytes);
    }
}

#[test]
fn large_integers_are_refused_where_they_would_change() {
    for cell in [Cell::Big, Cell::UnsignedBig] {
        assert_eq!(text(cell, b"9007199254740992").err(), Some(Fault::UnsafeInteger));
        let bytes = 9_007_199_254_740_992u64.to_le_bytes();
        assert_eq!(binary(cell, &bytes).err(), Some(Fault::UnsafeInteger));
    }
}

#[test]
fn nonsense_is_refused() {
    for value in ["", "x", "1x", "-", "--1", "18446744073709551616", "9223372036854775808"] {
        assert_eq!(text(Cell::Big, value.as_bytes()).err(), Some(Fault::Malformed), "{value}");
    }
    assert_eq!(text(Cell::Long, b"2147483648").err(), Some(Fault::Malformed));
    assert_eq!(text(Cell::Double(31), b"1,5").err(), Some(Fault::Malformed));
    assert_eq!(text(Cell::Moment, b"2024-02-29").err(), Some(Fault::Malformed));
    assert_eq!(binary(Cell::Moment, &[4, 0, 0, 13, 1]).err(), Some(Fault::Malformed));
    for cut in [&[][..], &[1], &[5, 0, 0, 1, 1, 0], &[200]] {
        assert_eq!(binary(Cell::Moment, cut).err(), Some(Fault::Row));
    }
    assert_eq!(binary(Cell::Null, &[]).err(), Some(Fault::Row));
}

fn column(kind: ColumnType, collation: u16, flags: u16) -> Column {
    Column {
        schema: String::new(),
        table: String::new(),
        original_table: String::new(),
        name: "c".to_owned(),
        original_name: String::new(),
        collation,
        length: 0,
        kind: kind as u8,
        flags,
        decimals: 31,
        extension: None,
        wire: Wire::Text,
    }
}

#[test]
fn a_collation_tells_text_from_bytes() {
    let options = TypeOptions::default();
    let cell = |column: &Column| Cell::of(column, &options);
    use ColumnType::*;
    for kind in [MYSQL_TYPE_BLOB, MYSQL_TYPE_VAR_STRING, MYSQL_TYPE_STRING] {
        assert_eq!(cell(&column(kind, 45, 0)), Cell::Text);
        assert_eq!(cell(&column(kind, BINARY, 0)), Cell::Bytes);
    }
    let flags = ColumnFlags::ENUM_FLAG.bits();
    assert_eq!(cell(&column(MYSQL_TYPE_STRING, BINARY, flags)), Cell::Text);
    assert_eq!(cell(&column(MYSQL_TYPE_JSON, BINARY, 0)), Cell::Json);
    assert_eq!(cell(&column(MYSQL_TYPE_NEWDECIMAL, BINARY, 0)), Cell::Text);
    let told = |extension| Column { extension, ..column(MYSQL_TYPE_STRING, BINARY, 0) };
    assert_eq!(cell(&told(Some(Extension::Json))), Cell::Json);
    assert_eq!(cell(&told(Some(Extension::Text))), Cell::Text);
    assert_eq!(cell(&told(Some(Extension::Other))), Cell::Bytes);
    let unknown = Column { kind: 200, ..column(MYSQL_TYPE_STRING, 45, 0) };
    assert_eq!(cell(&unknown), Cell::Text);
}

#[test]
fn large_integers_are_as_the_options_say() {
    let big = column(ColumnType::MYSQL_TYPE_LONGLONG, BINARY, 0);
    let flags = ColumnFlags::UNSIGNED_FLAG.bits();
    let unsigned = Column { flags, ..big.clone() };
    for (int8, signed, other, letter) in [
        (Int8::Number, Cell::Big, Cell::UnsignedBig, 'f'),
        (Int8::Text, Cell::BigText, Cell::UnsignedBigText, 't'),
        (Int8::BigInt, Cell::BigInt, Cell::UnsignedBigInt, 'n'),
    ] {
        let options = TypeOptions { int8, extended: false };
        assert_eq!(Cell::of(&big, &options), signed);
        assert_eq!(Cell::of(&unsigned, &options), other);
        assert_eq!(signed.wire().letter(), letter);
    }
}

#[test]
fn errors_name_the_column_and_not_its_value() {
    let big = column(ColumnType::MYSQL_TYPE_LONGLONG, BINARY, 0);
    let told = error(Fault::UnsafeInteger, Some(&big));
    assert!(told.message.contains("\"c\"") && told.message.contains("int8: 'bigint'"));
    assert_eq!(error(Fault::Row, None).code, "ERR_POLYPOOL_PROTOCOL");
}

proptest! {
    #[test]
    fn floats_are_as_they_are_printed(value in any::<f32>().prop_filter("finite", |it| it.is_finite())) {
        let printed = as_printed(value, FLOATING);
        prop_assert_eq!(format!("{:.5e}", f64::from(value)), format!("{printed:.5e}"));
    }

    #[test]
    fn integers_come_back(value in any::<i64>(), unsigned in any::<u64>()) {
        prop_assert_eq!(integer(value.to_string().as_bytes()), Ok(value));
        prop_assert_eq!(digits(unsigned.to_string().as_bytes()), Ok(unsigned));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..24), at in 0usize..21) {
        let cells = [
            Cell::Null, Cell::Tiny, Cell::UnsignedTiny, Cell::Short, Cell::UnsignedShort, Cell::Long,
            Cell::UnsignedLong, Cell::Big, Cell::UnsignedBig, Cell::BigText, Cell::UnsignedBigText,
            Cell::BigInt, Cell::UnsignedBigInt, Cell::Float(31), Cell::Double(3), Cell::Date,
            Cell::Moment, Cell::Time(6), Cell::Text, Cell::Json, Cell::Bytes,
        ];
        let mut chunk = Chunk::default();
        let _ = cells[at].write_text(&mut chunk, &bytes);
        let _ = cells[at].write_binary(&mut chunk, &mut &bytes[..]);
    }
}
