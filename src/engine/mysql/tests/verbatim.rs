use super::super::cells::Cell;
use super::super::session::transcript::*;
use super::super::started::{Flavor, Started};
use super::super::types::Column;
use super::*;
use crate::engine::session::{Cells, Direction, Mode};
use crate::wire::param::Params;
use crate::wire::param::ParamsBuf;
use crate::wire::record::tag;
use mysql_common::constants::CapabilityFlags;

/// A session that its caller steers.
fn steered(capabilities: CapabilityFlags) -> Peer {
    let mut peer = Peer::with(started_with(capabilities), 8);
    peer.session.options.verbatim = true;
    peer
}

fn started_with(capabilities: CapabilityFlags) -> Started {
    Started { capabilities, ..started(Flavor::MySql) }
}

fn bytes(body: &[u8]) -> Vec<i32> {
    let mut words = vec![tag::BYTES, body.len() as i32];
    words.extend(body.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        i32::from_le_bytes(word)
    }));
    words
}

fn command(peer: &mut Peer, first: &[i32], rest: &[Value<'_>], mode: Mode) {
    let words = [first, &words(rest)].concat();
    let mut kept = ParamsBuf::default();
    kept.set(Params::parse(1 + rest.len(), &words).unwrap());
    run(peer, &kept, mode).unwrap();
}

fn run(peer: &mut Peer, kept: &ParamsBuf, mode: Mode) -> Result<(), EncodeError> {
    let statement = &peer.statement("SELECT 7");
    peer.session.command(Execute { token: 1, statement, params: kept.get(), mode })
}

fn query(peer: &mut Peer, text: &str) {
    command(peer, &words(&[Value::Text(text)]), &[Value::Int(0)], Mode::default());
}

#[test]
fn a_text_is_a_query_and_its_ok_is_told_as_it_came() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    query(&mut peer, "DO 1");
    assert_eq!(peer.sent(), "Query(DO 1)");
    let heard = peer.hear(&[answer(&[ok_with(0, 3, 9, AUTOCOMMIT)])]);
    assert_eq!(heard[0], "1 complete '' 3 columns 0 id 9 warnings 0 ''");
    assert!(heard[1].starts_with("1 says \0\u{3}\t"));
    assert_eq!(heard[2], "1 ready");
}

#[test]
fn attributes_come_ahead_of_a_text_where_both_sides_know_them() {
    let mut peer = steered(CapabilityFlags::CLIENT_QUERY_ATTRIBUTES);
    query(&mut peer, "DO 1");
    assert_eq!(peer.sent(), "Query(\0\u{1}DO 1)");
}

#[test]
fn rows_are_read_and_their_columns_kept() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    for _ in 0..2 {
        query(&mut peer, "SELECT 1");
        let bodies = columns(Flavor::MySql, &[("a", LONG)]);
        let rows = [text_row(&[Some("1")]), end()];
        let heard = peer.hear(&[answer(&[bodies, rows.to_vec()].concat())]);
        assert_eq!(heard[0], "1 row text a \\x011");
        assert_eq!(heard[1..], ["1 complete '' 1 columns 1", "1 ready"]);
    }
    assert_eq!(peer.session.shapes.len(), 1);
}

#[test]
fn statements_are_closed_ahead_of_the_next_command() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    let rest = [Value::Int(0), Value::Text("7,9")];
    command(&mut peer, &bytes(&[14]), &rest, Mode::default());
    assert_eq!(peer.sent(), "Close(7) Close(9) Ping");
    assert_eq!(peer.hear(&[answer(&[ok()])]).last().unwrap(), "1 ready");
}

#[test]
fn several_commands_are_under_way_unless_one_may_want_more() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    query(&mut peer, "DO 1");
    command(&mut peer, &words(&[Value::Null]), &[Value::Int(0)], Mode::default());
    assert_eq!(peer.sent(), "Query(DO 1) Query(SELECT 7)");
    let bodies = columns(Flavor::MySql, &[("a", LONG)]);
    let rows = [text_row(&[Some("7")]), end()];
    let heard = peer.hear(&[answer(&[ok()]), answer(&[bodies, rows.to_vec()].concat())]);
    assert_eq!(heard[2], "1 ready");
    assert_eq!(heard[3..], ["1 row text a \\x017", "1 complete '' 1 columns 1", "1 ready"]);
    query(&mut peer, "DO 1");
    let kept = |words: &[i32]| {
        let mut kept = ParamsBuf::default();
        kept.set(Params::parse(2, words).unwrap());
        kept
    };
    let load = kept(&words(&[Value::Text("LOAD DATA"), Value::Int(0)]));
    let mode = Mode { copy: Some(Direction::In), ..Mode::default() };
    assert!(run(&mut peer, &load, mode).is_err());
    peer.hear(&[answer(&[ok()])]);
    assert!(run(&mut peer, &load, mode).is_ok());
    assert!(run(&mut peer, &load, Mode::default()).is_err());
}

#[test]
fn a_prepare_describes_parameters_and_columns() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    command(&mut peer, &bytes(b"\x16SELECT ?"), &[Value::Int(0)], Mode::default());
    assert_eq!(peer.sent(), "Prepare(SELECT ?)");
    let heard = peer.hear(&[prepared(Flavor::MySql, 5, 1, &[("a", LONG), ("b", LONG)])]);
    assert!(heard[0].starts_with("1 says \0\u{5}"));
    assert_eq!(heard[1..], ["1 complete '' 0 columns 1", "1 complete '' 0 columns 2", "1 ready"]);
    command(&mut peer, &bytes(b"\x16nonsense"), &[Value::Int(0)], Mode::default());
    assert_eq!(peer.hear(&[answer(&[error(1064)])]), ["1 error 1064", "1 ready"]);
}

#[test]
fn only_who_loads_a_file_is_asked_for_one() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    query(&mut peer, "SELECT 1");
    peer.sent();
    let heard = peer.hear(&[answer(&[b"\xfbx".to_vec()])]);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(peer.sent(), "Empty#2");
    peer.hear(&[packets(3, &[ok()])]);
    peer.sink.has_file = true;
    let mode = Mode { copy: Some(Direction::In), ..Mode::default() };
    command(&mut peer, &words(&[Value::Text("LOAD DATA")]), &[Value::Int(0)], mode);
    peer.sent();
    assert_eq!(peer.hear(&[answer(&[b"\xfbx".to_vec()])])[1], "1 wants a file");
    assert!(peer.session.copy_data(1, b"1,2"));
    assert!(peer.session.copy_end(1, None));
    assert_eq!(peer.sent(), "Data#2(1,2) Empty#3");
}

const LEAD: Mode = Mode {
    lead: true,
    guard: false,
    within: false,
    ordered: true,
    copy: None,
    fetch: 0,
    simple: false,
    cells: Cells::Values,
    wire: false,
    batch: false,
};
const WITHIN: Mode = Mode { lead: false, within: true, ..LEAD };

fn text(peer: &mut Peer, text: &str, mode: Mode) {
    command(peer, &words(&[Value::Text(text)]), &[Value::Int(0)], mode);
}

fn begun() -> Vec<u8> {
    answer(&[ok_with(0, 0, 0, AUTOCOMMIT | IN_TRANSACTION)])
}

#[test]
fn behind_a_lead_all_but_a_harmless_read_wait() {
    let execute = bytes(&[23, 5, 0, 0, 0, 0, 1, 0, 0, 0]);
    for harmless in [true, false] {
        let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
        text(&mut peer, "BEGIN", LEAD);
        match harmless {
            // The statement is SELECT 7.
            true => command(&mut peer, &execute, &[Value::Int(0)], WITHIN),
            false => text(&mut peer, "DO 1", WITHIN),
        }
        command(&mut peer, &bytes(&[14]), &[Value::Int(0)], Mode::default());
        let first = if harmless { "Execute(5, 0 bytes)" } else { "Query(DO 1)" };
        let read = format!("Query(BEGIN) {first}");
        assert_eq!(peer.sent(), if harmless { &read } else { "Query(BEGIN)" });
        peer.hear(&[begun()]);
        assert_eq!(peer.sent(), if harmless { "" } else { "Query(DO 1) Ping" });
        assert_eq!(peer.hear(&[answer(&[ok()])]).last().unwrap(), "1 ready");
        assert_eq!(peer.sent(), if harmless { "Ping" } else { "" });
        peer.hear(&[answer(&[ok()])]);
        assert_eq!(peer.session.in_flight(), 0);
    }
}

#[test]
fn after_a_lead_that_failed_what_is_within_is_not_sent() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    text(&mut peer, "BEGIN", LEAD);
    text(&mut peer, "DO 1", WITHIN);
    assert_eq!(peer.sent(), "Query(BEGIN)");
    assert_eq!(peer.hear(&[answer(&[error(1399)])]), ["1 error 1399", "1 ready"]);
    assert_eq!(peer.sent(), "Ping");
    assert_eq!(peer.hear(&[answer(&[ok()])]), ["1 error 1399", "1 ready"]);
    text(&mut peer, "DO 2", Mode::default());
    assert_eq!(peer.sent(), "Query(DO 2)", "what comes later is unaffected");
    peer.hear(&[answer(&[ok()])]);
}

#[test]
fn a_read_that_went_with_a_lead_that_failed_tells_the_leads_error() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    text(&mut peer, "BEGIN", LEAD);
    text(&mut peer, "select a from t for update", WITHIN);
    assert_eq!(peer.sent(), "Query(BEGIN) Query(select a from t for update)");
    let bodies = columns(Flavor::MySql, &[("a", LONG)]);
    let rows = [text_row(&[Some("7")]), end()];
    let answers = [answer(&[error(1317)]), answer(&[bodies, rows.to_vec()].concat())];
    assert_eq!(peer.hear(&answers), ["1 error 1317", "1 ready", "1 error 1317", "1 ready"]);
    text(&mut peer, "DO 1", WITHIN);
    assert_eq!(peer.sent(), "Ping", "it is still within");
    peer.hear(&[answer(&[ok()])]);
    text(&mut peer, "BEGIN", LEAD);
    assert_eq!(peer.sent(), "Query(BEGIN)");
}

#[test]
fn what_wants_more_of_the_caller_waits_for_the_lead() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    text(&mut peer, "BEGIN", LEAD);
    let load = words(&[Value::Text("LOAD DATA")]);
    let mode = Mode { copy: Some(Direction::In), ..WITHIN };
    command(&mut peer, &load, &[Value::Int(0)], mode);
    assert_eq!(peer.sent(), "Query(BEGIN)");
    peer.hear(&[begun()]);
    assert_eq!(peer.sent(), "Query(LOAD DATA)");
}

#[test]
fn a_login_goes_on_until_the_server_is_content() {
    let mut peer = steered(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    peer.session.started.sequence = 3;
    peer.sink.has_file = true;
    command(&mut peer, &bytes(b"hello"), &[Value::Int(LOGIN)], Mode::default());
    assert_eq!(peer.sent(), "Data#3(hello)");
    let heard = peer.hear(&[packets(4, &[b"\xfeplugin\0".to_vec()])]);
    assert_eq!(heard[1], "1 wants a file");
    assert!(peer.session.copy_data(1, b"proof"));
    assert_eq!(peer.sent(), "Data#5(proof)");
    assert_eq!(peer.hear(&[packets(6, &[ok()])]).last().unwrap(), "1 ready");
}

#[test]
fn cells_are_as_the_caller_wants_them() {
    let mut out = Vec::new();
    push_definition(&mut out, &definition("a", LONGLONG, false));
    let column: Column = Columns::parse(&out, &TypeOptions::default()).unwrap().list[0].clone();
    let cell = |bits, binary| {
        let reading = Some(Reading::of(bits, binary));
        Cell::of(&column, &TypeOptions { reading, ..TypeOptions::default() })
    };
    assert_eq!(cell(0, false), Cell::Rough);
    assert_eq!(cell(2, true), Cell::BigText);
    assert_eq!((cell(1, true), cell(1, false)), (Cell::Raw(8), Cell::Bytes));
}
