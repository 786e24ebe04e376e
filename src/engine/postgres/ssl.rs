//! The options about TLS: `ssl` as Node programs write it, `sslmode` and its kin as libpq does.

use super::binding::ChannelBinding;
use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::net::given::{Given, shown};
use crate::engine::net::ssl::{Files, decides, mode_of_ssl, named_mode, read_fields, read_files};
use crate::engine::net::tls::{Dialect, Ssl, SslMode};

/// How libpq's users know TLS.
static DIALECT: Dialect = Dialect {
    alpn: b"postgresql",
    unchecked: "sslmode 'require' without 'sslrootcert', or ssl.rejectUnauthorized: false, take it \
                unchecked",
    authority: "option 'ssl.ca' or 'sslrootcert'",
    any_name: "sslmode 'verify-ca'",
    identity: "options 'ssl.cert' and 'ssl.key' (or 'sslcert' and 'sslkey')",
    certificate: "option 'ssl.cert' or 'sslcert'",
    no_direct: "the server does not take TLS from the first byte, which option 'sslnegotiation' \
                ('direct') asks for and PostgreSQL has from version 17 on; 'postgres' works with all",
};

const MODES: [(&str, SslMode); 6] = [
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// libpq's names of files, and the field of `tls.connect` for what is in them.
const FILES: Files = [("sslrootcert", "ca"), ("sslcert", "cert"), ("sslkey", "key")];

/// `ssl: true` and `ssl: {}` verify, as everywhere in Node; `sslmode=require` only encrypts, as
/// everywhere in PostgreSQL. The stronger source decides; given side by side `sslmode` sets the
/// mode and the object adds certificates.
pub(super) fn read(given: &Given, binding: ChannelBinding) -> Result<Ssl, OptionError> {
    let ssl = given.ranked("ssl");
    let mode = given.ranked("sslmode");
    let mut result = Ssl::new(&DIALECT);
    if let Some((_, Value::Object(fields))) = ssl {
        read_fields(fields, &mut result)?;
    } else {
        read_files(given, &FILES, |path| path != SYSTEM, &mut result)?;
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
        (_, Some((_, value))) => named_mode("sslmode", &MODES, value)?,
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
