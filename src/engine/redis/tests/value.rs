use super::super::resp::Scanner;
use super::*;
use proptest::prelude::*;

fn written(reply: &[u8], texts: Texts) -> Chunk {
    assert_eq!(Scanner::default().scan(reply), Ok(Some(reply.len())), "a whole reply");
    let mut chunk = Chunk::default();
    write(&mut chunk, reply, texts);
    chunk.close_segment();
    chunk
}

fn ints(reply: &[u8]) -> Vec<i32> {
    written(reply, Texts::Strings).ints
}

#[test]
fn scalars_are_a_tag_and_what_it_says() {
    assert_eq!(ints(b"+OK\r\n"), [tag::OK]);
    assert_eq!(ints(b"$-1\r\n"), [tag::NIL]);
    assert_eq!(ints(b"*-1\r\n"), [tag::NIL]);
    assert_eq!(ints(b"#t\r\n"), [tag::TRUE]);
    assert_eq!(ints(b":-7\r\n"), [tag::INT, -7]);
    assert_eq!(ints(b"+PONG\r\n"), [tag::STATUS, 4]);
    assert_eq!(ints(b"$2\r\nab\r\n"), [tag::TEXT, 2]);
    assert_eq!(ints(b"-ERR no\r\n"), [tag::ERROR, 6]);
    assert_eq!(ints(b",1.5\r\n"), [tag::DOUBLE, 3]);
    assert_eq!(ints(b"=7\r\ntxt:abc\r\n"), [tag::TEXT, 3], "without its kind");
}

#[test]
fn integers_go_as_what_holds_them() {
    let long = written(b":-2147483649\r\n", Texts::Strings);
    assert_eq!((long.ints, long.floats), (vec![tag::LONG], vec![-2_147_483_649.0]));
    let safe = written(b":9007199254740991\r\n", Texts::Strings);
    assert_eq!(safe.floats, [9_007_199_254_740_991.0]);
    let big = written(b":9007199254740992\r\n", Texts::Strings);
    assert_eq!((big.ints[0], &*big.text), (tag::BIG, &b"9007199254740992"[..]));
    assert_eq!(ints(b":-9223372036854775808\r\n")[0], tag::BIG);
}

#[test]
fn aggregates_are_their_heads_and_what_follows() {
    let map = ints(b"%1\r\n+a\r\n*2\r\n:1\r\n~1\r\n#f\r\n");
    assert_eq!(
        map,
        [tag::MAP, 1, tag::STATUS, 1, tag::ARRAY, 2, tag::INT, 1, tag::SET, 1, tag::FALSE]
    );
    assert_eq!(ints(b">1\r\n_\r\n"), [tag::PUSH, 1, tag::NIL]);
}

#[test]
fn attributes_are_nobodys() {
    assert_eq!(ints(b"*1\r\n|1\r\n+ttl\r\n*1\r\n:3\r\n:1\r\n"), [tag::ARRAY, 1, tag::INT, 1]);
}

#[test]
fn bytes_are_texts_of_any_kind_where_they_are_asked_for() {
    let reply = written(b"*3\r\n+OK\r\n$2\r\n\xff\x00\r\n:1\r\n", Texts::Bytes);
    assert_eq!(reply.ints, [tag::ARRAY, 3, tag::BYTES, 2, tag::BYTES, 2, tag::INT, 1]);
    assert_eq!(reply.bytes, b"OK\xff\x00");
}

#[test]
fn a_value_of_another_chunk_begins_a_segment_of_its_own() {
    let mut inner = written(b"*2\r\n$3\r\nabc\r\n$1\r\nd\r\n", Texts::Strings);
    let mut chunk = Chunk::default();
    chunk.text(b"before");
    chunk.append(&mut inner);
    chunk.text(b"after");
    chunk.close_segment();
    let own = [tag::ARRAY, 2, tag::TEXT, 3, tag::TEXT, 1];
    assert_eq!(chunk.ints, [&[6][..], &own[..], &[5][..]].concat());
    assert_eq!(chunk.segments().collect::<Vec<_>>(), [&b"before"[..], b"abcd", b"after"]);
    assert!(inner.is_empty());
}

proptest! {
    #[test]
    fn whatever_is_whole_can_be_written(bytes in proptest::collection::vec(
        proptest::sample::select(&b"+-:$*%~>|_#,(!=0123t\r\n"[..]), 0..60)) {
        if let Ok(Some(length)) = Scanner::default().scan(&bytes) {
            write(&mut Chunk::default(), &bytes[..length], Texts::Strings);
        }
    }
}
