//! The server's RSA key, with which a password crosses a connection that is not encrypted.

use mysql_common::crypto::rsa::{GetRandom, Pkcs1OaepPadding, PublicKey};
use mysql_common::num_bigint::BigUint;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use x509_cert::der::asn1::UintRef;
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoRef;

/// Bytes that OAEP adds to what it seals.
const PADDING: usize = 42;
/// Bytes of a modulus: shorter ones keep no secret, longer ones would keep a machine busy.
const MODULUS: std::ops::RangeInclusive<usize> = 128..=2048;

#[derive(Clone, PartialEq, Eq)]
pub struct ServerKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl ServerKey {
    /// The form that servers send and keep: `-----BEGIN PUBLIC KEY-----`.
    pub fn parse(pem: &[u8]) -> Option<ServerKey> {
        ServerKey::of_der(&SubjectPublicKeyInfoDer::from_pem_slice(pem).ok()?)
    }

    fn of_der(der: &[u8]) -> Option<ServerKey> {
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let mut reader = SliceReader::new(info.subject_public_key.as_bytes()?).ok()?;
        let key = reader.sequence(|fields| {
            let (modulus, exponent) = (UintRef::decode(fields)?, UintRef::decode(fields)?);
            Ok::<_, x509_cert::der::Error>((modulus.as_bytes(), exponent.as_bytes()))
        });
        let (modulus, exponent) = key.ok()?;
        let fits = MODULUS.contains(&modulus.len())
            && modulus.first().is_some_and(|&first| first >= 0x80)
            && (1..=8).contains(&exponent.len());
        fits.then(|| ServerKey { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }

    /// Whether so many bytes can be sealed with it.
    pub fn holds(&self, length: usize) -> bool {
        length + PADDING <= self.modulus.len()
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKey({} bits)", self.modulus.len() * 8)
    }
}

/// A password that is to be sealed.
pub struct Sealing {
    masked: Vec<u8>,
    key: ServerKey,
}

impl Sealing {
    /// The challenge goes into it, so that nobody can send it a second time. `None` when the key is
    /// too short for the password.
    pub fn new(password: &[u8], nonce: &[u8], key: &ServerKey) -> Option<Sealing> {
        let masked = password.iter().zip(nonce.iter().cycle()).map(|(a, b)| a ^ b).collect();
        key.holds(password.len()).then(|| Sealing { masked, key: key.clone() })
    }

    pub fn run(self) -> Vec<u8> {
        let number = BigUint::from_bytes_be;
        let key = PublicKey::new(number(&self.key.modulus), number(&self.key.exponent));
        key.encrypt_block(&self.masked, Pkcs1OaepPadding::new(GetRandom))
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealing")
    }
}

#[cfg(test)]
#[path = "tests/key.rs"]
mod tests;
