//! Where and as whom to connect, from options and connection URL. No variable of the environment
//! is read: an explicit option wins over the URL, that over the default.

use super::login::Login;
use super::{ssl, url};
use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::net::endpoints::read_route;
use crate::engine::net::given::{Given, Names, check_choice, password};
use crate::engine::net::route::Route;
use crate::engine::settings::Settings;
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
    "db",
    "ssl",
    "protocol",
    "applicationName",
    "keepalive",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcpUserTimeoutMs",
    "load_balance_hosts",
    "stream",
];

/// What only replacements of drivers say, and no user has to know.
pub const INTERNAL: &[&str] = &["attemptTimeoutMs"];

/// How this engine's settings are read.
pub(super) static NAMES: Names =
    Names { keys: KEYS, internal: INTERNAL, environment: &[], canonical, parse_url: url::parse };

const PORT: u16 = 6379;

/// Beyond what any server is configured to have.
const DATABASE_MAX: u64 = i32::MAX as u64;

/// The spelling under which a setting is looked up.
pub(super) fn canonical(key: &str) -> &str {
    match key {
        "url" => "connectionString",
        "username" => "user",
        "db" => "database",
        other => other,
    }
}

pub struct Target {
    pub route: Route,
    pub login: Login,
    /// HELLO 3 is tried.
    pub resp3: bool,
}

impl Target {
    pub fn parse(entries: Vec<(String, Value)>) -> Result<Target, OptionError> {
        let given = Given::of(&NAMES, entries)?;
        check_choice(&given, "load_balance_hosts", &["disable", "random"])?;
        let text =
            |key| given.text(key).map(|it| it.filter(|it| !it.is_empty()).map(str::to_owned));
        let name = text("applicationName")?;
        if name.as_deref().is_some_and(|name| !name.bytes().all(|byte| byte.is_ascii_graphic())) {
            let expected = "ASCII without blanks, as CLIENT SETNAME wants it";
            return Err(OptionError::bound("applicationName", expected, "something else"));
        }
        let route = read_route(&given, PORT, ssl::read)?;
        let asks_role = route.endpoints.len() > 1;
        Ok(Target {
            route,
            login: Login {
                user: text("user")?,
                password: password(&given)?,
                name,
                database: given.whole("database", 0, DATABASE_MAX)?.unwrap_or(0) as u32,
                has_reset: true,
                asks_role,
            },
            resp3: given.whole("protocol", 2, 3)?.is_none_or(|version| version == 3),
        })
    }

    /// What `parse` would read, by canonical name, defaults of the target filled in.
    pub fn settings(entries: Vec<(String, Value)>) -> Result<Settings, OptionError> {
        let given = Given::collect(&NAMES, entries, &BTreeMap::new())?;
        let mut settings = given.settings();
        settings.fill(&[("host", "localhost"), ("port", &PORT.to_string()), ("database", "0")]);
        Ok(settings)
    }
}

/// Says all but what is secret: password, and the key inside `ssl`.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.route.endpoints.iter().map(|e| e.to_string()).collect();
        f.debug_struct("Target")
            .field("endpoints", &endpoints)
            .field("user", &self.login.user)
            .field("database", &self.login.database)
            .field("ssl", &self.route.ssl.mode)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests/config.rs"]
mod tests;
