use super::*;

fn exchange(method: Method, password: &str) -> Exchange<'_> {
    Exchange::new(method, Some(password), &[5; 32], Secrecy::default()).unwrap()
}

fn first(method: Method, password: &str) -> Vec<u8> {
    match exchange(method, password).begin().unwrap() {
        Next::Send(body) => body,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_password_is_an_empty_proof() {
    assert!(first(Method::Native, "").is_empty());
    assert!(first(Method::CachingSha2, "").is_empty());
    assert_eq!(first(Method::Sha256, ""), [0]);
    assert_eq!(first(Method::Ed25519, "").len(), 64);
}

#[test]
fn names_are_those_of_the_protocol() {
    for (name, method) in NAMES {
        assert_eq!((Method::named(name), method.name()), (Some(method), name));
    }
    assert_eq!(Method::named("mysql_old_password"), None);
}

#[test]
fn what_is_out_of_order_ends_the_exchange() {
    for method in [Method::Native, Method::Ed25519, Method::Sha256] {
        assert!(exchange(method, "x").go_on(&[4]).is_err());
    }
    assert!(exchange(Method::CachingSha2, "x").go_on(&[9]).is_err());
}

#[test]
fn the_strict_send_no_password_in_clear_unless_that_is_allowed() {
    let over_tls = Secrecy { confidential: true, encrypted: true, ..Secrecy::default() };
    let begins = |secrecy| {
        let mut exchange = Exchange::new(Method::Clear, Some("x"), &[5; 20], secrecy).unwrap();
        exchange.begin().is_ok()
    };
    assert!(begins(over_tls) && !begins(Secrecy::default()));
    assert!(!begins(Secrecy { strict: true, ..over_tls }));
    assert!(begins(Secrecy { strict: true, cleartext: true, ..over_tls }));
}
