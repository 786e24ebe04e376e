//! The options about TLS: `ssl` as Node programs write it, `sslmode` and its kin as libpq does.

use super::given::{Given, alternatives, flag, kind, shown};
use super::tls::{Identity, Ssl, SslMode};
use crate::core::error::OptionError;
use crate::core::options::Value;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::sync::Arc;

const MODES: [(&str, SslMode); 6] = [
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// Fields of the object form of `ssl`, spelled as in Node's `tls.connect`.
const FIELDS: [&str; 5] =
    ["ssl.rejectUnauthorized", "ssl.ca", "ssl.servername", "ssl.cert", "ssl.key"];

/// libpq's names of files, and the field of `tls.connect` for what is in them.
const FILES: [(&str, &str); 3] = [("sslrootcert", "ca"), ("sslcert", "cert"), ("sslkey", "key")];

/// `ssl: true` and `ssl: {}` verify, as everywhere in Node; `sslmode=require` only encrypts, as
/// everywhere in PostgreSQL. The stronger source decides; given side by side `sslmode` sets the
/// mode and the object adds certificates.
pub(super) fn read(given: &Given) -> Result<Ssl, OptionError> {
    let ssl = given.ranked("ssl");
    let mode = given.ranked("sslmode");
    let mut result = Ssl::default();
    if let Some((_, Value::Object(fields))) = ssl {
        read_fields(fields, &mut result)?;
    } else {
        read_files(given, &mut result)?;
    }
    result.mode = match (ssl, mode) {
        // A stream may be encrypted already: as with pg, TLS over it has to be asked for.
        (None, None) if given.ranked("stream").is_some() => SslMode::Disable,
        (None, None) => SslMode::Prefer,
        (Some((_, value)), None) => mode_of_ssl(value)?,
        (Some((a, value)), Some((b, _))) if a < b => mode_of_ssl(value)?,
        (Some((a, value)), Some((b, _))) if a == b && decides(value) => {
            return Err(OptionError::bound("sslmode", "given without 'ssl' beside it", "both"));
        }
        (_, Some((_, value))) => mode_of_sslmode(value)?,
    };
    // libpq's rule: who names an authority wants it checked.
    if result.mode == SslMode::Require && !result.ca.is_empty() && ssl.is_none() {
        result.mode = SslMode::VerifyCa;
    }
    Ok(result)
}

fn mode_of_sslmode(value: &Value) -> Result<SslMode, OptionError> {
    let mode = match value {
        Value::Text(text) => MODES.iter().find(|(name, _)| name == text),
        _ => None,
    };
    mode.map(|&(_, mode)| mode).ok_or_else(|| {
        let names = MODES.map(|(name, _)| name);
        OptionError::bound("sslmode", &alternatives(&names), &shown(value))
    })
}

fn mode_of_ssl(value: &Value) -> Result<SslMode, OptionError> {
    let verifies = match value {
        Value::Object(fields) => match field(fields, "rejectUnauthorized") {
            Some(value) => flag(value).ok_or_else(|| {
                OptionError::bound("ssl.rejectUnauthorized", "true or false", &shown(value))
            })?,
            None => true,
        },
        value => match flag(value) {
            Some(true) => true,
            Some(false) => return Ok(SslMode::Disable),
            None => {
                let expected = "true, false or an object";
                return Err(OptionError::bound("ssl", expected, &shown(value)));
            }
        },
    };
    Ok(if verifies { SslMode::VerifyFull } else { SslMode::Require })
}

/// Whether this value of `ssl` says how strict to be, and so competes with `sslmode`.
fn decides(value: &Value) -> bool {
    match value {
        Value::Object(fields) => field(fields, "rejectUnauthorized").is_some(),
        _ => true,
    }
}

fn field<'a>(fields: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    let value = fields.iter().rfind(|(key, _)| key == name).map(|(_, value)| value);
    value.filter(|value| !matches!(value, Value::Null | Value::Other(_)))
}

fn read_fields(fields: &[(String, Value)], ssl: &mut Ssl) -> Result<(), OptionError> {
    for (key, _) in fields {
        let key = format!("ssl.{key}");
        if !FIELDS.contains(&key.as_str()) {
            return Err(OptionError::unknown(&key, FIELDS.into_iter()));
        }
    }
    if let Some(value) = field(fields, "ca") {
        ssl.ca = match value {
            Value::List(list) => {
                let read = list.iter().map(|value| certificates("ssl.ca", pem("ssl.ca", value)?));
                read.collect::<Result<Vec<_>, _>>()?.concat()
            }
            value => certificates("ssl.ca", pem("ssl.ca", value)?)?,
        };
    }
    if let Some(value) = field(fields, "servername") {
        let name = match value {
            Value::Text(text) => ServerName::try_from(text.clone()).ok(),
            _ => None,
        };
        ssl.servername =
            Some(name.ok_or_else(|| {
                OptionError::bound("ssl.servername", "a host name", &shown(value))
            })?);
    }
    ssl.identity = match (field(fields, "cert"), field(fields, "key")) {
        (None, None) => None,
        (Some(cert), Some(key)) => {
            let cert = certificates("ssl.cert", pem("ssl.cert", cert)?)?;
            Some(identity("ssl.key", cert, pem("ssl.key", key)?)?)
        }
        (Some(_), None) => return Err(incomplete("ssl.key", "ssl.cert")),
        (None, Some(_)) => return Err(incomplete("ssl.cert", "ssl.key")),
    };
    Ok(())
}

/// libpq's names of files.
fn read_files(given: &Given, ssl: &mut Ssl) -> Result<(), OptionError> {
    for (option, name) in FILES {
        let path = given.text(option)?.filter(|path| *path != "system");
        ssl.files.extend(path.map(|path| (name, path.to_owned())));
    }
    // "system" asks for the usual authorities, which are what verification uses anyway.
    if let Some(path) = given.text("sslrootcert")?.filter(|path| *path != "system") {
        ssl.ca = certificates("sslrootcert", &file("sslrootcert", path)?)?;
    }
    ssl.identity = match (given.text("sslcert")?, given.text("sslkey")?) {
        (None, None) => None,
        (Some(cert), Some(key)) => {
            let cert = certificates("sslcert", &file("sslcert", cert)?)?;
            Some(identity("sslkey", cert, &file("sslkey", key)?)?)
        }
        (Some(_), None) => return Err(incomplete("sslkey", "sslcert")),
        (None, Some(_)) => return Err(incomplete("sslcert", "sslkey")),
    };
    Ok(())
}

fn file(option: &str, path: &str) -> Result<String, OptionError> {
    std::fs::read_to_string(path).map_err(|error| {
        OptionError::bound(option, "a readable file", &format!("'{path}' ({})", error.kind()))
    })
}

fn pem<'a>(option: &str, value: &'a Value) -> Result<&'a str, OptionError> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(OptionError::bound(option, "PEM text", kind(other))),
    }
}

fn certificates(option: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, OptionError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => Err(OptionError::bound(option, "certificates in PEM form", "something else")),
    }
}

fn identity(
    option: &str,
    chain: Vec<CertificateDer<'static>>,
    pem: &str,
) -> Result<Arc<Identity>, OptionError> {
    let expected = "a private key in PEM form, not encrypted";
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| OptionError::bound(option, expected, "something else"))?;
    Ok(Arc::new(Identity { chain, key }))
}

fn incomplete(missing: &str, present: &str) -> OptionError {
    OptionError::bound(missing, &format!("given together with '{present}'"), "none")
}
