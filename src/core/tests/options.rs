//! Reading options: defaults, bounds, rules between fields, and messages that help.

use crate::core::options::*;
use crate::core::*;

fn number(n: f64) -> Value {
    Value::Number(n)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn parse(entries: &[(&str, Value)]) -> Result<Options, OptionError> {
    let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Options::parse(entries, &["host", "port", "ssl"]).map(|(options, _)| options)
}

#[track_caller]
fn assert_refused(key: &str, value: Value, message: &str) {
    let error = parse(&[(key, value)]).unwrap_err();
    assert_eq!((error.option.as_str(), error.to_string().as_str()), (key, message));
}

#[test]
fn nothing_given_means_the_defaults() {
    let options = parse(&[]).unwrap();
    assert_eq!(options, Options::default());
    assert_eq!((options.max, options.min), (10, 0));
    assert_eq!(options.acquire_timeout, Some(30 * SECOND));
    assert_eq!(options.validate_after_idle, 500 * MILLISECOND);
}

#[test]
fn every_key_is_read_into_its_field() {
    let types = Value::Object(vec![("int8".to_owned(), text("bigint"))]);
    let options = parse(&[
        ("max", number(7.0)),
        ("min", number(3.0)),
        ("acquireTimeoutMs", number(1.5)),
        ("connectTimeoutMs", number(2.0)),
        ("queryTimeoutMs", number(3.0)),
        ("idleTimeoutMs", number(4.0)),
        ("maxLifetimeMs", number(5.0)),
        ("maxUses", number(6.0)),
        ("maxWaiting", number(0.0)),
        ("validate", text("always")),
        ("validateAfterIdleMs", number(8.0)),
        ("validateNew", Value::Bool(true)),
        ("maxConnecting", number(9.0)),
        ("idleOrder", text("fifo")),
        ("leakDetectionMs", number(10.0)),
        ("maxLeaseMs", number(11.0)),
        ("closeTimeoutMs", number(0.0)),
        ("name", text("main")),
        ("shared", Value::Bool(true)),
        ("lazy", Value::Bool(true)),
        ("waitForServer", Value::Bool(true)),
        ("pipeline", Value::Bool(false)),
        ("statementCache", number(0.0)),
        ("types", types),
        ("onConnect", Value::Function),
        ("reset", text("never")),
        ("minPolicy", text("spare")),
        ("evictBelowMin", Value::Bool(true)),
        ("maxIdle", number(2.0)),
        ("sweepIntervalMs", number(12.0)),
        ("destroyOnQueryError", Value::Bool(true)),
        ("priorities", number(5.0)),
    ]);
    let expected = Options {
        max: 7,
        min: 3,
        acquire_timeout: Some(1500),
        connect_timeout: Some(2 * MILLISECOND),
        query_timeout: Some(3 * MILLISECOND),
        idle_timeout: Some(4 * MILLISECOND),
        max_lifetime: Some(5 * MILLISECOND),
        max_uses: Some(6),
        max_waiting: Some(0),
        validate: Validate::Always,
        validate_after_idle: 8 * MILLISECOND,
        validate_new: true,
        max_connecting: 9,
        idle_order: IdleOrder::Fifo,
        leak_detection: Some(10 * MILLISECOND),
        max_lease: Some(11 * MILLISECOND),
        close_timeout: Some(0),
        name: Some("main".to_owned()),
        shared: true,
        lazy: true,
        wait_for_server: true,
        pipeline: false,
        statement_cache: 0,
        int8: Int8::BigInt,
        on_connect: true,
        reset: Reset::Never,
        min_policy: MinPolicy::Spare,
        evict_below_min: true,
        max_idle: Some(2),
        sweep_interval: Some(12 * MILLISECOND),
        destroy_on_query_error: true,
        priorities: 5,
        ..Options::default()
    };
    assert_eq!(options.unwrap(), expected);
    assert_eq!(Options::keys().count(), 32, "a key without its line in this test");
}

#[test]
fn two_sets_of_options_differ_by_the_first_key_that_differs() {
    let one = parse(&[("max", number(3.0)), ("reset", text("always"))]).unwrap();
    assert_eq!(one.difference(&one.clone()), None);
    let other = Options { reset: Reset::Never, ..one.clone() };
    assert_eq!(one.difference(&other), Some("reset"));
    let other = Options { max: 4, ..other };
    assert_eq!(one.difference(&other), Some("max"));
}

#[test]
fn entries_of_the_engine_come_back_untouched() {
    let entries = vec![("host".to_owned(), text("db")), ("max".to_owned(), number(2.0))];
    let (options, rest) = Options::parse(entries, &["host"]).unwrap();
    assert_eq!(options.max, 2);
    assert_eq!(rest, [("host".to_owned(), text("db"))]);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let cases = [
        ("maxx", "Unknown option 'maxx'; did you mean 'max'?"),
        ("maxwaiting", "Unknown option 'maxwaiting'; did you mean 'maxWaiting'?"),
        ("idleTimeoutMillis", "Unknown option 'idleTimeoutMillis'; did you mean 'idleTimeoutMs'?"),
        ("hots", "Unknown option 'hots'; did you mean 'host'?"),
        ("frobnicate", "Unknown option 'frobnicate'"),
        ("", "Unknown option ''"),
    ];
    for (key, message) in cases {
        assert_refused(key, number(1.0), message);
    }
    let long = "x".repeat(100_000);
    assert!(parse(&[(&long, Value::Null)]).is_err());
}

#[test]
fn an_unknown_key_inside_types_is_named_with_its_path() {
    let types = Value::Object(vec![("int".to_owned(), text("bigint"))]);
    let error = parse(&[("types", types)]).unwrap_err();
    assert_eq!(error.message, "Unknown option 'types.int'; did you mean 'types.int8'?");
}

#[test]
fn an_impossible_value_names_option_bound_and_value() {
    let cases = [
        ("max", number(0.0), "an integer of at least 1, got 0"),
        ("max", number(1.5), "an integer of at least 1, got 1.5"),
        ("max", number(f64::NAN), "an integer of at least 1, got NaN"),
        ("max", number(f64::INFINITY), "an integer of at most 65535, got Infinity"),
        ("max", text("10"), "an integer of at least 1, got '10'"),
        ("max", Value::Null, "an integer of at least 1, got null"),
        ("min", number(-1.0), "an integer of at least 0, got -1"),
        ("acquireTimeoutMs", number(0.0), "a time in ms above 0, or null for none, got 0"),
        ("idleTimeoutMs", number(-5.0), "a time in ms of at least 0 (0 or null for none), got -5"),
        ("idleOrder", text("random"), "'lifo' or 'fifo', got 'random'"),
        ("validate", Value::Bool(true), "'auto' or 'always' or 'never' or a function, got true"),
        ("lazy", number(1.0), "true or false, got 1"),
        ("onConnect", text("x"), "a function, got 'x'"),
        ("maxWaiting", number(-1.0), "an integer of at least 0, or null for no limit, got -1"),
        ("priorities", number(65.0), "an integer of at most 64, got 65"),
        ("name", text(""), "a text that is not empty, got ''"),
        ("reset", Value::List(vec![]), "'auto' or 'always' or 'never' or a function, got an array"),
        ("types", number(3.0), "an object such as { int8: 'number' | 'bigint' | 'string' }, got 3"),
    ];
    for (key, value, rest) in cases {
        assert_refused(key, value, &format!("option '{key}' must be {rest}"));
    }
}

#[test]
fn a_field_of_an_option_is_named_with_it() {
    let expected = "'number' or 'bigint' or 'string'";
    for (given, shown) in [(text("Number"), "'Number'"), (number(8.0), "8"), (Value::Null, "null")]
    {
        let types = Value::Object(vec![("int8".to_owned(), given)]);
        let error = parse(&[("types", types)]).unwrap_err();
        assert_eq!(error.option, "types.int8");
        assert_eq!(error.message, format!("option 'types.int8' must be {expected}, got {shown}"));
    }
    let undefined = Value::Object(vec![("int8".to_owned(), Value::Other("undefined".to_owned()))]);
    assert_eq!(parse(&[("types", undefined)]).unwrap(), Options::default());
}

#[test]
fn fields_that_contradict_each_other_are_refused() {
    let error = parse(&[("min", number(11.0))]).unwrap_err();
    assert_eq!(error.message, "option 'min' must be at most max (10), got 11");
    let error = parse(&[("shared", Value::Bool(true))]).unwrap_err();
    assert_eq!(error.option, "shared");
    assert!(parse(&[("max", number(11.0)), ("min", number(11.0))]).is_ok());
}

#[test]
fn null_infinity_and_zero_mean_none_where_there_is_none() {
    for none in [Value::Null, number(f64::INFINITY)] {
        let options = parse(&[
            ("acquireTimeoutMs", none.clone()),
            ("idleTimeoutMs", none.clone()),
            ("maxUses", none.clone()),
            ("maxWaiting", none),
        ]);
        let options = options.unwrap();
        assert_eq!((options.acquire_timeout, options.idle_timeout), (None, None));
        assert_eq!((options.max_uses, options.max_waiting), (None, None));
    }
    let options = parse(&[("idleTimeoutMs", number(0.0)), ("maxUses", number(0.0))]).unwrap();
    assert_eq!((options.idle_timeout, options.max_uses), (None, None));
}

#[test]
fn undefined_is_as_not_given() {
    let undefined = Value::Other("undefined".to_owned());
    assert_eq!(parse(&[("max", undefined)]).unwrap(), Options::default());
}
