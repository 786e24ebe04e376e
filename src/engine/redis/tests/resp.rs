use super::*;
use proptest::prelude::*;

fn scanned(bytes: &[u8]) -> Result<Option<usize>, Fault> {
    Scanner::default().scan(bytes)
}

/// Of every element one, within aggregates.
const REPLIES: [&[u8]; 20] = [
    b"+OK\r\n",
    b"-ERR it is wrong\r\n",
    b":-42\r\n",
    b"$5\r\nh\r\nlo\r\n",
    b"$0\r\n\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n",
    b"_\r\n",
    b"#t\r\n",
    b",1.5e+20\r\n",
    b",inf\r\n",
    b"(3492890328409238509324850943850943825024385\r\n",
    b"!5\r\nERR x\r\n",
    b"=7\r\ntxt:abc\r\n",
    b"%1\r\n+a\r\n~1\r\n:1\r\n",
    b"~0\r\n",
    b">2\r\n+message\r\n:1\r\n",
    b"|1\r\n+ttl\r\n:3\r\n$1\r\na\r\n",
];

#[test]
fn a_reply_ends_where_its_last_element_does() {
    for reply in REPLIES {
        let text = String::from_utf8_lossy(reply);
        assert_eq!(scanned(reply), Ok(Some(reply.len())), "{text}");
        let more = [reply, b"+more\r\n"].concat();
        assert_eq!(scanned(&more), Ok(Some(reply.len())), "{text} and more");
    }
}

#[test]
fn a_reply_is_found_however_it_is_cut() {
    for reply in REPLIES {
        for cut in 0..reply.len() {
            let mut scanner = Scanner::default();
            assert_eq!(scanner.scan(&reply[..cut]), Ok(None));
            assert!(scanner.needs() > cut, "more is needed than is there");
            assert_eq!(scanner.scan(reply), Ok(Some(reply.len())));
            assert_eq!(scanner.scan(reply), Ok(Some(reply.len())), "it begins anew");
        }
    }
}

#[test]
fn what_was_looked_through_is_not_looked_through_again() {
    let mut scanner = Scanner::default();
    let mut input = b"*3\r\n:1\r\n$4\r\nab".to_vec();
    assert_eq!(scanner.scan(&input), Ok(None));
    assert_eq!(scanner.at, 8, "behind what is whole");
    assert_eq!(scanner.needs(), 18);
    input.extend_from_slice(b"cd\r\n-a long line");
    assert_eq!(scanner.scan(&input), Ok(None));
    assert_eq!((scanner.at, scanner.searched), (18, 12), "a line is searched from there on");
    input.extend_from_slice(b"\r\n");
    assert_eq!(scanner.scan(&input), Ok(Some(input.len())));
}

#[test]
fn malformed_bytes_are_faults() {
    let faults: [&[u8]; 24] = [
        b"x\r\n",
        b"\0",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"$-2\r\n",
        b"$x\r\n",
        b"$\r\n",
        b"$3\r\nabcd\r\n",
        b"$3\r\nabc\n\n",
        b"$2147483648\r\n",
        b"$99999999999999999999999999",
        b"*-2\r\n",
        b"*1x\r\n",
        b"%-1\r\n",
        b":\r\n",
        b":1.5\r\n",
        b":99999999999999999999\r\n",
        b"#x\r\n",
        b"_x\r\n",
        b",x\r\n",
        b"(1.5\r\n",
        b"=3\r\nabc\r\n",
        b"+a\rb\r\n",
        b"+a\nb\r\n",
        b":1234567890123456789012345678901",
    ];
    for bytes in faults {
        let text = String::from_utf8_lossy(bytes);
        assert!(scanned(bytes).is_err(), "{text:?}");
        assert!(scanned(&[b"*2\r\n:1\r\n", bytes].concat()).is_err(), "{text:?} in an array");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| [b"*1\r\n".repeat(depth), b":1\r\n".to_vec()].concat();
    let whole = nested(DEPTH_MAX);
    assert_eq!(scanned(&whole), Ok(Some(whole.len())));
    assert_eq!(scanned(&nested(DEPTH_MAX + 1)), Err(Fault("a reply is nested too deeply")));
    assert!(scanned(&nested(1_000_000)).is_err());
}

#[test]
fn what_is_announced_allocates_nothing() {
    let mut scanner = Scanner::default();
    assert_eq!(scanner.scan(b"*2147483647\r\n"), Ok(None));
    assert_eq!(scanner.outer.len(), 1);
    let mut scanner = Scanner::default();
    assert_eq!(scanner.scan(b"$536870912\r\nabc"), Ok(None));
    assert_eq!(scanner.needs(), 12 + 536_870_912 + 2, "the peer's claim, no more");
}

#[test]
fn a_pair_is_two_elements_beyond_a_word_too() {
    let mut scanner = Scanner::default();
    assert_eq!(scanner.scan(b"%2147483647\r\n"), Ok(None));
    assert_eq!(scanner.left, 4_294_967_294);
}

fn reply() -> impl Strategy<Value = Vec<u8>> {
    let leaf = (0..REPLIES.len()).prop_map(|at| REPLIES[at].to_vec());
    leaf.prop_recursive(6, 64, 6, |inner| {
        (proptest::sample::select(&b"*~>"[..]), proptest::collection::vec(inner, 0..6)).prop_map(
            |(tag, items)| {
                let head = format!("{}{}\r\n", tag as char, items.len());
                [head.into_bytes(), items.concat()].concat()
            },
        )
    })
}

proptest! {
    #[test]
    fn replies_are_told_apart_however_they_arrive(
        replies in proptest::collection::vec(reply(), 1..8),
        sizes in proptest::collection::vec(1usize..40, 1..20),
    ) {
        let bytes = replies.concat();
        let (mut scanner, mut found) = (Scanner::default(), Vec::new());
        let (mut start, mut end) = (0, 0);
        for size in sizes.iter().cycle() {
            while let Some(length) = scanner.scan(&bytes[start..end]).unwrap() {
                found.push(bytes[start..start + length].to_vec());
                start += length;
            }
            if end == bytes.len() {
                break;
            }
            end = (end + size).min(bytes.len());
        }
        prop_assert_eq!(found, replies);
    }

    /// Neither a panic nor a claim of more than there is.
    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(Some(length)) = scanned(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }

    #[test]
    fn a_changed_byte_is_a_fault_or_another_reply(
        reply in reply(),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = reply;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(Some(length)) = scanned(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }
}

#[test]
fn a_line_feed_alone_ends_no_line_and_is_not_waited_behind() {
    for reply in [&b"+OK?\n"[..], b"-ERR\n", b":5\n", b"*1\n", b",1.5\n", b"$-1?\n"] {
        let text = String::from_utf8_lossy(reply);
        assert!(scanned(reply).is_err(), "{text}");
    }
    let mut scanner = Scanner::default();
    assert_eq!(scanner.scan(b"+OK"), Ok(None));
    assert!(scanner.scan(b"+OK?\n").is_err(), "in the part that came later");
}
