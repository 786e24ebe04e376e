use super::*;
use crate::engine::mysql::hello::{ALWAYS, MARIADB, compression};
use crate::engine::mysql::key::ServerKey;
use crate::engine::mysql::started::Flavor;
use mysql_common::constants::StatusFlags;
use mysql_common::io::ParseBuf;
use mysql_common::packets::HandshakePacket;
use mysql_common::proto::MyDeserialize;
use proptest::prelude::*;

const NONCE: &[u8; 20] = b"abcdefghijklmnopqrst";
const KEY: &str = include_str!("server_key.pem");

fn capabilities() -> CapabilityFlags {
    ALWAYS | CapabilityFlags::CLIENT_SSL | CapabilityFlags::CLIENT_COMPRESS
}

fn login() -> Login<'static> {
    Login {
        user: "ann",
        password: Some("hunter2"),
        database: Some("shop"),
        attributes: &[],
        flags: CapabilityFlags::CLIENT_FOUND_ROWS,
        exact: false,
        compression: Compression::Off,
        collation: 45,
        secrecy: Secrecy::default(),
    }
}

fn hello_body(version: &str, plugin: &str, capabilities: CapabilityFlags) -> Vec<u8> {
    let (first, second) = NONCE.split_first_chunk::<8>().unwrap();
    let second = [second, &[0]].concat();
    let status = StatusFlags::SERVER_STATUS_AUTOCOMMIT;
    let packet = HandshakePacket::new(
        10,
        version.as_bytes(),
        7,
        *first,
        Some(second),
        capabilities,
        8,
        status,
        Some(plugin.as_bytes()),
    );
    serialized(&packet.with_mariadb_ext_capabilities(MariadbCapabilities::all()))
}

fn packet(sequence: u8, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    frame::write(&mut out, body, sequence);
    out
}

fn hello(plugin: &str) -> BytesMut {
    packet(0, &hello_body("8.4.0", plugin, capabilities()))
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

/// The body of the one packet that is to be sent, and its number.
fn sent(startup: &mut Startup<'_>) -> (u8, Vec<u8>) {
    let out = startup.outgoing().split();
    let length = u32::from_le_bytes([out[0], out[1], out[2], 0]) as usize;
    assert_eq!(out.len(), HEADER + length, "one packet");
    (out[3], out[HEADER..].to_vec())
}

/// Up to the login, in clear or as if TLS had come about.
fn logged_in<'a>(login: Login<'a>, plugin: &str, confidential: bool) -> Startup<'a> {
    let mut startup = Startup::new(login);
    let step = startup.receive(&mut hello(plugin)).unwrap();
    assert!(matches!(step, Step::Greeted { offers_tls: true }));
    startup.log_in(confidential).unwrap();
    startup
}

fn answered(startup: &mut Startup<'_>, sequence: u8, body: &[u8]) -> Result<Step, StartupError> {
    startup.receive(&mut packet(sequence, body))
}

fn done(step: Step) -> Started {
    let Step::Done(started) = step else { panic!("{step:?}") };
    *started
}

#[test]
fn a_login_by_the_plugin_of_the_hello() {
    for plugin in ["mysql_native_password", "caching_sha2_password"] {
        let mut startup = logged_in(login(), plugin, false);
        let (sequence, body) = sent(&mut startup);
        let response = HandshakeResponse::deserialize((), &mut ParseBuf(&body)).unwrap();
        assert_eq!((sequence, response.collation()), (1, 45));
        assert_eq!((response.user(), response.db_name()), (&b"ann"[..], Some(&b"shop"[..])));
        assert_eq!(response.auth_plugin().unwrap().as_bytes(), plugin.as_bytes());
        let expected = AuthPlugin::from_bytes(plugin.as_bytes()).gen_data(Some("hunter2"), NONCE);
        assert_eq!(response.scramble_buf(), &*expected.unwrap());
        let flags = response.capabilities();
        assert!(flags.contains(ALWAYS | CapabilityFlags::CLIENT_CONNECT_WITH_DB));
        assert!(!flags.intersects(
            CapabilityFlags::CLIENT_MULTI_STATEMENTS
                | CapabilityFlags::CLIENT_LOCAL_FILES
                | CapabilityFlags::CLIENT_SSL
                | CapabilityFlags::CLIENT_COMPRESS
        ));
        let started = done(answered(&mut startup, 2, OK).unwrap());
        assert_eq!((started.connection_id, &*started.version), (7, "8.4.0"));
        assert_eq!((started.flavor, &*started.auth_plugin), (Flavor::MySql, plugin));
        assert_eq!(started.mariadb_capabilities, 0);
        assert!(started.status.contains(StatusFlags::SERVER_STATUS_AUTOCOMMIT));
    }
}

#[test]
fn mariadb_says_what_it_alone_has() {
    let offered = capabilities() - CapabilityFlags::CLIENT_LONG_PASSWORD;
    let version = "5.5.5-10.11.6-MariaDB-1";
    let body = hello_body(version, "mysql_native_password", offered);
    let mut startup = Startup::new(login());
    startup.receive(&mut packet(0, &body)).unwrap();
    startup.log_in(false).unwrap();
    let (_, body) = sent(&mut startup);
    let response = HandshakeResponse::deserialize((), &mut ParseBuf(&body)).unwrap();
    assert_eq!(response.mariadb_ext_capabilities(), MARIADB);
    let started = done(answered(&mut startup, 2, OK).unwrap());
    assert_eq!((started.flavor, &*started.version), (Flavor::MariaDb, "10.11.6-MariaDB-1"));
    assert_eq!(started.mariadb_capabilities, MARIADB.bits());
}

#[test]
fn tls_begins_before_the_name_is_told() {
    let mut startup = Startup::new(login());
    startup.receive(&mut hello("caching_sha2_password")).unwrap();
    startup.begin_tls(&[]).unwrap();
    let (sequence, body) = sent(&mut startup);
    let request = SslRequest::deserialize((), &mut ParseBuf(&body)).unwrap();
    assert_eq!((sequence, body.len()), (1, 32));
    assert!(request.capabilities().contains(CapabilityFlags::CLIENT_SSL));
    startup.log_in(true).unwrap();
    assert_eq!(sent(&mut startup).0, 2);
    assert_eq!(done(answered(&mut startup, 3, OK).unwrap()).connection_id, 7);
}

/// What comes in clear behind the hello is an attacker's, not the server's.
#[test]
fn bytes_in_clear_before_tls_are_refused() {
    let mut startup = Startup::new(login());
    startup.receive(&mut hello("caching_sha2_password")).unwrap();
    assert!(matches!(startup.begin_tls(OK), Err(StartupError::Protocol(_))));
}

#[test]
fn a_full_login_sends_the_password_to_nobody_else() {
    let secret = b"hunter2\0";
    // Nobody listens.
    let mut startup = logged_in(login(), "caching_sha2_password", true);
    startup.outgoing().clear();
    assert!(matches!(answered(&mut startup, 2, &[1, 4]), Ok(Step::Wait)));
    assert_eq!(sent(&mut startup), (3, secret.to_vec()));
    done(answered(&mut startup, 4, OK).unwrap());
    // Anybody may listen, and send a key.
    let mut startup = logged_in(login(), "caching_sha2_password", false);
    let refused = answered(&mut startup, 2, &[1, 4]).unwrap_err();
    assert_eq!(refused, StartupError::Auth(Refusal::Key));
    assert!(Refusal::Key.to_string().contains("allowPublicKeyRetrieval"));
}

#[test]
fn a_key_seals_the_password() {
    let key = ServerKey::parse(KEY.as_bytes()).unwrap();
    let known = Secrecy { key: Some(&key), ..Secrecy::default() };
    let mut startup =
        logged_in(Login { secrecy: known, ..login() }, "caching_sha2_password", false);
    startup.outgoing().clear();
    let Ok(Step::Seal(sealing)) = answered(&mut startup, 2, &[1, 4]) else { panic!("no job") };
    startup.sealed(&sealing.run());
    let (sequence, body) = sent(&mut startup);
    assert_eq!((sequence, body.len()), (3, 256));
    // Asked for, where the caller takes any.
    let any = Secrecy { any_key: true, ..Secrecy::default() };
    for (plugin, request) in [("caching_sha2_password", 2), ("sha256_password", 1)] {
        let mut startup = logged_in(Login { secrecy: any, ..login() }, plugin, false);
        startup.outgoing().clear();
        let mut sequence = 2;
        let step = match plugin {
            "sha256_password" => {
                let switch = [&b"\xfesha256_password\0"[..], NONCE, &[0]].concat();
                answered(&mut startup, sequence, &switch)
            }
            _ => answered(&mut startup, sequence, &[1, 4]),
        };
        assert!(matches!(step, Ok(Step::Wait)));
        assert_eq!(sent(&mut startup), (sequence + 1, vec![request]));
        sequence += 2;
        let answer = [&[1], KEY.as_bytes()].concat();
        let step = answered(&mut startup, sequence, &answer);
        assert!(matches!(step, Ok(Step::Seal(_))));
        let mut other = logged_in(Login { secrecy: any, ..login() }, plugin, false);
        if plugin == "caching_sha2_password" {
            answered(&mut other, 2, &[1, 4]).unwrap();
            let bad = answered(&mut other, 4, b"\x01no key").unwrap_err();
            assert_eq!(bad, StartupError::Auth(Refusal::BadKey));
        }
    }
}

#[test]
fn another_plugin_is_switched_to() {
    // A challenge of ed25519's may end in a NUL, which belongs to it.
    let nonce = [&[9; 31][..], &[0]].concat();
    let switch = [&b"\xfeclient_ed25519\0"[..], &nonce].concat();
    let mut startup = logged_in(login(), "mysql_native_password", false);
    startup.outgoing().clear();
    assert!(matches!(answered(&mut startup, 2, &switch), Ok(Step::Wait)));
    let expected = mysql_common::scramble::create_response_for_ed25519(b"hunter2", &nonce);
    assert_eq!(sent(&mut startup), (3, expected.to_vec()));
    assert_eq!(done(answered(&mut startup, 4, OK).unwrap()).auth_plugin, "client_ed25519");
}

#[test]
fn a_password_goes_in_clear_only_where_that_is_meant() {
    let switch = b"\xfemysql_clear_password\0";
    let with = |confidential, cleartext| {
        let secrecy = Secrecy { cleartext, ..Secrecy::default() };
        let login = Login { secrecy, ..login() };
        let mut startup = logged_in(login, "mysql_native_password", confidential);
        startup.outgoing().clear();
        answered(&mut startup, 2, switch).map(|_| sent(&mut startup).1)
    };
    assert_eq!(with(false, false).unwrap_err(), StartupError::Auth(Refusal::Cleartext));
    assert_eq!(with(true, false).unwrap(), b"hunter2\0");
    assert_eq!(with(false, true).unwrap(), b"hunter2\0");
    // Nor at the hello's word.
    let mut startup = logged_in(login(), "mysql_clear_password", false);
    assert!(!sent(&mut startup).1.windows(7).any(|window| window == b"hunter2"));
}

#[test]
fn what_is_not_supported_is_named() {
    for (switch, expected) in [
        (&b"\xfedialog\0Password:"[..], Refusal::Plugin("dialog".into())),
        (b"\xfemysql_old_password\0abcdefgh\0", Refusal::OldPassword),
        (b"\xfe", Refusal::OldPassword),
        (b"\xfecaching_sha2_password\0short", Refusal::Challenge),
    ] {
        let mut startup = logged_in(login(), "mysql_native_password", true);
        assert_eq!(answered(&mut startup, 2, switch).unwrap_err(), StartupError::Auth(expected));
    }
}

#[test]
fn refusals_before_and_after_the_hello() {
    let mut startup = Startup::new(login());
    let early = startup.receive(&mut packet(0, b"\xff\x10\x04Too many connections"));
    let Err(StartupError::Server(error)) = early else { panic!("{early:?}") };
    assert_eq!((error.errno, &*error.message), (1040, "Too many connections"));
    let mut startup = logged_in(login(), "mysql_native_password", false);
    let late = answered(&mut startup, 2, b"\xff\x15\x04#28000Access denied");
    let Err(StartupError::Server(error)) = late else { panic!("{late:?}") };
    assert_eq!((error.errno, &*error.state), (1045, "28000"));
}

#[test]
fn other_servers_are_told_at_once() {
    let greetings: [&[u8]; 4] = [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"-ERR unknown command\r\n",
        b"\x05\0\0\0\x07wrong",
    ];
    for greeting in greetings {
        let mut startup = Startup::new(login());
        let answer = startup.receive(&mut BytesMut::from(greeting));
        assert_eq!(answer.unwrap_err(), StartupError::Foreign(greeting[0]));
    }
    let mut startup = Startup::new(login());
    let old = startup.receive(&mut packet(0, b"\x093.23\0rest"));
    assert!(matches!(old, Err(StartupError::Protocol(_))));
}

#[test]
fn compression_is_that_of_both() {
    let zstd = CapabilityFlags::CLIENT_ZSTD_COMPRESSION_ALGORITHM;
    let agreed = |wanted, offered| compression(wanted, offered).map(|flags| flags & offered);
    let zlib = CapabilityFlags::CLIENT_COMPRESS;
    assert_eq!(agreed(Compression::Any, zlib | zstd), Ok(zstd));
    assert_eq!(agreed(Compression::Any, zlib), Ok(zlib));
    assert_eq!(agreed(Compression::Any, CapabilityFlags::empty()), Ok(CapabilityFlags::empty()));
    assert_eq!(agreed(Compression::Zlib, zlib | zstd), Ok(zlib));
    assert_eq!(agreed(Compression::Zstd, zlib), Err(StartupError::Compression("zstd")));
    let mut startup = Startup::new(Login { compression: Compression::Zstd, ..login() });
    let body = hello_body("9.0.0", "caching_sha2_password", capabilities() | zstd);
    startup.receive(&mut packet(0, &body)).unwrap();
    startup.log_in(true).unwrap();
    assert_eq!(sent(&mut startup).1.last(), Some(&ZSTD_LEVEL));
}

#[test]
fn an_exchange_without_end_is_ended() {
    let mut startup = logged_in(login(), "caching_sha2_password", true);
    let mut sequence = 2;
    let error = loop {
        match answered(&mut startup, sequence, &[1, 3]) {
            Ok(_) => sequence += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StartupError::Protocol(_)));
}

/// All that a server says in a login of several rounds.
fn transcript() -> Vec<BytesMut> {
    let switch = [&b"\xfecaching_sha2_password\0"[..], NONCE, &[0]].concat();
    let told = [&[0, 0, 0, 2, 0x40, 0, 0, 0, 13][..], b"\0\x0b\x0aautocommit"].concat();
    vec![
        hello("mysql_native_password"),
        packet(2, &switch),
        packet(4, &[1, 4]),
        packet(6, &[&[1], KEY.as_bytes()].concat()),
        packet(8, &told),
    ]
}

/// Feeds what a server says, however it is cut; true at the end of the login.
fn run(bytes: &[u8], pieces: usize) -> Result<bool, StartupError> {
    let secrecy = Secrecy { any_key: true, ..Secrecy::default() };
    let mut startup = Startup::new(Login { secrecy, ..login() });
    let mut input = BytesMut::new();
    for piece in bytes.chunks(pieces.max(1)) {
        input.extend_from_slice(piece);
        loop {
            match startup.receive(&mut input)? {
                Step::Wait if startup.waits(&input) => break,
                Step::Wait => {}
                Step::Greeted { .. } => startup.log_in(false)?,
                Step::Seal(sealing) => startup.sealed(&sealing.run()),
                Step::Done(_) => return Ok(true),
            }
        }
    }
    Ok(false)
}

#[test]
fn every_cut_of_the_handshake_waits() {
    let whole = transcript().concat();
    for end in 0..whole.len() {
        assert_eq!(run(&whole[..end], 7), Ok(false), "cut at {end}");
    }
    for pieces in [1, 5, 1000] {
        assert_eq!(run(&whole, pieces), Ok(true));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn corrupted_handshakes_end_without_panic(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        more in any::<prop::sample::Index>(),
    ) {
        let mut whole = transcript().concat();
        let (at, more) = (at.index(whole.len()), more.index(whole.len()));
        whole[at] = value;
        whole[more] ^= value;
        let _ = run(&whole, 64);
    }

    #[test]
    fn noise_ends_without_panic(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = run(&noise, 16);
        let _ = run(&packet(0, &noise), 1000);
        let mut first = hello("caching_sha2_password").to_vec();
        first.extend_from_slice(&packet(2, &noise));
        let _ = run(&first, 1000);
    }
}
