use super::*;

const KEY: &str = include_str!("server_key.pem");

#[test]
fn a_key_is_read_or_refused() {
    let key = ServerKey::parse(KEY.as_bytes()).unwrap();
    assert_eq!(format!("{key:?}"), "ServerKey(2048 bits)");
    for text in ["", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
        assert_eq!(ServerKey::parse(text.as_bytes()), None, "{text}");
    }
}

/// Whatever is sent as a key is none of the crate's panics.
#[test]
fn corrupted_keys_seal_or_are_refused() {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(KEY.as_bytes()).unwrap();
    for at in 0..der.len() {
        for flip in [1, 0x80, 0xff] {
            let mut broken = der.to_vec();
            broken[at] ^= flip;
            if let Some(key) = ServerKey::of_der(&broken) {
                assert!(!Sealing::new(b"secret\0", &[7; 20], &key).unwrap().run().is_empty());
            }
        }
        assert_eq!(ServerKey::of_der(&der[..at]), None);
    }
}

#[test]
fn a_password_must_fit_the_key() {
    let key = ServerKey::parse(KEY.as_bytes()).unwrap();
    let sealed = Sealing::new(&[b'x'; 214], &[1; 20], &key).unwrap().run();
    assert_eq!(sealed.len(), 256);
    assert!(Sealing::new(&[b'x'; 215], &[1; 20], &key).is_none());
}
