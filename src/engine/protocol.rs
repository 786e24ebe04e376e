//! Which protocol a pool speaks: by option `engine`, else by the scheme of its URL.

use super::mysql::config as mysql;
use super::mysql::connector::MySql;
use super::pool::Surroundings;
use super::postgres::adapter::Postgres;
use super::postgres::config as postgres;
use super::redis::config as redis;
use super::redis::connector::Redis;
use super::session::{Connector, Protocol};
use crate::core::error::OptionError;
use crate::core::options::{Options, Value};
use std::sync::Arc;

type Entries = Vec<(String, Value)>;
/// The target, and that of its replicas if there are any.
type Connectors = (Arc<dyn Connector>, Option<Arc<dyn Connector>>);

/// Values of option `engine`, which are schemes as well.
const NAMES: [(&str, Protocol); 9] = [
    ("postgres", Protocol::Postgres),
    ("postgresql", Protocol::Postgres),
    ("mysql", Protocol::MySql),
    ("mariadb", Protocol::MySql),
    ("redis", Protocol::Redis),
    ("rediss", Protocol::Redis),
    ("valkey", Protocol::Redis),
    ("valkeys", Protocol::Redis),
    ("unix", Protocol::Redis),
];

impl Protocol {
    /// Takes option `engine` off the others; PostgreSQL where nothing tells.
    pub fn choose(entries: Entries) -> Result<(Protocol, Entries), OptionError> {
        let (engine, rest): (Entries, Entries) =
            entries.into_iter().partition(|(key, _)| key == "engine");
        let by_url = rest.iter().rev().find_map(|(key, value)| match value {
            Value::Text(url) if matches!(key.as_str(), "url" | "connectionString") => {
                named(url.split_once("://")?.0)
            }
            _ => None,
        });
        let protocol = match engine.into_iter().next_back() {
            None | Some((_, Value::Null | Value::Other(_))) => by_url,
            Some((_, Value::Text(name))) if named(&name).is_some() => {
                check_scheme(named(&name), by_url, &name)?
            }
            Some((_, _)) => {
                let expected = "'postgres', 'postgresql', 'mysql', 'mariadb' or 'redis'";
                return Err(OptionError::bound("engine", expected, "something else"));
            }
        };
        Ok((protocol.unwrap_or(Protocol::Postgres), rest))
    }

    /// As JavaScript knows it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Postgres => "postgres",
            Protocol::MySql => "mysql",
            Protocol::Redis => "redis",
        }
    }

    /// What this engine takes beside the pool's own options.
    pub fn keys(self) -> Vec<&'static str> {
        match self {
            Protocol::Postgres => [postgres::KEYS, postgres::INTERNAL].concat(),
            Protocol::MySql => [mysql::KEYS, mysql::INTERNAL].concat(),
            Protocol::Redis => [redis::KEYS, redis::INTERNAL].concat(),
        }
    }

    pub fn connectors(
        self,
        entries: Entries,
        surroundings: &Surroundings,
        options: &Options,
    ) -> Result<Connectors, OptionError> {
        match self {
            Protocol::Postgres => {
                let (main, replicas) = Postgres::new(entries, surroundings, options)?;
                Ok((Arc::new(main), replicas.map(|it| Arc::new(it) as Arc<dyn Connector>)))
            }
            Protocol::MySql => Ok((Arc::new(MySql::new(entries, surroundings, options)?), None)),
            Protocol::Redis => Ok((Arc::new(Redis::new(entries, surroundings, options)?), None)),
        }
    }
}

fn named(scheme: &str) -> Option<Protocol> {
    let scheme = scheme.to_ascii_lowercase();
    NAMES.iter().find(|(name, _)| *name == scheme).map(|(_, protocol)| *protocol)
}

fn check_scheme(
    engine: Option<Protocol>,
    by_url: Option<Protocol>,
    name: &str,
) -> Result<Option<Protocol>, OptionError> {
    if by_url.is_some() && by_url != engine {
        let expected = "the engine that the scheme of the URL names, or left out";
        return Err(OptionError::bound("engine", expected, &format!("'{name}'")));
    }
    Ok(engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(entries: &[(&str, &str)]) -> Result<Protocol, OptionError> {
        let text =
            |(key, value): &(&str, &str)| ((*key).to_owned(), Value::Text((*value).to_owned()));
        let chosen = Protocol::choose(entries.iter().map(text).collect());
        chosen.map(|(protocol, rest)| {
            assert!(rest.iter().all(|(key, _)| key != "engine"));
            protocol
        })
    }

    #[test]
    fn option_or_scheme_name_the_engine() {
        assert_eq!(choose(&[]), Ok(Protocol::Postgres));
        assert_eq!(choose(&[("url", "MySQL://db")]), Ok(Protocol::MySql));
        assert_eq!(choose(&[("connectionString", "mariadb://db")]), Ok(Protocol::MySql));
        assert_eq!(choose(&[("engine", "mysql"), ("host", "db")]), Ok(Protocol::MySql));
        assert_eq!(choose(&[("url", "host=db user=mysql")]), Ok(Protocol::Postgres));
        let both = [("engine", "postgres"), ("url", "mysql://db")];
        assert_eq!(choose(&both).unwrap_err().option, "engine");
        assert_eq!(choose(&[("engine", "oracle")]).unwrap_err().option, "engine");
    }
}
