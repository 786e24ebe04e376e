//! The option `replicas`: the same target at other hosts, but for what it says otherwise.

use super::config::{NAMES, Target, endpoints};
use super::role::Wanted;
use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::net::address::Endpoint;
use crate::engine::net::given::{Entries, Given, is_given, kind};
use std::collections::BTreeMap;

const PLACE: [&str; 3] = ["host", "hostaddr", "port"];
/// What is said of the primary's hosts says nothing of the replicas'.
const OWN: [&str; 4] = ["target_session_attrs", "load_balance_hosts", URL, "url"];
const URL: &str = "connectionString";

/// The target, and that of its replicas if there are any.
pub(super) fn split(
    entries: Entries,
    environment: &BTreeMap<String, String>,
    os_user: Option<&str>,
) -> Result<(Target, Option<Target>), OptionError> {
    let (replicas, entries): (Entries, Entries) =
        entries.into_iter().partition(|(key, _)| key == "replicas");
    let given = Given::collect(&NAMES, entries, environment)?;
    let target = Target::read(&given, os_user)?;
    let replicas = match replicas.into_iter().map(|(_, value)| value).rfind(is_given) {
        Some(value) => Some(read(value, &given, os_user)?),
        None => None,
    };
    Ok((target, replicas))
}

fn read(value: Value, main: &Given, os_user: Option<&str>) -> Result<Target, OptionError> {
    match value {
        Value::Text(_) => of_settings(vec![url(value)], main, os_user).map_err(named),
        Value::Object(fields) => {
            if let Some((key, _)) = fields.iter().find(|(_, value)| *value == Value::Function) {
                // The thread that has it runs it for the pool as a whole.
                let expected = "no function: those of the pool serve its replicas too";
                return Err(nested(OptionError::bound(key, expected, "a function")));
            }
            of_settings(fields, main, os_user).map_err(nested)
        }
        Value::List(list) if !list.is_empty() => of_list(list, main, os_user).map_err(named),
        other => Err(misfit(match &other {
            Value::List(_) => "an empty list",
            other => kind(other),
        })),
    }
}

fn of_settings(
    settings: Entries,
    main: &Given,
    os_user: Option<&str>,
) -> Result<Target, OptionError> {
    let own = Given::of(&NAMES, settings.clone())?;
    let moves = own.ranked("host").or(own.ranked("hostaddr")).is_some();
    let kept = |key: &str| !(OWN.contains(&key) || moves && PLACE.contains(&key));
    let mut target = Target::read(&main.overlaid(settings, kept)?, os_user)?;
    let says = |key| own.ranked(key).is_some();
    if !says("target_session_attrs") && !PLACE.iter().any(|key| says(key)) {
        // The primary is among the hosts.
        target.wanted = Wanted::Standby;
    }
    target.route.shuffles |= !says("load_balance_hosts");
    Ok(target)
}

/// All hosts of all URLs; whatever else these say they must agree on.
fn of_list(list: Vec<Value>, main: &Given, os_user: Option<&str>) -> Result<Target, OptionError> {
    let mut places: Vec<Endpoint> = Vec::new();
    let mut common: Option<Entries> = None;
    for value in &list {
        if !matches!(value, Value::Text(_)) {
            return Err(misfit(&format!("a list with {}", kind(value))));
        }
        let own = Given::of(&NAMES, vec![url(value.clone())])?;
        places.extend(endpoints(&own)?);
        let rest = own.without(&PLACE);
        if common.get_or_insert_with(|| rest.clone()) != &rest {
            return Err(misfit("a list of URLs that differ in more"));
        }
    }
    let first = list.into_iter().next().unwrap_or(Value::Null);
    let mut target = of_settings(vec![url(first)], main, os_user)?;
    target.route.endpoints = places;
    Ok(target)
}

fn url(text: Value) -> (String, Value) {
    (URL.to_owned(), text)
}

fn misfit(given: &str) -> OptionError {
    let expected =
        "a URL, a list of URLs that differ in host and port only, or an object of options";
    OptionError::bound("replicas", expected, given)
}

/// What is wrong with a URL is wrong with the option that it was given as.
fn named(error: OptionError) -> OptionError {
    if error.option != URL {
        return error;
    }
    let message = error.message.replacen(&format!("'{URL}'"), "'replicas'", 1);
    OptionError { option: "replicas".to_owned(), message }
}

/// Names the option as the caller wrote it.
fn nested(error: OptionError) -> OptionError {
    let option = format!("replicas.{}", error.option);
    let message = error.message.replacen(&format!("'{}'", error.option), &format!("'{option}'"), 1);
    OptionError { option, message }
}

#[cfg(test)]
#[path = "tests/replicas.rs"]
mod tests;
