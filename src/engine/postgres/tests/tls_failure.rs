use super::config::Target;
use crate::core::options::Value;
use crate::engine::net::failure::{ConnectError, Kind};
use crate::engine::net::tls::Ssl;
use crate::engine::net::tls_failure::explain;
use crate::engine::net::trust::OldVersion;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error, OtherError};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

fn ssl(entries: &[(&str, &str)]) -> Ssl {
    let text = |(key, value): &(&str, &str)| ((*key).to_owned(), Value::Text((*value).to_owned()));
    Target::parse(entries.iter().map(text).collect(), &BTreeMap::new(), Some("os"))
        .unwrap()
        .route
        .ssl
}

fn explained(error: Error) -> ConnectError {
    explain(io::Error::new(io::ErrorKind::InvalidData, error), &ssl(&[]))
}

fn day(number: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(number * 86_400))
}

#[test]
fn each_fault_of_a_certificate_names_an_option() {
    let expected = ServerName::try_from("db.example").unwrap();
    let presented = vec!["DnsName(\"a.example\")".to_owned(), "IpAddress(10.0.0.1)".to_owned()];
    for (reason, words) in [
        (CertificateError::UnknownIssuer, vec!["'ssl.ca'", "'sslrootcert'"]),
        (
            CertificateError::NotValidForNameContext { expected: expected.clone(), presented },
            vec!["is for 'a.example', '10.0.0.1'", "not for 'db.example'", "'ssl.servername'"],
        ),
        (
            CertificateError::NotValidForNameContext { expected, presented: Vec::new() },
            vec!["has no subjectAltName", "'db.example'", "verify-ca", "ssl.checkServerIdentity"],
        ),
        (
            CertificateError::Other(OtherError(Arc::new(OldVersion(1)))),
            vec!["is of X.509 version 1", "version 3", "ssl.minVersion"],
        ),
        (
            CertificateError::ExpiredContext { time: day(105), not_after: day(100) },
            vec!["expired 5 days ago", "sslmode", "ssl.rejectUnauthorized"],
        ),
        (
            CertificateError::NotValidYetContext { time: day(100), not_before: day(101) },
            vec!["becomes valid in 24 hours", "clock", "sslmode"],
        ),
        (CertificateError::Revoked, vec!["Revoked", "sslmode"]),
    ] {
        let error = explained(Error::InvalidCertificate(reason));
        assert!(error.fatal && error.kind == Kind::Tls && error.code == "ERR_TLS_CERTIFICATE");
        for word in words {
            assert!(error.message.contains(word), "{error} lacks {word}");
        }
    }
}

#[test]
fn what_the_server_asks_of_the_client_names_the_options() {
    let error = explained(Error::AlertReceived(AlertDescription::CertificateRequired));
    assert!(error.fatal && error.message.contains("'ssl.cert' and 'ssl.key'"), "{error}");
    // Without a certificate of ours it cannot be that which is refused.
    let error = explained(Error::AlertReceived(AlertDescription::DecryptError));
    assert!(!error.fatal && error.message.contains("DecryptError"), "{error}");
}

#[test]
fn direct_negotiation_is_named_where_it_is_asked_for() {
    let direct = ssl(&[("sslmode", "require"), ("sslnegotiation", "direct")]);
    let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
    assert!(explain(ended(), &direct).message.contains("'sslnegotiation'"));
    assert!(!explain(ended(), &ssl(&[])).message.contains("'sslnegotiation'"));
    let alert = Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert!(explained(alert).message.contains("PostgreSQL has from version 17 on"));
}
