use super::*;
use crate::wire::record;
use proptest::prelude::*;

const NUMBER: TypeOptions = TypeOptions { int8: Int8::Number, decoding: Decoding::Native };

/// The body of a RowDescription; the format code is `format` throughout.
fn description(columns: &[(&str, u32)], format: i16) -> Vec<u8> {
    let mut body = (columns.len() as i16).to_be_bytes().to_vec();
    for (name, type_oid) in columns {
        body.extend_from_slice(name.as_bytes());
        body.push(0);
        body.extend_from_slice(&16_384u32.to_be_bytes());
        body.extend_from_slice(&2i16.to_be_bytes());
        body.extend_from_slice(&type_oid.to_be_bytes());
        body.extend_from_slice(&(-1i16).to_be_bytes());
        body.extend_from_slice(&68i32.to_be_bytes());
        body.extend_from_slice(&format.to_be_bytes());
    }
    body
}

fn columns(types: &[u32]) -> Columns {
    let named: Vec<_> = types.iter().map(|&type_oid| ("c", type_oid)).collect();
    Columns::parse(&description(&named, 0), &NUMBER).unwrap()
}

fn row(cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = Vec::new();
    for cell in cells {
        match cell {
            None => body.extend_from_slice(&(-1i32).to_be_bytes()),
            Some(value) => {
                body.extend_from_slice(&(value.len() as i32).to_be_bytes());
                body.extend_from_slice(value);
            }
        }
    }
    body
}

fn state(chunk: &Chunk) -> (Vec<i32>, Vec<u64>, Vec<u8>) {
    let floats = chunk.floats.iter().map(|value| value.to_bits()).collect();
    (chunk.ints.clone(), floats, [&chunk.text[..], &chunk.bytes].concat())
}

#[test]
fn description_gives_every_field() {
    let body = description(&[("größe", oid::INT4), ("b", oid::BYTEA)], 1);
    let parsed = Columns::parse(&body, &NUMBER).unwrap();
    assert_eq!(
        parsed.list[0],
        Column {
            name: "größe".into(),
            table: 16_384,
            column: 2,
            type_oid: oid::INT4,
            size: -1,
            modifier: 68,
            wire: Wire::Int,
        }
    );
    assert_eq!(parsed.list[1].wire, Wire::Bytes);
    assert_eq!(parsed.len(), 2);
}

#[test]
fn key_ignores_formats_and_knows_options() {
    let named = [("a", oid::INT8), ("b", oid::TIMESTAMP)];
    let key = |format, int8| {
        Columns::parse(&description(&named, format), &TypeOptions { int8, ..NUMBER }).unwrap().key
    };
    assert_eq!(key(0, Int8::Number), key(1, Int8::Number));
    assert_ne!(key(0, Int8::Number), key(0, Int8::BigInt));
    assert_ne!(key(0, Int8::Text), key(0, Int8::BigInt));
    let renamed = description(&[("a", oid::INT8), ("c", oid::TIMESTAMP)], 0);
    assert_ne!(key(0, Int8::Number), Columns::parse(&renamed, &NUMBER).unwrap().key);
}

#[test]
fn every_cut_of_a_description_is_refused() {
    let body = description(&[("one", oid::INT4), ("two", oid::TIMESTAMP)], 0);
    for end in 0..body.len() {
        assert!(Columns::parse(&body[..end], &NUMBER).is_err(), "cut at {end}");
    }
    let mut longer = body.clone();
    longer.push(0);
    assert!(Columns::parse(&longer, &NUMBER).is_err());
    // A false count reserves next to nothing.
    assert!(Columns::parse(&[0xff, 0xff], &NUMBER).is_err());
}

#[test]
fn formats_are_binary_where_we_read_it() {
    let types = [oid::BOOL, oid::INT8, 25, oid::JSON, oid::BYTEA, 1700, oid::TIMESTAMPTZ, 1082];
    let formats: Vec<_> = result_formats(&columns(&types)).collect();
    assert_eq!(formats, [1, 1, 0, 0, 1, 0, 1, 0]);
}

#[test]
fn a_row_goes_to_its_streams() {
    let columns = columns(&[oid::INT4, 25, oid::FLOAT8, oid::BOOL, oid::BYTEA, 25]);
    let mut chunk = Chunk::default();
    chunk.begin_rows(7, 3);
    let body = row(&[Some(b"-5"), Some(b"abc"), Some(b"1.5"), Some(b"t"), Some(b"\\x00ff"), None]);
    write_row(&mut chunk, &columns, false, &body).unwrap();
    chunk.end_rows();
    chunk.close_segment();
    // Record, NULL bits (column 5), int, text length, bool, blob length.
    let words = [record::ROWS, 7, 3, 1, 1 << 5, -5, 3, 1, 2];
    assert_eq!(state(&chunk), (words.to_vec(), vec![1.5f64.to_bits()], b"abc\x00\xff".to_vec()));
}

#[test]
fn a_refused_row_leaves_the_chunk_as_it_was() {
    let columns = columns(&[25, oid::FLOAT8, 25, oid::INT8]);
    let good = row(&[Some(b"abc"), Some(b"1"), Some("ü".as_bytes()), Some(b"4")]);
    let mut chunk = Chunk::default();
    chunk.begin_rows(1, 1);
    write_row(&mut chunk, &columns, false, &good).unwrap();
    let before = state(&chunk);
    let unsafe_integer = row(&[Some(b"x"), Some(b"1"), None, Some(b"9007199254740992")]);
    let error = write_row(&mut chunk, &columns, false, &unsafe_integer).unwrap_err();
    assert_eq!(error.code, "ERR_POLYPOOL_UNSAFE_INTEGER");
    assert!(error.message.contains("\"c\""), "{error}");
    assert!(error.message.contains("types: { int8: 'bigint' | 'string' }"), "{error}");
    assert_eq!(state(&chunk), before);
    // Cut anywhere, or too long: refused without a trace.
    for end in 0..good.len() {
        let error = write_row(&mut chunk, &columns, false, &good[..end]).unwrap_err();
        assert_eq!(error.code, "ERR_POLYPOOL_PROTOCOL", "cut at {end}");
        assert_eq!(state(&chunk), before);
    }
    let longer = [&good[..], b"x"].concat();
    assert!(write_row(&mut chunk, &columns, false, &longer).is_err());
    assert_eq!(state(&chunk), before);
    let mut negative = good.clone();
    negative[0] = 0x80;
    assert!(write_row(&mut chunk, &columns, false, &negative).is_err());
    // And the next good row is counted as the second.
    write_row(&mut chunk, &columns, false, &good).unwrap();
    chunk.end_rows();
    assert_eq!(chunk.ints[3], 2);
}

#[test]
fn null_bits_go_beyond_one_word() {
    let columns = columns(&[25; 40]);
    let mut chunk = Chunk::default();
    let mut cells = [Some(&b""[..]); 40];
    cells[0] = None;
    cells[31] = None;
    cells[33] = None;
    write_row(&mut chunk, &columns, false, &row(&cells)).unwrap();
    assert_eq!(chunk.ints[..2], [i32::MIN | 1, 2]);
}

proptest! {
    #[test]
    fn noise_is_refused_or_read_without_panic(
        types in prop::collection::vec(
            prop::sample::select(vec![16u32, 17, 20, 21, 23, 25, 26, 700, 701, 1114, 1184]), 0..5),
        body in prop::collection::vec(any::<u8>(), 0..64),
        cells in prop::collection::vec(prop::option::of("[-+0-9a-z:. \\\\]{0,20}"), 5),
        binary: bool,
    ) {
        let columns = columns(&types);
        let mut chunk = Chunk::default();
        let _ = Columns::parse(&body, &NUMBER);
        let _ = write_row(&mut chunk, &columns, binary, &body);
        let cells: Vec<_> =
            cells.iter().take(types.len()).map(|c| c.as_ref().map(|c| c.as_bytes())).collect();
        let written = write_row(&mut Chunk::default(), &columns, binary, &row(&cells));
        // Framed correctly, so whatever is wrong is wrong with a value, in a named column.
        if let Err(error) = written {
            prop_assert_eq!(error.column, "c");
        }
    }
}
