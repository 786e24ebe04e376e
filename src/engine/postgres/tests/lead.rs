//! A BEGIN that shares the Sync of the statement behind it.

use super::transcript::*;

const POINT: &str = "select n from t where id = $1";
const BATCH: &str = "select 1; select 2";

fn begun() -> Vec<u8> {
    [parsed(), param_types(&[]), no_data(), bound(), complete("BEGIN")].concat()
}

/// A peer that knows POINT and has sent BEGIN as a lead.
fn leading() -> Peer {
    let mut peer = Peer::new(10);
    peer.execute(0, POINT, &[Value::Int(0)]);
    peer.hear(&[first_use(&[INT4], "0")]);
    peer.sent();
    peer.lead(1, "BEGIN");
    peer
}

fn next_in_transaction() -> Vec<u8> {
    let message = next_use("bits");
    [&message[..message.len() - 1], b"T"].concat()
}

#[test]
fn lead_and_follower_are_one_flight_with_one_sync() {
    let mut peer = leading();
    peer.execute(2, POINT, &[Value::Int(7)]);
    let sent = peer.sent();
    assert_eq!(sent.matches("Sync").count(), 1, "{sent}");
    assert!(sent.starts_with("Parse(p2,BEGIN)") && sent.ends_with("Execute Sync"), "{sent}");
    let events = peer.hear(&[begun(), next_in_transaction()]);
    let row = "2 row binary 1 \\x00\\x00\\x00\\x04bits";
    let lead = ["1 complete 'BEGIN' 0", "1 ready T"];
    assert_eq!(events, [&lead[..], &[row, "2 complete 'SELECT 1' 1", "2 ready T"]].concat());
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn a_failed_lead_fails_all_within_it() {
    let mut peer = leading();
    for token in 2..=4 {
        peer.within(token, POINT, &[Value::Int(7)]);
    }
    peer.execute(5, "ROLLBACK", &[]);
    let sent = peer.sent();
    assert_eq!(sent.matches("Bind").count(), 2, "only the first goes out with it: {sent}");
    let events = peer.hear(&[error("57014"), ready(b'I')]);
    assert_eq!(events, ["1 error 57014", "1 ready I", "2 error 57014", "2 ready I"]);
    let sent = peer.sent();
    assert!(sent.starts_with("Sync Sync Parse(p3,ROLLBACK)"), "{sent}");
    let events = peer.hear(&[ready(b'I'), ready(b'I')]);
    assert_eq!(events, ["3 error 57014", "3 ready I", "4 error 57014", "4 ready I"]);
}

#[test]
fn behind_the_first_follower_all_wait_for_the_lead() {
    let mut peer = leading();
    peer.within(2, POINT, &[Value::Int(7)]);
    peer.within(3, POINT, &[Value::Int(8)]);
    peer.sent();
    peer.hear(&[begun(), next_in_transaction()]);
    assert!(peer.sent().starts_with("Bind(p1,b:"));
}

#[test]
fn a_follower_sent_after_the_failure_is_skipped_too() {
    for text in [POINT, BATCH] {
        let mut peer = leading();
        peer.sent();
        assert_eq!(peer.hear(&[error("57014")]), ["1 error 57014", "1 ready I"]);
        peer.within(2, text, &[]);
        assert_eq!(peer.sent(), "Sync");
        assert_eq!(peer.hear(&[ready(b'I')]), ["2 error 57014", "2 ready I"]);
        peer.within(3, text, &[]);
        assert_eq!(peer.hear(&[ready(b'I')]), ["3 error 57014", "3 ready I"]);
        peer.sent();
        peer.lead(4, "BEGIN");
        peer.within(5, POINT, &[Value::Int(1)]);
        assert!(peer.sent().contains("Execute Bind(p1,"), "the next one starts anew");
    }
}

#[test]
fn a_statement_outside_runs_after_a_failed_lead() {
    let mut peer = leading();
    peer.sent();
    peer.hear(&[error("57014")]);
    peer.execute(2, POINT, &[Value::Int(8)]);
    assert!(peer.sent().starts_with("Sync Bind(p1,"));
    assert_eq!(peer.hear(&[ready(b'I'), next_use("eeee")]).last().unwrap(), "2 ready I");
}

#[test]
fn a_follower_that_cannot_share_waits_for_the_lead() {
    for fails in [false, true] {
        let mut peer = leading();
        peer.within(2, BATCH, &[]);
        let sent = peer.sent();
        assert!(sent.ends_with("Sync") && !sent.contains("Query"), "{sent}");
        if fails {
            let events = peer.hear(&[error("25001"), ready(b'I')]);
            assert_eq!(events, ["1 error 25001", "1 ready I"]);
            assert_eq!(peer.sent(), "Sync");
            assert_eq!(peer.hear(&[ready(b'I')]), ["2 error 25001", "2 ready I"]);
        } else {
            let events = peer.hear(&[begun(), ready(b'T')]);
            assert_eq!(events, ["1 complete 'BEGIN' 0", "1 ready T"]);
            assert_eq!(peer.sent(), format!("Query({BATCH})"));
        }
    }
}

#[test]
fn the_error_of_a_lead_without_a_follower_refuses_nothing_later() {
    for reset in [false, true] {
        let mut peer = leading();
        peer.sent();
        peer.hear(&[error("57014")]);
        let answers = if reset {
            peer.session.reset(2);
            let rolled_back = [complete("ROLLBACK"), ready(b'I')].concat();
            [ready(b'I'), rolled_back, complete("DISCARD ALL"), ready(b'I')].concat()
        } else {
            peer.session.sync(2);
            [ready(b'I'), ready(b'I')].concat()
        };
        assert_eq!(peer.hear(&[answers]).last().map(String::as_str), Some("2 ready I"));
        peer.sent();
        peer.execute(3, BATCH, &[]);
        assert_eq!(peer.sent(), format!("Query({BATCH})"));
    }
}

#[test]
fn a_follower_that_cannot_share_stays_in_front_of_what_came_after_it() {
    let mut peer = Peer::new(10);
    // Its types must be known first, so all the others are held.
    peer.execute(0, POINT, &[Value::Array("{1}", "[1]")]);
    peer.lead(1, "BEGIN");
    peer.execute(2, BATCH, &[]);
    peer.execute(3, POINT, &[Value::Int(8)]);
    peer.sent();
    peer.hear(&[error("42601"), ready(b'I')]);
    let sent = peer.sent();
    assert!(sent.starts_with("Sync Parse(p2,BEGIN)") && sent.ends_with("Execute Sync"), "{sent}");
    peer.hear(&[begun(), ready(b'T')]);
    // The last one waits for a description, so it is not sent before the wire is idle.
    assert_eq!(peer.sent(), format!("Query({BATCH})"));
}

#[test]
fn a_lead_without_a_follower_is_closed_by_the_next_round_trip() {
    let mut peer = leading();
    peer.session.sync(2);
    assert!(peer.sent().ends_with("Execute Sync Sync"));
    let events = peer.hear(&[begun(), ready(b'T'), ready(b'T')]);
    assert_eq!(events, ["1 complete 'BEGIN' 0", "1 ready T", "2 ready T"]);
}

#[test]
fn a_lead_answered_before_its_sync_leaves_no_answer_over() {
    let mut peer = leading();
    peer.sent();
    assert_eq!(peer.hear(&[begun()]), ["1 complete 'BEGIN' 0", "1 ready T"]);
    peer.session.reset(2);
    assert_eq!(peer.sent(), "Sync Query(ROLLBACK) Query(DISCARD ALL)");
    let rolled_back = [complete("ROLLBACK"), ready(b'I')].concat();
    let discarded = [complete("DISCARD ALL"), ready(b'I')].concat();
    let events = peer.hear(&[ready(b'T'), rolled_back, discarded]);
    assert_eq!(events.last().map(String::as_str), Some("2 ready I"));
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn a_refused_follower_leaves_nothing_behind_it_waiting() {
    let mut peer = leading();
    peer.within(2, POINT, &[Value::Int(7)]);
    peer.within(3, POINT, &[Value::Text("a\0")]);
    peer.within(4, POINT, &[Value::Array("{1}", "[1]")]);
    peer.within(5, "select $1::int[]", &[Value::Array("{1}", "[1]")]);
    peer.sent();
    peer.hear(&[begun(), next_in_transaction()]);
    assert!(!peer.sent().is_empty());
    for _ in 0..2 {
        let events = peer.hear(&[error("22P02"), ready(b'E')]);
        assert!(!events.is_empty());
        peer.sent();
    }
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn a_lead_whose_follower_is_refused_has_a_sync_of_its_own() {
    let mut peer = Peer::new(10);
    // Its types must be known first, so the others are held and encoded together.
    peer.execute(0, POINT, &[Value::Array("{1}", "[1]")]);
    peer.lead(1, "BEGIN");
    peer.within(2, POINT, &[Value::Text("a\0")]);
    peer.execute(3, "ROLLBACK", &[]);
    peer.sent();
    peer.hear(&[error("42601"), ready(b'I')]);
    let sent = peer.sent();
    assert!(sent.contains("BEGIN") && sent.ends_with("Execute Sync"), "{sent}");
    let events = peer.hear(&[begun(), ready(b'T')]);
    assert!(events.contains(&"2 ready T".to_owned()), "{events:?}");
    assert!(peer.sent().contains("ROLLBACK"));
}

#[test]
fn two_leads_in_a_row_each_have_their_sync() {
    let mut peer = leading();
    peer.lead(2, "BEGIN");
    peer.within(3, POINT, &[Value::Int(1)]);
    assert_eq!(peer.sent().matches("Sync").count(), 2);
}

#[test]
fn a_lead_that_shares_no_sync_fails_all_within_it_too() {
    let mut peer = Peer::new(10);
    peer.guard(1, "BEGIN");
    assert!(peer.sent().ends_with("Execute Sync"));
    assert_eq!(peer.hear(&[error("57014"), ready(b'I')]), ["1 error 57014", "1 ready I"]);
    for token in [2, 3] {
        peer.within(token, BATCH, &[]);
        assert_eq!(peer.sent(), "Sync");
        let told = [format!("{token} error 57014"), format!("{token} ready I")];
        assert_eq!(peer.hear(&[ready(b'I')]), told);
    }
    peer.execute(4, BATCH, &[]);
    assert_eq!(peer.sent(), format!("Query({BATCH})"));
}

/// A peer that knows BEGIN by name.
fn knowing_begin() -> Peer {
    let mut peer = Peer::new(10);
    peer.guard(1, "BEGIN");
    peer.hear(&[begun(), ready(b'T')]);
    peer.execute(2, BATCH, &[]);
    peer.hear(&[complete("ROLLBACK"), ready(b'I')]);
    peer.sent();
    peer
}

#[test]
fn only_an_error_that_was_reported_is_that_of_all_within() {
    for fails in [false, true] {
        let mut peer = knowing_begin();
        peer.guard(3, "BEGIN");
        // The server has lost the name: once more, from the text.
        assert!(peer.hear(&[error("26000"), ready(b'I')]).is_empty());
        assert!(peer.sent().contains("Parse("));
        peer.hear(&[if fails { error("57014") } else { begun() }, ready(b'T')]);
        peer.within(4, BATCH, &[]);
        let expected = if fails { "Sync".into() } else { format!("Query({BATCH})") };
        assert_eq!(peer.sent(), expected);
    }
    // Not again, with another one waiting behind it.
    let mut peer = knowing_begin();
    peer.lead(3, "BEGIN");
    peer.within(4, BATCH, &[]);
    peer.sent();
    assert_eq!(peer.hear(&[error("26000"), ready(b'I')]), ["3 error 26000", "3 ready I"]);
    assert_eq!(peer.sent(), "Sync");
    assert_eq!(peer.hear(&[ready(b'I')]), ["4 error 26000", "4 ready I"]);
}
