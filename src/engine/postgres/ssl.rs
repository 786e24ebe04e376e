//! The options about TLS: `ssl` as Node programs write it, `sslmode` and its kin as libpq does.

use super::binding::ChannelBinding;
use super::given::{Given, alternatives, flag, kind, shown};
use super::tls::{Identity, Ssl, SslMode};
use super::trust::OldVersion;
use crate::core::error::OptionError;
use crate::core::options::Value;
use rustls::Error;
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
pub(super) fn read(given: &Given, binding: ChannelBinding) -> Result<Ssl, OptionError> {
    let ssl = given.ranked("ssl");
    let mode = given.ranked("sslmode");
    let mut result = Ssl::default();
    if let Some((_, Value::Object(fields))) = ssl {
        read_fields(fields, &mut result)?;
    } else {
        read_files(given, &mut result)?;
    }
    let system = ssl.is_none() && given.text("sslrootcert")? == Some(SYSTEM);
    result.mode = match (ssl, mode) {
        (None, None) if system => SslMode::VerifyFull,
        // A stream may be encrypted already: as with pg, TLS over it has to be asked for.
        (None, None) if given.ranked("stream").is_some() && binding != ChannelBinding::Require => {
            SslMode::Disable
        }
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
    if system && result.mode != SslMode::VerifyFull {
        let expected = "'verify-full' with sslrootcert 'system'";
        return Err(OptionError::bound("sslmode", expected, "a weaker one"));
    }
    read_negotiation(given, &mut result)?;
    if binding == ChannelBinding::Require {
        require_tls(&mut result.mode)?;
    }
    Ok(result)
}

/// The authorities that Node trusts, which are what verification uses anyway.
const SYSTEM: &str = "system";

fn read_negotiation(given: &Given, ssl: &mut Ssl) -> Result<(), OptionError> {
    ssl.direct = match given.ranked("sslnegotiation") {
        None => false,
        Some((_, Value::Text(text))) if text == "postgres" => false,
        Some((_, Value::Text(text))) if text == "direct" => true,
        Some((_, value)) => {
            let expected = "'postgres' or 'direct'";
            return Err(OptionError::bound("sslnegotiation", expected, &shown(value)));
        }
    };
    // A server that has no TLS would be sent a handshake, and an attacker could have it so.
    if ssl.direct && matches!(ssl.mode, SslMode::Disable | SslMode::Allow | SslMode::Prefer) {
        let expected = "'postgres' unless 'sslmode' is 'require', 'verify-ca' or 'verify-full' \
                        (or 'ssl' is given)";
        return Err(OptionError::bound("sslnegotiation", expected, "'direct'"));
    }
    Ok(())
}

/// There is nothing to bind to without TLS, so that a plain attempt could only fail.
fn require_tls(mode: &mut SslMode) -> Result<(), OptionError> {
    match mode {
        SslMode::Disable => {
            let expected = "'prefer' or 'disable' where 'sslmode' or 'ssl' turns TLS off";
            Err(OptionError::bound("channel_binding", expected, "'require'"))
        }
        SslMode::Allow | SslMode::Prefer => {
            *mode = SslMode::Require;
            Ok(())
        }
        _ => Ok(()),
    }
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
            Some(identity(["ssl.cert", "ssl.key"], cert, pem("ssl.key", key)?)?)
        }
        (Some(_), None) => return Err(incomplete("ssl.key", "ssl.cert")),
        (None, Some(_)) => return Err(incomplete("ssl.cert", "ssl.key")),
    };
    Ok(())
}

/// libpq's names of files.
fn read_files(given: &Given, ssl: &mut Ssl) -> Result<(), OptionError> {
    for (option, name) in FILES {
        let path = given.text(option)?.filter(|path| *path != SYSTEM);
        ssl.files.extend(path.map(|path| (name, path.to_owned())));
    }
    if let Some(path) = given.text("sslrootcert")?.filter(|path| *path != SYSTEM) {
        ssl.ca = certificates("sslrootcert", &file("sslrootcert", path)?)?;
    }
    ssl.identity = match (given.text("sslcert")?, given.text("sslkey")?) {
        (None, None) => None,
        (Some(cert), Some(key)) => {
            let cert = certificates("sslcert", &file("sslcert", cert)?)?;
            Some(identity(["sslcert", "sslkey"], cert, &file("sslkey", key)?)?)
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
    [cert, option]: [&str; 2],
    chain: Vec<CertificateDer<'static>>,
    pem: &str,
) -> Result<Arc<Identity>, OptionError> {
    // PKCS #8 says it in the first line, OpenSSL's older forms in a header.
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        let expected =
            "a private key that is not encrypted (openssl pkey takes the passphrase off)";
        return Err(OptionError::bound(option, expected, "an encrypted one"));
    }
    let expected = "a private key in PEM form, not encrypted";
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| OptionError::bound(option, expected, "something else"))?;
    let old = chain.first().and_then(OldVersion::of);
    let identity = Identity::new(chain, key).map_err(|error| match error {
        Error::InconsistentKeys(_) => {
            let expected = format!("the key of the first certificate in '{cert}'");
            OptionError::bound(option, &expected, "the key of another")
        }
        Error::InvalidCertificate(_) if let Some(old) = old => {
            let expected = "a client certificate of X.509 version 3 (or 'ssl.cert' beside \
                            ssl.minVersion: 'TLSv1.2', with which Node makes the connections)";
            OptionError::bound(cert, expected, &format!("one of {old}"))
        }
        Error::InvalidCertificate(_) => {
            OptionError::bound(cert, "a client certificate", "one that cannot be read")
        }
        _ => OptionError::bound(option, "an RSA, ECDSA or Ed25519 key", "another kind of key"),
    })?;
    Ok(Arc::new(identity))
}

fn incomplete(missing: &str, present: &str) -> OptionError {
    OptionError::bound(missing, &format!("given together with '{present}'"), "none")
}
