//! The options about TLS that every engine has: `ssl` as Node programs write it, names of files.

use super::given::{Given, alternatives, flag, kind, shown};
use super::tls::{Identity, Ssl, SslMode};
use super::trust::OldVersion;
use crate::core::error::OptionError;
use crate::core::options::Value;
use rustls::Error;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::sync::Arc;

/// Options that name files: authorities, client certificate, key. Each with the field of
/// `tls.connect` for what is in it.
pub type Files = [(&'static str, &'static str); 3];

/// Fields of the object form of `ssl`, spelled as in Node's `tls.connect`.
const FIELDS: [&str; 5] =
    ["ssl.rejectUnauthorized", "ssl.ca", "ssl.servername", "ssl.cert", "ssl.key"];

/// A mode by the name that the engine has for it.
pub fn named_mode(
    option: &str,
    modes: &[(&str, SslMode)],
    value: &Value,
) -> Result<SslMode, OptionError> {
    let mode = match value {
        Value::Text(text) => modes.iter().find(|(name, _)| name == text),
        _ => None,
    };
    mode.map(|&(_, mode)| mode).ok_or_else(|| {
        let names: Vec<_> = modes.iter().map(|(name, _)| *name).collect();
        OptionError::bound(option, &alternatives(&names), &shown(value))
    })
}

/// `ssl: true` and `ssl: {}` verify, as everywhere in Node.
pub fn mode_of_ssl(value: &Value) -> Result<SslMode, OptionError> {
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

/// Whether this value of `ssl` says how strict to be, and so competes with a named mode.
pub fn decides(value: &Value) -> bool {
    match value {
        Value::Object(fields) => field(fields, "rejectUnauthorized").is_some(),
        _ => true,
    }
}

fn field<'a>(fields: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    let value = fields.iter().rfind(|(key, _)| key == name).map(|(_, value)| value);
    value.filter(|value| !matches!(value, Value::Null | Value::Other(_)))
}

pub fn read_fields(fields: &[(String, Value)], ssl: &mut Ssl) -> Result<(), OptionError> {
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

/// What is in the files; a path that is not `is_path` stands for something else.
pub fn read_files(
    given: &Given,
    files: &Files,
    is_path: fn(&str) -> bool,
    ssl: &mut Ssl,
) -> Result<(), OptionError> {
    let [ca, cert, key] = files.map(|(option, _)| option);
    for (option, name) in files {
        let path = given.text(option)?.filter(|path| is_path(path));
        ssl.files.extend(path.map(|path| (*name, path.to_owned())));
    }
    if let Some(path) = given.text(ca)?.filter(|path| is_path(path)) {
        ssl.ca = certificates(ca, &file(ca, path)?)?;
    }
    ssl.identity = match (given.text(cert)?, given.text(key)?) {
        (None, None) => None,
        (Some(path), Some(key_path)) => {
            let chain = certificates(cert, &file(cert, path)?)?;
            Some(identity([cert, key], chain, &file(key, key_path)?)?)
        }
        (Some(_), None) => return Err(incomplete(key, cert)),
        (None, Some(_)) => return Err(incomplete(cert, key)),
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
