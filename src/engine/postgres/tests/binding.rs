use super::*;
use crate::engine::postgres::config::NAMES;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::BTreeMap;

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

fn ecdsa() -> Vec<u8> {
    der(include_str!("certificates/ecdsa.pem"))
}

/// The certificate with the algorithm of its signature, inside and outside, replaced.
fn signed_with(last_of_oid: u8) -> Vec<u8> {
    const ECDSA_WITH_SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let mut certificate = ecdsa();
    let places: Vec<_> = (0..certificate.len() - 8)
        .filter(|&at| certificate[at..].starts_with(&ECDSA_WITH_SHA256))
        .collect();
    assert_eq!(places.len(), 2);
    for at in places {
        certificate[at + 7] = last_of_oid;
    }
    certificate
}

#[test]
fn the_hash_is_that_of_the_signature() {
    for (last, hash) in [(1, Hash::Sha224), (2, Hash::Sha256), (3, Hash::Sha384), (4, Hash::Sha512)]
    {
        let certificate = signed_with(last);
        let expected = match hash {
            Hash::Sha224 => Sha224::digest(&certificate).to_vec(),
            Hash::Sha256 => Sha256::digest(&certificate).to_vec(),
            Hash::Sha384 => Sha384::digest(&certificate).to_vec(),
            Hash::Sha512 => Sha512::digest(&certificate).to_vec(),
        };
        assert_eq!(end_point(&certificate), Some(expected));
    }
}

#[test]
fn sha1_is_replaced_by_sha256() {
    let certificate = der(include_str!("certificates/sha1.pem"));
    assert_eq!(end_point(&certificate), Some(Sha256::digest(&certificate).to_vec()));
}

#[test]
fn rsa_pss_names_its_hash_in_the_parameters() {
    let certificate = der(include_str!("certificates/pss.pem"));
    assert_eq!(end_point(&certificate), Some(Sha384::digest(&certificate).to_vec()));
}

#[test]
fn nothing_is_bound_to_what_names_no_hash() {
    assert_eq!(end_point(&der(include_str!("certificates/ed25519.pem"))), None);
    assert_eq!(end_point(&signed_with(9)), None);
}

#[test]
fn what_is_cut_short_is_no_certificate() {
    let certificate = ecdsa();
    for end in 0..certificate.len() {
        assert_eq!(end_point(&certificate[..end]), None, "cut at {end}");
    }
}

#[test]
fn the_option_is_libpqs() {
    let of = |text: &str| {
        let entries = vec![("channel_binding".to_owned(), Value::Text(text.to_owned()))];
        read(&Given::collect(&NAMES, entries, &BTreeMap::new()).unwrap())
    };
    for (name, mode) in MODES {
        assert_eq!(of(name), Ok(mode));
    }
    assert_eq!(of("on").unwrap_err().option, "channel_binding");
    let nothing = Given::collect(&NAMES, Vec::new(), &BTreeMap::new()).unwrap();
    assert_eq!(read(&nothing), Ok(ChannelBinding::Prefer));
}
