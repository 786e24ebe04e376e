//! Cursors against scripted servers.

use crate::engine::postgres::session::transcript::*;
use crate::engine::session::Mode;

const LIST: &str = "select n from t where id > $1";
const OTHER: &str = "select m from t";

/// The answers to a first flight up to its first row.
fn opened(value: &str) -> Vec<u8> {
    let described = [parsed(), param_types(&[INT4]), columns(&[("n", INT4)])].concat();
    [described, bound(), row(&[Some(value)])].concat()
}

/// A cursor on token 1 that has given its first row.
fn reading() -> Peer {
    let mut peer = Peer::new(10);
    peer.cursor(1, LIST, &[Value::Int(0)], 1);
    let events = peer.hear(&[opened("1"), suspended()]);
    assert_eq!(events[1..], ["1 suspended"]);
    peer.sent();
    peer
}

#[test]
fn rows_come_as_they_are_asked_for_and_the_end_closes_the_portal() {
    let mut peer = Peer::new(10);
    peer.cursor(1, LIST, &[Value::Int(0)], 2);
    let bind = format!("Parse(p1,{LIST}) Describe(p1) Bind(p1,t:0;)");
    assert_eq!(peer.sent(), format!("{bind} Execute(2) Flush"));
    let events = peer.hear(&[opened("1"), row(&[Some("2")]), suspended()]);
    assert_eq!(events.len(), 3);
    assert_eq!(peer.sent(), "", "the server waits");
    peer.session.fetch(3);
    assert_eq!(peer.sent(), "Execute(3) Flush");
    let events = peer.hear(&[row(&[Some("3")]), complete("SELECT 1")]);
    assert_eq!(events[1..], ["1 complete 'SELECT 1' 1"]);
    assert_eq!(peer.sent(), "Close() Sync");
    assert_eq!(peer.hear(&[closed(), ready(b'I')]), ["1 ready I"]);
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn a_known_statement_gives_binary_rows() {
    let mut peer = Peer::new(10);
    peer.execute(1, LIST, &[Value::Int(0)]);
    peer.hear(&[first_use(&[INT4], "1")]);
    peer.sent();
    peer.cursor(2, LIST, &[Value::Int(0)], 5);
    assert_eq!(peer.sent(), "Bind(p1,b:\\x00\\x00\\x00\\x00;1) Execute(5) Flush");
    let events = peer.hear(&[bound(), row(&[Some("bits")]), suspended()]);
    assert!(events[0].starts_with("2 row binary"));
}

#[test]
fn what_follows_waits_until_the_cursor_is_over() {
    let mut peer = reading();
    peer.execute(2, OTHER, &[]);
    peer.session.sync(3);
    assert_eq!(peer.sent(), "");
    assert!(peer.session.close_cursor());
    assert!(!peer.session.close_cursor(), "it is closed already");
    assert_eq!(peer.sent(), "Close() Sync");
    assert_eq!(peer.hear(&[closed(), ready(b'I')]), ["1 ready I"]);
    assert!(peer.sent().starts_with(&format!("Parse(p2,{OTHER})")));
    assert_eq!(peer.hear(&[first_use(&[], "7"), ready(b'I')]).last().unwrap(), "3 ready I");
}

#[test]
fn an_error_between_two_fetches_is_synced() {
    let mut peer = reading();
    peer.session.fetch(9);
    peer.sent();
    let events = peer.hear(&[row(&[Some("2")]), error("22012")]);
    assert_eq!(events[1..], ["1 error 22012"]);
    assert_eq!(peer.sent(), "Sync");
    assert!(!peer.session.close_cursor());
    assert_eq!(peer.hear(&[ready(b'I')]), ["1 ready I"]);
    peer.execute(2, OTHER, &[]);
    assert_eq!(peer.hear(&[first_use(&[], "7")]).last().unwrap(), "2 ready I");
}

#[test]
fn an_error_in_the_text_is_synced() {
    let mut peer = Peer::new(10);
    peer.cursor(1, LIST, &[Value::Int(0)], 1);
    peer.sent();
    assert_eq!(peer.hear(&[error("42P01")]), ["1 error 42P01"]);
    assert_eq!(peer.sent(), "Sync");
    assert_eq!(peer.hear(&[ready(b'I')]), ["1 ready I"]);
    peer.execute(2, LIST, &[Value::Int(0)]);
    assert!(peer.sent().starts_with("Parse(p2,"), "the failed Parse was forgotten");
}

#[test]
fn an_error_at_the_end_of_a_closed_cursor_is_its_own() {
    let mut peer = reading();
    peer.session.close_cursor();
    peer.sent();
    let events = peer.hear(&[closed(), error("23505"), ready(b'I')]);
    assert_eq!(events, ["1 error 23505", "1 ready I"]);
    assert_eq!(peer.sent(), "", "its Sync was sent before");
    // As above, where the server never came to the Close.
    let mut peer = reading();
    peer.session.close_cursor();
    peer.sent();
    assert_eq!(peer.hear(&[error("57014"), ready(b'I')]), ["1 error 57014", "1 ready I"]);
}

#[test]
fn a_sink_that_had_enough_has_it_closed_at_once() {
    let mut peer = Peer::new(10);
    peer.cursor(1, LIST, &[Value::Int(0)], 1);
    peer.sent();
    peer.sink.had_enough = true;
    peer.hear(&[opened("1"), suspended()]);
    assert_eq!(peer.sent(), "Close() Sync");
    assert_eq!(peer.hear(&[closed(), ready(b'I')]), ["1 ready I"]);
}

#[test]
fn a_sink_that_wants_more_at_once_gets_it() {
    let mut peer = Peer::new(10);
    peer.cursor(1, LIST, &[Value::Int(0)], 1);
    peer.sent();
    peer.sink.wants = 7;
    peer.hear(&[opened("1"), suspended()]);
    assert_eq!(peer.sent(), "Execute(7) Flush");
    assert!(!peer.session.close_cursor(), "it is not suspended any more");
}

#[test]
fn its_close_is_told_from_those_of_old_statements() {
    let mut peer = Peer::new(1);
    peer.execute(1, OTHER, &[]);
    peer.hear(&[first_use(&[], "7")]);
    peer.sent();
    peer.cursor(2, LIST, &[Value::Int(0)], 1);
    let sent = format!("Close(p1) Parse(p2,{LIST}) Describe(p2) Bind(p2,t:0;) Execute(1) Flush");
    assert_eq!(peer.sent(), sent);
    peer.hear(&[closed(), opened("1"), complete("SELECT 1")]);
    assert_eq!(peer.hear(&[closed(), ready(b'I')]), ["2 ready I"]);
    peer.break_with(&[closed()]);
}

#[test]
fn a_stale_statement_is_run_again_as_a_cursor() {
    let mut peer = Peer::new(10);
    peer.execute(1, LIST, &[Value::Int(0)]);
    peer.hear(&[first_use(&[INT4], "1")]);
    peer.sent();
    peer.cursor(2, LIST, &[Value::Int(0)], 4);
    peer.sent();
    assert!(peer.hear(&[stale()]).is_empty());
    assert_eq!(peer.sent(), "Sync");
    assert!(peer.hear(&[ready(b'I')]).is_empty());
    let again = format!("Close(p1) Parse(p2,{LIST}) Describe(p2) Bind(p2,t:0;) Execute(4) Flush");
    assert_eq!(peer.sent(), again);
}

#[test]
fn parameters_may_wait_for_their_types() {
    let mut peer = Peer::new(10);
    peer.cursor(1, LIST, &[Value::Array("{1}", "[1]")], 3);
    assert_eq!(peer.sent(), format!("Parse(p1,{LIST}) Describe(p1) Flush"));
    peer.hear(&[parsed(), param_types(&[1007]), columns(&[("n", INT4)])]);
    assert_eq!(peer.sent(), "Bind(p1,t:{1};1) Execute(3) Flush");
    peer.hear(&[bound(), row(&[Some("bits")]), suspended()]);
    peer.session.close_cursor();
    assert_eq!(peer.hear(&[closed(), ready(b'I')]), ["1 ready I"]);
}

#[test]
fn parameters_that_prove_unfit_end_it() {
    let mut peer = Peer::new(10);
    peer.cursor(1, LIST, &[Value::Array("{\0}", "[]")], 3);
    peer.sent();
    peer.hear(&[parsed(), param_types(&[1007]), columns(&[("n", INT4)])]);
    assert_eq!(peer.sent(), "Sync");
    assert_eq!(peer.hear(&[ready(b'I')]), ["1 refused 1", "1 ready I"]);
}

#[test]
fn a_lead_is_known_to_be_well_before_the_cursor_opens() {
    let mut peer = Peer::new(10);
    peer.lead(1, "BEGIN");
    peer.cursor(2, LIST, &[Value::Int(0)], 1);
    let begin = "Parse(p1,BEGIN) Describe(p1) Bind(p1;) Execute Sync";
    assert_eq!(peer.sent(), begin);
    let began = [parsed(), param_types(&[]), no_data(), bound(), complete("BEGIN"), ready(b'T')];
    assert_eq!(peer.hear(&[began.concat()]).last().unwrap(), "1 ready T");
    assert!(peer.sent().ends_with("Execute(1) Flush"));
    // A lead that fails takes the cursor along: nothing of it is sent.
    let mut peer = Peer::new(10);
    peer.lead(1, "BEGIN");
    peer.cursor(2, LIST, &[Value::Int(0)], 1);
    peer.sent();
    let events = peer.hear(&[error("25006"), ready(b'I')]);
    assert_eq!(events, ["1 error 25006", "1 ready I"]);
    assert_eq!(peer.sent(), "Sync");
    assert_eq!(peer.hear(&[ready(b'I')]), ["2 error 25006", "2 ready I"]);
    // Also when it has failed before the cursor came.
    let mut peer = Peer::new(10);
    peer.lead(1, "BEGIN");
    peer.hear(&[error("25006")]);
    peer.cursor(2, LIST, &[Value::Int(0)], 1);
    assert!(peer.sent().ends_with(" Sync"));
    assert_eq!(peer.hear(&[ready(b'I')]), ["2 error 25006", "2 ready I"]);
}

#[test]
fn copy_is_refused() {
    let mut peer = Peer::new(10);
    let mode = Mode { fetch: 5, ..Mode::default() };
    let refused = peer.submit(1, "copy t to stdout", &[], mode);
    assert_eq!(refused.unwrap_err().position, 0);
    assert_eq!((peer.sent().as_str(), peer.session.in_flight()), ("", 0));
}

#[test]
fn a_server_that_suspends_what_is_no_cursor_is_not_trusted() {
    let mut peer = Peer::new(10);
    peer.execute(1, LIST, &[Value::Int(0)]);
    peer.break_with(&[opened("1"), suspended()]);
    let mut peer = reading();
    peer.break_with(&[suspended()]);
    let mut peer = reading();
    peer.break_with(&[row(&[Some("1")])]);
    let mut peer = reading();
    peer.break_with(&[ready(b'I')]);
}

#[test]
fn random_answers_break_it_or_are_taken() {
    let row = || row(&[Some("1")]);
    let answers = [row(), suspended(), complete("SELECT 1"), closed(), error("22012"), ready(b'I')];
    let mut ended = 0;
    for seed in 1..=4000u32 {
        let mut random = seed.wrapping_mul(0x9e37_79b9);
        let mut next = |below: usize| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 16) as usize % below
        };
        let mut peer = reading();
        peer.execute(2, OTHER, &[]);
        for _ in 0..12 {
            match next(4) {
                0 => peer.session.fetch(next(3) as u32 + 1),
                1 => {
                    peer.session.close_cursor();
                }
                _ => {
                    let bytes = &answers[next(answers.len())];
                    if peer.session.receive(bytes, &mut peer.sink).is_err() {
                        break;
                    }
                }
            }
            // Whatever is sent consists of whole messages.
            peer.sent();
        }
        ended += usize::from(peer.sink.take().contains(&"1 ready I".to_owned()));
    }
    assert!(ended > 100, "some answers make sense: {ended}");
}
