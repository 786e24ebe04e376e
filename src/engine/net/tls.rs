//! TLS by rustls on ring: how much of the server's certificate is checked, and against what.

use super::trust::{Verifier, refuse_old};
use once_cell::sync::OnceCell;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::borrow::Cow;
use std::sync::Arc;

/// How much of TLS is asked for; libpq's `sslmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SslMode {
    Disable,
    /// Plain, and TLS when the server refuses that.
    Allow,
    /// TLS when the server has it, plain otherwise.
    #[default]
    Prefer,
    /// TLS, whoever answers.
    Require,
    /// TLS with a server whose certificate an authority signed.
    VerifyCa,
    /// The same, and the certificate is for the host we asked for.
    VerifyFull,
}

/// A client certificate and its key, which fit.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Identity, Error> {
        CertifiedKey::from_der(chain.clone(), key.clone_key(), &ring::default_provider())?;
        Ok(Identity { chain, key })
    }
}

/// What a protocol calls itself in TLS, and the words in which its users know the options.
pub struct Dialect {
    /// What a server that takes TLS from the first byte must agree to speak.
    pub alpn: &'static [u8],
    /// With what a faulty certificate is taken as it is.
    pub unchecked: &'static str,
    /// With what authorities are named.
    pub authority: &'static str,
    /// With what the name in the certificate is not checked.
    pub any_name: &'static str,
    /// With what a client certificate and its key are given.
    pub identity: &'static str,
    pub certificate: &'static str,
    /// When a server that was sent TLS from the first byte takes none.
    pub no_direct: &'static str,
}

/// Deliberately without `Debug`: it may hold a private key.
#[derive(Clone)]
pub struct Ssl {
    pub dialect: &'static Dialect,
    pub mode: SslMode,
    /// Authorities to trust instead of the usual ones.
    pub ca: Vec<CertificateDer<'static>>,
    /// Name to ask for and to check, when it is not the host's.
    pub servername: Option<ServerName<'static>>,
    pub identity: Option<Arc<Identity>>,
    /// Where these came from, for a bridged transport, whose TLS Node does: field and path.
    pub files: Vec<(&'static str, String)>,
    /// TLS from the first byte, without asking for it in clear first.
    pub direct: bool,
    /// One for all connections: it holds the tickets with which sessions are resumed.
    config: OnceCell<Arc<ClientConfig>>,
}

/// The authorities that the process trusts, read once.
#[derive(Clone)]
pub struct TlsRoots(Arc<RootCertStore>);

impl TlsRoots {
    /// Takes PEM texts. What cannot be read is left out: one odd certificate among a hundred must
    /// not keep every connection down, and trusting fewer is safe.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> TlsRoots {
        let mut store = RootCertStore::empty();
        for text in texts {
            let certificates = CertificateDer::pem_slice_iter(text.as_ref().as_bytes());
            store.add_parsable_certificates(certificates.flatten());
        }
        TlsRoots(Arc::new(store))
    }
}

/// Why no TLS configuration can be made; the fault is with the options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSetup(pub Cow<'static, str>);

impl From<&'static str> for TlsSetup {
    fn from(text: &'static str) -> TlsSetup {
        TlsSetup(text.into())
    }
}

impl Ssl {
    pub fn new(dialect: &'static Dialect) -> Ssl {
        Ssl {
            dialect,
            mode: SslMode::default(),
            ca: Vec::new(),
            servername: None,
            identity: None,
            files: Vec::new(),
            direct: false,
            config: OnceCell::new(),
        }
    }

    pub fn client_config(&self, roots: &TlsRoots) -> Result<Arc<ClientConfig>, TlsSetup> {
        self.config.get_or_try_init(|| self.make_config(roots).map(Arc::new)).cloned()
    }

    fn make_config(&self, roots: &TlsRoots) -> Result<ClientConfig, TlsSetup> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.mode {
            SslMode::VerifyFull | SslMode::VerifyCa => Arc::new(Verifier {
                chain: self.authority(roots, &provider)?,
                pinned: self.ca.clone(),
                checks_name: self.mode == SslMode::VerifyFull,
            }),
            _ => Arc::new(AnyServer(provider.clone())),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| "no protocol version is left")?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(|_| "the client certificate and its key do not fit")?,
        };
        if self.direct {
            config.alpn_protocols = vec![self.dialect.alpn.to_vec()];
        }
        Ok(config)
    }

    fn authority(
        &self,
        roots: &TlsRoots,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<WebPkiServerVerifier>, TlsSetup> {
        let store = if self.ca.is_empty() {
            roots.0.clone()
        } else {
            let mut store = RootCertStore::empty();
            for certificate in &self.ca {
                store.add(certificate.clone()).map_err(|_| {
                    let options = self.dialect.authority;
                    TlsSetup(format!("a certificate of {options} cannot be used").into())
                })?;
            }
            Arc::new(store)
        };
        WebPkiServerVerifier::builder_with_provider(store, provider.clone()).build().map_err(|_| {
            let options = self.dialect.authority;
            TlsSetup(format!("no authority is trusted: name one with {options}").into())
        })
    }
}

/// `sslmode=require`: encrypts against listeners, and takes any certificate.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        refuse_old(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
