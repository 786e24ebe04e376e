use super::transcript::{Transcript, batched};
use super::*;
use crate::engine::session::{Dispatch, Statement};

#[test]
fn a_command_is_its_words() {
    let mut redis = Transcript::new(true);
    redis.send("CONFIG GET maxmemory");
    assert_eq!(redis.sent(), "*3 $6 CONFIG $3 GET $9 maxmemory");
}

#[test]
fn a_refused_command_leaves_nothing_behind() {
    let mut redis = Transcript::new(true);
    let nothing = Command::new("  ");
    let mode = Mode::default();
    assert!(redis.session.execute(1, &nothing, Params::NONE, mode).is_err());
    let mute = Command::new("CLIENT REPLY SKIP");
    assert!(redis.session.execute(1, &mute, Params::NONE, mode).is_err());
    let null = [crate::wire::record::tag::NULL];
    let params = Params::parse(1, &null).unwrap();
    let error = redis.session.execute(1, &Command::new("GET"), params, mode).unwrap_err();
    assert_eq!(error.to_string(), "argument 1 is null, which Redis has not");
    assert_eq!((redis.sent(), redis.session.pending.len()), (String::new(), 0));
}

#[test]
fn a_transaction_goes_out_in_one_piece() {
    let mut redis = Transcript::new(true);
    redis.batch("MULTI", &["INCR a", "GET b"]);
    assert_eq!(redis.sent(), "*1 $5 MULTI *2 $4 INCR $1 a *2 $3 GET $1 b *1 $4 EXEC");
}

#[test]
fn a_reset_logs_in_again() {
    let login = Login {
        password: Some("x".into()),
        name: Some("web".into()),
        database: 3,
        has_reset: true,
        ..Login::default()
    };
    let mut redis = Transcript::of(Session::new(Some(login), true, 7));
    redis.session.reset(9);
    let hello = "*7 $5 HELLO $1 3 $4 AUTH $7 default $1 x $7 SETNAME $3 web";
    assert_eq!(redis.sent(), format!("*1 $5 RESET {hello} *2 $6 SELECT $1 3"));
    assert!(redis.hear(b"+RESET\r\n%0\r\n").is_empty());
    assert_eq!(redis.hear(b"+OK\r\n"), ["9 done: 0"]);
    redis.session.reset(10);
    let told = redis.hear(b"-ERR unknown command 'RESET'\r\n%0\r\n+OK\r\n");
    assert_eq!(told, ["10 done: 0 failed: ERR unknown command 'RESET'"]);
}

#[test]
fn a_reset_speaks_as_the_login_did() {
    let mut redis = Transcript::new(true);
    redis.send("HELLO 2");
    redis.hear(b"*0\r\n");
    assert!(!redis.session.resp3);
    redis.sent();
    redis.session.reset(9);
    assert_eq!(redis.sent(), "*1 $5 RESET *2 $5 HELLO $1 3");
    assert_eq!(redis.hear(b"+RESET\r\n%0\r\n"), ["9 done: 0"]);
    assert!(redis.session.resp3);
}

#[test]
fn a_server_without_reset_is_told_the_parts_of_one() {
    let mut redis = Transcript::of(Session::new(Some(Login::default()), false, 7));
    redis.session.reset(1);
    assert_eq!(redis.sent(), "*1 $7 DISCARD *1 $7 UNWATCH *2 $6 SELECT $1 0");
    assert_eq!(redis.hear(b"-ERR DISCARD without MULTI\r\n+OK\r\n+OK\r\n"), ["1 done: 0"]);
}

#[test]
fn what_may_share_is_told_by_all_words() {
    let (count, words) = batched(&["XREAD BLOCK 0 STREAMS a $"]);
    let params = Params::parse(count, &words).unwrap();
    let plain = Command::new("");
    assert_eq!(plain.dispatch_of(params, true), Dispatch::Alone { dirties: false });
    assert_eq!(Command::new("MULTI").dispatch_of(params, true), Dispatch::Ordered);
    assert_eq!(Command::new("GET a").dispatch(), Dispatch::Ordered);
    assert_eq!(Command::new("blpop a 0").dispatch(), Dispatch::Alone { dirties: false });
    let (count, words) = batched(&["GET a", "SELECT 1"]);
    let params = Params::parse(count, &words).unwrap();
    assert!(plain.refusal(params, true).is_some_and(|it| it.starts_with("SELECT is nothing")));
    assert_eq!(Command::new("GET").refusal(Params::NONE, false), None);
    assert!(Command::new("client tracking on").refusal(Params::NONE, false).is_some());
}

#[test]
fn a_batch_may_change_the_state_of_a_connection_that_nobody_shares() {
    let mut redis = Transcript::of(Session::new(Some(Login::default()), true, 7));
    let mode = Mode { batch: true, ..Mode::default() };
    let mut run = |text: &str, commands: &[&str]| {
        let (count, words) = batched(commands);
        let params = Params::parse(count, &words).unwrap();
        redis.session.execute(1, &Command::new(text), params, mode).map_err(|it| it.to_string())
    };
    assert_eq!(run("", &["SELECT 1", "GET a"]), Ok(()));
    for (text, commands) in [("", ["GET a", "SUBSCRIBE b"]), ("MULTI", ["GET a", "SELECT 1"])] {
        assert!(run(text, &commands).is_err_and(|it| it.contains("by itself")), "{text}");
    }
}
