//! Where and as whom to connect, from options, connection URL and PG* environment.
//!
//! An explicit option wins over the URL, the URL over the environment, that over the default.

use super::binding::{self, ChannelBinding};
use super::given::{Given, MS_MAX, alternatives, kind, shown, whole};
use super::ssl;
use super::tls::Ssl;
use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::settings::Settings;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Every option of this engine, for the search of the nearest name.
pub const KEYS: &[&str] = &[
    "connectionString",
    "url",
    "host",
    "port",
    "user",
    "username",
    "password",
    "passfile",
    "database",
    "dbname",
    "applicationName",
    "application_name",
    "options",
    "connect_timeout",
    "keepalive",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcpUserTimeoutMs",
    "tcp_user_timeout",
    "allowCleartextPassword",
    "ssl",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "channel_binding",
    "client_encoding",
    "gssencmode",
    "sslnegotiation",
    "target_session_attrs",
    "stream",
];

/// libpq's settings that URLs often carry, with the values that ask for nothing we lack.
const CHOICES: [(&str, &[&str]); 3] = [
    ("client_encoding", &["UTF8", "utf8", "UTF-8", "utf-8", "auto"]),
    ("gssencmode", &["prefer", "disable"]),
    ("target_session_attrs", &["any"]),
];

pub(super) const ENVIRONMENT: [(&str, &str); 15] = [
    ("PGHOST", "host"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGDATABASE", "database"),
    ("PGAPPNAME", "applicationName"),
    ("PGOPTIONS", "options"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGPASSFILE", "passfile"),
];

/// The spelling under which a setting is looked up.
pub(super) fn canonical(key: &str) -> &str {
    match key {
        "url" => "connectionString",
        "username" => "user",
        "dbname" => "database",
        "application_name" => "applicationName",
        "keepalives" => "keepalive",
        "tcp_user_timeout" => "tcpUserTimeoutMs",
        other => other,
    }
}

/// One place where a server may listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Tcp {
        host: String,
        port: u16,
    },
    /// The socket itself, not its directory.
    Unix {
        path: PathBuf,
    },
}

impl Endpoint {
    /// A unix socket or a loopback address by its usual names; looks nothing up.
    pub fn is_local(&self) -> bool {
        match self {
            Endpoint::Unix { .. } => true,
            Endpoint::Tcp { host, .. } => {
                let address = host.parse::<std::net::IpAddr>();
                host == "localhost" || address.is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Endpoint::Tcp { host, port } => write!(f, "{host}:{port}"),
            Endpoint::Unix { path } => write!(f, "{}", path.display()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    pub idle: Duration,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
}

pub struct Target {
    /// Tried in turn; never empty.
    pub endpoints: Vec<Endpoint>,
    pub user: String,
    pub password: Option<String>,
    /// Where to look for the password when there is none.
    pub passfile: Option<PathBuf>,
    pub channel_binding: ChannelBinding,
    pub database: String,
    pub application_name: Option<String>,
    pub options: Option<String>,
    pub ssl: Ssl,
    /// libpq's bound on one address, apart from the pool's `connectTimeoutMs` over all.
    pub connect_timeout: Option<Duration>,
    pub keepalive: Option<Keepalive>,
    pub tcp_user_timeout: Option<Duration>,
    pub allow_cleartext_password: bool,
    /// Transports are made by JavaScript: option `stream`, or TLS that rustls has no options for.
    pub bridged: bool,
    /// A pooler has refused the pins of the handshake: do not ask it again each time.
    pins_refused: AtomicBool,
}

impl Target {
    /// `os_user` is the system's name for the user, the last resort as with libpq.
    pub fn parse(
        entries: Vec<(String, Value)>,
        environment: &BTreeMap<String, String>,
        os_user: Option<&str>,
    ) -> Result<Target, OptionError> {
        let given = Given::collect(entries, environment)?;
        for (key, accepted) in CHOICES {
            check_choice(&given, key, accepted)?;
        }
        let user = given.text("user")?.or(os_user);
        let Some(user) = user.filter(|user| !user.is_empty()) else {
            return Err(OptionError::bound("user", "the name of a role", "none"));
        };
        let channel_binding = binding::read(&given)?;
        Ok(Target {
            endpoints: endpoints(&given)?,
            user: user.to_owned(),
            password: password(&given)?,
            passfile: given.text("passfile")?.map(PathBuf::from),
            channel_binding,
            database: given.text("database")?.unwrap_or(user).to_owned(),
            application_name: given.text("applicationName")?.map(str::to_owned),
            options: given.text("options")?.map(str::to_owned),
            ssl: ssl::read(&given, channel_binding)?,
            connect_timeout: given.seconds("connect_timeout")?,
            keepalive: keepalive(&given)?,
            tcp_user_timeout: match given.whole("tcpUserTimeoutMs", 0, MS_MAX)? {
                None => Some(Duration::from_secs(30)),
                Some(ms) => Some(ms).filter(|&ms| ms > 0).map(Duration::from_millis),
            },
            allow_cleartext_password: given.flag("allowCleartextPassword")?.unwrap_or(false),
            bridged: bridged(&given)?,
            pins_refused: AtomicBool::new(false),
        })
    }

    /// What `parse` would read, by canonical name, defaults of the target filled in.
    pub fn settings(
        entries: Vec<(String, Value)>,
        environment: &BTreeMap<String, String>,
        os_user: Option<&str>,
    ) -> Result<Settings, OptionError> {
        let mut settings = Given::collect(entries, environment)?.settings();
        let text = |text: &str| Value::Text(text.to_owned());
        let user = settings.get("user").cloned();
        let user = user.unwrap_or_else(|| text(os_user.unwrap_or_default()));
        let defaults = [
            ("host", text("localhost")),
            ("port", text("5432")),
            ("database", user.clone()),
            ("user", user),
        ];
        for (name, default) in defaults {
            if settings.get(name).is_none() {
                settings.set(name, default, true);
            }
        }
        Ok(settings)
    }

    pub(super) fn asks_for_pins(&self) -> bool {
        !self.pins_refused.load(Ordering::Relaxed)
    }

    pub(super) fn forgo_pins(&self) {
        self.pins_refused.store(true, Ordering::Relaxed);
    }
}

/// Says all but what is secret: password, and the key inside `ssl`.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.endpoints.iter().map(|e| e.to_string()).collect();
        f.debug_struct("Target")
            .field("endpoints", &endpoints)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("application_name", &self.application_name)
            .field("options", &self.options)
            .field("ssl", &self.ssl.mode)
            .finish_non_exhaustive()
    }
}

/// A function is no text yet: it is asked at each connect, by the driver. An empty password is
/// none, as with libpq: servers refuse it anyway.
fn password(given: &Given) -> Result<Option<String>, OptionError> {
    match given.ranked("password") {
        Some((0, Value::Function)) => Ok(None),
        None | Some((_, Value::Text(_))) => {
            Ok(given.text("password")?.filter(|text| !text.is_empty()).map(str::to_owned))
        }
        Some((_, value)) => {
            Err(OptionError::bound("password", "a text or a function", kind(value)))
        }
    }
}

fn check_choice(given: &Given, key: &str, accepted: &[&str]) -> Result<(), OptionError> {
    match given.ranked(key) {
        None => Ok(()),
        Some((_, Value::Text(text))) if accepted.contains(&text.as_str()) => Ok(()),
        Some((_, value)) => Err(OptionError::bound(key, &alternatives(accepted), &shown(value))),
    }
}

fn bridged(given: &Given) -> Result<bool, OptionError> {
    match given.ranked("stream") {
        None => Ok(false),
        Some((_, Value::Function)) => Ok(true),
        Some((_, value)) => {
            let expected = "a function that makes a Duplex for each connection";
            Err(OptionError::bound("stream", expected, &shown(value)))
        }
    }
}

fn keepalive(given: &Given) -> Result<Option<Keepalive>, OptionError> {
    let keepalive = Keepalive {
        // The system's two hours are longer than what firewalls and load balancers remember.
        idle: given.seconds("keepalives_idle")?.unwrap_or(Duration::from_secs(60)),
        interval: given.seconds("keepalives_interval")?,
        count: given.whole("keepalives_count", 0, 127)?.map(|n| n as u32).filter(|&n| n > 0),
    };
    Ok(given.flag("keepalive")?.unwrap_or(true).then_some(keepalive))
}

/// Hosts and ports are lists with commas, as in libpq: one port for all, or one for each.
fn endpoints(given: &Given) -> Result<Vec<Endpoint>, OptionError> {
    let hosts: Vec<_> = given.text("host")?.unwrap_or("localhost").split(',').collect();
    let ports = ports(given)?;
    if ports.len() != 1 && ports.len() != hosts.len() {
        let expected = format!("one port or as many as there are hosts ({})", hosts.len());
        return Err(OptionError::bound("port", &expected, &ports.len().to_string()));
    }
    let ports = ports.iter().cycle();
    Ok(hosts
        .iter()
        .zip(ports)
        .map(|(host, &port)| match host.trim() {
            "" => Endpoint::Tcp { host: "localhost".to_owned(), port },
            host if host.starts_with('/') => {
                Endpoint::Unix { path: PathBuf::from(host).join(format!(".s.PGSQL.{port}")) }
            }
            host => Endpoint::Tcp { host: host.to_owned(), port },
        })
        .collect())
}

fn ports(given: &Given) -> Result<Vec<u16>, OptionError> {
    let Some((_, value)) = given.ranked("port") else { return Ok(vec![5432]) };
    let ports: Option<Vec<u16>> = match value {
        Value::Text(text) => text
            .split(',')
            .map(|port| if port.is_empty() { Ok(5432) } else { port.trim().parse() })
            .collect::<Result<_, _>>()
            .ok(),
        other => whole(other).and_then(|port| u16::try_from(port).ok()).map(|port| vec![port]),
    };
    ports
        .filter(|ports| !ports.contains(&0))
        .ok_or_else(|| OptionError::bound("port", "an integer from 1 to 65535", &shown(value)))
}

#[cfg(test)]
#[path = "tests/config.rs"]
mod tests;
