use super::super::session::transcript::*;
use super::*;
use crate::engine::session::{Cells, Mode};

const POINT: &str = "select n from t where id = $1";
const OTHER: &str = "select n from u where id = $1";
const LOCKING: &str = "select n from t where id = $1 for update";

const JOINT: Mode = Mode {
    lead: false,
    guard: false,
    within: false,
    joint: true,
    ordered: false,
    copy: None,
    fetch: 0,
    simple: false,
    cells: Cells::Values,
    wire: false,
    batch: false,
};

fn execute(peer: &mut Peer, token: u64, text: &str) {
    peer.submit(token, text, &[Value::Int(token as i32)], JOINT).unwrap();
}

/// A peer that knows these texts.
fn knowing(texts: &[&str]) -> Peer {
    let mut peer = Peer::new(10);
    peer.session.keep_order(false);
    for text in texts {
        execute(&mut peer, 0, text);
        peer.hear(&[first_use(&[INT4], "0")]);
    }
    peer.sent();
    peer
}

fn syncs(sent: &str) -> usize {
    sent.matches("Sync").count()
}

fn answered(value: &str) -> Vec<u8> {
    [bound(), row(&[Some(value)]), complete("SELECT 1")].concat()
}

fn events(token: u64) -> [String; 3] {
    let row = format!("{token} row binary 1 \\x00\\x00\\x00\\x04bits");
    [row, format!("{token} complete 'SELECT 1' 1"), format!("{token} ready I")]
}

#[test]
fn executions_of_one_statement_share_a_sync_and_each_ends_with_its_own_answer() {
    let mut peer = knowing(&[POINT]);
    (1..=3).for_each(|token| execute(&mut peer, token, POINT));
    let sent = peer.sent();
    assert_eq!((syncs(&sent), sent.matches("Bind(p1,").count()), (1, 3), "{sent}");
    assert!(sent.ends_with("Execute Sync"), "{sent}");
    assert_eq!(peer.hear(&[answered("bits")]), events(1));
    assert_eq!(peer.hear(&[answered("bits")]), events(2));
    assert_eq!(peer.hear(&[answered("bits")])[..], events(3)[..2], "the last one has the Sync");
    assert_eq!(peer.hear(&[ready(b'I')]), events(3)[2..]);
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn so_many_share_a_sync_at_most() {
    let mut peer = knowing(&[POINT]);
    (1..=u64::from(JOINT_MAX) + 1).for_each(|token| execute(&mut peer, token, POINT));
    assert_eq!(syncs(&peer.sent()), 2);
}

#[test]
fn what_was_handed_out_is_not_joined() {
    let mut peer = knowing(&[POINT]);
    execute(&mut peer, 1, POINT);
    assert_eq!(syncs(&peer.sent()), 1);
    execute(&mut peer, 2, POINT);
    assert_eq!(syncs(&peer.sent()), 1);
}

#[test]
fn others_have_a_sync_of_their_own() {
    let plain = Mode { joint: false, ..JOINT };
    let cases: [(&str, Mode, &str, Mode); 5] = [
        (POINT, JOINT, OTHER, JOINT),
        (LOCKING, JOINT, LOCKING, JOINT),
        (POINT, JOINT, POINT, plain),
        (POINT, plain, POINT, JOINT),
        ("begin", plain, POINT, JOINT),
    ];
    for (first, as_first, second, as_second) in cases {
        let mut peer = knowing(&[POINT, OTHER, LOCKING]);
        let values: &[Value<'_>] = if first == "begin" { &[] } else { &[Value::Int(1)] };
        peer.submit(1, first, values, as_first).unwrap();
        peer.submit(2, second, &[Value::Int(2)], as_second).unwrap();
        assert_eq!(syncs(&peer.sent()), 2, "{first}, {second}");
    }
}

#[test]
fn a_first_use_and_a_check_are_not_joined() {
    let mut peer = knowing(&[]);
    execute(&mut peer, 1, POINT);
    execute(&mut peer, 2, POINT);
    assert_eq!(syncs(&peer.sent()), 2);
    let mut peer = knowing(&[POINT]);
    execute(&mut peer, 1, POINT);
    peer.session.sync(2);
    execute(&mut peer, 3, POINT);
    assert_eq!(syncs(&peer.sent()), 3);
}

#[test]
fn after_an_error_those_that_were_skipped_run_by_themselves() {
    let mut peer = knowing(&[POINT, OTHER]);
    (1..=4).for_each(|token| execute(&mut peer, token, POINT));
    execute(&mut peer, 5, OTHER);
    peer.sent();
    let heard = peer.hear(&[answered("bits"), error("22012")]);
    assert_eq!(heard[..3], events(1));
    assert_eq!(heard[3..], ["2 error 22012", "2 ready I"]);
    let sent = peer.sent();
    let again = "Bind(p1,b:\\x00\\x00\\x00\\x03;1) Execute Sync \
        Bind(p1,b:\\x00\\x00\\x00\\x04;1) Execute Sync";
    assert_eq!(sent, again);
    assert_eq!(peer.hear(&[ready(b'I'), next_use("bits")]), events(5));
    assert_eq!(peer.hear(&[next_use("bits")]), events(3));
    assert_eq!(peer.hear(&[error("22012"), ready(b'I')]), ["4 error 22012", "4 ready I"]);
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn the_last_ones_error_is_its_own() {
    let mut peer = knowing(&[POINT]);
    (1..=2).for_each(|token| execute(&mut peer, token, POINT));
    peer.sent();
    let heard = peer.hear(&[answered("bits"), error("22012"), ready(b'I')]);
    assert_eq!(heard[3..], ["2 error 22012", "2 ready I"]);
    assert_eq!(peer.sent(), "");
}

#[test]
fn a_stale_plan_has_all_of_them_run_again() {
    let mut peer = knowing(&[POINT]);
    (1..=3).for_each(|token| execute(&mut peer, token, POINT));
    peer.sent();
    assert!(peer.hear(&[stale()]).is_empty());
    let sent = peer.sent();
    assert_eq!((sent.matches("Parse(p2,").count(), syncs(&sent)), (1, 3), "{sent}");
    assert_eq!(peer.hear(&[ready(b'I')]).len(), 0);
    let parsed_anew = first_use(&[INT4], "bits");
    assert_eq!(peer.hear(&[closed(), parsed_anew])[1..], events(1)[1..]);
}

#[test]
fn parameters_that_do_not_fit_leave_the_others_with_their_sync() {
    let text = "select n from t where name = $1";
    let mut peer = knowing(&[]);
    peer.submit(0, text, &[Value::Text("a")], JOINT).unwrap();
    peer.hear(&[first_use(&[TEXT], "0")]);
    peer.submit(1, text, &[Value::Text("a")], JOINT).unwrap();
    assert!(peer.submit(2, text, &[Value::Text("a\0b")], JOINT).is_err());
    let sent = peer.sent();
    assert!(sent.ends_with("Execute Sync"), "{sent}");
    assert_eq!((sent.matches("Bind").count(), syncs(&sent)), (2, 2));
    assert_eq!(peer.hear(&[next_use("bits")]), events(1));
}

#[test]
fn what_waits_behind_the_last_one_goes_on_after_an_error() {
    let mut peer = knowing(&[POINT]);
    (1..=2).for_each(|token| execute(&mut peer, token, POINT));
    // Its types have to be known first: it waits until the wire is quiet.
    peer.submit(3, "select $1", &[Value::Array("{1}", "[1]")], JOINT).unwrap();
    peer.sent();
    assert_eq!(peer.hear(&[error("22012")]), ["1 error 22012", "1 ready I"]);
    assert_eq!(peer.sent(), "");
    peer.hear(&[ready(b'I')]);
    assert_eq!(peer.sent(), "Parse(p2,select $1) Describe(p2) Flush");
    assert_eq!(peer.session.in_flight(), 2);
}

#[test]
fn a_server_that_is_ready_amid_them_is_not_understood() {
    let mut peer = knowing(&[POINT]);
    (1..=2).for_each(|token| execute(&mut peer, token, POINT));
    peer.break_with(&[answered("bits"), ready(b'I')]);
}

#[test]
fn a_verbatim_session_parses_and_describes_the_first_of_them_only() {
    let mut peer = Peer::verbatim();
    (1..=3).for_each(|token| execute(&mut peer, token, POINT));
    let flight = "Parse(,select n from t where id = $1) Bind(,t:1;0) Describe() Execute \
        Bind(,t:2;0) Execute Bind(,t:3;0) Execute Sync";
    assert_eq!(peer.sent(), flight);
    let first = [parsed(), bound(), columns(&[("n", INT4)]), row(&[Some("1")])].concat();
    let heard =
        peer.hear(&[first, complete("SELECT 1"), answered("2"), answered("3"), ready(b'I')]);
    let expected = [1, 2, 3].map(|token| {
        let row = format!("{token} row text 1 \\x00\\x00\\x00\\x01{token}");
        [row, format!("{token} complete 'SELECT 1' 1"), format!("{token} ready I")]
    });
    assert_eq!(heard, expected.concat());
}

#[test]
fn a_verbatim_sessions_skipped_ones_are_parsed_anew() {
    let mut peer = Peer::verbatim();
    (1..=2).for_each(|token| execute(&mut peer, token, POINT));
    peer.sent();
    assert_eq!(peer.hear(&[error("42P01"), ready(b'I')]), ["1 error 42P01", "1 ready I"]);
    let again = "Parse(,select n from t where id = $1) Bind(,t:2;0) Describe() Execute Sync";
    assert_eq!(peer.sent(), again);
    assert_eq!(peer.hear(&[error("42P01"), ready(b'I')]), ["2 error 42P01", "2 ready I"]);
}

#[test]
fn cells_of_another_kind_are_not_joined() {
    let mut peer = Peer::verbatim();
    execute(&mut peer, 1, POINT);
    let text = Mode { cells: Cells::Text, ..JOINT };
    peer.submit(2, POINT, &[Value::Int(2)], text).unwrap();
    assert_eq!(syncs(&peer.sent()), 2);
}
