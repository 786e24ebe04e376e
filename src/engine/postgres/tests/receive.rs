//! The same bytes however they are cut, and bytes that no server would send.

use super::super::session::transcript::*;
use super::*;
use crate::engine::session::Direction;

const POINT: &str = "select n from t where id = $1";
const IN: &str = "select n from t where id = any($1)";

/// Small and repeatable: a failure names its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }
}

/// A session with a bit of everything in flight, and what a server would answer.
fn busy() -> (Peer, Vec<u8>) {
    let mut peer = Peer::new(2);
    peer.execute(0, POINT, &[Value::Int(1)]);
    peer.hear(&[first_use(&[INT4], "1")]);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, "select 1; select 2", &[]);
    peer.execute(3, "select a, b from u where b = $1", &[Value::Text("x")]);
    peer.execute(4, POINT, &[Value::Int(1)]);
    peer.session.sync(5);
    peer.execute(6, IN, &[Value::Array("{1}", "[1]")]);
    peer.execute(7, POINT, &[Value::Int(1)]);
    peer.execute(8, "copy t to stdout", &[]);
    peer.execute(9, "copy t from stdin", &[]);
    peer.copy(10, "copy u to stdout", Direction::Out);
    peer.copy(11, "copy u from stdin", Direction::In);
    peer.session.reset(12);
    let simple =
        |value: &str| [columns(&[("n", INT4)]), row(&[Some(value)]), complete("SELECT 1")].concat();
    let described = [parsed(), param_types(&[TEXT]), columns(&[("a", INT4), ("b", TEXT)])];
    let answers = [
        next_use("aaaa"),
        [simple("1"), simple("2"), ready(b'I')].concat(),
        described.concat(),
        [bound(), row(&[Some("1"), None]), row(&[None, Some("ü")])].concat(),
        [complete("SELECT 2"), ready(b'T')].concat(),
        [report(b'N', "NOTICE", "00000", "n"), bound(), error("22012"), ready(b'E')].concat(),
        message(b'A', b"\0\0\0\x07channel\0payload\0"),
        [ready(b'I'), message(b'S', b"DateStyle\0German\0")].concat(),
        [parsed(), param_types(&[1007]), columns(&[("n", INT4)])].concat(),
        next_use("bbbb"),
        [stale(), ready(b'I')].concat(),
        [message(b'H', &[0, 0, 0]), message(b'd', b"1\n")].concat(),
        [message(b'c', b""), complete("COPY 1"), ready(b'I')].concat(),
        [message(b'G', &[0, 0, 0]), error("57014"), ready(b'I')].concat(),
        [message(b'H', &[0, 0, 1, 0, 0]), message(b'd', b"first\n"), message(b'd', b"")].concat(),
        [report(b'N', "NOTICE", "00000", "n"), message(b'd', &[b'x'; 90])].concat(),
        [message(b'c', b""), complete("COPY 2"), ready(b'I')].concat(),
        [message(b'G', &[0, 0, 1, 0, 0]), error("22P04"), ready(b'E')].concat(),
        [complete("ROLLBACK"), ready(b'I'), complete("DISCARD ALL"), ready(b'I')].concat(),
    ];
    (peer, answers.concat())
}

/// Feeds the bytes in pieces, as a driver does; returns the events and how it ended.
fn feed(peer: &mut Peer, bytes: &[u8], mut piece: impl FnMut() -> usize) -> Step<Vec<String>> {
    let (mut start, mut end) = (0, 0);
    while end < bytes.len() {
        end = (end + piece().max(1)).min(bytes.len());
        loop {
            let taken = peer.session.receive(&bytes[start..end], &mut peer.sink)?;
            assert!(taken <= end - start, "took more than there was");
            start += taken;
            if taken == 0 || !peer.sink.stopping {
                break;
            }
        }
        let needed = peer.session.needed(&bytes[start..end]);
        assert!(needed > end - start, "left a whole message unread");
        assert!(needed <= MESSAGE_MAX);
    }
    Ok(peer.sink.take())
}

#[test]
fn events_do_not_depend_on_how_the_bytes_are_cut() {
    let (mut whole, bytes) = busy();
    let expected = feed(&mut whole, &bytes, || usize::MAX / 2).unwrap();
    assert_eq!(whole.session.in_flight(), 0);
    assert_eq!(expected.last().unwrap(), "12 ready I");
    let sent = whole.sent();
    for seed in 1..=50 {
        let mut random = Random(seed);
        let (mut peer, bytes) = busy();
        peer.sink.stopping = seed % 2 == 0;
        let widest = if seed == 1 { 1 } else { 40 };
        let events = feed(&mut peer, &bytes, || 1 + random.below(widest)).unwrap();
        assert_eq!(events, expected, "seed {seed}");
        assert_eq!(peer.sent(), sent, "seed {seed}");
    }
}

#[test]
fn a_transcript_cut_anywhere_waits_for_more() {
    let (_, bytes) = busy();
    for end in 0..bytes.len() {
        let (mut peer, _) = busy();
        feed(&mut peer, &bytes[..end], || usize::MAX / 2).unwrap();
        assert!(peer.session.in_flight() > 0, "cut at {end}");
    }
}

#[test]
fn a_byte_corrupted_anywhere_breaks_or_is_taken() {
    let (_, bytes) = busy();
    let mut broken = 0;
    for at in 0..bytes.len() {
        for value in [0, 1, 4, 0x7f, 0x80, 0xff, b'Z', b'E', bytes[at] ^ 1] {
            let (mut peer, mut bytes) = busy();
            bytes[at] = value;
            broken += usize::from(feed(&mut peer, &bytes, || usize::MAX / 2).is_err());
        }
    }
    assert!(broken > bytes.len(), "corruption goes unnoticed: {broken}");
}

#[test]
fn messages_lost_doubled_or_swapped_break_or_are_taken() {
    let (_, bytes) = busy();
    let mut messages = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (first, tail) = rest.split_at(busy().0.session.needed(rest));
        messages.push(first.to_vec());
        rest = tail;
    }
    for seed in 1..=3000 {
        let mut random = Random(seed);
        let (mut peer, _) = busy();
        let mut list = messages.clone();
        let (one, two) = (random.below(list.len()), random.below(list.len()));
        match random.below(3) {
            0 => drop(list.remove(one)),
            1 => list.insert(one, messages[two].clone()),
            _ => list.swap(one, two),
        }
        let _ = feed(&mut peer, &list.concat(), || usize::MAX / 2);
    }
}

#[test]
fn random_messages_break_or_are_taken() {
    const TAGS: &[u8] = b"123ADCcdEGHIKNRnsStTVvWZ?";
    for seed in 1..=5000 {
        let mut random = Random(seed * 0x9e37_79b9);
        let (mut peer, _) = busy();
        let mut bytes = Vec::new();
        for _ in 0..random.below(12) {
            let body: Vec<u8> = (0..random.below(24)).map(|_| random.below(6) as u8).collect();
            bytes.extend(message(TAGS[random.below(TAGS.len())], &body));
        }
        bytes.extend((0..random.below(16)).map(|_| random.below(256) as u8));
        let mut pieces = Random(seed);
        let _ = feed(&mut peer, &bytes, || 1 + pieces.below(30));
    }
}
