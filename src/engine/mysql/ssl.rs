//! The options about TLS: `ssl` as Node programs write it, `ssl-mode` and its kin as MySQL's own
//! programs do.

use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::net::given::Given;
use crate::engine::net::ssl::{Files, decides, mode_of_ssl, named_mode, read_fields, read_files};
use crate::engine::net::tls::{Dialect, Ssl, SslMode};

/// How MySQL's users know TLS. Nobody there takes it from the first byte.
static DIALECT: Dialect = Dialect {
    alpn: b"",
    unchecked: "sslmode 'required' without 'ssl-ca', or ssl.rejectUnauthorized: false, take it \
                unchecked",
    authority: "option 'ssl.ca' or 'ssl-ca'",
    any_name: "sslmode 'verify_ca'",
    identity: "options 'ssl.cert' and 'ssl.key' (or 'ssl-cert' and 'ssl-key')",
    certificate: "option 'ssl.cert' or 'ssl-cert'",
    no_direct: "the server does not take TLS from the first byte",
};

const MODES: [(&str, SslMode); 5] = [
    ("disabled", SslMode::Disable),
    ("preferred", SslMode::Prefer),
    ("required", SslMode::Require),
    ("verify_ca", SslMode::VerifyCa),
    ("verify_identity", SslMode::VerifyFull),
];

/// MySQL's names of files.
const FILES: Files = [("ssl-ca", "ca"), ("ssl-cert", "cert"), ("ssl-key", "key")];

/// `ssl: true` and `ssl: {}` verify, as everywhere in Node; `sslmode=required` only encrypts, as
/// everywhere in MySQL. The stronger source decides; given side by side `sslmode` sets the mode and
/// the object adds certificates.
pub(super) fn read(given: &Given) -> Result<Ssl, OptionError> {
    let ssl = given.ranked("ssl");
    let mut result = Ssl::new(&DIALECT);
    if let Some((_, Value::Object(fields))) = ssl {
        read_fields(fields, &mut result)?;
    } else {
        read_files(given, &FILES, |_| true, &mut result)?;
    }
    result.mode = match (ssl, given.ranked("sslmode")) {
        // A stream may be encrypted already: TLS over it has to be asked for.
        (None, None) if given.ranked("stream").is_some() => SslMode::Disable,
        (None, None) => SslMode::Prefer,
        (Some((_, value)), None) => mode_of_ssl(value)?,
        (Some((a, value)), Some((b, _))) if a < b => mode_of_ssl(value)?,
        (Some((a, value)), Some((b, _))) if a == b && decides(value) => {
            return Err(OptionError::bound("sslmode", "given without 'ssl' beside it", "both"));
        }
        (_, Some((_, value))) => named_mode("sslmode", &MODES, &lower(value))?,
    };
    // Who names an authority wants it checked.
    if matches!(result.mode, SslMode::Require | SslMode::Prefer)
        && !result.ca.is_empty()
        && ssl.is_none()
    {
        result.mode = SslMode::VerifyCa;
    }
    Ok(result)
}

/// MySQL's programs write the modes in capitals, in any case in the end.
fn lower(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(text.to_ascii_lowercase()),
        other => other.clone(),
    }
}
