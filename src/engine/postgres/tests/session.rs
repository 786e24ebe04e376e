use super::transcript::*;
use super::*;
use crate::engine::postgres::startup::Started;

const POINT: &str = "select n from t where id = $1";
const OTHER_POINT: &str = "select m from t where id = $1";
const IN: &str = "select n from t where id = any($1)";
const INSERT: &str = "insert into t values ($1) returning n";

#[test]
fn first_use_is_one_flight_and_later_ones_are_binary() {
    let mut peer = Peer::new(10);
    peer.execute(1, POINT, &[Value::Int(7)]);
    let sent = format!("Parse(p1,{POINT}) Describe(p1) Bind(p1,t:7;) Execute Sync");
    assert_eq!(peer.sent(), sent);
    let events = peer.hear(&[first_use(&[INT4], "41")]);
    let row = "1 row text 1 \\x00\\x00\\x00\\x0241";
    assert_eq!(events, [row, "1 complete 'SELECT 1' 1", "1 ready I"]);
    peer.execute(2, POINT, &[Value::Int(7)]);
    assert_eq!(peer.sent(), "Bind(p1,b:\\x00\\x00\\x00\\x07;1) Execute Sync");
    let events = peer.hear(&[next_use("bits")]);
    assert_eq!(events[0], "2 row binary 1 \\x00\\x00\\x00\\x04bits");
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn while_a_statement_is_being_prepared_others_parse_for_themselves() {
    let mut peer = Peer::new(10);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.sent();
    peer.execute(2, POINT, &[Value::Int(2)]);
    assert_eq!(peer.sent(), format!("Parse(,{POINT}) Describe() Bind(,t:2;) Execute Sync"));
    let events = peer.hear(&[error("42P01"), ready(b'I'), first_use(&[INT4], "5")]);
    let row = "2 row text 1 \\x00\\x00\\x00\\x015";
    assert_eq!(events, ["1 error 42P01", "1 ready I", row, "2 complete 'SELECT 1' 1", "2 ready I"]);
    peer.execute(3, POINT, &[Value::Int(3)]);
    assert!(peer.sent().starts_with("Parse(p2,"), "the failed Parse was forgotten");
}

#[test]
fn an_error_in_the_middle_leaves_the_others_alone() {
    let mut peer = Peer::new(10);
    peer.execute(0, POINT, &[Value::Int(0)]);
    peer.hear(&[first_use(&[INT4], "0")]);
    for token in 1..=3 {
        peer.execute(token, POINT, &[Value::Int(token as i32)]);
    }
    assert_eq!(peer.session.in_flight(), 3);
    let failed = [bound(), error("22012"), ready(b'I')].concat();
    let events = peer.hear(&[next_use("aaaa"), failed, next_use("cccc")]);
    let kinds: Vec<_> = events.iter().map(|e| e.split(' ').take(2).collect::<Vec<_>>()).collect();
    let expected = [
        ["1", "row"],
        ["1", "complete"],
        ["1", "ready"],
        ["2", "error"],
        ["2", "ready"],
        ["3", "row"],
        ["3", "complete"],
        ["3", "ready"],
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_deferred_error_follows_completion() {
    let mut peer = Peer::new(10);
    peer.execute(1, INSERT, &[Value::Int(1)]);
    let done =
        [parsed(), param_types(&[INT4]), no_data(), bound(), complete("INSERT 0 1")].concat();
    let events = peer.hear(&[done, error("23505"), ready(b'I')]);
    assert_eq!(events, ["1 complete 'INSERT 0 1' 0", "1 error 23505", "1 ready I"]);
}

#[test]
fn an_array_waits_for_its_type_and_keeps_the_order() {
    let mut peer = Peer::new(10);
    peer.execute(1, IN, &[Value::Array("{1,2}", "[1,2]")]);
    peer.execute(2, POINT, &[Value::Int(5)]);
    peer.session.sync(3);
    assert_eq!(peer.session.in_flight(), 3);
    assert_eq!(peer.sent(), format!("Parse(p1,{IN}) Describe(p1) Flush"));
    let described = [parsed(), param_types(&[1007]), columns(&[("n", INT4)])].concat();
    assert!(peer.hear(&[described]).is_empty());
    let first = "Bind(p1,t:{1,2};1) Execute Sync";
    let second = format!("Parse(p2,{POINT}) Describe(p2) Bind(p2,t:5;) Execute Sync Sync");
    assert_eq!(peer.sent(), format!("{first} {second}"));
    let events = peer.hear(&[next_use("aaaa"), first_use(&[INT4], "5"), ready(b'I')]);
    assert!(events[0].starts_with("1 row binary"));
    assert_eq!(events.last().unwrap(), "3 ready I");
    peer.execute(4, IN, &[Value::Array("{1}", "[1]")]);
    assert_eq!(peer.sent(), "Bind(p1,t:{1};1) Execute Sync");
}

#[test]
fn an_array_for_jsonb_is_json() {
    let mut peer = Peer::new(0);
    peer.execute(1, IN, &[Value::Array("{1,2}", "[1,2]")]);
    assert_eq!(peer.sent(), format!("Parse(,{IN}) Describe() Flush"));
    peer.hear(&[parsed(), param_types(&[JSONB]), columns(&[("n", INT4)])]);
    assert_eq!(peer.sent(), "Bind(,t:[1,2];1) Execute Sync");
}

#[test]
fn an_error_while_describing_is_synced_and_releases_what_waits() {
    let mut peer = Peer::new(10);
    peer.execute(1, IN, &[Value::Array("{1}", "[1]")]);
    peer.execute(2, POINT, &[Value::Int(5)]);
    peer.sent();
    assert_eq!(peer.hear(&[error("42P01")]), ["1 error 42P01"]);
    assert!(peer.sent().starts_with("Sync Parse(p2,"));
    let events = peer.hear(&[ready(b'I'), first_use(&[INT4], "1")]);
    assert_eq!(events[0], "1 ready I");
    assert_eq!(events.last().unwrap(), "2 ready I");
}

#[test]
fn a_parameter_that_proves_unfit_later_is_refused_in_turn() {
    let mut peer = Peer::new(10);
    peer.execute(1, IN, &[Value::Array("{\0}", "[]")]);
    peer.execute(2, POINT, &[Value::Text("\0")]);
    peer.execute(3, POINT, &[Value::Int(1)]);
    peer.sent();
    let described = [parsed(), param_types(&[1007]), columns(&[("n", INT4)])].concat();
    assert!(peer.hear(&[described]).is_empty());
    let sent = format!("Sync Parse(p3,{POINT}) Describe(p3) Bind(p3,t:1;) Execute Sync");
    assert_eq!(peer.sent(), sent);
    let events = peer.hear(&[ready(b'I'), first_use(&[INT4], "1")]);
    assert_eq!(events[..4], ["1 refused 1", "1 ready I", "2 refused 1", "2 ready I"]);
    assert_eq!(events.last().unwrap(), "3 ready I");
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn a_parameter_that_cannot_be_encoded_queues_nothing() {
    let mut peer = Peer::new(10);
    let unfit = [Value::Int(1), Value::Text("a\0b")];
    assert_eq!(peer.try_execute(1, POINT, &unfit).unwrap_err().position, 2);
    assert_eq!((peer.sent().as_str(), peer.session.in_flight()), ("", 0));
    peer.execute(2, POINT, &[Value::Int(1)]);
    peer.hear(&[first_use(&[INT4], "1")]);
    peer.sent();
    assert_eq!(peer.try_execute(3, POINT, &unfit).unwrap_err().position, 2);
    assert_eq!((peer.sent().as_str(), peer.session.in_flight()), ("", 0));
    assert_eq!(peer.try_execute(4, "select '\0'", &[]).unwrap_err().position, 0);
    assert_eq!(peer.try_execute(5, "select 1; select '\0'", &[]).unwrap_err().position, 0);
}

#[test]
fn several_statements_give_several_results() {
    let mut peer = Peer::new(10);
    let text = "select 1; update t set a = 1; select 2, 3;;";
    peer.execute(1, text, &[]);
    assert_eq!(peer.sent(), format!("Query({text})"));
    let first = [columns(&[("a", INT4)]), row(&[Some("1")]), complete("SELECT 1")].concat();
    let last = [columns(&[("a", INT4), ("b", TEXT)]), row(&[None, Some("x")])].concat();
    let end = [complete("SELECT 1"), ready(b'I')].concat();
    let events = peer.hear(&[first, complete("UPDATE 4"), last, end]);
    let expected = [
        "1 row text 1 \\x00\\x00\\x00\\x011",
        "1 complete 'SELECT 1' 1",
        "1 complete 'UPDATE 4' 0",
        "1 row text 2 \\xff\\xff\\xff\\xff\\x00\\x00\\x00\\x01x",
        "1 complete 'SELECT 1' 2",
        "1 ready I",
    ];
    assert_eq!(events, expected);
    peer.execute(2, text, &[]);
    let events = peer.hear(&[columns(&[("a", INT4)]), error("22012"), ready(b'I')]);
    assert_eq!(events, ["2 error 22012", "2 ready I"]);
}

#[test]
fn an_empty_text_completes_without_a_tag() {
    let mut peer = Peer::new(10);
    peer.execute(1, "", &[]);
    let described = [parsed(), param_types(&[]), no_data(), bound()].concat();
    let events = peer.hear(&[described, message(b'I', b""), ready(b'I')]);
    assert_eq!(events, ["1 complete '' 0", "1 ready I"]);
}

#[test]
fn without_a_cache_each_use_parses() {
    let mut peer = Peer::new(0);
    for token in 1..=2 {
        peer.execute(token, POINT, &[Value::Int(1)]);
        assert_eq!(peer.sent(), format!("Parse(,{POINT}) Describe() Bind(,t:1;) Execute Sync"));
        peer.hear(&[first_use(&[INT4], "1")]);
    }
}

#[test]
fn the_least_recently_used_statement_is_closed() {
    let mut peer = Peer::new(2);
    for text in [POINT, OTHER_POINT, POINT] {
        peer.execute(1, text, &[Value::Int(1)]);
        let known = peer.sent().starts_with("Bind");
        peer.hear(&[if known { next_use("aaaa") } else { first_use(&[INT4], "1") }]);
    }
    peer.execute(1, IN, &[Value::Int(1)]);
    assert!(peer.sent().starts_with("Close(p2) Parse(p3,"));
    peer.hear(&[closed(), first_use(&[INT4], "1")]);
    assert!(matches!(peer.break_with(&[closed()]), Broken::Protocol(_) | Broken::Unexpected(_)));
}

#[test]
fn a_statement_in_flight_is_not_closed() {
    let mut peer = Peer::new(1);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.sent();
    peer.execute(2, OTHER_POINT, &[Value::Int(1)]);
    assert!(peer.sent().starts_with("Parse(,"));
    peer.hear(&[first_use(&[INT4], "1"), first_use(&[INT4], "1")]);
    peer.execute(3, OTHER_POINT, &[Value::Int(1)]);
    assert!(peer.sent().starts_with("Close(p1) Parse(p2,"));
}

/// A peer that knows POINT and INSERT.
fn warm() -> Peer {
    let mut peer = Peer::new(10);
    for text in [POINT, INSERT] {
        peer.execute(0, text, &[Value::Int(1)]);
        peer.hear(&[first_use(&[INT4], "1")]);
    }
    peer.sent();
    peer
}

#[test]
fn a_stale_plan_is_prepared_again_once() {
    let mut peer = warm();
    peer.execute(1, POINT, &[Value::Int(9)]);
    peer.sent();
    assert!(peer.hear(&[stale(), ready(b'I')]).is_empty());
    let again = format!("Close(p1) Parse(p3,{POINT}) Describe(p3) Bind(p3,t:9;) Execute Sync");
    assert_eq!(peer.sent(), again);
    let events = peer.hear(&[closed(), first_use(&[INT4], "9")]);
    assert_eq!(events.last().unwrap(), "1 ready I");
    peer.execute(2, POINT, &[Value::Int(9)]);
    assert!(peer.sent().starts_with("Bind(p3,b:"));
}

#[test]
fn a_second_failure_reaches_the_caller() {
    let mut peer = warm();
    peer.execute(1, POINT, &[Value::Int(9)]);
    peer.hear(&[error("26000"), ready(b'I')]);
    assert!(peer.sent().contains(" Parse(,"), "no Close for what has vanished");
    let events = peer.hear(&[error("26000"), ready(b'I')]);
    assert_eq!(events, ["1 error 26000", "1 ready I"]);
}

#[test]
fn a_connection_that_loses_statements_names_no_more() {
    let mut peer = warm();
    peer.execute(1, POINT, &[Value::Int(9)]);
    peer.hear(&[error("26000"), ready(b'I')]);
    peer.sent();
    peer.hear(&[first_use(&[INT4], "9")]);
    peer.execute(2, POINT, &[Value::Int(9)]);
    assert!(peer.sent().starts_with("Parse(,"));
}

#[test]
fn a_stale_plan_in_a_transaction_reaches_the_caller_and_is_forgotten() {
    let mut peer = warm();
    peer.execute(1, POINT, &[Value::Int(9)]);
    peer.sent();
    assert_eq!(peer.hear(&[stale(), ready(b'E')]), ["1 error 0A000", "1 ready E"]);
    assert_eq!((peer.session.transaction(), peer.sent().as_str()), (b'E', ""));
    peer.execute(2, POINT, &[Value::Int(9)]);
    assert!(peer.sent().starts_with("Close(p1) Parse(p3,"));
}

#[test]
fn stale_reads_run_again_behind_other_reads() {
    let mut peer = warm();
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, POINT, &[Value::Int(2)]);
    peer.sent();
    assert!(peer.hear(&[stale(), ready(b'I'), stale(), ready(b'I')]).is_empty());
    let sent = peer.sent();
    assert!(sent.contains("Bind(p3,t:1;)") && sent.contains("Bind(,t:2;)"), "{sent}");
}

#[test]
fn a_stale_write_runs_again_only_where_order_does_not_matter() {
    for ordered in [true, false] {
        let mut peer = warm();
        peer.session.keep_order(ordered);
        peer.execute(1, INSERT, &[Value::Int(1)]);
        peer.execute(2, POINT, &[Value::Int(2)]);
        let events = peer.hear(&[stale(), ready(b'I')]);
        assert_eq!(events.is_empty(), !ordered, "{events:?}");
        assert_eq!(peer.session.in_flight(), if ordered { 1 } else { 2 });
    }
    let mut peer = warm();
    peer.session.keep_order(false);
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, "begin", &[]);
    let events = peer.hear(&[stale(), ready(b'I')]);
    assert_eq!(events, ["1 error 0A000", "1 ready I"], "not into another's transaction");
}

#[test]
fn errors_of_the_statement_itself_do_not_run_it_again() {
    let mut peer = warm();
    peer.execute(1, POINT, &[Value::Int(1)]);
    let events = peer.hear(&[bound(), error("26000"), ready(b'I')]);
    assert_eq!(events, ["1 error 26000", "1 ready I"]);
}

#[test]
fn after_a_setting_may_have_changed_first_uses_are_binary_too() {
    let mut peer = warm();
    peer.execute(1, "set datestyle = 'German'", &[]);
    assert!(peer.sent().starts_with("Parse(,set"), "utility statements get no name");
    peer.execute(2, OTHER_POINT, &[Value::Int(1)]);
    // A flight without a Sync goes out alone: old poolers lose its answers otherwise.
    assert_eq!(peer.sent(), "");
    let set = [parsed(), param_types(&[]), no_data(), bound(), complete("SET"), ready(b'I')];
    peer.hear(&[set.concat()]);
    assert!(peer.sent().ends_with("Describe(p3) Flush"));
    let described = [parsed(), param_types(&[INT4]), columns(&[("m", INT4)])];
    peer.hear(&[described.concat()]);
    assert!(peer.sent().starts_with("Bind(p3,b:"));
    peer.hear(&[next_use("aaaa")]);
    peer.session.reset(3);
    assert_eq!(peer.sent(), "Query(DISCARD ALL)");
    peer.hear(&[complete("DISCARD ALL"), ready(b'I')]);
    peer.execute(4, OTHER_POINT, &[Value::Int(1)]);
    let sent = peer.sent();
    assert!(sent.starts_with("Parse(p4,") && sent.ends_with(" Execute Sync"), "{sent}");
}

#[test]
fn a_reported_date_style_is_heeded() {
    let mut peer = warm();
    let report = |value: &str| message(b'S', format!("DateStyle\0{value}\0").as_bytes());
    assert_eq!(peer.hear(&[report("German, DMY")]), ["parameter DateStyle=German, DMY"]);
    peer.execute(1, OTHER_POINT, &[Value::Int(1)]);
    assert!(peer.sent().ends_with("Flush"));
    let described = [parsed(), param_types(&[INT4]), columns(&[("m", INT4)])].concat();
    peer.hear(&[described, next_use("aaaa"), report("ISO, MDY")]);
    peer.sent();
    peer.execute(2, IN, &[Value::Int(1)]);
    assert!(peer.sent().ends_with("Execute Sync"));
}

#[test]
fn settings_that_could_not_be_pinned_count_as_changed() {
    let started = Started { transaction: b'I', pinned: false, ..Started::default() };
    let options =
        SessionOptions { statement_cache: 1, types: TypeOptions::default(), verbatim: false };
    let mut peer = Peer::new(1);
    peer.session = Session::new(started, options, "p");
    peer.execute(1, POINT, &[Value::Int(1)]);
    assert!(peer.sent().ends_with("Flush"));
}

#[test]
fn reset_ends_a_transaction_quietly() {
    let mut peer = warm();
    peer.session.sync(1);
    peer.hear(&[ready(b'T')]);
    peer.sent();
    peer.session.reset(2);
    assert_eq!(peer.sent(), "Query(ROLLBACK) Query(DISCARD ALL)");
    let notice = report(b'N', "WARNING", "25P01", "there is no transaction in progress");
    let rollback = [notice, complete("ROLLBACK"), ready(b'I')].concat();
    let events = peer.hear(&[rollback, complete("DISCARD ALL"), ready(b'I')]);
    assert_eq!(events, ["2 complete 'DISCARD ALL' 0", "2 ready I"]);
    peer.execute(3, POINT, &[Value::Int(1)]);
    assert!(peer.sent().starts_with("Parse(p3,"), "its statements are gone");
}

#[test]
fn statements_sent_behind_a_discard_do_not_count_on_names() {
    let mut peer = warm();
    peer.execute(1, "deallocate all", &[]);
    peer.execute(2, POINT, &[Value::Int(1)]);
    assert!(peer.sent().contains(" Sync Close(p"), "some may be left after all");
    let mut peer = warm();
    peer.session.reset(1);
    peer.execute(2, POINT, &[Value::Int(1)]);
    assert!(peer.sent().starts_with("Query(DISCARD ALL) Parse(p3,"));
}

#[test]
fn a_fatal_error_reaches_the_statement_in_flight_and_breaks() {
    let fatal = report(b'E', "FATAL", "57P01", "terminating connection");
    let mut peer = warm();
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.execute(2, POINT, &[Value::Int(1)]);
    let broken = peer.break_with(std::slice::from_ref(&fatal));
    assert!(matches!(broken, Broken::Server(error) if error.code() == "57P01"));
    assert_eq!(peer.sink.take(), ["1 error 57P01"]);
    let mut idle = warm();
    let broken = idle.break_with(&[fatal]);
    assert!(matches!(broken, Broken::Server(error) if error.is_not_here()));
    assert!(idle.sink.take().is_empty());
}

#[test]
fn notices_and_notifications_come_at_any_time() {
    let mut peer = warm();
    let notice = report(b'N', "NOTICE", "00000", "hello");
    let note = message(b'A', b"\0\0\0\x07channel\0payload\0");
    let events = peer.hear(&[notice.clone(), note]);
    assert_eq!(events, ["None notice 00000", "notification 7 channel payload"]);
    peer.execute(4, POINT, &[Value::Int(1)]);
    assert_eq!(peer.hear(&[notice]), ["Some(4) notice 00000"]);
}

#[test]
fn rows_stop_when_the_sink_says_so() {
    let mut peer = warm();
    peer.sink.stopping = true;
    peer.execute(1, POINT, &[Value::Int(1)]);
    let bytes = [bound(), row(&[Some("aaaa")]), row(&[Some("bbbb")])].concat();
    let taken = peer.session.receive(&bytes, &mut peer.sink).unwrap();
    assert_eq!((taken, peer.sink.take().len()), (5 + 15, 1));
    let taken = peer.session.receive(&bytes[taken..], &mut peer.sink).unwrap();
    assert_eq!((taken, peer.sink.take().len()), (15, 1));
}

#[test]
fn messages_that_do_not_belong_break() {
    let strays = [bound(), parsed(), closed(), row(&[None]), complete("X"), ready(b'I')];
    for stray in &strays {
        assert!(matches!(
            Peer::new(1).break_with(std::slice::from_ref(stray)),
            Broken::Protocol(_) | Broken::Unexpected(_)
        ));
    }
    for tag in *b"vRKWVs?\0" {
        let mut peer = warm();
        peer.execute(1, POINT, &[Value::Int(1)]);
        peer.break_with(&[bound(), message(tag, &[0; 8])]);
    }
    let mut peer = warm();
    peer.execute(1, POINT, &[Value::Int(1)]);
    peer.break_with(&[bound(), row(&[None, None])]);
}

#[test]
fn impossible_lengths_break_before_anything_is_waited_for() {
    for (tag, length) in
        [(b'D', -1), (b'D', 3), (b'D', i32::MIN), (b'D', i32::MAX), (b'Z', 6), (b'2', 5), (b'?', 4)]
    {
        let head = [&[tag], &i32::to_be_bytes(length)[..]].concat();
        let mut peer = warm();
        assert!(peer.session.receive(&head, &mut peer.sink).is_err(), "{tag} {length}");
        assert_eq!(peer.session.needed(&head), 5);
    }
}

#[test]
fn the_size_of_an_incomplete_message_is_told() {
    let head = [b'D', 0x20, 0, 0, 0, 1, 2];
    let mut peer = warm();
    assert_eq!(peer.session.receive(&head, &mut peer.sink), Ok(0));
    assert_eq!(peer.session.needed(&head), 0x2000_0001);
    assert_eq!((peer.session.needed(&head[..4]), peer.session.needed(&[])), (5, 5));
}

#[test]
fn goodbye() {
    let mut peer = warm();
    peer.session.terminate();
    assert_eq!(peer.sent(), "Terminate");
}
