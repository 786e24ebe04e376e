use super::super::session::Broken;
use super::super::session::transcript::*;
use super::super::started::Flavor;
use super::*;

const LOAD: &str = "load data local infile 'x' into table t";

fn asked() -> Vec<u8> {
    answer(&[b"\xfbx".to_vec()])
}

#[test]
fn a_file_goes_in_packets_and_ends_with_an_empty_one() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.sink.has_file = true;
    peer.run(1, LOAD, &[], copy_in()).unwrap();
    peer.execute(2, "select 2", &[]);
    assert_eq!(peer.sent(), format!("Query({LOAD})"));
    assert!(!peer.session.copy_data(1, b"early"));
    assert_eq!(peer.hear(&[asked()]), ["1 wants a file"]);
    assert!(peer.session.copy_data(1, b"a"));
    assert!(peer.session.copy_data(1, b""));
    assert!(peer.session.copy_data(1, b"b"));
    assert!(!peer.session.copy_data(2, b"another's"));
    assert!(peer.session.copy_end(1, None));
    assert!(!peer.session.copy_end(1, None));
    assert_eq!(peer.sent(), "Data#2(a) Data#3(b) Empty#4");
    let events = peer.hear(&[packets(5, &[ok_with(0, 2, 0, AUTOCOMMIT)])]);
    assert_eq!(events, ["1 complete 'LOAD' 2 columns 0", "1 ready"]);
    assert_eq!(peer.sent(), "Query(select 2)");
}

#[test]
fn nobody_else_is_given_a_file() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, "select 1", &[]);
    peer.sent();
    assert!(peer.hear(&[asked()]).is_empty());
    assert_eq!(peer.sent(), "Empty#2");
    let events = peer.hear(&[packets(3, &[ok()])]);
    assert_eq!(events, ["1 error 1235", "1 ready"]);
}

#[test]
fn a_request_in_the_middle_of_others_breaks() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, "select 1", &[]);
    peer.execute(2, "select 2", &[]);
    assert!(matches!(peer.break_with(&[asked()]), Broken::Protocol(_)));
}

#[test]
fn a_file_that_is_given_up_leaves_nothing_behind() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.sink.has_file = true;
    peer.run(1, LOAD, &[], copy_in()).unwrap();
    peer.hear(&[asked()]);
    peer.session.copy_data(1, b"a");
    peer.sent();
    assert!(peer.session.copy_end(1, Some("given up")));
    assert_eq!(peer.sent(), "Empty#131", "out of order: the server rolls back");
}

#[test]
fn what_takes_no_file_is_told() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.run(1, LOAD, &[], copy_in()).unwrap();
    assert_eq!(peer.hear(&[answer(&[ok()])]), ["1 error 1235", "1 ready"]);
}

#[test]
fn statements_and_streams_must_fit() {
    let load = Statement::new(1, LOAD);
    let select = Statement::new(2, "select 1");
    assert_eq!(refusal(&load, Some(Direction::In)), None);
    assert_eq!(refusal(&select, None), None);
    for (statement, asked) in
        [(&load, None), (&select, Some(Direction::In)), (&select, Some(Direction::Out))]
    {
        assert!(refusal(statement, asked).is_some());
    }
}
