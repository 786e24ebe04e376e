use super::super::session::transcript::*;
use super::super::started::{Flavor, Started};
use crate::engine::session::Mode;
use mysql_common::constants::CapabilityFlags;

const ALL: &str = "select n from t";

fn open(peer: &mut Peer) {
    peer.run(1, ALL, &[], Mode { fetch: 2, ..Mode::default() }).unwrap();
    peer.execute(2, "select 2", &[]);
    assert_eq!(peer.sent(), format!("Prepare({ALL})"));
    peer.hear(&[prepared(Flavor::MySql, 5, 0, &[("n", LONG)])]);
    assert_eq!(peer.sent(), "Execute(5, cursor, 0 bytes)");
    let mut bodies = columns(Flavor::MySql, &[("n", LONG)]);
    bodies.push(ok_with(0xfe, 0, 0, AUTOCOMMIT | CURSOR));
    assert!(peer.hear(&[answer(&bodies)]).is_empty());
    assert_eq!(peer.sent(), "Fetch(5, 2)");
}

fn rows(last: bool) -> Vec<u8> {
    let status = AUTOCOMMIT | CURSOR | if last { LAST_ROW } else { 0 };
    answer(&[binary_row(1), binary_row(2), ok_with(0xfe, 0, 0, status)])
}

#[test]
fn rows_come_as_they_are_asked_for() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    open(&mut peer);
    peer.sink.more = Some(0);
    let events = peer.hear(&[rows(false)]);
    assert_eq!((events.len(), events[2].as_str()), (3, "1 suspended"));
    assert_eq!(peer.sent(), "", "it waits, and what is behind it");
    peer.session.fetch(7);
    assert_eq!(peer.sent(), "Fetch(5, 7)");
    peer.sink.more = Some(3);
    peer.hear(&[rows(false)]);
    assert_eq!(peer.sent(), "Fetch(5, 3)");
    let events = peer.hear(&[rows(true)]);
    assert_eq!(events[2..], ["1 complete 'SELECT' 6 columns 1", "1 ready"]);
    assert_eq!(peer.sent(), "Query(select 2)");
}

#[test]
fn a_cursor_is_left_by_a_reset_of_its_statement() {
    for by_sink in [true, false] {
        let mut peer = Peer::new(Flavor::MySql, 10);
        open(&mut peer);
        peer.sink.more = (!by_sink).then_some(0);
        peer.hear(&[rows(false)]);
        assert_eq!(peer.session.close_cursor(), !by_sink);
        assert_eq!(peer.sent(), "Reset(5)");
        assert_eq!(peer.hear(&[answer(&[ok()])]), ["1 ready"]);
        assert_eq!(peer.sent(), "Query(select 2)");
        assert!(!peer.session.close_cursor());
    }
}

#[test]
fn what_needs_no_cursor_has_all_rows_at_once() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.run(1, ALL, &[], Mode { fetch: 2, ..Mode::default() }).unwrap();
    peer.hear(&[prepared(Flavor::MySql, 5, 0, &[("n", LONG)])]);
    let events = peer.hear(&[result(Flavor::MySql, 1)]);
    assert_eq!(events[1..], ["1 complete 'SELECT' 1 columns 1", "1 ready"]);
}

#[test]
fn an_eof_behind_the_columns_opens_it_as_well() {
    let old = Started { capabilities: CapabilityFlags::empty(), ..started(Flavor::MySql) };
    let mut peer = Peer::with(old, 10);
    peer.run(1, ALL, &[], Mode { fetch: 2, ..Mode::default() }).unwrap();
    let column = definition("n", LONG, false);
    let head = vec![0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    peer.hear(&[answer(&[head, column.clone(), eof(2)])]);
    peer.sent();
    peer.hear(&[answer(&[vec![1], column, eof(2 | CURSOR)])]);
    assert_eq!(peer.sent(), "Fetch(5, 2)");
    let events = peer.hear(&[answer(&[binary_row(1), eof(2 | CURSOR | LAST_ROW)])]);
    assert_eq!(events[1..], ["1 complete 'SELECT' 1 columns 1", "1 ready"]);
}

#[test]
fn an_error_of_a_fetch_ends_it() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    open(&mut peer);
    assert_eq!(peer.hear(&[answer(&[error(1317)])]), ["1 error 1317", "1 ready"]);
    assert_eq!(peer.sent(), "Query(select 2)");
}
