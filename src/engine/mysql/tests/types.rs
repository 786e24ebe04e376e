use super::super::session::transcript::{LONG, VAR_STRING, binary_row, definition, text_row};
use super::*;

fn definitions(list: &[(&str, u8)], extended: bool) -> Vec<u8> {
    let mut all = Vec::new();
    for (name, kind) in list {
        push_definition(&mut all, &definition(name, *kind, extended));
    }
    all
}

fn columns(list: &[(&str, u8)]) -> Columns {
    Columns::parse(&definitions(list, false), &TypeOptions::default()).unwrap()
}

#[test]
fn a_definition_is_read_whole() {
    let columns = columns(&[("n", LONG), ("t", VAR_STRING)]);
    let column = &columns.list[1];
    let names = (column.name.as_str(), column.table.as_str(), column.schema.as_str());
    assert_eq!(names, ("t", "t", "db"));
    assert_eq!((column.kind, column.collation, column.wire), (VAR_STRING, 45, Wire::Text));
    let described: serde_json::Value = serde_json::from_slice(&columns.describe()).unwrap();
    assert_eq!((&described[0]["name"], &described[0]["wire"]), (&"n".into(), &"i".into()));
}

#[test]
fn what_stands_behind_a_type_is_heeded() {
    let mut body = definition("j", VAR_STRING, true);
    let at = body.windows(2).position(|pair| pair == [0, 12]).unwrap();
    body.splice(at..=at, b"\x06\x01\x04json".iter().copied());
    let mut all = Vec::new();
    push_definition(&mut all, &body);
    let options = TypeOptions { extended: true, ..TypeOptions::default() };
    let columns = Columns::parse(&all, &options).unwrap();
    assert_eq!(columns.list[0].extension, Some(Extension::Json));
    assert_eq!(columns.list[0].wire, Wire::Json);
    assert_eq!(parse_extension(b"\x00\x04uuid"), Some(Some(Extension::Text)));
    assert_eq!(parse_extension(b""), Some(None));
    assert_eq!(parse_extension(b"\x00\x04uu"), None);
}

#[test]
fn a_definition_that_is_cut_is_none() {
    let body = definition("n", LONG, false);
    // Two bytes at its end mean nothing.
    for end in 0..body.len() - 2 {
        let mut all = Vec::new();
        push_definition(&mut all, &body[..end]);
        assert!(Columns::parse(&all, &TypeOptions::default()).is_none(), "cut at {end}");
    }
}

#[test]
fn shapes_differ_by_names_types_and_options() {
    let list = [("n", LONG)];
    let number = columns(&list);
    let options = TypeOptions { int8: Int8::BigInt, ..TypeOptions::default() };
    let big = Columns::parse(&definitions(&list, false), &options).unwrap();
    assert_ne!(number.key(), big.key());
    assert_ne!(number.key(), columns(&[("m", LONG)]).key());
    assert_eq!(number.key(), columns(&list).key());
}

#[test]
fn both_protocols_write_the_same_row() {
    let columns = columns(&[("n", LONG)]);
    let mut chunks = [Chunk::default(), Chunk::default()];
    write_row(&mut chunks[0], &columns, false, &text_row(&[Some("-7")])).unwrap();
    write_row(&mut chunks[1], &columns, true, &binary_row(-7)[1..]).unwrap();
    assert_eq!(chunks[0].ints, [0, -7]);
    assert_eq!(chunks[0].ints, chunks[1].ints);
    let mut null = Chunk::default();
    write_row(&mut null, &columns, false, &text_row(&[None])).unwrap();
    write_row(&mut null, &columns, true, &[4]).unwrap();
    assert_eq!(null.ints, [1, 1]);
}

#[test]
fn a_row_that_does_not_fit_leaves_nothing() {
    let columns = columns(&[("n", LONG), ("t", VAR_STRING)]);
    for (binary, row) in [
        (false, text_row(&[Some("1")])),
        (false, text_row(&[Some("1"), Some("a"), None])),
        (false, vec![5, b'1']),
        (true, vec![]),
        (true, vec![0, 1, 2, 3, 4]),
        (true, vec![0x0c, 0]),
    ] {
        let mut chunk = Chunk::default();
        let error = write_row(&mut chunk, &columns, binary, &row).unwrap_err();
        assert_eq!(error.code, "ERR_POLYPOOL_PROTOCOL");
        assert!(chunk.is_empty() && chunk.text.is_empty());
    }
    let error = write_row(&mut Chunk::default(), &columns, false, &text_row(&[Some("x"), None]));
    assert_eq!(error.unwrap_err().code, "ERR_POLYPOOL_DECODE");
}

#[test]
fn definitions_are_compared_where_they_stand() {
    let columns = columns(&[("n", LONG), ("t", VAR_STRING)]);
    let first = definition("n", LONG, false);
    let length = columns.matches(0, &first).unwrap();
    assert_eq!(columns.matches(length, &first), None);
    let second = definition("t", VAR_STRING, false);
    assert_eq!(
        columns.matches(length, &second).map(|it| it + length),
        Some(columns.definitions().len())
    );
    assert_eq!(columns.matches(columns.definitions().len(), &second), None);
}
