//! Every option of a pool: its default, its bounds and the rules between them, declared once.
//!
//! Values arrive neutral (`Value`), so that JavaScript objects, URLs and tests share one reader.
//! Durations are microseconds here (`Time`) and milliseconds in the keys.

use super::error::OptionError;
use super::message::Time;
pub use super::value::Value;
use super::value::{
    Misfit, choice, choice_or_function, flag, function, integer, is_undefined, limit, name, shown,
    time_above_zero, time_from_zero, time_or_off, uses,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validate {
    /// Only what was idle for `validate_after_idle` or longer.
    Auto,
    Always,
    Never,
    /// When as in `Auto`, how by a function of the caller.
    Function,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Only a connection that became dirty.
    Auto,
    Always,
    Never,
    /// Always, by a function of the caller.
    Function,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleOrder {
    Lifo,
    Fifo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinPolicy {
    /// Connections are opened until `min` are up.
    Fill,
    /// `min` is only spared from idle eviction.
    Spare,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Int8 {
    #[default]
    Number,
    BigInt,
    Text,
}

/// `None` is "no limit" or "off" throughout.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub max: u32,
    pub min: u32,
    pub acquire_timeout: Option<Time>,
    pub connect_timeout: Option<Time>,
    pub query_timeout: Option<Time>,
    pub idle_timeout: Option<Time>,
    pub max_lifetime: Option<Time>,
    pub max_uses: Option<u64>,
    pub max_waiting: Option<u32>,
    pub validate: Validate,
    pub validate_after_idle: Time,
    /// What was just opened is validated too before it is lent, as generic-pool does.
    pub validate_new: bool,
    pub max_connecting: u32,
    pub idle_order: IdleOrder,
    pub leak_detection: Option<Time>,
    pub max_lease: Option<Time>,
    pub close_timeout: Option<Time>,
    pub name: Option<String>,
    pub shared: bool,
    pub lazy: bool,
    pub wait_for_server: bool,
    pub pipeline: bool,
    pub statement_cache: u32,
    pub int8: Int8,
    /// A function was given; who made the pool keeps it.
    pub on_connect: bool,
    pub reset: Reset,
    pub min_policy: MinPolicy,
    pub evict_below_min: bool,
    /// Idle connections beyond `idle_timeout` are evicted only while more than this many are idle.
    pub max_idle: Option<u32>,
    /// Idle eviction happens at most this often; `None` evicts exactly when due.
    pub sweep_interval: Option<Time>,
    pub destroy_on_query_error: bool,
    pub priorities: u8,
    /// Set by drop-ins only: a connection is opened for one request, which leaves the line for it
    /// and gets it or its failure; nothing is retried. Whoever comes while a connection is being
    /// closed takes its place at once; those in line get one place for each connection that is gone.
    pub own_connects: bool,
    /// Set by engines only: statements that may be on one wire at once (at most 64, where
    /// some of them write).
    pub share_depth: u32,
    /// Set by engines only: short statements spread over so many connections before they are
    /// packed, and over more only when these are full.
    pub share_width: u32,
    /// Set by engines only: nothing is queued behind a statement that runs for this long.
    pub share_patience: Time,
    /// Set by engines only: statements that share all go on one wire, in the order they were asked
    /// for, ahead of those who want a connection to themselves (`one_wire.rs`).
    pub one_wire: bool,
}

pub const MILLISECOND: Time = 1_000;
pub const SECOND: Time = 1_000_000;
const CONNECTIONS_MAX: u32 = 65_535;
const STATEMENTS_MAX: u32 = 65_535;
const PRIORITIES_MAX: u32 = 64;

impl Default for Options {
    fn default() -> Options {
        Options {
            max: 10,
            min: 0,
            acquire_timeout: Some(30 * SECOND),
            connect_timeout: Some(10 * SECOND),
            query_timeout: None,
            idle_timeout: Some(10 * SECOND),
            max_lifetime: Some(30 * 60 * SECOND),
            max_uses: None,
            max_waiting: None,
            validate: Validate::Auto,
            validate_after_idle: 500 * MILLISECOND,
            validate_new: false,
            max_connecting: 2,
            idle_order: IdleOrder::Lifo,
            leak_detection: None,
            max_lease: None,
            close_timeout: Some(30 * SECOND),
            name: None,
            shared: false,
            lazy: false,
            wait_for_server: false,
            pipeline: true,
            statement_cache: 256,
            int8: Int8::Number,
            on_connect: false,
            reset: Reset::Auto,
            min_policy: MinPolicy::Fill,
            evict_below_min: false,
            max_idle: None,
            sweep_interval: None,
            destroy_on_query_error: false,
            priorities: 1,
            own_connects: false,
            share_depth: 16,
            share_width: u32::MAX,
            share_patience: 3 * MILLISECOND,
            one_wire: false,
        }
    }
}

struct Rule {
    key: &'static str,
    read: fn(&mut Options, &Value) -> Result<(), Misfit>,
    same: fn(&Options, &Options) -> bool,
}

/// One entry per field, `key => field, reader`: a key, its field and its bound stay together.
macro_rules! rules {
    ($($key:literal => $field:ident, $reader:expr;)*) => {
        &[$(Rule {
            key: $key,
            read: |options, value| { options.$field = ($reader)(value)?; Ok(()) },
            same: |one, other| one.$field == other.$field,
        }),*]
    };
}

const RULES: &[Rule] = rules! {
    "max" => max, |v| integer(v, 1, CONNECTIONS_MAX);
    "min" => min, |v| integer(v, 0, CONNECTIONS_MAX);
    "acquireTimeoutMs" => acquire_timeout, time_above_zero;
    "connectTimeoutMs" => connect_timeout, time_or_off;
    "queryTimeoutMs" => query_timeout, time_or_off;
    "idleTimeoutMs" => idle_timeout, time_or_off;
    "maxLifetimeMs" => max_lifetime, time_or_off;
    "maxUses" => max_uses, uses;
    "maxWaiting" => max_waiting, |v| limit(v, 0);
    "validate" => validate, |v| choice_or_function(v, Validate::Function, &[
        ("auto", Validate::Auto), ("always", Validate::Always), ("never", Validate::Never)]);
    "validateAfterIdleMs" => validate_after_idle,
        |v| time_from_zero(v).map(|time| time.unwrap_or(Time::MAX));
    "validateNew" => validate_new, flag;
    "maxConnecting" => max_connecting, |v| integer(v, 1, CONNECTIONS_MAX);
    "idleOrder" => idle_order, |v| choice(v, &[
        ("lifo", IdleOrder::Lifo), ("fifo", IdleOrder::Fifo)]);
    "leakDetectionMs" => leak_detection, time_or_off;
    "maxLeaseMs" => max_lease, time_or_off;
    "closeTimeoutMs" => close_timeout, time_from_zero;
    "name" => name, name;
    "shared" => shared, flag;
    "lazy" => lazy, flag;
    "waitForServer" => wait_for_server, flag;
    "pipeline" => pipeline, flag;
    "statementCache" => statement_cache, |v| integer(v, 0, STATEMENTS_MAX);
    "types" => int8, types;
    "onConnect" => on_connect, function;
    "reset" => reset, |v| choice_or_function(v, Reset::Function, &[
        ("auto", Reset::Auto), ("always", Reset::Always), ("never", Reset::Never)]);
    "minPolicy" => min_policy, |v| choice(v, &[
        ("fill", MinPolicy::Fill), ("spare", MinPolicy::Spare)]);
    "evictBelowMin" => evict_below_min, flag;
    "maxIdle" => max_idle, |v| limit(v, 0);
    "sweepIntervalMs" => sweep_interval, time_or_off;
    "destroyOnQueryError" => destroy_on_query_error, flag;
    "priorities" => priorities, |v| integer(v, 1, PRIORITIES_MAX).map(|n| n as u8);
};

/// Entries that belong to the engine (connection target, ssl, ...), in the order given.
pub type EngineEntries = Vec<(String, Value)>;

impl Options {
    /// Reads the pool's own keys and hands back the entries of the engine's keys untouched.
    pub fn parse(
        entries: Vec<(String, Value)>,
        engine_keys: &[&str],
    ) -> Result<(Options, EngineEntries), OptionError> {
        let mut options = Options::default();
        let mut rest = EngineEntries::new();
        for (key, value) in entries {
            if engine_keys.contains(&key.as_str()) {
                rest.push((key, value));
                continue;
            }
            let Some(rule) = RULES.iter().find(|rule| rule.key == key) else {
                let known = RULES.iter().map(|rule| rule.key).chain(engine_keys.iter().copied());
                return Err(OptionError::unknown(&key, known));
            };
            if is_undefined(&value) {
                continue;
            }
            if let Value::Object(fields) = &value {
                check_fields(&key, fields)?;
            }
            (rule.read)(&mut options, &value)
                .map_err(|expected| OptionError::bound(&key, &expected, &shown(&value)))?;
        }
        options.check()?;
        Ok((options, rest))
    }

    /// The keys this table knows, for documentation and for the drop-ins' own tables.
    pub fn keys() -> impl Iterator<Item = &'static str> {
        RULES.iter().map(|rule| rule.key)
    }

    /// The first key that the two do not agree on.
    pub fn difference(&self, other: &Options) -> Option<&'static str> {
        RULES.iter().find(|rule| !(rule.same)(self, other)).map(|rule| rule.key)
    }

    /// The rules between fields; `resize` is bound by them too.
    pub fn check(&self) -> Result<(), OptionError> {
        if self.max == 0 {
            return Err(OptionError::bound("max", "an integer of at least 1", "0"));
        }
        if self.min > self.max {
            let expected = format!("at most max ({})", self.max);
            return Err(OptionError::bound("min", &expected, &self.min.to_string()));
        }
        if self.shared && self.name.is_none() {
            let expected = "given together with option 'name'";
            return Err(OptionError::bound("shared", expected, "no name"));
        }
        Ok(())
    }
}

/// A nested key gets the same treatment as one at the top.
fn check_fields(key: &str, fields: &[(String, Value)]) -> Result<(), OptionError> {
    if key != "types" {
        return Ok(()); // the reader refuses the object as a whole
    }
    for (field, value) in fields {
        let option = format!("types.{field}");
        if field != "int8" {
            return Err(OptionError::unknown(&option, ["types.int8"].into_iter()));
        }
        int8(value).map_err(|expected| OptionError::bound(&option, &expected, &shown(value)))?;
    }
    Ok(())
}

fn types(value: &Value) -> Result<Int8, Misfit> {
    let Value::Object(fields) = value else {
        return Err("an object such as { int8: 'number' | 'bigint' | 'string' }".to_owned());
    };
    fields.last().map_or(Ok(Int8::default()), |(_, value)| int8(value))
}

fn int8(value: &Value) -> Result<Int8, Misfit> {
    if is_undefined(value) {
        return Ok(Int8::default());
    }
    choice(value, &[("number", Int8::Number), ("bigint", Int8::BigInt), ("string", Int8::Text)])
}
