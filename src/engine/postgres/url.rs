//! Connection strings: `postgres://user:secret@host:5432/database?sslmode=require`, or libpq's
//! `host=... user=...`. `tokio_postgres::Config` reads the part of a URL before the `?`; settings are
//! read here, since that crate refuses those it does not know (`sslmode=verify-full`, `sslrootcert`).

use super::config::{KEYS, canonical};
use crate::core::error::OptionError;
use crate::core::options::Value;
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Settings under their canonical names. No error quotes the string: it may hold a password.
pub(super) fn parse(text: &str) -> Result<Vec<(String, Value)>, OptionError> {
    let scheme = ["postgres://", "postgresql://"].iter().find(|s| text.starts_with(**s));
    let Some(scheme) = scheme else { return parse_pairs(text) };
    let rest = &text[scheme.len()..];
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = base.split_at(base.find('/').unwrap_or(base.len()));
    // The crate ends the credentials at the first `@` it meets anywhere. The last one before the
    // path ends them for browsers and Node, so that passwords may hold one that is not encoded.
    let (credentials, hosts) = match authority.rfind('@') {
        Some(at) => (authority[..at].replace('@', "%40") + "@", &authority[at + 1..]),
        None => (String::new(), authority),
    };
    // An `@` behind that is the sign of a password with a `/`: as a database's name it would be
    // shown to everybody.
    if path.contains('@') {
        return Err(malformed());
    }
    let base = format!("postgres://{credentials}{hosts}{path}");
    let config: Config = base.parse().map_err(|_| malformed())?;
    let mut entries = entries(&config)?;
    // The crate fills in 5432; only a port that was written outranks the environment.
    if !hosts.contains(":5432") && config.get_ports().iter().all(|&port| port == 5432) {
        entries.retain(|(key, _)| key != "port");
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        entries.push(parse_setting(pair)?);
    }
    Ok(entries)
}

fn parse_setting(pair: &str) -> Result<(String, Value), OptionError> {
    let (key, value) = pair.split_once('=').ok_or_else(malformed)?;
    let key = percent_decode_str(key).decode_utf8().map_err(|_| malformed())?;
    let value = percent_decode_str(value).decode_utf8().map_err(|_| malformed())?;
    setting(&key, value.into_owned())
}

fn setting(key: &str, value: String) -> Result<(String, Value), OptionError> {
    if !KEYS.contains(&key) || matches!(canonical(key), "connectionString" | "replicas") {
        return Err(OptionError::unknown(key, KEYS.iter().copied()));
    }
    Ok((canonical(key).to_owned(), Value::Text(value)))
}

/// `key=value key = 'with spaces and \'quotes\''`, as libpq reads it.
fn parse_pairs(text: &str) -> Result<Vec<(String, Value)>, OptionError> {
    let mut entries = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, value) = rest.split_once('=').ok_or_else(malformed)?;
        let (value, tail) = pair_value(value.trim_start())?;
        // What is no setting may be part of a password: it is not quoted.
        entries.push(setting(key.trim_end(), value).map_err(|_| malformed())?);
        rest = tail.trim_start();
    }
    Ok(entries)
}

fn pair_value(text: &str) -> Result<(String, &str), OptionError> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, next)) = chars.next() {
        match next {
            '\\' => value.push(chars.next().ok_or_else(malformed)?.1),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            next if !quoted && next.is_whitespace() => return Ok((value, &text[at..])),
            next => value.push(next),
        }
    }
    if quoted { Err(malformed()) } else { Ok((value, "")) }
}

fn entries(config: &Config) -> Result<Vec<(String, Value)>, OptionError> {
    let mut entries = Vec::new();
    let mut add = |key: &str, value: String| entries.push((key.to_owned(), Value::Text(value)));
    if let Some(user) = config.get_user().filter(|user| !user.is_empty()) {
        add("user", user.to_owned());
    }
    if let Some(password) = config.get_password() {
        let password = std::str::from_utf8(password).map_err(|_| malformed())?;
        add("password", password.to_owned());
    }
    if let Some(database) = config.get_dbname() {
        add("database", database.to_owned());
    }
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.to_string_lossy().into_owned(),
    });
    let hosts = hosts.collect::<Vec<_>>().join(",");
    if !hosts.is_empty() {
        add("host", hosts);
    }
    let ports: Vec<_> = config.get_ports().iter().map(u16::to_string).collect();
    if !ports.is_empty() {
        add("port", ports.join(","));
    }
    Ok(entries)
}

fn malformed() -> OptionError {
    OptionError::bound(
        "connectionString",
        "a URL such as postgres://user@host:5432/database",
        "something that cannot be read as one",
    )
}
