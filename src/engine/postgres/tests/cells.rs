use super::*;
use crate::engine::postgres::types::Int8;
use proptest::prelude::*;

const NUMBER: TypeOptions = TypeOptions { int8: Int8::Number, decoding: Decoding::Native };

type Streams = (Vec<i32>, Vec<u64>, Vec<u8>);

fn written(cell: Cell, binary: bool, value: &[u8]) -> Result<Streams, Fault> {
    let mut chunk = Chunk::default();
    cell.write(&mut chunk, binary, value)?;
    chunk.close_segment();
    let floats = chunk.floats.iter().map(|value| value.to_bits()).collect();
    Ok((chunk.ints, floats, [chunk.text, chunk.bytes].concat()))
}

/// Both forms are accepted and write the same.
fn assert_same(cell: Cell, binary: &[u8], text: &str) {
    let from_binary = written(cell, true, binary).unwrap();
    assert_eq!(Ok(from_binary), written(cell, false, text.as_bytes()), "{cell:?} {text}");
}

fn float(cell: Cell, text: &str) -> f64 {
    f64::from_bits(written(cell, false, text.as_bytes()).unwrap().1[0])
}

#[test]
fn special_floats_are_the_same_in_both_forms() {
    for (value, text) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
        (-0.0, "-0"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
    ] {
        assert_same(Cell::Float8, &value.to_be_bytes(), text);
    }
    for (value, text) in [
        (f32::NAN, "NaN"),
        (f32::INFINITY, "Infinity"),
        (-0.0, "-0"),
        (1e-45, "1e-45"),
        (f32::MAX, "3.4028235e+38"),
        (16_777_216.0, "1.6777216e+07"),
    ] {
        assert_same(Cell::Float4, &value.to_be_bytes(), text);
    }
    let odd_nan = f64::from_bits(0xfff8_0000_0000_0123);
    assert_same(Cell::Float8, &odd_nan.to_be_bytes(), "NaN");
}

#[test]
fn float4_is_its_shortest_decimal() {
    assert_eq!(float(Cell::Float4, "0.1"), 0.1);
    // As a server before version 12 prints it under extra_float_digits = 3.
    assert_eq!(float(Cell::Float4, "0.100000001"), 0.1);
    assert_eq!(float(Cell::Float4, "3.4028235e+38"), 3.4028235e38);
    // Exactly half way between .2 and .3, where the server prints .2.
    assert_eq!(widen(16_452_625.0 / 4.0), 4_113_156.2);
    // 113771460 would do, but lies half way to the next float4; the server prints all digits.
    assert_eq!(widen(113_771_456.0), 113_771_456.0);
}

#[test]
fn int8_is_safe_or_refused() {
    let cell = Cell::of(oid::INT8, &NUMBER);
    let edge = (1i64 << 53) - 1;
    for value in [edge, -edge, 0] {
        assert_same(cell, &value.to_be_bytes(), &value.to_string());
    }
    for value in [edge + 1, -edge - 1, i64::MAX, i64::MIN] {
        assert_eq!(written(cell, true, &value.to_be_bytes()), Err(Fault::UnsafeInteger));
        assert_eq!(written(cell, false, value.to_string().as_bytes()), Err(Fault::UnsafeInteger));
        let text = Cell::of(oid::INT8, &TypeOptions { int8: Int8::BigInt, ..NUMBER });
        assert_same(text, &value.to_be_bytes(), &value.to_string());
    }
}

#[test]
fn bytea_is_read_from_hex_and_escape() {
    let all: Vec<u8> = (0..=255).collect();
    let hex: String = all.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_same(Cell::Bytea, &all, &format!("\\x{hex}"));
    let escape: String = all
        .iter()
        .map(|&byte| match byte {
            b'\\' => "\\\\".into(),
            32..127 => char::from(byte).to_string(),
            _ => format!("\\{byte:03o}"),
        })
        .collect();
    assert_same(Cell::Bytea, &all, &escape);
    assert_same(Cell::Bytea, b"", "\\x");
    assert_same(Cell::Bytea, b"", "");
}

#[test]
fn malformed_values_are_refused() {
    for (cell, text) in [
        (Cell::Bool, "true"),
        (Cell::Int2, "32768"),
        (Cell::Int4, ""),
        (Cell::Int4, "1.0"),
        (Cell::Int4, "\u{fc}"),
        (Cell::Int8Number, "9223372036854775808"),
        (Cell::Int8Text, "12a"),
        (Cell::Oid, "-1"),
        (Cell::Float4, "1,5"),
        (Cell::Float8, "0x10"),
        (Cell::Bytea, "\\x0"),
        (Cell::Bytea, "\\xzz"),
        (Cell::Bytea, "\\"),
        (Cell::Bytea, "\\40"),
        (Cell::Bytea, "\\777"),
    ] {
        assert_eq!(written(cell, false, text.as_bytes()), Err(Fault::Malformed), "{cell:?} {text}");
    }
    for cell in [Cell::Bool, Cell::Int2, Cell::Int4, Cell::Oid, Cell::Float4, Cell::Timestamp] {
        for size in [0, 3, 9] {
            assert_eq!(written(cell, true, &vec![0; size]), Err(Fault::Malformed), "{cell:?}");
        }
    }
}

#[test]
fn an_error_names_the_column_and_hides_the_value() {
    let column = Column {
        name: "seen_at".into(),
        table: 0,
        column: 0,
        type_oid: oid::TIMESTAMP,
        size: 8,
        modifier: -1,
        wire: Wire::Float,
    };
    let fault = written(Cell::Timestamp, false, b"17.12.1997 07:37:16").unwrap_err();
    let error = error(fault, &column);
    assert_eq!((error.code, &*error.column), ("ERR_POLYPOOL_DECODE", "seen_at"));
    assert!(error.message.contains("\"seen_at\"") && error.message.contains("DateStyle"));
    assert!(!error.message.contains("1997"));
}

proptest! {
    #[test]
    fn numbers_are_the_same_in_both_forms(
        int2: i16, int4: i32, int8: i64, id: u32, float4: u32, float8: u64, flag: bool,
    ) {
        assert_same(Cell::Int2, &int2.to_be_bytes(), &int2.to_string());
        assert_same(Cell::Int4, &int4.to_be_bytes(), &int4.to_string());
        assert_same(Cell::Int8Text, &int8.to_be_bytes(), &int8.to_string());
        let small = int8 >> 11;
        assert_same(Cell::Int8Number, &small.to_be_bytes(), &small.to_string());
        assert_same(Cell::Oid, &id.to_be_bytes(), &id.to_string());
        assert_same(Cell::Bool, &[u8::from(flag)], if flag { "t" } else { "f" });
        let float4 = f32::from_bits(float4);
        assert_same(Cell::Float4, &float4.to_be_bytes(), &format!("{float4:e}"));
        let float8 = f64::from_bits(float8);
        assert_same(Cell::Float8, &float8.to_be_bytes(), &format!("{float8:e}"));
    }

    #[test]
    fn float4_keeps_its_value(bits: u32) {
        let value = f32::from_bits(bits);
        let wide = widen(value);
        prop_assert!(wide as f32 == value || value.is_nan() && wide.is_nan());
    }

    #[test]
    fn bytes_survive_both_text_forms(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(bytes_from_text(format!("\\x{hex}").as_bytes()), Some(bytes.clone()));
        let octal: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
        prop_assert_eq!(bytes_from_text(octal.as_bytes()), Some(bytes));
    }
}
