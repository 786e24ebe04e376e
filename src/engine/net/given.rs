//! Settings from three sources, read under one name each.

use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::settings::Settings;
use std::collections::BTreeMap;
use std::time::Duration;

/// What setsockopt takes.
pub const MS_MAX: u64 = i32::MAX as u64;
/// A day is longer than any sensible wait, and keeps every sum within bounds.
const SECONDS_MAX: u64 = 86_400;

/// What an engine's settings are called.
pub struct Names {
    /// Every option, for the search of the nearest name.
    pub keys: &'static [&'static str],
    /// What only replacements of drivers say.
    pub internal: &'static [&'static str],
    /// Variables and the settings they stand for.
    pub environment: &'static [(&'static str, &'static str)],
    /// The spelling under which a setting is looked up.
    pub canonical: fn(&str) -> &str,
    /// What a connection string says.
    pub parse_url: fn(&str) -> Result<Entries, OptionError>,
}

/// Settings from strongest to weakest, under their canonical names.
pub struct Given {
    names: &'static Names,
    layers: Vec<Vec<(String, Value)>>,
}

impl Given {
    pub fn collect(
        names: &'static Names,
        entries: Vec<(String, Value)>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Given, OptionError> {
        let mut layers = written(names, entries)?.to_vec();
        let environment = names.environment.iter().filter_map(|(name, key)| {
            let value = environment.get(*name).filter(|value| !value.is_empty())?;
            Some(((*key).to_owned(), Value::Text(value.clone())))
        });
        layers.push(environment.collect());
        Ok(Given { names, layers })
    }

    /// What options and their URL say, without an environment.
    pub fn of(names: &'static Names, entries: Entries) -> Result<Given, OptionError> {
        Ok(Given { names, layers: written(names, entries)?.to_vec() })
    }

    /// What is said of other keys than these.
    pub fn without(&self, keys: &[&str]) -> Entries {
        let all = self.layers.iter().flatten();
        let skipped = |key: &str| keys.contains(&key) || key == "connectionString";
        all.filter(|(key, _)| !skipped(key)).cloned().collect()
    }

    /// The same under a stronger source; only keys that are `kept` count below that.
    pub fn overlaid(
        &self,
        entries: Entries,
        kept: impl Fn(&str) -> bool,
    ) -> Result<Given, OptionError> {
        let mut layers = written(self.names, entries)?.to_vec();
        for layer in &self.layers {
            let layer = layer.iter().filter(|(key, _)| kept(key));
            layers.push(layer.cloned().collect());
        }
        Ok(Given { names: self.names, layers })
    }

    /// The strongest value of a setting and the strength it has, 0 the strongest.
    pub fn ranked(&self, key: &str) -> Option<(usize, &Value)> {
        self.layers.iter().enumerate().find_map(|(rank, layer)| {
            let (_, value) = layer.iter().rfind(|(name, value)| name == key && is_given(value))?;
            Some((rank, value))
        })
    }

    /// The strongest value of every setting; those of the environment are marked.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        let keys = self.names.keys.iter().map(|key| (self.names.canonical)(key));
        for key in keys.filter(|key| *key != "connectionString") {
            if let Some((rank, value)) = self.ranked(key) {
                settings.set(key, value.clone(), rank == self.layers.len() - 1);
            }
        }
        settings
    }

    pub fn text(&self, key: &str) -> Result<Option<&str>, OptionError> {
        match self.ranked(key) {
            None => Ok(None),
            Some((_, Value::Text(text))) if !text.contains('\0') => Ok(Some(text)),
            // Without the value: it may be a password.
            Some((_, Value::Text(_))) => Err(OptionError::bound(key, "a text", "one with a NUL")),
            Some((_, value)) => Err(OptionError::bound(key, "a text", kind(value))),
        }
    }

    /// A whole number; URLs and the environment give it as text.
    pub fn whole(&self, key: &str, least: u64, most: u64) -> Result<Option<u64>, OptionError> {
        let Some((_, value)) = self.ranked(key) else { return Ok(None) };
        whole(value).filter(|number| (least..=most).contains(number)).map(Some).ok_or_else(|| {
            let expected = format!("an integer from {least} to {most}");
            OptionError::bound(key, &expected, &shown(value))
        })
    }

    /// Seconds, where 0 is "no bound".
    pub fn seconds(&self, key: &str) -> Result<Option<Duration>, OptionError> {
        let seconds = self.whole(key, 0, SECONDS_MAX)?;
        Ok(seconds.filter(|&seconds| seconds > 0).map(Duration::from_secs))
    }

    pub fn flag(&self, key: &str) -> Result<Option<bool>, OptionError> {
        let Some((_, value)) = self.ranked(key) else { return Ok(None) };
        flag(value).map(Some).ok_or_else(|| OptionError::bound(key, "true or false", &shown(value)))
    }
}

/// Names and values as they were given.
pub type Entries = Vec<(String, Value)>;

/// Options under their canonical names, then what their URL says.
fn written(names: &'static Names, mut entries: Entries) -> Result<[Entries; 2], OptionError> {
    for (key, _) in &mut entries {
        if ![names.keys, names.internal].iter().any(|keys| keys.contains(&key.as_str())) {
            return Err(OptionError::unknown(key, names.keys.iter().copied()));
        }
        *key = (names.canonical)(key).to_owned();
    }
    let options = Given { names, layers: vec![entries] };
    let url = match options.text("connectionString")? {
        Some(url) => (names.parse_url)(url)?,
        None => Vec::new(),
    };
    let [entries] = <[Entries; 1]>::try_from(options.layers).unwrap_or_default();
    Ok([entries, url])
}

pub fn is_given(value: &Value) -> bool {
    !matches!(value, Value::Null) && !matches!(value, Value::Other(kind) if kind == "undefined")
}

pub fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) if n.fract() == 0.0 && (0.0..=MS_MAX as f64).contains(n) => {
            Some(*n as u64)
        }
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(n) if *n == 0.0 || *n == 1.0 => Some(*n == 1.0),
        Value::Text(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

pub fn kind(value: &Value) -> &str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Text(_) => "a text",
        Value::Function => "a function",
        Value::List(_) => "a list",
        Value::Object(_) => "an object",
        Value::Other(kind) => kind,
    }
}

/// The value for a message; only for settings that hold no secret.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) if text.len() <= 40 => format!("'{text}'"),
        other => kind(other).to_owned(),
    }
}

/// `'a', 'b' or 'c'`.
pub fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// A function is no text yet: it is asked at each connect, by the driver. An empty password is
/// none, as with libpq.
pub fn password(given: &Given) -> Result<Option<String>, OptionError> {
    match given.ranked("password") {
        Some((_, Value::Function)) => Ok(None),
        None | Some((_, Value::Text(_))) => {
            Ok(given.text("password")?.filter(|text| !text.is_empty()).map(str::to_owned))
        }
        Some((_, value)) => {
            Err(OptionError::bound("password", "a text or a function", kind(value)))
        }
    }
}

/// A setting with the values that ask for nothing we lack.
pub fn check_choice(given: &Given, key: &str, accepted: &[&str]) -> Result<(), OptionError> {
    match given.ranked(key) {
        None => Ok(()),
        Some((_, Value::Text(text))) if accepted.contains(&text.as_str()) => Ok(()),
        Some((_, value)) => Err(OptionError::bound(key, &alternatives(accepted), &shown(value))),
    }
}
