use super::*;
use proptest::prelude::*;

const LOGIN: Login<'static> = Login {
    user: "ann",
    password: Some("sEcret"),
    database: "shop",
    application_name: Some("till"),
    options: None,
        startup: None,
    cleartext: false,
    hint: None,
    binding: Binding::Prefer,
    end_point: None,
    pins: true,
};

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    message.extend_from_slice(body);
    message
}

fn authentication(kind: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&kind.to_be_bytes(), rest].concat())
}

/// All that follows a password that was accepted.
fn welcome() -> Vec<u8> {
    let key: Vec<u8> = [7i32.to_be_bytes(), (-9i32).to_be_bytes()].concat();
    [
        authentication(0, &[]),
        message(b'S', b"server_version\x0015.5\0"),
        message(b'N', b"SNOTICE\0Mhello\0\0"),
        message(b'S', b"TimeZone\0UTC\0"),
        message(b'K', &key),
        message(b'Z', b"I"),
    ]
    .concat()
}

/// A handshake that has sent its first message, and what that was.
fn greeted(login: Login<'static>) -> (Startup<'static>, Vec<u8>) {
    let mut startup = Startup::new(login).unwrap();
    let sent = startup.outgoing().split().to_vec();
    (startup, sent)
}

fn receive(startup: &mut Startup<'_>, bytes: &[u8]) -> Result<Step, StartupError> {
    startup.receive(&mut BytesMut::from(bytes))
}

fn refusal(result: Result<Step, StartupError>) -> StartupError {
    match result {
        Ok(_) => panic!("went on"),
        Err(error) => error,
    }
}

#[test]
fn first_message_names_user_database_and_pins() {
    let (_, sent) = greeted(LOGIN);
    let text = String::from_utf8_lossy(&sent[8..]).replace('\0', "|");
    assert_eq!(
        text,
        "user|ann|database|shop|client_encoding|UTF8|DateStyle|ISO|application_name|till|\
         extra_float_digits|3|IntervalStyle|postgres||"
    );
    let (_, sent) = greeted(Login { pins: false, ..LOGIN });
    assert!(!String::from_utf8_lossy(&sent).contains("extra_float_digits"));
    assert!(Startup::new(Login { user: "a\0b", ..LOGIN }).is_err());
}

#[test]
fn trusted_login_learns_parameters_and_key() {
    let (mut startup, _) = greeted(LOGIN);
    let mut input = BytesMut::from(&welcome()[..]);
    input.extend_from_slice(b"early");
    let Ok(Step::Done(started)) = startup.receive(&mut input) else { panic!("not done") };
    assert_eq!((started.process_id, started.secret_key, started.transaction), (7, -9, b'I'));
    assert_eq!(started.parameter("TimeZone"), Some("UTC"));
    assert!(started.pinned);
    assert_eq!(&input[..], b"early");
}

#[test]
fn bytes_may_come_one_by_one() {
    let (mut startup, _) = greeted(LOGIN);
    let mut input = BytesMut::new();
    let bytes = welcome();
    for (index, &byte) in bytes.iter().enumerate() {
        input.extend_from_slice(&[byte]);
        let done = matches!(startup.receive(&mut input).unwrap(), Step::Done(_));
        assert_eq!(done, index == bytes.len() - 1);
    }
}

#[test]
fn md5_answers_with_the_salted_hash() {
    let (mut startup, _) = greeted(LOGIN);
    receive(&mut startup, &authentication(5, b"salt")).unwrap();
    let expected = md5_hash(b"ann", b"sEcret", *b"salt");
    assert_eq!(&startup.outgoing()[5..40], expected.as_bytes());
    assert!(matches!(receive(&mut startup, &welcome()), Ok(Step::Done(_))));
}

#[test]
fn cleartext_only_when_permitted() {
    let (mut startup, _) = greeted(LOGIN);
    let error = refusal(receive(&mut startup, &authentication(3, &[])));
    assert!(matches!(&error, StartupError::Auth(text) if text.contains("allowCleartextPassword")));
    assert!(startup.outgoing().is_empty());
    let (mut startup, _) = greeted(Login { cleartext: true, ..LOGIN });
    receive(&mut startup, &authentication(3, &[])).unwrap();
    assert_eq!(&startup.outgoing()[..], message(b'p', b"sEcret\0"));
}

#[test]
fn scram_proves_the_password_outside_the_engine() {
    let (mut startup, _) = greeted(LOGIN);
    receive(&mut startup, &authentication(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")).unwrap();
    let first = startup.outgoing().split();
    let nonce = std::str::from_utf8(&first).unwrap().split("r=").nth(1).unwrap().to_owned();
    let challenge = format!("r={nonce}more,s=c2FsdA==,i=4096");
    let step = receive(&mut startup, &authentication(11, challenge.as_bytes())).unwrap();
    let Step::Compute(job) = step else { panic!("no job") };
    startup.computed(job.run()).unwrap();
    assert!(startup.outgoing().split().windows(3).any(|bytes| bytes == b",p="));
    // A server that cannot prove that it knows the password is refused.
    let error = refusal(receive(&mut startup, &authentication(12, b"v=AAAA")));
    assert!(matches!(error, StartupError::Auth(_)));
}

#[test]
fn a_server_may_not_skip_its_own_proof() {
    let (mut startup, _) = greeted(LOGIN);
    receive(&mut startup, &authentication(10, b"SCRAM-SHA-256\0\0")).unwrap();
    let error = refusal(receive(&mut startup, &welcome()));
    assert!(matches!(error, StartupError::Protocol(_)));
}

#[test]
fn a_challenge_that_would_take_forever_is_refused() {
    let (mut startup, _) = greeted(LOGIN);
    receive(&mut startup, &authentication(10, b"SCRAM-SHA-256\0\0")).unwrap();
    let first = startup.outgoing().split();
    let nonce = std::str::from_utf8(&first).unwrap().split("r=").nth(1).unwrap().to_owned();
    let challenge = format!("r={nonce}x,s=c2FsdA==,i=4000000000");
    let step = receive(&mut startup, &authentication(11, challenge.as_bytes())).unwrap();
    let Step::Compute(job) = step else { panic!("no job") };
    assert!(startup.computed(job.run()).is_err());
}

#[test]
fn missing_password_and_unknown_methods_are_told() {
    for (kind, body) in [(3, &b""[..]), (5, b"salt"), (10, b"SCRAM-SHA-256\0\0")] {
        let (mut startup, _) = greeted(Login { password: None, cleartext: true, ..LOGIN });
        let error = refusal(receive(&mut startup, &authentication(kind, body)));
        let told = matches!(&error, StartupError::Auth(text) if text.contains("none was given"));
        assert!(told, "{error:?}");
    }
    let (mut startup, _) = greeted(LOGIN);
    let error = refusal(receive(&mut startup, &authentication(7, &[])));
    assert!(matches!(&error, StartupError::Auth(text) if text.contains("not supported")));
    let (mut startup, _) = greeted(LOGIN);
    let error = refusal(receive(&mut startup, &authentication(10, b"OTHER\0\0")));
    assert!(matches!(error, StartupError::Auth(_)));
}

#[test]
fn an_error_of_the_server_comes_through() {
    let (mut startup, _) = greeted(LOGIN);
    let body = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed\0\0";
    let error = refusal(receive(&mut startup, &message(b'E', body)));
    let StartupError::Server(server) = &error else { panic!("{error:?}") };
    assert_eq!(server.code(), "28P01");
    assert!(!error.refuses_pins());
    let (mut startup, _) = greeted(LOGIN);
    let body = b"SFATAL\0C08P01\0Munsupported startup parameter: extra_float_digits\0\0";
    assert!(refusal(receive(&mut startup, &message(b'E', body))).refuses_pins());
}

#[test]
fn other_protocols_are_recognised_at_once() {
    for answer in
        [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"SSH-2.0-x\r\n", b"-ERR unknown\r\n", b"J\0"]
    {
        let (mut startup, _) = greeted(LOGIN);
        let error = refusal(receive(&mut startup, answer));
        assert!(matches!(error, StartupError::Protocol(_)), "{answer:?}");
    }
    // Rows, or readiness before anybody logged in, are out of place too.
    for early in [message(b'Z', b"I"), message(b'D', b"\0\0"), message(b'S', b"a\0b\0")] {
        let (mut startup, _) = greeted(LOGIN);
        assert!(matches!(refusal(receive(&mut startup, &early)), StartupError::Protocol(_)));
    }
    let (mut startup, _) = greeted(LOGIN);
    let late = [authentication(0, &[]), authentication(0, &[])].concat();
    assert!(matches!(refusal(receive(&mut startup, &late)), StartupError::Protocol(_)));
}

#[test]
fn no_error_holds_the_password() {
    for kind in 0..13 {
        for body in [&b""[..], b"salt", b"SCRAM-SHA-256\0\0", b"r=x,s=y,i=z"] {
            let (mut startup, _) = greeted(LOGIN);
            let script = [authentication(kind, body), authentication(kind, body)].concat();
            if let Err(error) = receive(&mut startup, &script) {
                assert!(!format!("{error:?}").contains("sEcret"));
            }
        }
    }
}

proptest! {
    #[test]
    fn corrupted_bytes_end_in_an_error_or_a_wait(
        kind in 0u32..14,
        at in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        byte: u8,
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let script = [authentication(kind, b"SCRAM-SHA-256\0\0"), welcome(), noise].concat();
        let mut script = script;
        let at = at.index(script.len());
        script[at] = byte;
        script.truncate(cut.index(script.len()) + 1);
        for login in [LOGIN, Login { password: None, cleartext: true, ..LOGIN }] {
            let (mut startup, _) = greeted(login);
            let mut input = BytesMut::from(&script[..]);
            if let Ok(Step::Compute(job)) = startup.receive(&mut input) {
                let _ = startup.computed(job.run()).and_then(|()| {
                    startup.receive(&mut input).map(|_| ())
                });
            }
        }
    }

    #[test]
    fn noise_is_no_handshake(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let (mut startup, _) = greeted(LOGIN);
        let result = receive(&mut startup, &noise);
        prop_assert!(!matches!(result, Ok(Step::Done(_))));
    }
}

const BOTH: &[u8] = b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
const PLAIN: &[u8] = b"SCRAM-SHA-256\0\0";

fn tls(binding: Binding) -> Login<'static> {
    Login { binding, end_point: Some(b"hash"), cleartext: true, ..LOGIN }
}

/// Mechanism and first words that the offer is answered with.
fn answered(login: Login<'static>, offer: &[u8]) -> Result<(String, String), StartupError> {
    let (mut startup, _) = greeted(login);
    receive(&mut startup, &authentication(10, offer))?;
    let sent = startup.outgoing().split();
    let end = sent[5..].iter().position(|&byte| byte == 0).unwrap() + 5;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let words = text(&sent[end + 5..]);
    Ok((text(&sent[5..end]), words.split("n=").next().unwrap().to_owned()))
}

#[test]
fn the_exchange_is_bound_when_both_sides_can() {
    let plus = ("SCRAM-SHA-256-PLUS".to_owned(), "p=tls-server-end-point,,".to_owned());
    let could = ("SCRAM-SHA-256".to_owned(), "y,,".to_owned());
    let cannot = ("SCRAM-SHA-256".to_owned(), "n,,".to_owned());
    let unhashed = Login { end_point: None, ..tls(Binding::Prefer) };
    assert_eq!(answered(tls(Binding::Prefer), BOTH), Ok(plus.clone()));
    assert_eq!(answered(tls(Binding::Require), BOTH), Ok(plus));
    assert_eq!(answered(tls(Binding::Prefer), PLAIN), Ok(could));
    assert_eq!(answered(tls(Binding::Disable), BOTH), Ok(cannot.clone()));
    assert_eq!(answered(unhashed, BOTH), Ok(cannot));
}

#[test]
fn required_binding_takes_nothing_else() {
    let require = tls(Binding::Require);
    for (login, message) in [
        (require, authentication(10, PLAIN)),
        (Login { end_point: None, ..require }, authentication(10, BOTH)),
        (require, authentication(5, b"salt")),
        (require, authentication(3, &[])),
        (require, welcome()),
    ] {
        let (mut startup, _) = greeted(login);
        let error = refusal(receive(&mut startup, &message));
        let named = matches!(&error, StartupError::Auth(text) if text.contains("channel_binding"));
        assert!(named && startup.outgoing().is_empty(), "{error:?}");
    }
}

#[test]
fn a_refused_binding_is_told_from_a_refused_password() {
    let refused = |login, offer: &[u8], code: &str| {
        let (mut startup, _) = greeted(login);
        receive(&mut startup, &authentication(10, offer)).unwrap();
        let error = format!("SFATAL\0C{code}\0Mno\0\0");
        refusal(receive(&mut startup, &message(b'E', error.as_bytes())))
    };
    let prefer = tls(Binding::Prefer);
    // Bound to another certificate; and "you offered it, whatever my client was told".
    assert!(matches!(refused(prefer, BOTH, "28000"), StartupError::Unbound(Some(_))));
    assert!(matches!(refused(prefer, PLAIN, "28000"), StartupError::Unbound(Some(_))));
    assert!(matches!(refused(prefer, BOTH, "28P01"), StartupError::Server(_)));
    let disabled = tls(Binding::Disable);
    assert!(matches!(refused(disabled, BOTH, "28000"), StartupError::Server(_)));
}

#[test]
fn a_missing_password_says_what_is_known_of_it() {
    let login = Login { password: None, hint: Some("the file is ignored"), ..LOGIN };
    let (mut startup, _) = greeted(login);
    let error = refusal(receive(&mut startup, &authentication(5, b"salt")));
    assert!(matches!(&error, StartupError::Auth(text) if text.ends_with("the file is ignored")));
}
