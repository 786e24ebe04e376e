use super::transcript::*;
use super::*;
use crate::engine::mysql::started::Flavor;
use crate::engine::session::Mode;
use mysql_common::constants::CapabilityFlags;

const POINT: &str = "select n from t where id = ?";
const OTHER: &str = "select m from t where id = ?";
const INSERT: &str = "insert into t values (?)";

fn both(test: impl Fn(Flavor)) {
    test(Flavor::MySql);
    test(Flavor::MariaDb);
}

#[test]
fn a_text_without_parameters_is_a_query() {
    both(|flavor| {
        let mut peer = Peer::new(flavor, 10);
        peer.execute(1, "select 1", &[]);
        assert_eq!(peer.sent(), "Query(select 1)");
        let mut bodies = columns(flavor, &[("n", LONG), ("t", VAR_STRING)]);
        bodies.extend([text_row(&[Some("7"), None]), end()]);
        let events = peer.hear(&[answer(&bodies)]);
        let expected = ["1 row text n,t \\x017\\xfb", "1 complete 'SELECT' 1 columns 2", "1 ready"];
        assert_eq!(events, expected);
    });
}

#[test]
fn a_text_that_comes_again_is_prepared() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    for token in 1..=2 {
        peer.execute(token, "select 1", &[]);
        assert_eq!(peer.sent(), "Query(select 1)");
        peer.hear(&[answer(&[ok()])]);
    }
    peer.execute(3, "select 1", &[]);
    assert_eq!(peer.sent(), "Prepare(select 1)");
    peer.hear(&[prepared(Flavor::MySql, 5, 0, &[("n", LONG)])]);
    assert_eq!(peer.sent(), "Execute(5, 0 bytes)");
    assert_eq!(peer.hear(&[result(Flavor::MySql, 1)]).last().unwrap(), "3 ready");
    let simple = Mode { simple: true, ..Mode::default() };
    peer.run(4, "select 1", &[], simple).unwrap();
    assert_eq!(peer.sent(), "Query(select 1)");
    let mut peer = Peer::new(Flavor::MySql, 0);
    for token in 1..=4 {
        peer.execute(token, "select 1", &[]);
        assert_eq!(peer.sent(), "Query(select 1)", "without a cache it stays a text");
    }
}

#[test]
fn what_may_change_the_meaning_of_texts_has_them_prepared_anew() {
    for (text, anew) in [("use other", true), ("set sql_mode = ''", true), ("truncate t", false)] {
        let mut peer = Peer::new(Flavor::MySql, 10);
        peer.execute(1, POINT, &[Value::Int(1)]);
        peer.hear(&[prepared(Flavor::MySql, 5, 1, &[]), answer(&[ok()])]);
        peer.sent();
        peer.execute(2, text, &[]);
        peer.execute(3, POINT, &[Value::Int(1)]);
        assert_eq!(peer.sent().contains(" Close(5) Prepare("), anew, "{text}");
    }
}

#[test]
fn a_number_that_comes_too_late_is_closed_all_the_same() {
    let mut peer = Peer::new(Flavor::MariaDb, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, "use other", &[]);
    peer.execute(3, OTHER, &[Value::Int(1)]);
    assert!(!peer.sent().contains("Close"));
    peer.hear(&[prepared(Flavor::MariaDb, 5, 1, &[]), answer(&[ok()]), answer(&[ok()])]);
    peer.hear(&[prepared(Flavor::MariaDb, 6, 1, &[]), answer(&[ok()])]);
    assert_eq!(peer.sent(), "Close(5)");
}

#[test]
fn an_ok_tells_what_was_done() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, "insert into t values (1)", &[]);
    let mut told = ok_with(0, 3, 9, AUTOCOMMIT);
    told.extend_from_slice(b"\x07Records");
    let events = peer.hear(&[answer(&[told])]);
    let complete = "1 complete 'INSERT' 3 columns 0 id 9 warnings 0 'Records'";
    assert_eq!(events, [complete, "1 ready"]);
}

#[test]
fn mysql_prepares_before_it_executes() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, POINT, &[Value::Int(2)]);
    assert_eq!(peer.sent(), format!("Prepare({POINT})"));
    let n = [("n", LONG)];
    assert!(peer.hear(&[prepared(Flavor::MySql, 5, 1, &n)]).is_empty());
    assert_eq!(peer.sent(), "Execute(5, 12 bytes) Execute(5, 12 bytes)");
    let events = peer.hear(&[result(Flavor::MySql, 65), result(Flavor::MySql, 66)]);
    assert_eq!(events[0], "1 row binary n \\x00A\\x00\\x00\\x00");
    assert_eq!(events[1..3], ["1 complete 'SELECT' 1 columns 1", "1 ready"]);
    assert_eq!(events.last().unwrap(), "2 ready");
    peer.execute(3, POINT, &[Value::Int(3)]);
    assert_eq!(peer.sent(), "Execute(5, 12 bytes)");
}

#[test]
fn mariadb_executes_in_the_flight_that_prepares() {
    let mut peer = Peer::new(Flavor::MariaDb, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, POINT, &[Value::Int(1)]);
    let execute = "Execute(-1, 12 bytes)";
    assert_eq!(peer.sent(), format!("Prepare({POINT}) {execute} {execute}"));
    let n = [("n", LONG)];
    let answers = [prepared(Flavor::MariaDb, 5, 1, &n), result(Flavor::MariaDb, 65)];
    assert_eq!(peer.hear(&answers).last().unwrap(), "1 ready");
    assert_eq!(peer.hear(&[result(Flavor::MariaDb, 65)]).last().unwrap(), "2 ready");
    peer.execute(3, POINT, &[Value::Int(1)]);
    assert_eq!(peer.sent(), "Execute(5, 12 bytes)");
}

#[test]
fn the_last_prepared_statement_is_no_other() {
    let mut peer = Peer::new(Flavor::MariaDb, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, OTHER, &[Value::Int(1)]);
    peer.execute(3, POINT, &[Value::Int(1)]);
    let execute = "Execute(-1, 12 bytes)";
    assert_eq!(peer.sent(), format!("Prepare({POINT}) {execute} Prepare({OTHER}) {execute}"));
    let n = [("n", LONG)];
    peer.hear(&[prepared(Flavor::MariaDb, 5, 1, &n), result(Flavor::MariaDb, 1)]);
    peer.hear(&[prepared(Flavor::MariaDb, 6, 1, &n), result(Flavor::MariaDb, 1)]);
    assert_eq!(peer.sent(), "Execute(5, 12 bytes)");
}

#[test]
fn what_cannot_be_prepared_fails_once() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, "select 2", &[]);
    peer.sent();
    assert_eq!(peer.hear(&[answer(&[error(1146)])]), ["1 error 1146", "1 ready"]);
    assert_eq!(peer.sent(), "Query(select 2)");
    let mut peer = Peer::new(Flavor::MariaDb, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, "select 2", &[]);
    peer.sent();
    let answers = [answer(&[error(1146)]), answer(&[error(1243)]), answer(&[ok()])];
    let events = peer.hear(&answers);
    assert_eq!(events[..2], ["1 error 1146", "1 ready"]);
    assert_eq!(events.last().unwrap(), "2 ready");
    peer.execute(3, POINT, &[Value::Int(1)]);
    assert!(peer.sent().starts_with("Prepare"), "it is tried anew");
}

#[test]
fn what_was_sent_on_trust_behind_a_prepare_fails_as_that_did() {
    let mut peer = Peer::new(Flavor::MariaDb, 10);
    for token in 1..=2 {
        peer.execute(token, POINT, &[Value::Int(1)]);
    }
    peer.sent();
    let unknown = answer(&[error(1243)]);
    let events = peer.hear(&[answer(&[error(1146)]), unknown.clone(), unknown]);
    assert_eq!(events, ["1 error 1146", "1 ready", "2 error 1146", "2 ready"]);
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn a_command_in_parts_is_answered_behind_them() {
    let long = "x".repeat(frame::PART_MAX);
    let mut peer = Peer::new(Flavor::MariaDb, 10);
    peer.execute(1, POINT, &[Value::Text(&long)]);
    peer.execute(2, &format!("select '{long}'"), &[]);
    let result = packets(2, &[ok()]);
    let answers = [prepared(Flavor::MariaDb, 5, 1, &[]), result.clone(), result];
    assert_eq!(peer.hear(&answers).last().unwrap(), "2 ready");
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, POINT, &[Value::Text(&long)]);
    peer.hear(&[prepared(Flavor::MySql, 5, 1, &[]), packets(2, &[ok()])]);
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn a_wrong_number_of_parameters_costs_no_connection() {
    both(|flavor| {
        let mut peer = Peer::new(flavor, 10);
        peer.execute(1, POINT, &[Value::Int(1), Value::Null]);
        peer.execute(2, "select 2", &[]);
        assert_eq!(peer.sent(), format!("Prepare({POINT})"));
        let events = peer.hear(&[prepared(flavor, 5, 1, &[("n", LONG)])]);
        let refused = "1 refused the statement has 1 parameter, and 2 were given";
        assert_eq!(events, [refused, "1 ready"]);
        assert_eq!(peer.sent(), "Query(select 2)");
        peer.hear(&[answer(&[ok()])]);
        let error = peer.run(3, POINT, &[Value::Int(1); 3], Mode::default()).unwrap_err();
        assert_eq!(error.to_string(), "the statement has 1 parameter, and 3 were given");
        assert_eq!((peer.sent().as_str(), peer.session.in_flight()), ("", 0));
    });
}

#[test]
fn a_parameter_that_cannot_be_sent_queues_nothing() {
    let mut peer = Peer::new(Flavor::MariaDb, 10);
    let error = peer.run(1, POINT, &[Value::Nan], Mode::default()).unwrap_err();
    assert_eq!((error.position, peer.sent().as_str()), (1, ""));
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.run(1, POINT, &[Value::Nan], Mode::default()).unwrap();
    let events = peer.hear(&[prepared(Flavor::MySql, 1, 1, &[])]);
    assert!(events[0].starts_with("1 refused parameter 1 is NaN"), "{events:?}");
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn without_a_cache_each_use_prepares_and_closes() {
    let mut peer = Peer::new(Flavor::MySql, 0);
    for (token, id) in [(1, 5), (2, 6)] {
        peer.execute(token, POINT, &[Value::Int(1)]);
        let closes = if token == 1 { "" } else { "Close(5) " };
        assert_eq!(peer.sent(), format!("{closes}Prepare({POINT})"));
        peer.hear(&[prepared(Flavor::MySql, id, 1, &[])]);
        assert_eq!(peer.sent(), format!("Execute({id}, 12 bytes)"));
        peer.hear(&[answer(&[ok()])]);
    }
}

#[test]
fn the_least_recently_used_statement_is_closed() {
    let mut peer = Peer::new(Flavor::MySql, 1);
    for (text, id) in [(POINT, 5), (OTHER, 6)] {
        peer.execute(1, text, &[Value::Text("x")]);
        peer.hear(&[prepared(Flavor::MySql, id, 1, &[]), answer(&[ok()])]);
    }
    assert!(peer.sent().contains(&format!(" Close(5) Prepare({OTHER})")));
}

#[test]
fn a_statement_that_has_vanished_is_prepared_anew() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.hear(&[prepared(Flavor::MySql, 5, 1, &[]), answer(&[ok()])]);
    peer.execute(2, POINT, &[Value::Int(1)]);
    peer.sent();
    assert!(peer.hear(&[answer(&[error(1243)])]).is_empty());
    assert_eq!(peer.sent(), format!("Prepare({POINT})"));
    peer.hear(&[prepared(Flavor::MySql, 6, 1, &[])]);
    let events = peer.hear(&[answer(&[error(1243)])]);
    assert_eq!(events, ["2 error 1243", "2 ready"]);
}

#[test]
fn a_vanished_write_is_not_moved_behind_others_of_its_borrower() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, INSERT, &[Value::Int(1)]);
    peer.hear(&[prepared(Flavor::MySql, 5, 1, &[]), answer(&[ok()])]);
    peer.execute(2, INSERT, &[Value::Int(1)]);
    peer.execute(3, "select 1", &[]);
    assert_eq!(peer.hear(&[answer(&[error(1243)])]), ["2 error 1243", "2 ready"]);
}

#[test]
fn several_statements_give_several_results() {
    both(|flavor| {
        let mut peer = Peer::new(flavor, 10);
        peer.execute(1, "update t set n = 1; select 2", &[]);
        let mut bodies = vec![ok_with(0, 4, 0, AUTOCOMMIT | MORE)];
        bodies.extend(columns(flavor, &[("a", LONG)]));
        bodies.extend([text_row(&[Some("2")]), end()]);
        let events = peer.hear(&[answer(&bodies)]);
        let expected = [
            "1 complete 'UPDATE' 4 columns 0",
            "1 row text a \\x012",
            "1 complete 'SELECT' 1 columns 1",
            "1 ready",
        ];
        assert_eq!(events, expected);
    });
}

#[test]
fn an_error_within_the_rows_ends_the_statement() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, "select n from t", &[]);
    peer.execute(2, "select 2", &[]);
    let mut bodies = columns(Flavor::MySql, &[("n", LONG)]);
    bodies.extend([text_row(&[Some("1")]), error(1317)]);
    let events = peer.hear(&[answer(&bodies), answer(&[ok()])]);
    assert_eq!(events[1..3], ["1 error 1317", "1 ready"]);
    assert_eq!(events.last().unwrap(), "2 ready");
}

#[test]
fn results_end_in_eof_where_ok_has_not_taken_its_place() {
    let old = Started { capabilities: CapabilityFlags::empty(), ..started(Flavor::MySql) };
    let mut peer = Peer::with(old, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    let head = vec![0, 5, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    let param = definition("?", VAR_STRING, false);
    let column = definition("n", LONG, false);
    let flight = [head, param, eof(2), column.clone(), eof(2)];
    assert!(peer.hear(&[answer(&flight)]).is_empty());
    let row = [&[0, 0xfe][..], &[0; 4]].concat();
    let mut bodies = vec![vec![1], column, eof(2)];
    bodies.extend([row, eof(2 | MORE), ok()]);
    let events = peer.hear(&[answer(&bodies)]);
    assert_eq!(
        events[0], "1 row binary n \\xfe\\x00\\x00\\x00\\x00",
        "no end, though it begins so"
    );
    assert_eq!(
        events[1..],
        ["1 complete 'SELECT' 1 columns 1", "1 complete '' 0 columns 0", "1 ready"]
    );
}

#[test]
fn columns_that_are_left_out_are_those_of_before() {
    let mut peer = Peer::new(Flavor::MariaDb, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.hear(&[prepared(Flavor::MariaDb, 5, 1, &[("n", LONG)]), result(Flavor::MariaDb, 1)]);
    peer.execute(2, POINT, &[Value::Int(1)]);
    let events = peer.hear(&[answer(&[vec![1, 0], binary_row(2), end()])]);
    assert_eq!(events[0], "2 row binary n \\x00\\x02\\x00\\x00\\x00");
    peer.execute(3, POINT, &[Value::Int(1)]);
    let broken = peer.break_with(&[answer(&[vec![2, 0]])]);
    assert_eq!(broken, Broken::Protocol("columns were left out"));
}

#[test]
fn changed_columns_are_read_anew() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    for list in [
        &[("a", LONG), ("b", LONG)][..],
        &[("a", LONG), ("b", LONG)],
        &[("a", LONG), ("c", LONG)],
        &[("a", LONG)],
        &[("a", LONG), ("c", LONG), ("d", LONG)],
    ] {
        peer.run(1, "select * from t", &[], Mode { simple: true, ..Mode::default() }).unwrap();
        let names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
        let mut bodies = columns(Flavor::MySql, list);
        bodies.extend([text_row(&vec![Some("1"); list.len()]), end()]);
        let events = peer.hear(&[answer(&bodies)]);
        assert!(events[0].starts_with(&format!("1 row text {} ", names.join(","))), "{events:?}");
    }
}

#[test]
fn what_is_within_waits_until_the_transaction_has_begun() {
    let (lead, within) =
        (Mode { lead: true, ..Mode::default() }, Mode { within: true, ..Mode::default() });
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.run(1, "start transaction", &[], lead).unwrap();
    peer.run(2, "update t set a = 1", &[], within).unwrap();
    assert_eq!(peer.sent(), "Query(start transaction)");
    let began = ok_with(0, 0, 0, AUTOCOMMIT | IN_TRANSACTION);
    let events = peer.hear(&[answer(&[began])]);
    assert_eq!(events.last().unwrap(), "1 ready in transaction");
    assert_eq!(peer.sent(), "Query(update t set a = 1)");
    peer.hear(&[answer(&[ok()])]);
    peer.run(3, "start transaction", &[], lead).unwrap();
    peer.run(4, "insert into t values (1)", &[], within).unwrap();
    peer.run(5, "select 1", &[], Mode::default()).unwrap();
    peer.sent();
    assert_eq!(peer.hear(&[answer(&[error(1792)])]), ["3 error 1792", "3 ready"]);
    assert_eq!(peer.sent(), "Ping Query(select 1)", "no insert without its transaction");
    let events = peer.hear(&[answer(&[ok()]), answer(&[ok()])]);
    assert_eq!(events[..2], ["4 error 1792", "4 ready"]);
    assert_eq!(events.last().unwrap(), "5 ready");
}

/// A session that has sent START TRANSACTION, and `text` within it.
fn begun(flavor: Flavor, text: &str, values: &[Value<'_>]) -> Peer {
    let mut peer = Peer::new(flavor, 10);
    within_new(&mut peer, text, values);
    peer
}

fn within_new(peer: &mut Peer, text: &str, values: &[Value<'_>]) {
    let lead = Mode { lead: true, ..Mode::default() };
    peer.run(1, "start transaction", &[], lead).unwrap();
    peer.run(2, text, values, Mode { within: true, ..Mode::default() }).unwrap();
}

#[test]
fn a_harmless_read_goes_out_with_its_lead() {
    let began = || answer(&[ok_with(0, 0, 0, AUTOCOMMIT | IN_TRANSACTION)]);
    let mut peer = begun(Flavor::MySql, "select 1", &[]);
    assert_eq!(peer.sent(), "Query(start transaction) Query(select 1)");
    peer.run(3, INSERT, &[Value::Int(1)], Mode { within: true, ..Mode::default() }).unwrap();
    peer.hear(&[began()]);
    assert_eq!(peer.sent(), "", "what follows waits for the read");
    peer.hear(&[answer(&[ok()])]);
    assert_eq!(peer.sent(), format!("Prepare({INSERT})"));

    let mut peer = begun(Flavor::MySql, POINT, &[Value::Int(1)]);
    assert_eq!(peer.sent(), format!("Query(start transaction) Prepare({POINT})"));
    peer.hear(&[began(), prepared(Flavor::MySql, 5, 1, &[("n", LONG)])]);
    assert_eq!(peer.sent(), "Execute(5, 12 bytes)");
    peer.hear(&[result(Flavor::MySql, 65)]);
    within_new(&mut peer, POINT, &[Value::Int(1)]);
    assert_eq!(peer.sent(), "Query(start transaction) Execute(5, 12 bytes)");
    let events = peer.hear(&[began(), result(Flavor::MySql, 65)]);
    assert_eq!(events.last().unwrap(), "2 ready");

    let mut peer = begun(Flavor::MariaDb, POINT, &[Value::Int(1)]);
    let first = format!("Query(start transaction) Prepare({POINT}) Execute(-1, 12 bytes)");
    assert_eq!(peer.sent(), first);
    let answers = [prepared(Flavor::MariaDb, 5, 1, &[("n", LONG)]), result(Flavor::MariaDb, 65)];
    assert_eq!(peer.hear(&[&[began()], &answers[..]].concat()).last().unwrap(), "2 ready");
}

#[test]
fn a_read_whose_lead_has_failed_has_its_error_and_no_rows() {
    let refused = answer(&[error(1317)]);
    let expected = ["1 error 1317", "1 ready", "2 error 1317", "2 ready"];
    let mut rows = columns(Flavor::MySql, &[("1", LONG)]);
    rows.extend([text_row(&[Some("1")]), end()]);
    for read in [rows, vec![error(1146)]] {
        let mut peer = begun(Flavor::MySql, "select 1", &[]);
        let mode = Mode { within: true, ..Mode::default() };
        peer.run(3, "insert into t values (1)", &[], mode).unwrap();
        peer.sent();
        assert_eq!(peer.hear(&[refused.clone(), answer(&read)]), expected);
        assert_eq!(peer.sent(), "Ping", "no insert without its transaction");
        assert_eq!(peer.hear(&[answer(&[ok()])]), ["3 error 1317", "3 ready"]);
    }

    // What would be executed next is not, and the statement is known from then on.
    let mut peer = begun(Flavor::MySql, POINT, &[Value::Int(1)]);
    peer.sent();
    let answers = [refused.clone(), prepared(Flavor::MySql, 5, 1, &[("n", LONG)])];
    assert_eq!(peer.hear(&answers), expected);
    within_new(&mut peer, POINT, &[Value::Int(1)]);
    assert_eq!(peer.sent(), "Query(start transaction) Execute(5, 12 bytes)");
    assert_eq!(peer.hear(&[refused.clone(), answer(&[error(1243)])]), expected);
    within_new(&mut peer, POINT, &[Value::Int(1)]);
    let anew = format!("Query(start transaction) Prepare({POINT})");
    assert_eq!(peer.sent(), anew, "the server had forgotten it");

    let mut peer = begun(Flavor::MariaDb, POINT, &[Value::Int(1)]);
    let answers = [prepared(Flavor::MariaDb, 5, 1, &[("n", LONG)]), result(Flavor::MariaDb, 65)];
    assert_eq!(peer.hear(&[std::slice::from_ref(&refused), &answers[..]].concat()), expected);
    let mut peer = begun(Flavor::MariaDb, POINT, &[Value::Int(1)]);
    let answers = [refused, answer(&[error(1146)]), answer(&[error(1243)])];
    assert_eq!(peer.hear(&answers), expected);
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn what_could_change_something_waits_for_its_lead() {
    for text in ["select f(1)", "select 1 into @x", "call p()", "select 1; select 2"] {
        let mut peer = begun(Flavor::MySql, text, &[]);
        assert_eq!(peer.sent(), "Query(start transaction)", "{text}");
    }
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.run(1, "start transaction", &[], Mode { lead: true, ..Mode::default() }).unwrap();
    let cursor = Mode { within: true, fetch: 10, ..Mode::default() };
    peer.run(2, "select 1", &[], cursor).unwrap();
    peer.execute(3, "select 1", &[]);
    assert_eq!(peer.sent(), "Query(start transaction)");
}

/// The server would run it outside of any.
#[test]
fn what_is_within_waits_until_nothing_has_undone_the_transaction() {
    let within = Mode { within: true, ..Mode::default() };
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.run(1, "update t set a = 1", &[], within).unwrap();
    peer.run(2, "insert into t values (1)", &[], within).unwrap();
    peer.run(3, "rollback", &[], Mode::default()).unwrap();
    assert_eq!(peer.sent(), "Query(update t set a = 1)");
    assert_eq!(peer.hear(&[answer(&[error(1213)])]), ["1 error 1213", "1 ready"]);
    assert_eq!(peer.sent(), "Ping Query(rollback)");
    let events = peer.hear(&[answer(&[ok()]), answer(&[ok()])]);
    assert_eq!(events[..2], ["2 error 1213", "2 ready"]);
    peer.run(4, "select 1", &[], within).unwrap();
    assert_eq!(peer.sent(), "Query(select 1)", "the next transaction");
}

#[test]
fn a_reset_goes_back_to_how_the_session_was() {
    let mut peer = Peer::new(Flavor::MySql, 10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.hear(&[prepared(Flavor::MySql, 5, 1, &[]), answer(&[ok()])]);
    peer.sent();
    peer.session.reset(2);
    assert_eq!(peer.sent(), "ResetConnection Query(SET pins)");
    assert_eq!(peer.hear(&[answer(&[ok()]), answer(&[ok()])]), ["2 ready"]);
    peer.execute(3, POINT, &[Value::Int(1)]);
    assert!(peer.sent().starts_with("Prepare"), "its statements are gone");
    peer.hear(&[prepared(Flavor::MySql, 1, 1, &[]), answer(&[ok()])]);
    peer.execute(4, "use other", &[]);
    peer.hear(&[answer(&[ok()])]);
    peer.sent();
    peer.session.reset(5);
    assert_eq!(peer.sent(), "ResetConnection InitDb(db) Query(SET pins)");
    let unknown = answer(&[error(1047)]);
    let events = peer.hear(&[unknown, answer(&[ok()]), answer(&[ok()])]);
    assert_eq!(events, ["5 error 1047", "5 ready"]);
}

#[test]
fn who_had_no_database_cannot_go_back_to_none() {
    let options = SessionOptions::default();
    let mut peer = Peer::new(Flavor::MySql, 0);
    peer.session = Session::new(started(Flavor::MySql), options);
    peer.execute(1, "use other", &[]);
    peer.hear(&[answer(&[ok()])]);
    peer.session.reset(2);
    assert_eq!(peer.hear(&[answer(&[ok()])]), ["2 error 1046", "2 ready"]);
}

#[test]
fn a_ping_is_answered() {
    let mut peer = Peer::new(Flavor::MySql, 0);
    peer.session.ping(1);
    peer.session.check_place(2);
    assert!(peer.sent().starts_with("Ping Query(SELECT 1 FROM DUAL"));
    let mut bodies = columns(Flavor::MySql, &[("1", LONG)]);
    bodies.push(end());
    let events = peer.hear(&[answer(&[ok()]), answer(&bodies)]);
    assert_eq!(events, ["1 ready", "2 complete '' 0 columns 1", "2 ready"]);
}

#[test]
fn changed_variables_are_told() {
    let mut peer = Peer::new(Flavor::MySql, 0);
    peer.execute(1, "set names latin1", &[]);
    let mut told = ok_with(0, 0, 0, AUTOCOMMIT | 0x4000);
    told.extend_from_slice(b"\0\x08\x00\x06\x01a\x03OFF");
    assert_eq!(peer.hear(&[answer(&[told])])[0], "a=OFF");
}

#[test]
fn the_last_words_of_a_server_are_its_own() {
    let mut peer = Peer::new(Flavor::MySql, 0);
    let broken = peer.break_with(&[packets(0, &[error(4031)])]);
    assert!(matches!(broken, Broken::Server(error) if error.errno == 4031));
    peer.execute(1, "select 1", &[]);
    let broken = peer.break_with(&[packets(9, &[error(1053)])]);
    assert!(matches!(broken, Broken::Server(error) if error.is_crash()));
    assert_eq!(peer.sink.take(), ["1 error 1053"]);
}

#[test]
fn goodbye() {
    let mut peer = Peer::new(Flavor::MySql, 0);
    peer.session.terminate();
    assert_eq!(peer.sent(), "Quit");
}
