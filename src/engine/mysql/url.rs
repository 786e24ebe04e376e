//! Connection strings: `mysql://user:secret@host:3306/database?charset=utf8mb4`. `mysql_async::Opts`
//! reads the part of a URL before the `?`; settings are read here, since that crate has others.

use super::config::{KEYS, canonical};
use crate::core::error::OptionError;
use crate::core::options::Value;
use mysql_async::Opts;
use percent_encoding::percent_decode_str;

type Entries = Vec<(String, Value)>;

/// Schemes, all of which mean the same.
pub const SCHEMES: [&str; 2] = ["mysql", "mariadb"];

/// Settings under their canonical names. No error quotes the string: it may hold a password.
pub(super) fn parse(text: &str) -> Result<Entries, OptionError> {
    let (scheme, rest) = text.split_once("://").ok_or_else(malformed)?;
    if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(malformed());
    }
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = base.split_at(base.find('/').unwrap_or(base.len()));
    let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    // A sign of a password that holds one without having encoded it: as a database's name, or cut
    // off, it would lead elsewhere or be shown to everybody.
    if path.contains('@') || rest.contains('#') {
        return Err(malformed());
    }
    let mut entries = read_base(credentials, path)?;
    if !hosts.is_empty() {
        entries.extend(read_hosts(hosts)?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        entries.push(parse_setting(pair)?);
    }
    Ok(entries)
}

/// User, password and database.
fn read_base(credentials: &str, path: &str) -> Result<Entries, OptionError> {
    let credentials = credentials.replace('@', "%40");
    let at = if credentials.is_empty() { "" } else { "@" };
    let opts = options(&format!("{credentials}{at}localhost{path}"))?;
    let found = [("user", opts.user()), ("password", opts.pass()), ("database", opts.db_name())];
    let given = found.into_iter().filter_map(|(key, value)| Some((key, value?)));
    Ok(given.map(|(key, value)| (key.to_owned(), Value::Text(value.to_owned()))).collect())
}

/// `host`, `host:3306`, `[::1]:3306` or, percent-encoded, the path of a socket; a list with commas.
fn read_hosts(hosts: &str) -> Result<Entries, OptionError> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        let opts = options(host)?;
        let name = opts.ip_or_hostname();
        let name = name.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(name);
        names.push(percent_decode_str(name).decode_utf8().map_err(|_| malformed())?.into_owned());
        ports.push(opts.tcp_port().to_string());
    }
    let list = |key: &str, items: Vec<String>| (key.to_owned(), Value::Text(items.join(",")));
    Ok(vec![list("host", names), list("port", ports)])
}

fn options(base: &str) -> Result<Opts, OptionError> {
    Opts::from_url(&format!("mysql://{base}")).map_err(|_| malformed())
}

fn parse_setting(pair: &str) -> Result<(String, Value), OptionError> {
    let (key, value) = pair.split_once('=').ok_or_else(malformed)?;
    let key = percent_decode_str(key).decode_utf8().map_err(|_| malformed())?;
    let value = percent_decode_str(value).decode_utf8().map_err(|_| malformed())?;
    if !KEYS.contains(&&*key) || canonical(&key) == "connectionString" {
        return Err(OptionError::unknown(&key, KEYS.iter().copied()));
    }
    Ok((canonical(&key).to_owned(), Value::Text(value.into_owned())))
}

fn malformed() -> OptionError {
    OptionError::bound(
        "connectionString",
        "a URL such as mysql://user@host:3306/database",
        "something that cannot be read as one",
    )
}
