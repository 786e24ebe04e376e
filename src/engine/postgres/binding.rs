//! Channel binding: ties the password exchange to the certificate that the TLS handshake showed, so
//! that whoever ends the TLS in between is found out (RFC 5929, `tls-server-end-point`).

use crate::core::error::OptionError;
use crate::core::options::Value;
use crate::engine::net::given::{Given, alternatives, shown};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, ContextSpecific, ObjectIdentifier};
use x509_cert::der::{Decode, Encode, Reader, SliceReader, TagNumber};
use x509_cert::spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef};

/// libpq's `channel_binding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelBinding {
    Disable,
    /// When the server offers it.
    #[default]
    Prefer,
    /// Who does not bind does not get the password's proof.
    Require,
}

const MODES: [(&str, ChannelBinding); 3] = [
    ("disable", ChannelBinding::Disable),
    ("prefer", ChannelBinding::Prefer),
    ("require", ChannelBinding::Require),
];

pub(super) fn read(given: &Given) -> Result<ChannelBinding, OptionError> {
    let Some((_, value)) = given.ranked("channel_binding") else {
        return Ok(ChannelBinding::default());
    };
    let mode = match value {
        Value::Text(text) => MODES.iter().find(|(name, _)| name == text),
        _ => None,
    };
    mode.map(|&(_, mode)| mode).ok_or_else(|| {
        let names = MODES.map(|(name, _)| name);
        OptionError::bound("channel_binding", &alternatives(&names), &shown(value))
    })
}

/// The hashes a certificate may be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// What both ends of an honest connection compute from the server's certificate: its hash, by the
/// algorithm of its signature. `None` where that algorithm names no hash (Ed25519) or an unknown
/// one: then nothing is bound, as in libpq.
pub fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(match signature_hash(&Certificate::from_der(certificate).ok()?)? {
        Hash::Sha224 => Sha224::digest(certificate).to_vec(),
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    })
}

const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// Signature algorithms, and the hashes that the parameters of RSA-PSS name. MD5 and SHA-1 are
/// replaced by SHA-256, as the RFC has it.
const SIGNATURES: [(&str, Hash); 13] = [
    ("1.2.840.113549.1.1.4", Hash::Sha256), // md5WithRSAEncryption
    ("1.2.840.113549.1.1.5", Hash::Sha256), // sha1WithRSAEncryption
    ("1.2.840.113549.1.1.14", Hash::Sha224),
    ("1.2.840.113549.1.1.11", Hash::Sha256),
    ("1.2.840.113549.1.1.12", Hash::Sha384),
    ("1.2.840.113549.1.1.13", Hash::Sha512),
    ("1.2.840.10045.4.1", Hash::Sha256), // ecdsa-with-SHA1
    ("1.2.840.10045.4.3.1", Hash::Sha224),
    ("1.2.840.10045.4.3.2", Hash::Sha256),
    ("1.2.840.10045.4.3.3", Hash::Sha384),
    ("1.2.840.10045.4.3.4", Hash::Sha512),
    ("1.2.840.10040.4.3", Hash::Sha256),      // dsa-with-sha1
    ("2.16.840.1.101.3.4.3.2", Hash::Sha256), // dsa-with-sha256
];

const DIGESTS: [(&str, Hash); 6] = [
    ("1.2.840.113549.2.5", Hash::Sha256), // md5
    ("1.3.14.3.2.26", Hash::Sha256),      // sha1
    ("2.16.840.1.101.3.4.2.4", Hash::Sha224),
    ("2.16.840.1.101.3.4.2.1", Hash::Sha256),
    ("2.16.840.1.101.3.4.2.2", Hash::Sha384),
    ("2.16.840.1.101.3.4.2.3", Hash::Sha512),
];

fn signature_hash(certificate: &Certificate) -> Option<Hash> {
    let algorithm = certificate.signature_algorithm();
    if algorithm.oid == RSA_PSS {
        return pss_hash(algorithm);
    }
    find(&SIGNATURES, algorithm.oid)
}

fn find(list: &[(&str, Hash)], oid: ObjectIdentifier) -> Option<Hash> {
    let oid = oid.to_string();
    list.iter().find(|(name, _)| *name == oid).map(|(_, hash)| *hash)
}

/// `SEQUENCE { [0] hashAlgorithm DEFAULT sha1, ... }`
fn pss_hash(algorithm: &AlgorithmIdentifierOwned) -> Option<Hash> {
    let parameters = algorithm.parameters.as_ref()?.to_der().ok()?;
    let sequence = AnyRef::from_der(&parameters).ok()?;
    let mut reader = SliceReader::new(sequence.value()).ok()?;
    if reader.is_finished() {
        return Some(Hash::Sha256);
    }
    let hash =
        ContextSpecific::<AlgorithmIdentifierRef<'_>>::decode_explicit(&mut reader, TagNumber(0));
    match hash.ok()? {
        Some(hash) => find(&DIGESTS, hash.value.oid),
        None => Some(Hash::Sha256),
    }
}

#[cfg(test)]
#[path = "tests/binding.rs"]
mod tests;
