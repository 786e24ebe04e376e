//! Neutral values, and the readers that turn one into what an option needs.

use super::message::Time;
use super::options::MILLISECOND;

/// A value as it was given, before anyone knows what it should be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Function,
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
    /// Anything else, by the name of its type. "undefined" counts as not given.
    Other(String),
}

/// What a reader says when the value does not fit: the words after "must be".
pub type Misfit = String;

pub fn is_undefined(value: &Value) -> bool {
    matches!(value, Value::Other(kind) if kind == "undefined")
}

fn whole(value: &Value, lowest: u32, highest: u32) -> Option<u32> {
    match value {
        Value::Number(n)
            if n.fract() == 0.0 && *n >= f64::from(lowest) && *n <= f64::from(highest) =>
        {
            Some(*n as u32)
        }
        _ => None,
    }
}

pub fn integer(value: &Value, lowest: u32, highest: u32) -> Result<u32, Misfit> {
    whole(value, lowest, highest).ok_or_else(|| match value {
        Value::Number(n) if *n > f64::from(highest) => format!("an integer of at most {highest}"),
        _ => format!("an integer of at least {lowest}"),
    })
}

pub fn limit(value: &Value, lowest: u32) -> Result<Option<u32>, Misfit> {
    match value {
        Value::Null => Ok(None),
        Value::Number(n) if *n == f64::INFINITY => Ok(None),
        _ => whole(value, lowest, u32::MAX)
            .map(Some)
            .ok_or_else(|| format!("an integer of at least {lowest}, or null for no limit")),
    }
}

pub fn uses(value: &Value) -> Result<Option<u64>, Misfit> {
    let uses = limit(value, 0)
        .map_err(|_| "an integer of at least 1, or 0 or Infinity for no limit".to_owned())?;
    Ok(uses.filter(|n| *n > 0).map(u64::from))
}

/// Milliseconds to microseconds; a duration too long for the clock is as good as none.
fn duration(value: &Value) -> Option<Option<Time>> {
    match value {
        Value::Null => Some(None),
        Value::Number(n) if *n == f64::INFINITY => Some(None),
        Value::Number(n) if *n >= 0.0 => Some(Some((*n * MILLISECOND as f64).ceil() as Time)),
        _ => None,
    }
}

pub fn time_from_zero(value: &Value) -> Result<Option<Time>, Misfit> {
    duration(value).ok_or_else(|| "a time in ms of at least 0, or null for none".to_owned())
}

pub fn time_or_off(value: &Value) -> Result<Option<Time>, Misfit> {
    let time = duration(value)
        .ok_or_else(|| "a time in ms of at least 0 (0 or null for none)".to_owned())?;
    Ok(time.filter(|time| *time > 0))
}

/// Where 0 would be read as "none" by some and as "at once" by others, it is neither.
pub fn time_above_zero(value: &Value) -> Result<Option<Time>, Misfit> {
    duration(value)
        .filter(|time| *time != Some(0))
        .ok_or_else(|| "a time in ms above 0, or null for none".to_owned())
}

pub fn flag(value: &Value) -> Result<bool, Misfit> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        _ => Err("true or false".to_owned()),
    }
}

pub fn function(value: &Value) -> Result<bool, Misfit> {
    match value {
        Value::Function => Ok(true),
        Value::Null => Ok(false),
        _ => Err("a function".to_owned()),
    }
}

pub fn name(value: &Value) -> Result<Option<String>, Misfit> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) if !text.is_empty() => Ok(Some(text.clone())),
        _ => Err("a text that is not empty".to_owned()),
    }
}

pub fn choice<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, Misfit> {
    let given = match value {
        Value::Text(text) => choices.iter().find(|(word, _)| word == text),
        _ => None,
    };
    given.map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("'{word}'")).collect();
        words.join(" or ")
    })
}

pub fn choice_or_function<T: Copy>(
    value: &Value,
    function: T,
    choices: &[(&str, T)],
) -> Result<T, Misfit> {
    match value {
        Value::Function => Ok(function),
        _ => choice(value, choices).map_err(|words| format!("{words} or a function")),
    }
}

/// The given value as JavaScript would print it, cut short.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(n) if n.is_infinite() => {
            if *n > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        Value::Number(n) => n.to_string(),
        Value::Text(text) if text.chars().count() > 40 => {
            format!("'{}...'", text.chars().take(40).collect::<String>())
        }
        Value::Text(text) => format!("'{text}'"),
        Value::Function => "a function".to_owned(),
        Value::List(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Other(kind) => kind.clone(),
    }
}
