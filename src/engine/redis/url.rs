//! Connection strings: `redis://user:secret@host:6379/0?applicationName=web`, `rediss://...`,
//! `unix:///run/redis.sock?db=1`. The redis crate reads the part of a URL before the `?`; settings
//! are read here, since that crate has others.

use super::config::{KEYS, canonical};
use crate::core::error::OptionError;
use crate::core::options::Value;
use ::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use percent_encoding::percent_decode_str;

type Entries = Vec<(String, Value)>;

/// Names of settings that only URLs of sockets have.
const OF_SOCKETS: [(&str, &str); 1] = [("pass", "password")];

/// Settings under their canonical names. No error quotes the string: it may hold a password.
pub(super) fn parse(text: &str) -> Result<Entries, OptionError> {
    let (scheme, rest) = text.split_once("://").ok_or_else(malformed)?;
    let scheme = scheme.to_ascii_lowercase();
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A sign of a password that holds one without having encoded it.
    if rest.contains('#') {
        return Err(malformed());
    }
    let mut entries = match &*scheme {
        "redis" | "rediss" | "valkey" | "valkeys" => read_base(base)?,
        "unix" | "redis+unix" => vec![("socketPath".to_owned(), Value::Text(decode(base)?))],
        _ => return Err(malformed()),
    };
    if matches!(&*scheme, "rediss" | "valkeys") {
        entries.push(("ssl".to_owned(), Value::Bool(true)));
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        entries.push(parse_setting(pair)?);
    }
    Ok(entries)
}

/// Host, user, password and database.
fn read_base(base: &str) -> Result<Entries, OptionError> {
    let (authority, path) = base.split_at(base.find('/').unwrap_or(base.len()));
    if path.contains('@') {
        return Err(malformed());
    }
    let (credentials, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let host = if host.is_empty() { "localhost" } else { host };
    let at = if credentials.is_empty() { "" } else { "@" };
    let credentials = credentials.replace('@', "%40");
    let info = read_url(&format!("redis://{credentials}{at}{host}{path}"))?;
    let ConnectionAddr::Tcp(host, port) = info.addr() else { return Err(malformed()) };
    let text = |key: &str, text: &str| (key.to_owned(), Value::Text(text.to_owned()));
    let mut entries = vec![text("host", host), text("port", &port.to_string())];
    let settings = info.redis_settings();
    entries.extend(settings.username().filter(|user| !user.is_empty()).map(|it| text("user", it)));
    entries.extend(settings.password().map(|password| text("password", password)));
    if path.len() > 1 {
        entries.push(text("database", &settings.db().to_string()));
    }
    Ok(entries)
}

fn read_url(url: &str) -> Result<ConnectionInfo, OptionError> {
    url.into_connection_info().map_err(|_| malformed())
}

fn parse_setting(pair: &str) -> Result<(String, Value), OptionError> {
    let (key, value) = pair.split_once('=').ok_or_else(malformed)?;
    let (key, value) = (decode(key)?, decode(value)?);
    let socket = OF_SOCKETS.iter().find(|(known, _)| *known == key);
    let key = socket.map_or(&*key, |(_, canonical)| *canonical);
    if !KEYS.contains(&key) || canonical(key) == "connectionString" {
        return Err(OptionError::unknown(key, KEYS.iter().copied()));
    }
    Ok((canonical(key).to_owned(), Value::Text(value)))
}

fn decode(text: &str) -> Result<String, OptionError> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| malformed())?;
    Ok(decoded.into_owned())
}

fn malformed() -> OptionError {
    OptionError::bound(
        "connectionString",
        "a URL such as redis://user@host:6379/0, or unix:///run/redis.sock",
        "something that cannot be read as one",
    )
}
