use super::*;
use crate::core::options::Value;
use crate::engine::mysql::cancel::cancel;
use mysql_common::constants::{CapabilityFlags, StatusFlags};
use mysql_common::packets::HandshakePacket;
use mysql_common::proto::MySerialize;
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "hunter2";
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

fn target(port: u16, entries: &[(&str, &str)]) -> Target {
    let mut all = vec![("host", "127.0.0.1"), ("user", "ann"), ("password", SECRET)];
    all.extend(entries);
    let mut entries: Vec<_> =
        all.iter().map(|(k, v)| ((*k).to_owned(), Value::Text((*v).to_owned()))).collect();
    entries.push(("port".to_owned(), Value::Number(f64::from(port))));
    Target::parse(entries, None).unwrap()
}

fn hello(flags: CapabilityFlags) -> Vec<u8> {
    let needed = CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
        | CapabilityFlags::CLIENT_LONG_PASSWORD;
    let status = StatusFlags::SERVER_STATUS_AUTOCOMMIT;
    let (version, nonce) = (&b"8.4.0"[..], [&[7; 12][..], &[0]].concat());
    let plugin = Some(&b"caching_sha2_password"[..]);
    let packet = HandshakePacket::new(
        10,
        version,
        7,
        [7; 8],
        Some(nonce),
        needed | flags,
        8,
        status,
        plugin,
    );
    let mut body = Vec::new();
    packet.serialize(&mut body);
    body
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn say(socket: &mut TcpStream, sequence: u8, body: &[u8]) {
    let mut packet = BytesMut::new();
    frame::write(&mut packet, body, sequence);
    socket.write_all(&packet).await.unwrap();
}

async fn hear(socket: &mut TcpStream) -> Vec<u8> {
    let header = socket.read_u32_le().await.unwrap();
    let mut body = vec![0; (header & 0xff_ffff) as usize];
    socket.read_exact(&mut body).await.unwrap();
    body
}

/// A login that succeeds, and what is pinned behind it.
async fn let_in(socket: &mut TcpStream) -> Vec<u8> {
    say(socket, 0, &hello(CapabilityFlags::empty())).await;
    hear(socket).await;
    say(socket, 2, OK).await;
    let pins = hear(socket).await;
    say(socket, 1, OK).await;
    pins
}

async fn reach(target: &Target) -> Result<Connected, ConnectError> {
    let roots = TlsRoots::parse::<&str>(&[]);
    let attempt = Attempt { password: target.password.clone(), ..Attempt::default() };
    connect(target, &roots, &Silence::of(&target.route), attempt).await
}

#[tokio::test]
async fn a_login_and_one_flight_of_settings() {
    let (listener, port) = listen().await;
    let target = target(port, &[]);
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        (let_in(&mut socket).await, socket)
    };
    let (connected, (pins, _socket)) = tokio::join!(reach(&target), serve);
    let connected = connected.unwrap();
    assert_eq!(pins, b"\x03SET NAMES utf8mb4, time_zone='+00:00'");
    assert_eq!((connected.started.connection_id, connected.peer.encrypted), (7, false));
    assert!(matches!(connected.stream, Stream::Tcp(_)) && connected.leftover.is_empty());
}

/// A session that its caller steers: the first command is the caller's own.
#[tokio::test]
async fn nothing_is_pinned_where_the_caller_steers() {
    let (listener, port) = listen().await;
    let target = Target { pins: None, ..target(port, &[]) };
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        say(&mut socket, 0, &hello(CapabilityFlags::empty())).await;
        hear(&mut socket).await;
        say(&mut socket, 2, OK).await;
        socket
    };
    let (connected, mut socket) = tokio::join!(reach(&target), serve);
    drop(connected.unwrap());
    assert_eq!(socket.read(&mut [0; 64]).await.unwrap(), 0);
}

#[tokio::test]
async fn required_tls_is_not_given_up() {
    let (listener, port) = listen().await;
    let target = target(port, &[("sslmode", "required")]);
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        say(&mut socket, 0, &hello(CapabilityFlags::empty())).await;
        // Nothing but the end may follow.
        assert_eq!(socket.read(&mut [0; 64]).await.unwrap(), 0);
    };
    let (result, ()) = tokio::join!(reach(&target), serve);
    let error = result.err().unwrap();
    assert!(error.kind == Kind::Tls && error.fatal, "{error:?}");
}

#[tokio::test]
async fn bytes_in_clear_before_tls_are_refused() {
    let (listener, port) = listen().await;
    let target = target(port, &[("sslmode", "required")]);
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        let mut both = BytesMut::new();
        frame::write(&mut both, &hello(CapabilityFlags::CLIENT_SSL), 0);
        frame::write(&mut both, OK, 2);
        socket.write_all(&both).await.unwrap();
        assert_eq!(socket.read(&mut [0; 64]).await.unwrap(), 0);
    };
    let (result, ()) = tokio::join!(reach(&target), serve);
    assert_eq!(result.err().unwrap().kind, Kind::Protocol);
}

/// Where TLS is only preferred, a server whose TLS fails is spoken to without.
#[tokio::test]
async fn preferred_tls_that_fails_is_done_without() {
    let (listener, port) = listen().await;
    let target = target(port, &[]);
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        say(&mut socket, 0, &hello(CapabilityFlags::CLIENT_SSL)).await;
        assert_eq!(hear(&mut socket).await.len(), 32);
        socket.write_all(b"no TLS at all").await.unwrap();
        let mut socket = listener.accept().await.unwrap().0;
        let_in(&mut socket).await;
        socket
    };
    let (connected, _socket) = tokio::join!(reach(&target), serve);
    assert!(!connected.unwrap().peer.encrypted);
}

#[tokio::test]
async fn refusals_are_in_the_servers_words() {
    for (refusal, code, fatal) in [
        (&b"\xff\x10\x04Too many connections"[..], "ER_CON_COUNT_ERROR", false),
        (b"\xff\x69\x04Host is blocked", "ER_HOST_IS_BLOCKED", true),
        (b"\xff\x15\x04#28000Access denied", "ER_ACCESS_DENIED_ERROR", true),
    ] {
        let (listener, port) = listen().await;
        let target = target(port, &[]);
        let serve = async {
            let mut socket = listener.accept().await.unwrap().0;
            say(&mut socket, 0, refusal).await;
            socket
        };
        let (result, _socket) = tokio::join!(reach(&target), serve);
        let error = result.err().unwrap();
        assert_eq!((&*error.code, error.fatal), (code, fatal));
        let json = error.to_json();
        assert_eq!((&json["kind"], &json["code"]), (&"database".into(), &code.into()));
        assert!(!format!("{error:?} {json}").contains(SECRET));
    }
}

#[tokio::test]
async fn every_cut_of_the_handshake_is_an_error() {
    let (listener, port) = listen().await;
    let target = target(port, &[]);
    let mut whole = BytesMut::new();
    frame::write(&mut whole, &hello(CapabilityFlags::empty()), 0);
    for end in 0..whole.len() {
        let serve = async {
            let mut socket = listener.accept().await.unwrap().0;
            socket.write_all(&whole[..end]).await.unwrap();
        };
        let (result, ()) = tokio::join!(reach(&target), serve);
        assert_eq!(result.err().unwrap().code, "ECONNRESET", "cut at {end}");
    }
}

#[tokio::test]
async fn a_cancel_names_its_connection_and_says_goodbye() {
    let (listener, port) = listen().await;
    let target = target(port, &[]);
    let peer = Peer::at(Address::Tcp(([127, 0, 0, 1], port).into()), "127.0.0.1");
    let roots = TlsRoots::parse::<&str>(&[]);
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        let_in(&mut socket).await;
        let kill = hear(&mut socket).await;
        say(&mut socket, 1, OK).await;
        (kill, hear(&mut socket).await)
    };
    let cancel = cancel(&target, &roots, Some(SECRET), &peer, 42);
    let (result, (kill, goodbye)) = tokio::join!(cancel, serve);
    result.unwrap();
    assert_eq!((&kill[..], &goodbye[..]), (&b"\x03KILL QUERY 42"[..], &b"\x01"[..]));
}
