//! What a pool was given, comparable: whether two threads mean the same pool.

use crate::core::options::Value;
use std::collections::BTreeMap;

/// The effective settings of a target, by name. No `Debug`: one of them may be a password.
#[derive(Default)]
pub struct Settings(BTreeMap<String, Setting>);

struct Setting {
    value: Value,
    /// From the environment or a default, not from the caller.
    ambient: bool,
}

impl Settings {
    pub fn set(&mut self, name: &str, value: Value, ambient: bool) {
        self.0.insert(name.to_owned(), Setting { value, ambient });
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|setting| &setting.value)
    }

    /// What the caller has left open.
    pub fn fill(&mut self, defaults: &[(&str, &str)]) {
        for (name, default) in defaults {
            if self.get(name).is_none() {
                self.set(name, Value::Text((*default).to_owned()), true);
            }
        }
    }

    /// The first setting in which the other differs, by name alone. A function cannot cross
    /// threads: where the first has one, another one or none counts as the same.
    pub fn difference<'a>(&'a self, other: &'a Settings) -> Option<&'a str> {
        let missing = |name: &String| !self.0.contains_key(name);
        let differs = |(name, mine): (&'a String, &Setting)| {
            let theirs = other.0.get(name);
            let same = match (&mine.value, theirs) {
                (Value::Function, None) => true,
                (Value::Function, Some(theirs)) => {
                    theirs.ambient || matches!(theirs.value, Value::Function)
                }
                (value, Some(theirs)) => plain(value) == plain(&theirs.value),
                (_, None) => false,
            };
            (!same).then_some(name.as_str())
        };
        let changed = self.0.iter().find_map(differs);
        changed.or_else(|| other.0.keys().find(|name| missing(name)).map(String::as_str))
    }
}

/// URLs and the environment give numbers and flags as text.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Text(number.to_string()),
        Value::Bool(flag) => Value::Text(u8::from(*flag).to_string()),
        Value::Text(text) if text == "true" => Value::Text("1".to_owned()),
        Value::Text(text) if text == "false" => Value::Text("0".to_owned()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(list: &[(&str, Value, bool)]) -> Settings {
        let mut settings = Settings::default();
        for (name, value, ambient) in list {
            settings.set(name, value.clone(), *ambient);
        }
        settings
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn settings_differ_by_name() {
        let one = settings(&[("host", text("db"), false), ("port", Value::Number(5432.0), false)]);
        let same = settings(&[("host", text("db"), true), ("port", text("5432"), false)]);
        assert_eq!(one.difference(&same), None);
        let host = settings(&[("host", text("other"), false), ("port", text("5432"), true)]);
        assert_eq!(one.difference(&host), Some("host"));
        let less = settings(&[("host", text("db"), false)]);
        assert_eq!((one.difference(&less), less.difference(&one)), (Some("port"), Some("port")));
    }

    #[test]
    fn a_function_stands_for_the_one_that_cannot_cross_threads() {
        let owner = settings(&[("password", Value::Function, false)]);
        for same in [
            settings(&[]),
            settings(&[("password", Value::Function, false)]),
            settings(&[("password", text("of the environment"), true)]),
        ] {
            assert_eq!(owner.difference(&same), None);
        }
        let given = settings(&[("password", text("secret"), false)]);
        assert_eq!(owner.difference(&given), Some("password"));
        assert_eq!(given.difference(&owner), Some("password"));
        assert_eq!(settings(&[]).difference(&owner), Some("password"));
    }
}
