use super::super::session::transcript::Transcript;
use super::super::session::{Broken, Session};
use proptest::prelude::*;

#[test]
fn replies_are_for_the_commands_in_their_order() {
    let mut redis = Transcript::new(true);
    for text in ["GET a", "GET b", "GET c"] {
        redis.send(text);
    }
    assert_eq!(redis.hear(b"$1\r\nx\r\n-ERR no\r\n"), ["1: $1 x", "2 failed: ERR no"]);
    assert_eq!(redis.hear(b"_\r\n"), ["3: _"]);
}

#[test]
fn a_reply_that_nothing_asked_for_ends_the_session() {
    let mut redis = Transcript::new(true);
    let error = redis.receive(b"+OK\r\n").unwrap_err();
    assert!(matches!(error, Broken::Protocol(_)));
    let mut redis = Transcript::new(true);
    let error = redis.receive(b"-ERR max number of clients reached\r\n").unwrap_err();
    assert_eq!(error.to_string(), "ERR max number of clients reached");
}

#[test]
fn what_a_reader_has_no_room_for_stays_unread() {
    let mut redis = Transcript::new(true);
    redis.send("GET a");
    redis.send("GET b");
    redis.stops = true;
    assert_eq!(redis.receive(b"+a\r\n+b\r\n"), Ok(4));
    assert_eq!(redis.receive(b"+b\r\n"), Ok(4));
    assert_eq!(redis.told, ["1: +a", "2: +b"]);
}

#[test]
fn a_batch_is_answered_by_all_its_replies() {
    let mut redis = Transcript::new(true);
    redis.batch("", &["GET a", "INCR b", "GET c"]);
    assert!(redis.hear(b"$2\r\nxy\r\n-WRONG\r\n").is_empty());
    let told = redis.hear(b">2\r\n+invalidate\r\n_\r\n:3\r\n");
    // An array of three: a text, an error, an integer.
    assert_eq!(told, ["push >2 +invalidate _", "1: [12, 3, 8, 2, 10, 5, 4, 3] xyWRONG"]);
}

#[test]
fn a_transaction_is_answered_by_what_exec_says() {
    let mut redis = Transcript::new(true);
    redis.batch("MULTI", &["INCR a"]);
    assert_eq!(redis.hear(b"+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"), ["1: *1 :1"]);
    redis.batch("MULTI", &["NOPE", "INCR a"]);
    let told = redis.hear(b"+OK\r\n-ERR unknown\r\n+QUEUED\r\n-EXECABORT discarded\r\n");
    assert_eq!(told, ["2 failed: EXECABORT discarded for ERR unknown"]);
    redis.batch("MULTI", &["INCR a"]);
    assert_eq!(redis.hear(b"+OK\r\n+QUEUED\r\n_\r\n"), ["3: _"], "a watched key has changed");
}

#[test]
fn who_subscribes_is_answered_by_the_last_confirmation() {
    for (resp3, tag) in [(true, '>'), (false, '*')] {
        let mut redis = Transcript::new(resp3);
        redis.send("SUBSCRIBE a b");
        let confirm = |kind: &str, channel: &str, count: u32| {
            format!("{tag}3\r\n${}\r\n{kind}\r\n$1\r\n{channel}\r\n:{count}\r\n", kind.len())
        };
        let told = redis.hear(confirm("subscribe", "a", 1).as_bytes());
        assert_eq!(told.len(), 1, "{told:?}");
        let told = redis.hear(confirm("subscribe", "b", 2).as_bytes());
        assert_eq!(told[1], "1: :2 dirty");
        redis.send("PSUBSCRIBE c");
        assert_eq!(redis.hear(confirm("psubscribe", "c", 3).as_bytes())[1], "2: :3 dirty");
        redis.send("UNSUBSCRIBE");
        assert_eq!(redis.hear(confirm("unsubscribe", "b", 2).as_bytes()).len(), 1);
        assert_eq!(redis.hear(confirm("unsubscribe", "a", 1).as_bytes())[1], "3: :1 dirty");
        let message = format!("{tag}3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
        assert_eq!(redis.hear(message.as_bytes()), [format!("push {tag}3 $7 message $1 a $1 x")]);
    }
}

#[test]
fn who_unsubscribes_from_nothing_is_answered_too() {
    let mut redis = Transcript::new(true);
    redis.send("UNSUBSCRIBE");
    let told = redis.hear(b">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n");
    assert_eq!(told[1], "1: :0 dirty");
}

#[test]
fn a_subscription_that_is_refused_or_queued_is_answered_as_others() {
    let mut redis = Transcript::new(true);
    redis.send("SUBSCRIBE a");
    assert_eq!(redis.hear(b"-NOPERM no\r\n"), ["1 failed: NOPERM no"]);
    redis.send("SUBSCRIBE a");
    assert_eq!(redis.hear(b"+QUEUED\r\n"), ["2: +QUEUED dirty"]);
}

#[test]
fn an_array_that_looks_like_a_message_is_one_only_while_there_are_subscriptions() {
    let list = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n";
    for resp3 in [true, false] {
        let mut redis = Transcript::new(resp3);
        redis.send("LRANGE a 0 -1");
        assert_eq!(redis.hear(list), ["1: *3 $7 message $1 a $1 x"]);
    }
    let mut redis = Transcript::new(true);
    redis.send("SUBSCRIBE a");
    redis.hear(b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    redis.send("LRANGE a 0 -1");
    assert_eq!(redis.hear(list), ["2: *3 $7 message $1 a $1 x"], "RESP3 tells them apart");
}

#[test]
fn a_caller_who_steers_the_session_changes_the_protocol() {
    let mut redis = Transcript::of(Session::new(None, false, 0));
    redis.send("HELLO 3");
    assert_eq!(redis.hear(b"%1\r\n+proto\r\n:3\r\n"), ["1: %1 +proto :3 dirty"]);
    assert!(redis.session.resp3);
    redis.send("RESET");
    redis.hear(b"+RESET\r\n");
    assert!(!redis.session.resp3);
}

#[test]
fn lines_of_monitor_are_pushed() {
    let mut redis = Transcript::new(true);
    redis.send("MONITOR");
    let told = redis.hear(b"+OK\r\n+1.5 [0 127.0.0.1:1] \"get\"\r\n");
    assert_eq!(told, ["1: +OK dirty", "push +1.5 [0 127.0.0.1:1] \"get\""]);
    redis.send("RESET");
    assert_eq!(redis.hear(b"+RESET\r\n"), ["2: +RESET dirty"]);
}

#[test]
fn its_own_questions_have_answers_of_their_own() {
    let mut redis = Transcript::new(true);
    redis.session.ping(1);
    assert_eq!(redis.hear(b"-NOPERM no\r\n"), ["1 done: 0"], "whoever answers is alive");
    redis.session.check_place(2);
    assert_eq!(redis.hear(b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"), ["2 done: 0"]);
    redis.session.check_place(3);
    assert_eq!(redis.hear(b"*1\r\n$5\r\nslave\r\n"), ["3 done: 1"]);
}

#[test]
fn what_a_reply_says_beside_itself_is_left_out() {
    let mut redis = Transcript::new(true);
    redis.send("GET a");
    assert_eq!(redis.hear(b"|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n"), ["1: $1 x"]);
}

const COMMANDS: &[&str] = &[
    "GET a",
    "SUBSCRIBE a b",
    "UNSUBSCRIBE",
    "PUNSUBSCRIBE x",
    "HELLO 3",
    "RESET",
    "MONITOR",
    "MULTI",
    "BLPOP a 0",
];

const REPLIES: &[&[u8]] = &[
    b"+OK\r\n",
    b"-ERR x\r\n",
    b":1\r\n",
    b"*0\r\n",
    b"%0\r\n",
    b"_\r\n",
    b"+1.5 [0\r\n",
    b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
    b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
    b">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n",
    b">3\r\n$12\r\npunsubscribe\r\n_\r\n:-5\r\n",
    b">0\r\n",
    b"|1\r\n+a\r\n+b\r\n:1\r\n",
    b"$-1\r\n",
    b"x",
];

proptest! {
    /// A server that says anything at all: each command has one answer at most, and nothing panics.
    #[test]
    fn no_server_is_too_odd(
        commands in proptest::collection::vec(proptest::sample::select(COMMANDS), 0..6),
        replies in proptest::collection::vec(proptest::sample::select(REPLIES), 0..12),
        resp3 in any::<bool>(),
    ) {
        let mut redis = Transcript::new(resp3);
        let count = commands.len();
        for command in commands {
            redis.send(command);
        }
        let bytes = replies.concat();
        let mut at = 0;
        while let Ok(taken) = redis.receive(&bytes[at..]) {
            if taken == 0 {
                break;
            }
            at += taken;
        }
        let answers = redis.told.iter().filter(|told| !told.starts_with("push")).count();
        prop_assert!(answers <= count);
    }
}
