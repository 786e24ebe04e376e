//! COPY in both directions: what is sent, what is told, and how it ends when it goes wrong.

use super::super::session::transcript::*;
use super::super::sink::Broken;
use super::*;

const FROM: &str = "copy t from stdin";
const TO: &str = "copy t to stdout";
const POINT: &str = "select n from t where id = $1";

fn copy_in() -> Vec<u8> {
    message(b'G', &[0, 0, 2, 0, 0, 0, 0])
}

fn copy_out() -> Vec<u8> {
    message(b'H', &[0, 0, 1, 0, 0])
}

fn data(text: &str) -> Vec<u8> {
    message(b'd', text.as_bytes())
}

fn done() -> Vec<u8> {
    message(b'c', b"")
}

/// A peer whose server takes data for statement 1.
fn taking() -> Peer {
    let mut peer = Peer::new(10);
    peer.copy(1, FROM, Direction::In);
    assert_eq!(peer.sent(), format!("Query({FROM})"));
    assert_eq!(peer.hear(&[copy_in()]), ["1 copy ready"]);
    peer
}

#[test]
fn a_text_says_which_way_it_copies() {
    let cases = [
        (Some(Direction::In), "COPY t FROM STDIN"),
        (Some(Direction::In), "/* to stdout */ copy t (a, \"to\") from stdin (format csv);"),
        (Some(Direction::In), "copy \"to\" from stdin with (delimiter ',')"),
        (Some(Direction::In), "copy s.to from -- stdout\n stdin"),
        (Some(Direction::In), "copy binary t from stdin where a > 1"),
        (Some(Direction::In), "copy t from stdout"),
        (Some(Direction::Out), "copy t to stdin"),
        (Some(Direction::Out), "copy (select a from t where b in (1)) to stdout csv header"),
        (Some(Direction::Out), "Copy T To StdOut"),
        (None, "copy t from '/tmp/stdin'"),
        (None, "copy t to '/tmp/f' with (format csv)"),
        (None, "copy t from program 'cat stdin'"),
        (None, "copy t from stdin; select 1"),
        (None, "select 'copy t from stdin'"),
        (None, "copy"),
        (None, "copy t from"),
        (None, ""),
    ];
    for (expected, text) in cases {
        assert_eq!(Statement::new(1, text).copy, expected, "{text}");
    }
}

#[test]
fn each_method_takes_its_own_kind_of_statement() {
    use Direction::{In, Out};
    let refused = |text: &str, asked| refusal(&Statement::new(1, text), asked);
    for (text, asked) in [(FROM, Some(In)), (TO, Some(Out)), ("select 1", None)] {
        assert_eq!(refused(text, asked), None);
    }
    let names = |text, asked, name| assert!(refused(text, asked).unwrap().contains(name), "{text}");
    names(FROM, None, "copyFrom()");
    names(TO, None, "copyTo()");
    names(TO, Some(In), "use copyTo()");
    names(FROM, Some(Out), "use copyFrom()");
    names("insert into t values (1)", Some(In), "copyFrom() needs");
    names("copy t to '/tmp/f'", Some(Out), "copyTo() needs");
    names("copy t from stdin; select 1", Some(In), "one COPY");
}

#[test]
fn data_become_frames_and_what_follows_waits() {
    let mut peer = taking();
    peer.execute(2, POINT, &[Value::Int(1)]);
    assert!(peer.session.copy_data(1, b"1\ta\n"));
    assert!(peer.session.copy_data(1, b"2"));
    assert_eq!(peer.sent(), "CopyData(1\\ta\\n) CopyData(2)");
    assert!(!peer.session.copy_data(2, b"not mine"));
    assert!(peer.session.copy_end(1, None));
    assert!(!peer.session.copy_data(1, b"too late"));
    assert!(!peer.session.copy_end(1, None));
    assert_eq!(peer.sent(), "CopyDone");
    let events = peer.hear(&[complete("COPY 2"), ready(b'I')]);
    assert_eq!(events, ["1 complete 'COPY 2' 0", "1 ready I"]);
    assert!(peer.sent().starts_with("Parse(p1,"));
}

#[test]
fn data_before_the_server_asks_are_refused() {
    let mut peer = Peer::new(10);
    peer.copy(1, FROM, Direction::In);
    assert!(!peer.session.copy_data(1, b"x"));
    assert!(!peer.session.copy_end(1, None));
}

#[test]
fn an_error_in_the_middle_of_the_data_ends_them() {
    let mut peer = taking();
    assert!(peer.session.copy_data(1, b"bad\n"));
    assert_eq!(peer.hear(&[error("22P04")]), ["1 error 22P04"]);
    assert!(!peer.session.copy_data(1, b"more"));
    assert!(!peer.session.copy_end(1, None));
    assert_eq!(peer.hear(&[ready(b'I')]), ["1 ready I"]);
    assert_eq!(peer.sent(), "CopyData(bad\\n)");
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn a_copy_that_is_given_up_says_why() {
    let mut peer = taking();
    let long = "é".repeat(REASON_MAX);
    assert!(peer.session.copy_end(1, Some(&format!("a\0b {long}"))));
    let sent = peer.sent();
    assert!(sent.starts_with("CopyFail(a b "), "{sent}");
    assert!(!peer.session.copy_data(1, b"x"));
    assert_eq!(peer.hear(&[error("57014"), ready(b'I')]), ["1 error 57014", "1 ready I"]);
}

#[test]
fn a_copy_that_nobody_wants_any_more_is_failed() {
    let mut peer = Peer::new(10);
    peer.sink.deaf = true;
    peer.copy(1, FROM, Direction::In);
    peer.sent();
    peer.hear(&[copy_in()]);
    assert_eq!(peer.sent(), "CopyFail(given up)");
    assert_eq!(peer.hear(&[error("57014"), ready(b'I')]), ["1 error 57014", "1 ready I"]);
}

#[test]
fn data_come_out_and_then_the_count() {
    let mut peer = Peer::new(10);
    peer.copy(1, TO, Direction::Out);
    peer.execute(2, POINT, &[Value::Int(1)]);
    assert_eq!(peer.sent(), format!("Query({TO})"));
    let events = peer.hear(&[copy_out(), data("1\n"), data(""), data("2\n"), done()]);
    assert_eq!(events, ["1 copy data 1\\n2\\n"]);
    let events = peer.hear(&[complete("COPY 2"), ready(b'I')]);
    assert_eq!(events, ["1 complete 'COPY 2' 0", "1 ready I"]);
    assert!(peer.sent().starts_with("Parse(p1,"));
}

#[test]
fn a_large_value_passes_in_pieces() {
    let mut peer = Peer::new(10);
    peer.copy(1, TO, Direction::Out);
    peer.hear(&[copy_out()]);
    let whole = data(&"x".repeat(1000));
    let (head, tail) = whole.split_at(300);
    assert_eq!(peer.session.receive(head, &mut peer.sink), Ok(300));
    assert_eq!(peer.session.needed(b""), 5);
    assert_eq!(peer.sink.take(), [format!("1 copy data {}", "x".repeat(295))]);
    assert_eq!(peer.hear(&[tail.to_vec(), done()]), [format!("1 copy data {}", "x".repeat(705))]);
}

#[test]
fn a_reader_that_is_behind_stops_between_pieces() {
    let mut peer = Peer::new(10);
    peer.copy(1, TO, Direction::Out);
    peer.hear(&[copy_out()]);
    peer.sink.stopping = true;
    let bytes = [data("12"), data("3")].concat();
    assert_eq!(peer.session.receive(&bytes, &mut peer.sink), Ok(7));
    assert_eq!(peer.session.receive(&bytes[7..], &mut peer.sink), Ok(6));
    assert_eq!(peer.sink.take(), ["1 copy data 123"]);
}

#[test]
fn an_error_in_the_middle_of_copy_out() {
    let mut peer = Peer::new(10);
    peer.copy(1, TO, Direction::Out);
    let events = peer.hear(&[copy_out(), data("1\n"), error("57014"), ready(b'E')]);
    assert_eq!(events, ["1 copy data 1\\n", "1 error 57014", "1 ready E"]);
    let broken = {
        peer.copy(2, TO, Direction::Out);
        peer.break_with(&[copy_out(), error("57014"), data("late")])
    };
    assert!(matches!(broken, Broken::Protocol(_) | Broken::Unexpected(_)));
}

#[test]
fn copy_within_several_statements_is_told_where_it_belongs() {
    let mut peer = Peer::new(10);
    peer.execute(1, "select 1; copy t from stdin", &[]);
    peer.session.sync(2);
    peer.sent();
    peer.hear(&[copy_in()]);
    assert_eq!(peer.sent(), "CopyFail(only copyFrom() sends data)");
    assert_eq!(peer.hear(&[error("57014"), ready(b'I')]), ["1 error 57014", "1 ready I"]);
    assert_eq!(peer.sent(), "Sync");
    peer.hear(&[ready(b'I')]);
    peer.execute(3, "select 1; copy t to stdout", &[]);
    let events = peer.hear(&[copy_out(), data("1\n"), done(), complete("COPY 1"), ready(b'I')]);
    assert_eq!(events, ["3 error 0A000", "3 ready I"]);
}

#[test]
fn a_copy_that_moved_nothing_is_an_error() {
    for direction in [Direction::In, Direction::Out] {
        let mut peer = Peer::new(10);
        peer.copy(1, FROM, direction);
        let events = peer.hear(&[complete("COPY 3"), ready(b'I')]);
        assert_eq!(events, ["1 error 0A000", "1 ready I"]);
    }
}

#[test]
fn begin_in_front_must_be_well_before_the_copy_goes_out() {
    let mut peer = Peer::new(10);
    peer.lead(1, "BEGIN");
    peer.copy(2, FROM, Direction::In);
    assert!(!peer.sent().contains("Query"));
    let begun = [parsed(), param_types(&[]), no_data(), bound(), complete("BEGIN"), ready(b'T')];
    peer.hear(&[begun.concat()]);
    assert_eq!(peer.sent(), format!("Query({FROM})"));
    assert_eq!(peer.hear(&[copy_in()]), ["2 copy ready"]);
}

#[test]
fn messages_that_do_not_belong_break() {
    let out = |peer: &mut Peer| peer.copy(1, TO, Direction::Out);
    let cases: [&[Vec<u8>]; 7] = [
        &[data("early")],
        &[done()],
        &[copy_out(), copy_out()],
        &[copy_out(), complete("COPY 1")],
        &[copy_out(), ready(b'I')],
        &[copy_out(), done(), data("late")],
        &[message(b'H', &[0, 0, 3, 0, 0])],
    ];
    for (at, messages) in cases.iter().enumerate() {
        let mut peer = Peer::new(10);
        out(&mut peer);
        assert!(
            matches!(peer.break_with(messages), Broken::Protocol(_) | Broken::Unexpected(_)),
            "case {at}"
        );
    }
    for wrong in [complete("COPY 1"), ready(b'I'), data("x"), copy_in(), copy_out()] {
        assert!(matches!(
            taking().break_with(&[wrong]),
            Broken::Protocol(_) | Broken::Unexpected(_)
        ));
    }
}

#[test]
fn goodbye_in_the_middle_of_the_data() {
    let mut peer = taking();
    peer.session.terminate();
    assert_eq!(peer.sent(), "CopyFail(the connection is closed) Terminate");
}
