//! The options about TLS: `ssl` as Node programs write it, or a `rediss:` URL.

use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::net::given::Given;
use crate::engine::net::ssl::{mode_of_ssl, read_fields};
use crate::engine::net::tls::{Dialect, Ssl, SslMode};

/// How Redis's users know TLS: it is there from the first byte, or not at all.
static DIALECT: Dialect = Dialect {
    alpn: b"",
    unchecked: "ssl.rejectUnauthorized: false takes it unchecked",
    authority: "option 'ssl.ca'",
    any_name: "ssl.checkServerIdentity",
    identity: "options 'ssl.cert' and 'ssl.key'",
    certificate: "option 'ssl.cert'",
    no_direct: "the server does not take TLS from the first byte",
};

/// A `rediss:` URL says `ssl: true`; as everywhere, an explicit option is stronger.
pub(super) fn read(given: &Given) -> Result<Ssl, OptionError> {
    let mut result = Ssl::new(&DIALECT);
    let ssl = given.ranked("ssl").map(|(_, value)| value);
    if let Some(Value::Object(fields)) = ssl {
        read_fields(fields, &mut result)?;
    }
    result.mode = ssl.map_or(Ok(SslMode::Disable), mode_of_ssl)?;
    Ok(result)
}
