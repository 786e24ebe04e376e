//! Where and as whom to connect, from options, connection URL and PG* environment.
//!
//! An explicit option wins over the URL, the URL over the environment, that over the default.

use super::binding::{self, ChannelBinding};
use super::role::{WANTED, Wanted};
use super::{ssl, url};
use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::net::address::Endpoint;
use crate::engine::net::given::{Given, MS_MAX, Names, check_choice, password, shown, whole};
use crate::engine::net::route::{Route, read_bridged, read_keepalive, read_user_timeout};
use crate::engine::settings::Settings;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
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
    "scramMaxIterations",
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
    "hostaddr",
    "load_balance_hosts",
    "replicas",
];

/// What only replacements of drivers say, and no user has to know.
pub const INTERNAL: &[&str] = &["sendEmptyPassword", "attemptTimeoutMs"];

/// libpq's settings that URLs often carry, with the values that ask for nothing we lack.
const CHOICES: [(&str, &[&str]); 3] = [
    ("client_encoding", &["UTF8", "utf8", "UTF-8", "utf-8", "auto"]),
    ("gssencmode", &["prefer", "disable"]),
    ("load_balance_hosts", &["disable", "random"]),
];

/// How this engine's settings are read.
pub(super) static NAMES: Names = Names {
    keys: KEYS,
    internal: INTERNAL,
    environment: &ENVIRONMENT,
    canonical,
    parse_url: url::parse,
};

const ENVIRONMENT: [(&str, &str); 18] = [
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
    ("PGHOSTADDR", "hostaddr"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
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

pub struct Target {
    pub route: Route,
    /// `target_session_attrs`.
    pub wanted: Wanted,
    pub user: String,
    pub password: Option<String>,
    /// Where to look for the password when there is none.
    pub passfile: Option<PathBuf>,
    pub channel_binding: ChannelBinding,
    pub database: String,
    pub application_name: Option<String>,
    pub options: Option<String>,
    pub allow_cleartext_password: bool,
    /// Without a password an empty one is sent, where the method allows it.
    pub sends_no_password: bool,
    pub scram_iterations_max: Option<u32>,
    /// Of a session that its caller steers: see `Surroundings`.
    pub startup: Option<Vec<(String, String)>>,
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
        Target::read(&Given::collect(&NAMES, entries, environment)?, os_user)
    }

    pub(super) fn read(given: &Given, os_user: Option<&str>) -> Result<Target, OptionError> {
        for (key, accepted) in CHOICES {
            check_choice(given, key, accepted)?;
        }
        let user = given.text("user")?.or(os_user);
        let Some(user) = user.filter(|user| !user.is_empty()) else {
            return Err(OptionError::bound("user", "the name of a role", "none"));
        };
        let channel_binding = binding::read(given)?;
        Ok(Target {
            route: route(given, channel_binding)?,
            wanted: wanted(given)?,
            user: user.to_owned(),
            password: password(given)?,
            passfile: given.text("passfile")?.map(PathBuf::from),
            channel_binding,
            database: given.text("database")?.unwrap_or(user).to_owned(),
            application_name: given.text("applicationName")?.map(str::to_owned),
            options: given.text("options")?.map(str::to_owned),
            allow_cleartext_password: given.flag("allowCleartextPassword")?.unwrap_or(false),
            sends_no_password: given.flag("sendEmptyPassword")?.unwrap_or(false),
            scram_iterations_max: iterations_max(given)?,
            startup: None,
            pins_refused: AtomicBool::new(false),
        })
    }

    /// What `parse` would read, by canonical name, defaults of the target filled in.
    pub fn settings(
        entries: Vec<(String, Value)>,
        environment: &BTreeMap<String, String>,
        os_user: Option<&str>,
    ) -> Result<Settings, OptionError> {
        let mut settings = Given::collect(&NAMES, entries, environment)?.settings();
        let user = os_user.unwrap_or_default();
        settings.fill(&[("host", "localhost"), ("port", "5432"), ("user", user)]);
        if let (None, Some(user)) = (settings.get("database"), settings.get("user").cloned()) {
            settings.set("database", user, true);
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
        let endpoints: Vec<_> = self.route.endpoints.iter().map(|e| e.to_string()).collect();
        f.debug_struct("Target")
            .field("endpoints", &endpoints)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("application_name", &self.application_name)
            .field("options", &self.options)
            .field("ssl", &self.route.ssl.mode)
            .finish_non_exhaustive()
    }
}

fn route(given: &Given, binding: ChannelBinding) -> Result<Route, OptionError> {
    Ok(Route {
        endpoints: endpoints(given)?,
        shuffles: given.text("load_balance_hosts")? == Some("random"),
        ssl: ssl::read(given, binding)?,
        connect_timeout: given.seconds("connect_timeout")?,
        keepalive: read_keepalive(given)?,
        tcp_user_timeout: read_user_timeout(given)?,
        attempt_timeout: given.whole("attemptTimeoutMs", 1, MS_MAX)?.map(Duration::from_millis),
        bridged: read_bridged(given)?,
    })
}

/// 0 is "no bound", as it is without the option.
fn iterations_max(given: &Given) -> Result<Option<u32>, OptionError> {
    let most = given.whole("scramMaxIterations", 0, MS_MAX)?;
    Ok(most.and_then(|most| u32::try_from(most).ok()).filter(|&most| most > 0))
}

fn wanted(given: &Given) -> Result<Wanted, OptionError> {
    let names = WANTED.map(|(name, _)| name);
    check_choice(given, "target_session_attrs", &names)?;
    let name = given.text("target_session_attrs")?;
    let found = WANTED.iter().find(|(known, _)| Some(*known) == name);
    Ok(found.map_or(Wanted::Any, |(_, wanted)| *wanted))
}

/// Hosts, their addresses and ports are lists with commas, as in libpq: one port for all, or one
/// for each.
pub(super) fn endpoints(given: &Given) -> Result<Vec<Endpoint>, OptionError> {
    let addresses = host_addresses(given)?;
    let (host_rank, hosts) = match given.ranked("host") {
        Some((rank, _)) => (rank, given.text("host")?),
        None => (usize::MAX, None),
    };
    // A host of a stronger source is not to be led elsewhere by PGHOSTADDR.
    let addresses = addresses.filter(|(rank, _)| *rank <= host_rank).map(|(_, list)| list);
    let named: Vec<&str> = match (hosts, &addresses) {
        (Some(hosts), _) => hosts.split(',').map(str::trim).collect(),
        (None, Some(addresses)) => vec![""; addresses.len()],
        (None, None) => vec!["localhost"],
    };
    let count = named.len();
    if addresses.as_ref().is_some_and(|addresses| addresses.len() != count) {
        let expected = format!("as many addresses as there are hosts ({count})");
        let given = addresses.map_or(0, |addresses| addresses.len()).to_string();
        return Err(OptionError::bound("hostaddr", &expected, &given));
    }
    let ports = ports(given)?;
    if ports.len() != 1 && ports.len() != count {
        let expected = format!("one port or as many as there are hosts ({count})");
        return Err(OptionError::bound("port", &expected, &ports.len().to_string()));
    }
    let addresses = addresses.unwrap_or_else(|| vec![None; count]);
    let all = named.into_iter().zip(addresses).zip(ports.iter().cycle());
    Ok(all.map(|((host, address), &port)| endpoint(host, address, port)).collect())
}

fn endpoint(host: &str, address: Option<IpAddr>, port: u16) -> Endpoint {
    match (host, address) {
        ("", None) => Endpoint::Tcp { host: "localhost".to_owned(), port, address },
        ("", Some(numeric)) => Endpoint::Tcp { host: numeric.to_string(), port, address },
        (path, None) if path.starts_with('/') => {
            Endpoint::Unix { path: PathBuf::from(path).join(format!(".s.PGSQL.{port}")) }
        }
        (host, address) => Endpoint::Tcp { host: host.to_owned(), port, address },
    }
}

type Ranked<T> = Option<(usize, T)>;

/// With the strength of their source.
fn host_addresses(given: &Given) -> Result<Ranked<Vec<Option<IpAddr>>>, OptionError> {
    let Some(text) = given.text("hostaddr")? else { return Ok(None) };
    let address = |text: &str| match text.trim() {
        "" => Some(None),
        numeric => numeric.parse().ok().map(Some),
    };
    let list: Option<Vec<_>> = text.split(',').map(address).collect();
    let rank = given.ranked("hostaddr").map_or(0, |(rank, _)| rank);
    match list {
        Some(list) => Ok(Some((rank, list))),
        None => {
            let shown = shown(&Value::Text(text.to_owned()));
            Err(OptionError::bound("hostaddr", "numeric addresses such as 10.0.0.5", &shown))
        }
    }
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
