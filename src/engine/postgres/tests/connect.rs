use super::*;
use crate::core::options::Value;
use crate::engine::net::address::Endpoint;
use crate::engine::net::hosts::Silence;
use crate::engine::postgres::cancel::cancel;
use crate::engine::postgres::hosts;
use crate::engine::session::Attempt;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "hunter2";

/// Client messages after the SSLRequest and the greeting, as a server reads them.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const ACCEPTED: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

fn target(port: u16, entries: &[(&str, &str)]) -> Target {
    let mut all = vec![("host", "127.0.0.1"), ("user", "ann"), ("password", SECRET)];
    all.extend(entries);
    let mut entries: Vec<_> =
        all.iter().map(|(k, v)| ((*k).to_owned(), Value::Text((*v).to_owned()))).collect();
    entries.push(("port".to_owned(), Value::Number(f64::from(port))));
    Target::parse(entries, &BTreeMap::new(), None).unwrap()
}

/// An ErrorResponse of a code and a message.
fn refusal(code: &str, message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0C{code}\0M{message}\0\0");
    let length = fields.len() as u32 + 4;
    [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
}

async fn connect(target: &Target, roots: &TlsRoots) -> Result<Connected, ConnectError> {
    hosts::connect(target, roots, &Silence::of(&target.route), Attempt::default()).await
}

fn roots() -> TlsRoots {
    TlsRoots::parse::<&str>(&[])
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// One client message without a tag: the greeting.
async fn read_greeting(socket: &mut TcpStream) -> Vec<u8> {
    let length = socket.read_u32().await.unwrap() as usize;
    let mut body = vec![0; length - 4];
    socket.read_exact(&mut body).await.unwrap();
    body
}

async fn read_ssl_request(socket: &mut TcpStream) {
    let mut request = [0; 8];
    socket.read_exact(&mut request).await.unwrap();
    assert_eq!(request, SSL_REQUEST);
}

#[tokio::test]
async fn plain_when_the_server_has_no_tls() {
    let (listener, port) = listen().await;
    let target = target(port, &[]);
    let roots = roots();
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        read_ssl_request(&mut socket).await;
        socket.write_all(b"N").await.unwrap();
        read_greeting(&mut socket).await;
        socket.write_all(&[ACCEPTED, b"rest"].concat()).await.unwrap();
        socket
    };
    let (connected, _socket) = tokio::join!(connect(&target, &roots), serve);
    let connected = connected.unwrap();
    assert_eq!(connected.started.transaction, b'I');
    assert!(connected.started.pinned && !connected.peer.encrypted);
    assert!(matches!(connected.stream, Stream::Tcp(_)));
    assert_eq!(&connected.leftover[..], b"rest");
}

#[tokio::test]
async fn required_tls_is_not_given_up() {
    let (listener, port) = listen().await;
    let target = target(port, &[("sslmode", "require")]);
    let roots = roots();
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        read_ssl_request(&mut socket).await;
        socket.write_all(b"N").await.unwrap();
        // Nothing but the end may follow.
        assert_eq!(socket.read(&mut [0; 64]).await.unwrap(), 0);
    };
    let (result, ()) = tokio::join!(connect(&target, &roots), serve);
    let error = result.err().unwrap();
    assert!(error.kind == Kind::Tls && error.fatal, "{error:?}");
}

/// CVE-2021-23222: what comes in clear behind the `S` is an attacker's, not the server's.
#[tokio::test]
async fn bytes_in_clear_before_tls_are_refused() {
    let (listener, port) = listen().await;
    let target = target(port, &[("sslmode", "require")]);
    let roots = roots();
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        read_ssl_request(&mut socket).await;
        socket.write_all(&[b"S", ACCEPTED].concat()).await.unwrap();
        socket
    };
    let (result, _socket) = tokio::join!(connect(&target, &roots), serve);
    assert_eq!(result.err().unwrap().kind, Kind::Tls);
}

#[tokio::test]
async fn a_forged_error_before_tls_is_not_shown() {
    let (listener, port) = listen().await;
    let target = target(port, &[]);
    let roots = roots();
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        read_ssl_request(&mut socket).await;
        socket.write_all(b"ESFATAL\0Mcall 555-1234\0\0").await.unwrap();
        socket
    };
    let (result, _socket) = tokio::join!(connect(&target, &roots), serve);
    let error = result.err().unwrap();
    assert_eq!(error.kind, Kind::Protocol);
    assert!(!error.message.contains("555"));
}

#[tokio::test]
async fn a_pooler_that_refuses_the_pins_is_asked_once() {
    let (listener, port) = listen().await;
    let target = target(port, &[("sslmode", "disable")]);
    let roots = roots();
    let serve = async {
        let mut pinned = Vec::new();
        for _ in 0..3 {
            let mut socket = listener.accept().await.unwrap().0;
            let greeting = read_greeting(&mut socket).await;
            let asks = String::from_utf8_lossy(&greeting).contains("extra_float_digits");
            pinned.push(asks);
            let refusal = refusal("08P01", "unsupported startup parameter: extra_float_digits");
            let answer = if asks { refusal } else { ACCEPTED.to_vec() };
            socket.write_all(&answer).await.unwrap();
        }
        pinned
    };
    let connect_twice = async {
        let first = connect(&target, &roots).await.unwrap();
        let second = connect(&target, &roots).await.unwrap();
        (first.started.pinned, second.started.pinned)
    };
    let (pinned, asked) = tokio::join!(connect_twice, serve);
    assert_eq!(pinned, (false, false));
    assert_eq!(asked, [true, false, false]);
}

#[tokio::test]
async fn endpoints_are_tried_in_turn() {
    let (gone, dead) = listen().await;
    drop(gone);
    let (listener, port) = listen().await;
    let mut target = target(port, &[("sslmode", "disable")]);
    target
        .route
        .endpoints
        .insert(0, Endpoint::Tcp { host: "127.0.0.1".into(), port: dead, address: None });
    let roots = roots();
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        read_greeting(&mut socket).await;
        socket.write_all(ACCEPTED).await.unwrap();
        socket
    };
    let (connected, _socket) = tokio::join!(connect(&target, &roots), serve);
    let address = Address::Tcp(([127, 0, 0, 1], port).into());
    assert_eq!(connected.unwrap().peer.address, address);
}

#[tokio::test]
async fn failures_say_where_and_why() {
    let (gone, dead) = listen().await;
    drop(gone);
    let error = connect(&target(dead, &[]), &roots()).await.err().unwrap();
    assert_eq!((&error.kind, &*error.code, error.fatal), (&Kind::Refused, "ECONNREFUSED", false));
    assert!(error.message.contains(&format!("127.0.0.1:{dead}")), "{error}");
    let json = error.to_json();
    assert_eq!((&json["kind"], &json["errno"]), (&"pool".into(), &"ECONNREFUSED".into()));

    let nowhere = target(5432, &[("host", "/nowhere/at/all")]);
    let error = connect(&nowhere, &roots()).await.err().unwrap();
    assert_eq!((&error.kind, &*error.code), (&Kind::Refused, "ENOENT"));

    // ".invalid" never resolves, with or without a network.
    let unknown = target(5432, &[("host", "db.invalid")]);
    let error = connect(&unknown, &roots()).await.err().unwrap();
    assert_eq!((&error.kind, &*error.code), (&Kind::Dns, "ENOTFOUND"));
}

#[tokio::test]
async fn a_refused_password_is_fatal_and_not_shown() {
    let (listener, port) = listen().await;
    let target = target(port, &[("sslmode", "disable")]);
    let roots = roots();
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        read_greeting(&mut socket).await;
        socket.write_all(&refusal("28P01", "no such luck")).await.unwrap();
        socket
    };
    let (result, _socket) = tokio::join!(connect(&target, &roots), serve);
    let error = result.err().unwrap();
    assert!(error.fatal);
    assert_eq!((&*error.code, &*error.message), ("28P01", "no such luck"));
    assert_eq!(error.to_json()["kind"], "database");
    assert!(!format!("{error:?} {}", error.to_json()).contains(SECRET));
}

#[tokio::test]
async fn every_cut_of_the_handshake_is_an_error() {
    let (listener, port) = listen().await;
    let target = target(port, &[("sslmode", "disable")]);
    let roots = roots();
    for end in 0..ACCEPTED.len() {
        let serve = async {
            let mut socket = listener.accept().await.unwrap().0;
            read_greeting(&mut socket).await;
            socket.write_all(&ACCEPTED[..end]).await.unwrap();
        };
        let (result, ()) = tokio::join!(connect(&target, &roots), serve);
        assert_eq!(result.err().unwrap().code, "ECONNRESET", "cut at {end}");
    }
}

#[tokio::test(start_paused = true)]
async fn connect_timeout_bounds_a_silent_server() {
    let (listener, port) = listen().await;
    let target = target(port, &[("connect_timeout", "3")]);
    let began = tokio::time::Instant::now();
    let error = connect(&target, &roots()).await.err().unwrap();
    assert_eq!((&error.kind, &*error.code), (&Kind::Timeout, "ETIMEDOUT"));
    assert_eq!(began.elapsed().as_secs(), 3);
    drop(listener);
}

#[tokio::test]
async fn giving_up_ends_the_tls_handshake() {
    let (listener, port) = listen().await;
    let target = target(port, &[("sslmode", "require")]);
    let roots = roots();
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        read_ssl_request(&mut socket).await;
        socket.write_all(b"S").await.unwrap();
        // The client's first TLS message, to which nothing is ever answered.
        assert!(socket.read(&mut [0; 4096]).await.unwrap() > 0);
        socket
    };
    let mut socket = tokio::select! {
        _ = connect(&target, &roots) => panic!("connected to nobody"),
        socket = serve => socket,
    };
    // `connect` is dropped by now; the socket it left to the blocking pool closes too.
    let end = tokio::time::timeout(Duration::from_secs(10), socket.read(&mut [0; 64])).await;
    assert!(matches!(end, Ok(Ok(0) | Err(_))), "{end:?}");
}

#[tokio::test]
async fn cancel_says_who_and_waits_for_the_end() {
    let (listener, port) = listen().await;
    let target = target(port, &[]);
    let address = Address::Tcp(([127, 0, 0, 1], port).into());
    let peer = Peer::at(address, "127.0.0.1");
    let roots = roots();
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        let mut request = [0; 16];
        socket.read_exact(&mut request).await.unwrap();
        request
    };
    let (result, request) = tokio::join!(cancel(&target, &roots, &peer, 7, -1), serve);
    result.unwrap();
    assert_eq!(request, [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 7, 255, 255, 255, 255]);
}
