//! Where and as whom to connect, from options and connection URL. No variable of the environment
//! is read: an explicit option wins over the URL, that over the default.

use super::hello::{COLLATION, Compression};
use super::key::ServerKey;
use super::{ssl, url};
use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::net::endpoints::read_route;
use crate::engine::net::given::{
    Given, MS_MAX, Names, alternatives, check_choice, kind, password, shown,
};
use crate::engine::net::route::Route;
use crate::engine::settings::Settings;
use mysql_common::constants::CapabilityFlags;
use std::collections::BTreeMap;
use std::fmt;

/// Every option of this engine, for the search of the nearest name.
pub const KEYS: &[&str] = &[
    "connectionString",
    "url",
    "host",
    "port",
    "socketPath",
    "user",
    "username",
    "password",
    "database",
    "charset",
    "collation",
    "timezone",
    "ssl",
    "sslmode",
    "ssl-mode",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "compress",
    "multipleStatements",
    "localInfile",
    "connectAttributes",
    "applicationName",
    "allowPublicKeyRetrieval",
    "serverPublicKey",
    "allowCleartextPassword",
    "keepalive",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcpUserTimeoutMs",
    "load_balance_hosts",
    "stream",
];

/// What only replacements of drivers say, and no user has to know: a number of a collation for the
/// handshake, and capabilities by their bits beyond those that every session has.
pub const INTERNAL: &[&str] =
    &["attemptTimeoutMs", "handshakeCollation", "clientFlags", "callerLogsIn"];

/// How this engine's settings are read.
pub(super) static NAMES: Names =
    Names { keys: KEYS, internal: INTERNAL, environment: &[], canonical, parse_url: url::parse };

const CHOICES: [(&str, &[&str]); 2] =
    [("charset", &["utf8mb4"]), ("load_balance_hosts", &["disable", "random"])];

const COMPRESSIONS: [(&str, Compression); 6] = [
    ("zlib", Compression::Zlib),
    ("zstd", Compression::Zstd),
    ("true", Compression::Any),
    ("1", Compression::Any),
    ("false", Compression::Off),
    ("0", Compression::Off),
];

const PORT: u16 = 3306;

/// The spelling under which a setting is looked up.
pub(super) fn canonical(key: &str) -> &str {
    match key {
        "url" => "connectionString",
        "username" => "user",
        "ssl-mode" => "sslmode",
        other => other,
    }
}

pub struct Target {
    pub route: Route,
    pub user: String,
    pub password: Option<String>,
    pub database: Option<String>,
    pub attributes: Vec<(String, String)>,
    pub flags: CapabilityFlags,
    /// A session that its caller steers: those are all, and so are the attributes.
    pub exact: bool,
    /// Such a session's caller logs in itself.
    pub defers_login: bool,
    pub compression: Compression,
    pub collation: u8,
    pub any_key: bool,
    pub key: Option<ServerKey>,
    pub allow_cleartext_password: bool,
    /// The statement that pins what values depend on; none for a session that its caller steers.
    pub pins: Option<String>,
}

impl Target {
    /// `os_user` is the system's name for the user, the last resort as with MySQL's programs.
    pub fn parse(
        entries: Vec<(String, Value)>,
        os_user: Option<&str>,
    ) -> Result<Target, OptionError> {
        let given = Given::of(&NAMES, entries)?;
        for (key, accepted) in CHOICES {
            check_choice(&given, key, accepted)?;
        }
        let user = given.text("user")?.or(os_user);
        let steered = given.ranked("clientFlags").is_some();
        let Some(user) = user.filter(|user| steered || !user.is_empty()) else {
            return Err(OptionError::bound("user", "the name of an account", "none"));
        };
        Ok(Target {
            route: read_route(&given, PORT, ssl::read)?,
            user: user.to_owned(),
            password: password(&given)?,
            database: given.text("database")?.filter(|it| !it.is_empty()).map(str::to_owned),
            attributes: attributes(&given)?,
            flags: flags(&given)?,
            exact: false,
            defers_login: given.flag("callerLogsIn")?.unwrap_or(false),
            compression: compression(&given)?,
            collation: given
                .whole("handshakeCollation", 1, 255)?
                .map_or(COLLATION as u8, |number| number as u8),
            any_key: given.flag("allowPublicKeyRetrieval")?.unwrap_or(false),
            key: server_key(&given)?,
            allow_cleartext_password: given.flag("allowCleartextPassword")?.unwrap_or(false),
            pins: Some(pins(&given)?),
        })
    }

    /// What `parse` would read, by canonical name, defaults of the target filled in.
    pub fn settings(
        entries: Vec<(String, Value)>,
        os_user: Option<&str>,
    ) -> Result<Settings, OptionError> {
        let given = Given::collect(&NAMES, entries, &BTreeMap::new())?;
        let mut settings = given.settings();
        let user = os_user.unwrap_or_default();
        settings.fill(&[("host", "localhost"), ("port", &PORT.to_string()), ("user", user)]);
        Ok(settings)
    }
}

/// Says all but what is secret: password, and the key inside `ssl`.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.route.endpoints.iter().map(|e| e.to_string()).collect();
        f.debug_struct("Target")
            .field("endpoints", &endpoints)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("ssl", &self.route.ssl.mode)
            .finish_non_exhaustive()
    }
}

/// What the server shows of its clients (`performance_schema.session_connect_attrs`).
fn attributes(given: &Given) -> Result<Vec<(String, String)>, OptionError> {
    /// The servers' own bound on all of them is 64 KiB.
    const LENGTH_MAX: usize = 16 * 1024;
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut all = vec![
        own("_client_name", env!("CARGO_PKG_NAME")),
        own("_client_version", env!("CARGO_PKG_VERSION")),
        own("_os", std::env::consts::OS),
        own("_pid", &std::process::id().to_string()),
    ];
    if let Some(name) = given.text("applicationName")? {
        all.push(own("program_name", name));
    }
    let fields = match given.ranked("connectAttributes") {
        None => &[][..],
        Some((_, Value::Object(fields))) => fields,
        Some((_, Value::Bool(false))) => return Ok(Vec::new()),
        Some((_, other)) => {
            let expected = "an object of texts, or false for none at all";
            return Err(OptionError::bound("connectAttributes", expected, kind(other)));
        }
    };
    for (name, value) in fields {
        let Value::Text(value) = value else {
            let option = format!("connectAttributes.{name}");
            return Err(OptionError::bound(&option, "a text", kind(value)));
        };
        all.retain(|(known, _)| known != name);
        all.push((name.clone(), value.clone()));
    }
    let length: usize = all.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    if length > LENGTH_MAX {
        let expected = format!("at most {LENGTH_MAX} bytes in all");
        return Err(OptionError::bound("connectAttributes", &expected, &length.to_string()));
    }
    Ok(all)
}

/// Rows that an UPDATE has found count, whether it changed them or not, as with other engines.
fn flags(given: &Given) -> Result<CapabilityFlags, OptionError> {
    let mut flags = match given.whole("clientFlags", 0, MS_MAX)? {
        Some(bits) => CapabilityFlags::from_bits_truncate(bits as u32),
        None => CapabilityFlags::CLIENT_FOUND_ROWS,
    };
    let options = [
        ("multipleStatements", CapabilityFlags::CLIENT_MULTI_STATEMENTS),
        ("localInfile", CapabilityFlags::CLIENT_LOCAL_FILES),
    ];
    for (key, flag) in options {
        if let Some(on) = given.flag(key)? {
            flags.set(flag, on);
        }
    }
    Ok(flags)
}

fn compression(given: &Given) -> Result<Compression, OptionError> {
    let Some((_, value)) = given.ranked("compress") else { return Ok(Compression::Off) };
    let name = match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Text(text) => text.clone(),
        _ => String::new(),
    };
    let found = COMPRESSIONS.iter().find(|(known, _)| **known == name);
    found.map(|(_, compression)| *compression).ok_or_else(|| {
        let expected = format!("true, false, {}", alternatives(&["zlib", "zstd"]));
        OptionError::bound("compress", &expected, &shown(value))
    })
}

fn server_key(given: &Given) -> Result<Option<ServerKey>, OptionError> {
    let Some(pem) = given.text("serverPublicKey")? else { return Ok(None) };
    let expected = "an RSA key in PEM form (BEGIN PUBLIC KEY)";
    let key = ServerKey::parse(pem.as_bytes());
    key.map(Some).ok_or_else(|| OptionError::bound("serverPublicKey", expected, "something else"))
}

/// What the texts of values depend on. The character set is utf8mb4 from the handshake on, and said
/// once more since a reset goes back to the server's; without a collation it is the server's own.
fn pins(given: &Given) -> Result<String, OptionError> {
    let zone = time_zone(given)?;
    Ok(match given.text("collation")? {
        None => format!("SET NAMES utf8mb4, time_zone='{zone}'"),
        Some(name) if is_name(name) => {
            format!("SET NAMES utf8mb4 COLLATE '{name}', time_zone='{zone}'")
        }
        Some(name) => {
            let expected = "the name of a collation of utf8mb4";
            return Err(OptionError::bound("collation", expected, &format!("'{name}'")));
        }
    })
}

fn is_name(text: &str) -> bool {
    text.starts_with("utf8mb4_")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The zone in which the session tells TIMESTAMPs. Dates are read as UTC's, so it is that one.
fn time_zone(given: &Given) -> Result<&'static str, OptionError> {
    check_choice(given, "timezone", &["Z", "+00:00", "UTC", "utc"])?;
    Ok("+00:00")
}

#[cfg(test)]
#[path = "tests/config.rs"]
mod tests;
