use super::super::session::transcript::*;
use super::super::types::Wire;
use super::*;
use crate::engine::session::{Cells, Mode};

const SIMPLE: Mode = mode(true, false, false);
const EXTENDED: Mode = mode(false, false, false);
const TEXTUAL: Mode = mode(false, true, false);
const WIRE: Mode = mode(false, false, true);

const fn mode(simple: bool, text: bool, wire: bool) -> Mode {
    Mode {
        lead: false,
        guard: false,
        within: false,
        ordered: true,
        copy: None,
        fetch: 0,
        simple,
        cells: if text { Cells::Text } else { Cells::Values },
        wire,
        batch: false,
    }
}

fn copy_in() -> Vec<u8> {
    message(b'G', &[0, 0, 0])
}

fn copy_out() -> Vec<u8> {
    message(b'H', &[0, 0, 0])
}

fn empty() -> Vec<u8> {
    message(b'I', b"")
}

fn execute(peer: &mut Peer, token: u64, text: &str, values: &[Value<'_>], mode: Mode) {
    peer.submit(token, text, values, mode).unwrap();
}

/// As `execute`, under a name.
fn named(peer: &mut Peer, token: u64, name: &str, text: &str) {
    let statement = Rc::new(super::super::statements::Statement::new(9, text).named(Some(name)));
    let params = crate::wire::param::Params::parse(0, &[]).unwrap();
    let execute = Execute { token, statement: &statement, params, mode: EXTENDED };
    peer.session.execute(execute).unwrap();
}

fn begun() -> Vec<u8> {
    [parsed(), bound(), no_data(), complete("BEGIN")].concat()
}

const SELECTED: &str = "Parse(,select $1) Bind(,t:x;0) Describe() Execute Sync";

/// `BEGIN` that the next statement follows.
fn leading(mode: Mode) -> Peer {
    let mut peer = Peer::verbatim();
    execute(&mut peer, 1, "begin", &[], Mode { lead: true, ..mode });
    peer
}

#[test]
fn a_lead_shares_the_sync_of_the_next_statement() {
    let mut peer = leading(EXTENDED);
    execute(&mut peer, 2, "select $1", &[Value::Text("x")], EXTENDED);
    assert_eq!(peer.sent(), format!("Parse(,begin) Bind(;0) Describe() Execute {SELECTED}"));
    let events = peer.hear(&[begun(), parsed(), bound(), no_data(), complete("SELECT 1")]);
    assert_eq!(events, ["1 complete 'BEGIN' 0", "1 ready T", "2 complete 'SELECT 1' 0"]);
    assert_eq!(peer.hear(&[ready(b'T')]), ["2 ready T"]);
}

#[test]
fn what_follows_a_failed_lead_fails_with_it_and_the_next_one_runs() {
    let mut peer = leading(EXTENDED);
    execute(&mut peer, 2, "select $1", &[Value::Text("x")], EXTENDED);
    peer.sent();
    let events = peer.hear(&[error("57014"), ready(b'I')]);
    assert_eq!(events, ["1 error 57014", "1 ready I", "2 error 57014", "2 ready I"]);
    execute(&mut peer, 3, "select $1", &[Value::Text("x")], EXTENDED);
    assert_eq!(peer.sent(), SELECTED);
}

#[test]
fn a_lead_whose_follower_is_late_has_its_own_sync_and_the_follower_waits() {
    for fails in [false, true] {
        for follower in ["select $1", "select 1"] {
            let mut peer = leading(EXTENDED);
            peer.session.settle_lead();
            assert_eq!(peer.sent(), "Parse(,begin) Bind(;0) Describe() Execute Sync");
            let simple = follower == "select 1";
            let values: &[Value<'_>] = if simple { &[] } else { &[Value::Text("x")] };
            execute(&mut peer, 2, follower, values, if simple { SIMPLE } else { EXTENDED });
            assert_eq!(peer.sent(), "", "it waits");
            if fails {
                peer.hear(&[error("57014"), ready(b'I')]);
                assert_eq!(peer.sent(), "Sync");
                assert_eq!(peer.hear(&[ready(b'I')]), ["2 error 57014", "2 ready I"]);
                execute(&mut peer, 3, "select 1", &[], SIMPLE);
                assert_eq!(peer.sent(), "Query(select 1)", "told once");
            } else {
                peer.hear(&[begun(), ready(b'T')]);
                assert_eq!(peer.sent(), if simple { "Query(select 1)" } else { SELECTED });
            }
        }
    }
}

#[test]
fn a_simple_query_does_not_share_the_sync_of_a_lead() {
    let mut peer = leading(EXTENDED);
    execute(&mut peer, 2, "select 1", &[], SIMPLE);
    assert_eq!(peer.sent(), "Parse(,begin) Bind(;0) Describe() Execute Sync");
    peer.hear(&[begun(), ready(b'T')]);
    assert_eq!(peer.sent(), "Query(select 1)");
}

#[test]
fn a_lead_that_failed_unfollowed_is_told_to_the_next_statement_alone() {
    let mut peer = leading(EXTENDED);
    peer.session.settle_lead();
    peer.sent();
    peer.hear(&[error("57014"), ready(b'I')]);
    execute(&mut peer, 2, "commit", &[], SIMPLE);
    assert_eq!(peer.sent(), "Sync");
    assert_eq!(peer.hear(&[ready(b'I')]), ["2 error 57014", "2 ready I"]);
    execute(&mut peer, 3, "select 1", &[], SIMPLE);
    assert_eq!(peer.sent(), "Query(select 1)");
}

const FLIGHT: &str = "Bind(,t:x;0) Describe() Execute Sync";

#[test]
fn a_statement_goes_out_in_one_flight_unnamed_each_time() {
    let mut peer = Peer::verbatim();
    for token in 1..3 {
        execute(&mut peer, token, "select $1", &[Value::Text("x")], EXTENDED);
        assert_eq!(peer.sent(), format!("Parse(,select $1) {FLIGHT}"));
        let answer =
            [parsed(), bound(), columns(&[("a", TEXT)]), row(&[Some("x")]), complete("SELECT 1")];
        let events = peer.hear(&answer);
        assert_eq!(events.len(), 2, "{events:?}");
        peer.hear(&[ready(b'I')]);
    }
}

#[test]
fn a_chosen_name_is_parsed_once() {
    let mut peer = Peer::verbatim();
    named(&mut peer, 1, "mine", "select 1");
    assert_eq!(peer.sent(), "Parse(mine,select 1) Bind(mine;0) Describe() Execute Sync");
    let rows =
        [bound(), columns(&[("a", INT4)]), row(&[Some("1")]), complete("SELECT 1"), ready(b'I')];
    peer.hear(&[&[parsed()][..], &rows].concat());
    named(&mut peer, 2, "mine", "select 1");
    assert_eq!(peer.sent(), "Bind(mine;0) Describe() Execute Sync");
    let events = peer.hear(&rows);
    assert_eq!(events.len(), 3, "{events:?}");
}

#[test]
fn a_name_whose_text_was_not_understood_is_free_again() {
    let mut peer = Peer::verbatim();
    named(&mut peer, 1, "mine", "selec");
    peer.sent();
    peer.hear(&[error("42601"), ready(b'I')]);
    named(&mut peer, 2, "mine", "select 1");
    assert_eq!(peer.sent(), "Parse(mine,select 1) Bind(mine;0) Describe() Execute Sync");
}

#[test]
fn a_name_that_could_not_be_bound_stays_known() {
    let mut peer = Peer::verbatim();
    named(&mut peer, 1, "mine", "select 1");
    peer.sent();
    peer.hear(&[parsed(), error("22P02"), ready(b'I')]);
    named(&mut peer, 2, "mine", "select 1");
    assert_eq!(peer.sent(), "Bind(mine;0) Describe() Execute Sync");
}

#[test]
fn an_error_is_told_and_nothing_is_run_again() {
    let mut peer = Peer::verbatim();
    named(&mut peer, 1, "mine", "select 1");
    let first = [parsed(), bound(), columns(&[("a", INT4)]), complete("SELECT 0"), ready(b'I')];
    peer.hear(&first);
    named(&mut peer, 2, "mine", "select 1");
    peer.sent();
    let events = peer.hear(&[error("26000"), ready(b'I')]);
    assert!(events[0].contains("26000"), "{events:?}");
    assert_eq!(peer.sent(), "", "not sent anew");
}

#[test]
fn several_statements_by_the_simple_protocol_have_several_results() {
    let mut peer = Peer::verbatim();
    execute(&mut peer, 1, "select 1; select 2", &[], SIMPLE);
    assert_eq!(peer.sent(), "Query(select 1; select 2)");
    let one = [columns(&[("a", INT4)]), row(&[Some("1")]), complete("SELECT 1")].concat();
    let events = peer.hear(&[one.clone(), one, ready(b'I')]);
    assert_eq!(events.len(), 5, "{events:?}");
}

#[test]
fn cells_come_as_text_where_that_was_asked_for() {
    let mut peer = Peer::verbatim();
    execute(&mut peer, 1, "select 1", &[], TEXTUAL);
    let answer = [parsed(), bound(), columns(&[("a", INT4)]), row(&[Some("1")])];
    peer.hear(&answer);
    assert_eq!(peer.sink.columns.unwrap().list[0].wire.letter(), 't');
}

#[test]
fn a_copy_without_a_source_says_so_and_data_that_nobody_takes_are_dropped() {
    let mut peer = Peer::verbatim();
    execute(&mut peer, 1, "copy t from stdin", &[], EXTENDED);
    assert_eq!(peer.sent(), "Query(copy t from stdin)");
    peer.hear(&[copy_in()]);
    assert_eq!(peer.sent(), "CopyFail(No source stream defined)");
    peer.hear(&[error("57014"), ready(b'I')]);
    execute(&mut peer, 2, "copy t to stdout", &[], SIMPLE);
    let events = peer.hear(&[
        copy_out(),
        message(b'd', b"1\n"),
        message(b'c', b""),
        complete("COPY 1"),
        ready(b'I'),
    ]);
    assert_eq!(events.len(), 2, "{events:?}");
}

#[test]
fn the_wire_passes_whole_messages_until_it_is_given_back() {
    let mut peer = Peer::verbatim();
    execute(&mut peer, 1, "", &[], WIRE);
    assert_eq!(peer.sent(), "", "nothing of ours");
    assert!(peer.session.copy_data(1, b"Q\0\0\0\x0dselect 1\0"));
    assert_eq!(peer.sent(), "Query(select 1)");
    let answer = [columns(&[("a", INT4)]), complete("SELECT 0"), ready(b'T')].concat();
    // Cut anywhere: no more of a message is taken than of which the length is known.
    let cut = 3;
    assert_eq!(peer.session.receive(&answer[..cut], &mut peer.sink), Ok(0));
    assert_eq!(peer.session.receive(&answer, &mut peer.sink), Ok(answer.len()));
    assert_eq!(peer.session.transaction(), b'T');
    assert_eq!(peer.sink.take().len(), 1, "all of it at once");
    assert!(peer.session.copy_end(1, None));
    assert_eq!(peer.sent(), "Query()");
    // What was still owed for JavaScript's own messages, then the answer to the empty query.
    let events = peer.hear(&[ready(b'T'), empty(), ready(b'I')]);
    assert_eq!(events.last().map(String::as_str), Some("1 ready I"), "{events:?}");
    execute(&mut peer, 2, "select 2", &[], SIMPLE);
    assert_eq!(peer.sent(), "Query(select 2)");
}

#[test]
fn what_is_to_be_closed_is_not_closed_over_the_wire() {
    let mut peer = Peer::verbatim();
    named(&mut peer, 1, "mine", "select 1");
    peer.hear(&[parsed(), bound(), no_data(), complete("SELECT 0"), ready(b'I')]);
    execute(&mut peer, 2, "deallocate all", &[], SIMPLE);
    peer.hear(&[complete("DEALLOCATE ALL"), ready(b'I')]);
    peer.sent();
    execute(&mut peer, 3, "", &[], WIRE);
    assert_eq!(peer.sent(), "");
    assert!(peer.session.copy_end(3, None));
    peer.hear(&[empty(), ready(b'I')]);
    peer.sent();
    execute(&mut peer, 4, "select 2", &[], SIMPLE);
    assert_eq!(peer.sent(), "Close(mine) Query(select 2)");
}

#[test]
fn the_rest_of_a_message_still_goes_to_who_had_its_beginning() {
    let mut peer = Peer::verbatim();
    execute(&mut peer, 1, "", &[], WIRE);
    let notification = message(b'A', b"\0\0\0\x01channel\0payload\0");
    let (head, tail) = notification.split_at(9);
    assert_eq!(peer.session.receive(head, &mut peer.sink), Ok(head.len()));
    assert!(peer.session.copy_end(1, None));
    let events = peer.hear(&[tail.to_vec(), empty(), ready(b'I')]);
    assert!(events.iter().all(|event| !event.contains("notification")), "{events:?}");
}

#[test]
fn the_wire_is_not_given_while_a_statement_is_under_way() {
    let mut peer = Peer::verbatim();
    execute(&mut peer, 1, "select 1", &[], SIMPLE);
    assert!(peer.submit(2, "", &[], WIRE).is_err());
}

const BINARY: Mode = Mode { cells: Cells::Binary, ..EXTENDED };

/// What `columns` says of a binary result.
fn binary_columns(name: &str, type_oid: u32) -> Vec<u8> {
    let mut message = columns(&[(name, type_oid)]);
    *message.last_mut().unwrap() = 1;
    message
}

fn wire_of_last_row(peer: &Peer) -> Wire {
    peer.sink.columns.as_ref().unwrap().list[0].wire
}

#[test]
fn binary_results_are_asked_for_in_bind_and_passed_on_as_they_are() {
    let mut peer = Peer::verbatim();
    for token in 1..3 {
        execute(&mut peer, token, "select $1", &[Value::Text("x")], BINARY);
        assert_eq!(peer.sent(), "Parse(,select $1) Bind(,t:x;1) Describe() Execute Sync");
        peer.hear(&[parsed(), bound(), binary_columns("a", INT4), row(&[Some("\0\0\0\x07")])]);
        assert_eq!(wire_of_last_row(&peer), Wire::Bytes);
        peer.hear(&[complete("SELECT 1"), ready(b'I')]);
    }
}

#[test]
fn the_simple_protocol_has_text_only() {
    let mut peer = Peer::verbatim();
    execute(&mut peer, 1, "select 1", &[], Mode { cells: Cells::Binary, ..SIMPLE });
    assert_eq!(peer.sent(), "Query(select 1)");
    peer.hear(&[columns(&[("a", INT4)]), row(&[Some("1")])]);
    assert_eq!(wire_of_last_row(&peer), Wire::Text);
}
