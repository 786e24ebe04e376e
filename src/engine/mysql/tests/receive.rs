use super::super::session::transcript::*;
use super::super::started::Flavor;
use super::*;
use proptest::prelude::*;

const POINT: &str = "select n, t from t where id = ?";

/// What a server says in a busy hour, packet by packet: one list for each flight.
fn dialogue(flavor: Flavor) -> Vec<Vec<u8>> {
    let list = [("n", LONG), ("t", VAR_STRING)];
    let binary = || [&[0, 0, 1, 0, 0, 0][..], b"\x03abc"].concat();
    let mut first = columns(flavor, &list);
    first.extend([binary(), binary(), end()]);
    let mut several = vec![ok_with(0, 1, 5, AUTOCOMMIT | MORE)];
    several.extend(columns(flavor, &[("a", VAR_STRING)]));
    several.extend([text_row(&[Some("x")]), text_row(&[None]), end()]);
    let mut failed = columns(flavor, &[("a", LONGLONG)]);
    failed.extend([text_row(&[Some("1")]), error(1317)]);
    vec![
        prepared(flavor, 5, 1, &list),
        answer(&first),
        answer(&several),
        answer(&failed),
        answer(&[ok()]),
        answer(&[error(1064)]),
    ]
}

fn asked(flavor: Flavor) -> Peer {
    let mut peer = Peer::new(flavor, 10);
    peer.sink.has_file = true;
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, "insert into t values (1); select a from t", &[]);
    peer.execute(3, "select a from t", &[]);
    peer.session.ping(4);
    peer.execute(5, "nonsense", &[]);
    peer
}

/// Everything that is sent, whether at once or after an answer.
fn play(flavor: Flavor, bytes: &[u8], pieces: usize) -> Result<Vec<String>, Broken> {
    let mut peer = asked(flavor);
    let mut kept = Vec::new();
    let mut lines = Vec::new();
    for piece in bytes.chunks(pieces.max(1)) {
        kept.extend_from_slice(piece);
        let taken = peer.session.receive(&kept, &mut peer.sink)?;
        assert!(taken <= kept.len());
        kept.drain(..taken);
        assert!(peer.session.needed(&kept) <= PART_MAX + 4);
        lines.extend(peer.sink.take());
    }
    Ok(lines)
}

#[test]
fn the_same_is_heard_however_it_arrives() {
    for flavor in [Flavor::MySql, Flavor::MariaDb] {
        let bytes = dialogue(flavor).concat();
        let whole = play(flavor, &bytes, bytes.len()).unwrap();
        assert_eq!(whole.last().unwrap(), "5 ready");
        let readies = whole.iter().filter(|line| line.contains(" ready")).count();
        assert_eq!(readies, 5);
        for pieces in 1..40 {
            assert_eq!(play(flavor, &bytes, pieces).unwrap(), whole, "in pieces of {pieces}");
        }
    }
}

#[test]
fn rows_stop_when_the_sink_says_so() {
    let mut peer = Peer::new(Flavor::MySql, 0);
    peer.sink.stopping = true;
    peer.execute(1, "select n from t", &[]);
    let mut bodies = columns(Flavor::MySql, &[("n", LONG)]);
    bodies.extend([text_row(&[Some("1")]), text_row(&[Some("2")]), end()]);
    let bytes = answer(&bodies);
    let taken = peer.session.receive(&bytes, &mut peer.sink).unwrap();
    assert_eq!((bytes.len() - taken, peer.sink.take().len()), (4 + 2 + 4 + 7, 1));
    let rest = &bytes[taken..];
    let more = peer.session.receive(rest, &mut peer.sink).unwrap();
    assert_eq!((more, peer.sink.take().len()), (6, 1));
}

#[test]
fn a_value_of_16_mib_ends_no_rows() {
    let long = vec![b'x'; PART_MAX + 5];
    let mut peer = Peer::new(Flavor::MySql, 0);
    peer.execute(1, "select t from t", &[]);
    let mut row = vec![0xfe];
    row.extend_from_slice(&(long.len() as u64).to_le_bytes());
    row.extend_from_slice(&long);
    let mut bodies = columns(Flavor::MySql, &[("t", VAR_STRING)]);
    bodies.extend([row, end()]);
    let events = peer.hear(&[answer(&bodies)]);
    assert_eq!(events[0].len(), "1 row text t ".len() + "\\xfe".len() + 8 * 4 + long.len() - 1 + 1);
    assert_eq!(events[1], "1 complete 'SELECT' 1 columns 1");
}

#[test]
fn packets_that_do_not_belong_break() {
    let broken = |bodies: &[Vec<u8>]| {
        let mut peer = Peer::new(Flavor::MySql, 0);
        peer.execute(1, "select 1", &[]);
        peer.break_with(&[answer(bodies)])
    };
    for bodies in [
        &[vec![]][..],
        &[vec![0]],
        &[vec![0xfe]],
        &[vec![2, 2]],
        &[vec![1], vec![3]],
        &[vec![0xff]],
    ] {
        assert!(matches!(broken(bodies), Broken::Protocol(_)), "{bodies:?}");
    }
    let mut peer = Peer::new(Flavor::MySql, 0);
    assert!(matches!(peer.break_with(&[answer(&[ok()])]), Broken::Protocol(_)));
    let mut peer = Peer::new(Flavor::MySql, 0);
    peer.session.ping(1);
    assert!(matches!(peer.break_with(&[answer(&[vec![1]])]), Broken::Protocol(_)));
}

fn flavor() -> impl Strategy<Value = Flavor> {
    prop_oneof![Just(Flavor::MySql), Just(Flavor::MariaDb)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_wrong_byte_is_survived(flavor in flavor(), at in 0usize..4000, byte in any::<u8>(), pieces in 1usize..80) {
        let mut bytes = dialogue(flavor).concat();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = play(flavor, &bytes, pieces);
    }

    #[test]
    fn a_lost_or_doubled_stretch_is_survived(flavor in flavor(), at in 0usize..4000, length in 1usize..40, lost in any::<bool>()) {
        let mut bytes = dialogue(flavor).concat();
        let at = at % bytes.len();
        let end = (at + length).min(bytes.len());
        if lost {
            bytes.drain(at..end);
        } else {
            let stretch = bytes[at..end].to_vec();
            bytes.splice(at..at, stretch);
        }
        let _ = play(flavor, &bytes, 64);
    }

    #[test]
    fn exchanged_packets_are_survived(flavor in flavor(), bodies in prop::collection::vec(body(), 0..12)) {
        let _ = play(flavor, &answer(&bodies), 1000);
    }

    #[test]
    fn noise_is_survived(flavor in flavor(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = play(flavor, &bytes, 50);
    }
}

/// Any body that a server may send somewhere.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(ok()),
        Just(end()),
        any::<u16>().prop_map(|status| ok_with(0, 1, 1, status)),
        any::<u16>().prop_map(eof),
        prop_oneof![Just(1064), Just(1243), any::<u16>()].prop_map(error),
        Just(definition("n", LONG, false)),
        Just(definition("n", LONG, true)),
        (0u8..4).prop_map(|count| vec![count]),
        (0u8..4, 0u8..2).prop_map(|(count, described)| vec![count, described]),
        Just(binary_row(7)),
        Just(b"\xfbfile".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ]
}
