//! Which server certificates are accepted when they are verified.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use x509_cert::der::Decode;
use x509_cert::{Certificate, Version};

/// The number of an X.509 version before 3. rustls reads none of those, not even to verify what
/// their keys have signed: they fail in every mode, and its own words for it say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldVersion(pub u8);

impl OldVersion {
    pub fn of(certificate: &CertificateDer<'_>) -> Option<OldVersion> {
        match Certificate::from_der(certificate).ok()?.tbs_certificate().version() {
            Version::V1 => Some(OldVersion(1)),
            Version::V2 => Some(OldVersion(2)),
            Version::V3 => None,
        }
    }
}

impl fmt::Display for OldVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "X.509 version {}", self.0)
    }
}

impl std::error::Error for OldVersion {}

/// Comes before whatever else may be wrong with a server's certificate.
pub(super) fn refuse_old(certificate: &CertificateDer<'_>) -> Result<(), Error> {
    match OldVersion::of(certificate) {
        Some(old) => Err(CertificateError::Other(OtherError(Arc::new(old))).into()),
        None => Ok(()),
    }
}

/// `sslmode=verify-ca` and `verify-full`: the chain is checked, for the latter the name as well.
#[derive(Debug)]
pub(super) struct Verifier {
    pub chain: Arc<WebPkiServerVerifier>,
    /// Certificates trusted by themselves, not only as authorities: the server's own, self-signed,
    /// given as `ssl.ca`, is what PostgreSQL's manual shows and libpq takes.
    pub pinned: Vec<CertificateDer<'static>>,
    pub checks_name: bool,
}

impl Verifier {
    fn verify_pinned(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed =
            Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let validity = parsed.tbs_certificate().validity();
        let (from, to) = (&validity.not_before, &validity.not_after);
        let (from, to) = (from.to_unix_duration().as_secs(), to.to_unix_duration().as_secs());
        let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        if now.as_secs() < from {
            let not_before = at(from);
            return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
        }
        if now.as_secs() > to {
            let not_after = at(to);
            return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
        }
        if self.checks_name {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        refuse_old(end_entity)?;
        if self.pinned.iter().any(|pinned| pinned == end_entity) {
            return self.verify_pinned(end_entity, server_name, now);
        }
        let chain = &self.chain;
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name comes last: whoever fails there has passed the rest.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            // rustls says of most self-signed ones that an authority serves as a server, which
            // nobody who made one would understand.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if is_self_signed(end_entity) =>
            {
                Err(CertificateError::UnknownIssuer.into())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    Certificate::from_der(certificate).is_ok_and(|parsed| {
        let content = parsed.tbs_certificate();
        content.issuer() == content.subject()
    })
}
