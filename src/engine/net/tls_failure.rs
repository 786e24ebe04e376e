//! Failures of TLS in words that name the options with which they could be avoided.

use super::failure::{ConnectError, Kind};
use super::tls::{Dialect, Ssl};
use super::trust::OldVersion;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};
use std::io;

/// The error of a handshake, or of the first bytes after it.
pub fn explain(error: io::Error, ssl: &Ssl) -> ConnectError {
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match reason {
        Some(Error::InvalidCertificate(reason)) => {
            let message = format!("the server's certificate {}", certificate(reason, ssl.dialect));
            ConnectError::new(Kind::Tls, "ERR_TLS_CERTIFICATE", message).fatal()
        }
        Some(Error::AlertReceived(alert)) => refused(*alert, ssl),
        Some(Error::InvalidMessage(_)) if ssl.direct => no_direct_tls(ssl),
        Some(Error::PeerIncompatible(_)) => {
            let message = "TLS failed: the server speaks neither TLS 1.3 nor TLS 1.2 in a form that \
                           is supported";
            ConnectError::new(Kind::Tls, "ERR_TLS", message)
        }
        Some(other) => ConnectError::new(Kind::Tls, "ERR_TLS", format!("TLS failed: {other}")),
        None if ssl.direct && has_ended(&error) => no_direct_tls(ssl),
        None => ConnectError::from(error),
    }
}

fn has_ended(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

pub(super) fn no_direct_tls(ssl: &Ssl) -> ConnectError {
    ConnectError::new(Kind::Tls, "ERR_TLS_NOT_OFFERED", ssl.dialect.no_direct).fatal()
}

/// The words after "the server's certificate".
fn certificate(reason: &CertificateError, dialect: &Dialect) -> String {
    let unchecked = dialect.unchecked;
    match reason {
        CertificateError::UnknownIssuer => format!(
            "is not signed by an authority that is trusted; name the authority (or the certificate \
             itself where it is self-signed) with {}",
            dialect.authority
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            wrong_name(&expected.to_str(), presented, dialect)
        }
        CertificateError::ExpiredContext { time, not_after } => {
            format!("expired {} ago; it has to be renewed, or {unchecked}", span(*not_after, *time))
        }
        CertificateError::Expired => {
            format!("has expired; it has to be renewed, or {unchecked}")
        }
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "becomes valid in {} by this machine's clock; {unchecked}",
            span(*time, *not_before)
        ),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            format!("is signed with an algorithm that is not supported; {unchecked}")
        }
        other => match old_version(other) {
            Some(old) => format!(
                "is of {old}, which only Node's TLS takes: make one of version 3 (with a \
                 subjectAltName), or have Node make the connections, with a field of 'ssl' that \
                 is Node's own, such as ssl.minVersion: 'TLSv1.2'"
            ),
            None => format!("is not accepted: {other}; {unchecked}"),
        },
    }
}

fn wrong_name(expected: &str, presented: &[String], dialect: &Dialect) -> String {
    let any_name = dialect.any_name;
    if presented.is_empty() {
        return format!(
            "has no subjectAltName, and its CN is not looked at: make one whose subjectAltName is \
             '{expected}', check no name with {any_name}, or have Node make the \
             connections with ssl.checkServerIdentity (tls.checkServerIdentity takes the CN for \
             the name of a host)"
        );
    }
    let names: Vec<_> = presented.iter().map(|name| name_of(name)).collect();
    format!(
        "is for {}, not for '{expected}'; if this is the right server, say which name to expect \
         with option 'ssl.servername', or check none with {any_name}",
        names.join(", ")
    )
}

fn old_version(reason: &CertificateError) -> Option<OldVersion> {
    match reason {
        CertificateError::Other(other) => other.0.downcast_ref().copied(),
        _ => None,
    }
}

/// rustls writes `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
fn name_of(shown: &str) -> String {
    let inner = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    format!("'{}'", inner.unwrap_or(shown).trim_matches('"'))
}

fn span(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    match seconds {
        0..=7_199 => format!("{} minutes", seconds / 60),
        7_200..=172_799 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The server ended the handshake. With TLS 1.3 it judges the client's certificate after the
/// client's side is done, so that this comes with the first bytes behind it.
fn refused(alert: AlertDescription, ssl: &Ssl) -> ConnectError {
    use AlertDescription as Alert;
    let about_certificate = matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
    );
    let message = match alert {
        Alert::NoApplicationProtocol => return no_direct_tls(ssl),
        Alert::CertificateRequired => format!(
            "the server asks for a client certificate: give one with {}",
            ssl.dialect.identity
        ),
        _ if about_certificate && ssl.identity.is_some() => format!(
            "the server does not accept the client certificate of {} ({alert:?})",
            ssl.dialect.certificate
        ),
        _ => {
            let error = ConnectError::new(Kind::Tls, "ERR_TLS", "");
            return ConnectError {
                message: format!("TLS failed: the server says {alert:?}"),
                ..error
            };
        }
    };
    ConnectError::new(Kind::Tls, "ERR_TLS_CERTIFICATE", message).fatal()
}
