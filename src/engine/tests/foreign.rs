use super::*;

fn entries(more: &[(&str, Value)]) -> Vec<(String, Value)> {
    let factory = [("create", Value::Function), ("destroy", Value::Function)];
    factory.iter().chain(more).map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn pool(more: &[(&str, Value)]) -> Foreign {
    Foreign::new(entries(more), 1, 0).expect("fitting options")
}

fn refusal(more: &[(&str, Value)]) -> OptionError {
    match Foreign::new(entries(more), 1, 0) {
        Ok(_) => panic!("these options should be refused"),
        Err(error) => error,
    }
}

fn taken(pool: &mut Foreign) -> Vec<Words> {
    std::iter::from_fn(|| pool.take()).collect()
}

const NOW: Time = 1_000_000;

/// Of a pool without any timer, so that no alarm is said.
const TIMELESS: [(&str, Value); 3] = [
    ("idleTimeoutMs", Value::Null),
    ("maxLifetimeMs", Value::Null),
    ("acquireTimeoutMs", Value::Null),
];

/// A pool whose one resource is lent to request 0.
fn lent(more: &[(&str, Value)]) -> Foreign {
    let mut pool = pool(&[&TIMELESS[..], &[("max", Value::Number(1.0))], more].concat());
    assert_eq!(pool.acquire(NOW, 0), Outcome::More);
    assert_eq!(taken(&mut pool), [[effect::CREATE, 0, 1, 0]]);
    assert!(pool.tell(NOW, change::CREATED, 0, 1, true));
    assert_eq!(taken(&mut pool), [[effect::GRANT, 0, 0, 0]]);
    pool
}

#[test]
fn an_idle_resource_is_granted_within_the_call() {
    let mut pool = lent(&[]);
    assert_eq!(pool.release(NOW, 0, Fate::Return), Outcome::Nothing);
    assert_eq!(pool.acquire(NOW, 7), Outcome::Granted(0));
    assert!(taken(&mut pool).is_empty());
}

#[test]
fn a_release_names_the_request_that_got_it() {
    let mut pool = lent(&[]);
    assert_eq!(pool.acquire(NOW, 5), Outcome::Nothing);
    assert_eq!(pool.acquire(NOW, 6), Outcome::Nothing);
    assert_eq!(pool.release(NOW, 0, Fate::Return), Outcome::Granted(5));
    assert_eq!(pool.release(NOW, 0, Fate::Return), Outcome::Granted(6));
    assert!(pool.is_lent(0));
}

#[test]
fn what_is_not_lent_is_not_released() {
    let mut pool = lent(&[]);
    assert_eq!(pool.release(NOW, 3, Fate::Return), Outcome::NotLent);
    assert_eq!(pool.release(NOW, 0, Fate::Return), Outcome::Nothing);
    assert_eq!(pool.release(NOW, 0, Fate::Return), Outcome::NotLent);
}

#[test]
fn a_grant_never_overtakes_what_was_not_taken_yet() {
    let mut pool = lent(&[]);
    assert_eq!(pool.acquire(NOW, 5), Outcome::Nothing);
    assert_eq!(pool.release(NOW, 0, Fate::Destroy), Outcome::More);
    // The effects wait; a call that comes before they are taken answers behind them.
    assert_eq!(pool.acquire(NOW, 6), Outcome::More);
    let why = CloseReason::Released as i32;
    assert_eq!(taken(&mut pool), [[effect::DESTROY, 0, 1, why]]);
    assert!(pool.tell(NOW, change::DESTROYED, 0, 1, true));
    assert_eq!(taken(&mut pool), [[effect::CREATE, 0, 2, 0]]);
}

#[test]
fn the_alarm_is_said_when_it_is_earlier_than_the_last() {
    let mut pool = pool(&[("max", Value::Number(1.0)), ("acquireTimeoutMs", Value::Number(50.0))]);
    assert_eq!(pool.acquire(NOW, 0), Outcome::More);
    let effects = taken(&mut pool);
    let [create, alarm] = effects[..] else { panic!("two effects, got {effects:?}") };
    assert_eq!(create[0], effect::CREATE);
    assert!(alarm[0] == effect::ALARM && alarm[1] <= 50, "{alarm:?}");
    // Of a later deadline nothing is said: the timer asks anew when it fires.
    assert_eq!(pool.acquire(NOW, 1), Outcome::Nothing);
    assert!(pool.tell(NOW, change::TICK, 0, 0, false));
    assert_eq!(taken(&mut pool)[0][0], effect::ALARM);
}

#[test]
fn a_refused_request_is_told_why() {
    let mut pool = lent(&[("maxWaiting", Value::Number(1.0))]);
    assert_eq!(pool.acquire(NOW, 1), Outcome::Nothing);
    assert_eq!(pool.acquire(NOW, 2), Outcome::More);
    assert_eq!(taken(&mut pool), [[effect::REJECT, 2, rejected::FULL, 0]]);
    assert!(pool.tell(NOW, change::CANCEL, 1, 0, false));
    assert_eq!(taken(&mut pool)[0][..3], [effect::REJECT, 1, rejected::ABORTED]);
    pool.close(NOW, None);
    assert_eq!(pool.acquire(NOW, 3), Outcome::More);
    assert_eq!(taken(&mut pool), [[effect::REJECT, 3, rejected::CLOSED, 0]]);
    assert_eq!(pool.release(NOW, 0, Fate::Return), Outcome::More);
    let destroy = [effect::DESTROY, 0, 1, CloseReason::PoolClosed as i32];
    assert_eq!(taken(&mut pool), [destroy]);
    assert!(pool.tell(NOW, change::DESTROYED, 0, 1, true));
    assert_eq!(taken(&mut pool), [[effect::CLOSED, 0, 0, 0]]);
}

#[test]
fn a_timeout_is_described_with_figures_and_holders() {
    let pool = lent(&[("name", Value::Text("parsers".into()))]);
    let error = pool.timed_out(NOW, 12_000, Some("no memory"));
    assert_eq!(
        error.message(),
        "pool 'parsers': no resource became free within 12 ms (inUse=1, idle=0, connecting=0, \
         waiting=0, max=1); the last attempt to create: no memory"
    );
    assert_eq!(error.json["holders"][0]["slot"], 0);
}

#[test]
fn options_of_databases_are_refused_with_what_serves_instead() {
    let error = refusal(&[("connectTimeoutMs", Value::Number(1.0))]);
    assert_eq!(
        error.message,
        "option 'connectTimeoutMs' is for pools of a database; see 'createTimeoutMs'"
    );
    let error = refusal(&[("pipeline", Value::Bool(true))]);
    assert_eq!(error.message, "option 'pipeline' is for pools of a database");
    let error = refusal(&[("validate", Value::Text("always".into()))]);
    assert_eq!(error.message, "option 'validate' must be a function, got 'always'");
    let error = refusal(&[("destroyTimeoutMs", Value::Number(-1.0))]);
    assert_eq!(error.option, "destroyTimeoutMs");
}

#[test]
fn bounds_have_defaults_and_may_be_off() {
    assert_eq!(pool(&[]).bounds, Bounds::default());
    let bounds = pool(&[("createTimeoutMs", Value::Number(0.0)), ("resetTimeoutMs", Value::Null)]);
    assert_eq!((bounds.bounds.create, bounds.bounds.reset), (None, None));
    assert_eq!(bounds.bounds.destroy, Some(from_ms(5_000)));
}

#[test]
fn every_close_reason_has_its_name() {
    for why in CloseReason::ALL {
        assert_eq!(close_reason(why as i32), Some(why.name()));
    }
    assert_eq!(close_reason(-1), None);
}

#[test]
fn a_request_that_finds_room_is_not_in_line() {
    let mut pool = pool(&[&TIMELESS[..], &[("ownConnects", Value::Bool(true))]].concat());
    assert_eq!(pool.acquire(NOW, 0), Outcome::More);
    assert_eq!(taken(&mut pool), [[effect::CREATE, 0, 1, 0]]);
    assert_eq!(pool.state().core.stats().waiting, 0);
    assert!(pool.tell(NOW, change::CREATE_FAILED, 0, 1, false));
    assert_eq!(taken(&mut pool), [[effect::REJECT, 0, rejected::CREATE, 0]]);
    assert_eq!(refusal(&[("ownConnects", Value::Bool(false))]).option, "ownConnects");
}

#[test]
fn what_is_lent_beyond_its_lifetime_is_expired() {
    let mut pool = lent(&[("maxLifetimeMs", Value::Number(1_000.0))]);
    assert_eq!(pool.expired(NOW), 0);
    assert_eq!(pool.expired(NOW + 1_000_000), 1);
    assert_eq!(pool.release(NOW + 1_000_000, 0, Fate::Return), Outcome::More);
    assert_eq!(pool.expired(NOW + 1_000_000), 0);
}
