use super::*;
use crate::core::options::Value;
use crate::engine::net::failure::Kind;
use crate::engine::net::hosts::SILENT_FOR;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// A server of this session state, as one of version 14 reports it.
const PRIMARY: &[(&str, &str)] =
    &[("in_hot_standby", "off"), ("default_transaction_read_only", "off")];
const STANDBY: &[(&str, &str)] =
    &[("in_hot_standby", "on"), ("default_transaction_read_only", "off")];
const READ_ONLY: &[(&str, &str)] =
    &[("in_hot_standby", "off"), ("default_transaction_read_only", "on")];

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[tag], &length[..], body].concat()
}

async fn greet(socket: &mut TcpStream, reports: &[(&str, &str)]) {
    let length = socket.read_u32().await.unwrap() as usize;
    socket.read_exact(&mut vec![0; length - 4]).await.unwrap();
    let mut answer = message(b'R', &[0; 4]);
    for (name, value) in reports {
        answer.extend(message(b'S', format!("{name}\0{value}\0").as_bytes()));
    }
    answer.extend(message(b'Z', b"I"));
    socket.write_all(&answer).await.unwrap();
}

/// Serves for ever; gives its port.
async fn server(reports: &'static [(&'static str, &'static str)]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let mut socket = listener.accept().await.unwrap().0;
            tokio::spawn(async move {
                greet(&mut socket, reports).await;
                while socket.read(&mut [0; 64]).await.unwrap_or(0) > 0 {}
            });
        }
    });
    port
}

/// Accepts and says nothing.
async fn black_hole() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// The system itself answers nobody, because the queue of those to be accepted is full.
async fn deaf() -> (socket2::Socket, Vec<TcpStream>, u16) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queued = Vec::new();
    let patience = Duration::from_millis(100);
    while let Ok(stream) = tokio::time::timeout(patience, TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
    }
    (socket, queued, address.port())
}

fn target(ports: &[u16], settings: &[(&str, &str)]) -> Target {
    let list = |items: Vec<String>| Value::Text(items.join(","));
    let mut entries = vec![
        ("host".to_owned(), list(ports.iter().map(|_| "127.0.0.1".to_owned()).collect())),
        ("port".to_owned(), list(ports.iter().map(u16::to_string).collect())),
        ("user".to_owned(), Value::Text("ann".to_owned())),
        ("sslmode".to_owned(), Value::Text("disable".to_owned())),
    ];
    for (key, value) in settings {
        entries.push(((*key).to_owned(), Value::Text((*value).to_owned())));
    }
    Target::parse(entries, &BTreeMap::new(), None).unwrap()
}

async fn reach(target: &Target, attempt: Attempt) -> Result<u16, ConnectError> {
    let silence = Silence::of(&target.route);
    reach_again(target, &silence, attempt).await
}

async fn reach_again(
    target: &Target,
    silence: &Silence,
    attempt: Attempt,
) -> Result<u16, ConnectError> {
    let roots = TlsRoots::parse::<&str>(&[]);
    let connected = connect(target, &roots, silence, attempt).await?;
    match connected.peer.address {
        Address::Tcp(address) => Ok(address.port()),
        Address::Unix(_) | Address::Far(_) => unreachable!("no path was given"),
    }
}

#[tokio::test]
async fn the_first_host_of_the_role_wanted() {
    let [primary, standby, read_only] =
        [server(PRIMARY).await, server(STANDBY).await, server(READ_ONLY).await];
    let all = [standby, read_only, primary];
    for (wanted, ports, expected) in [
        ("any", &all[..], standby),
        ("read-write", &all, primary),
        ("read-only", &[primary, read_only, standby], read_only),
        ("primary", &all, read_only),
        ("standby", &[primary, read_only, standby], standby),
        ("prefer-standby", &[primary, standby], standby),
        ("prefer-standby", &[primary, read_only], primary),
    ] {
        let target = target(ports, &[("target_session_attrs", wanted)]);
        assert_eq!(reach(&target, Attempt::default()).await, Ok(expected), "{wanted}");
    }
}

/// Node's way with names of several addresses; the last one has all the time it wants.
#[tokio::test]
async fn an_address_that_cannot_be_reached_soon_yields_to_the_next() {
    let (_socket, _queued, deaf) = deaf().await;
    let settings = [("hostaddr", "127.0.0.1,127.0.0.1"), ("attemptTimeoutMs", "50")];
    let awake = server(PRIMARY).await;
    assert_eq!(reach(&target(&[deaf, awake], &settings), Attempt::default()).await, Ok(awake));
    let closed = black_hole().await.1;
    let error = reach(&target(&[deaf, closed], &settings), Attempt::default()).await.unwrap_err();
    let Kind::Hosts(failed) = &error.kind else { panic!("{error:?}") };
    let said: Vec<_> = failed.iter().map(|it| it.error.to_json()["socket"].clone()).collect();
    assert_eq!(said[0]["syscall"], "connect");
    assert!(said[0]["os"].is_null());
    assert_eq!(failed[0].error.code, "ETIMEDOUT");
    assert_eq!(said[1]["port"], closed);
    let last = target(&[awake, deaf], &settings);
    let deaf: std::net::SocketAddr = ([127, 0, 0, 1], deaf).into();
    assert_eq!(last.route.patience(&deaf), None);
}

/// Servers before 14 and poolers report nothing: they are asked.
#[tokio::test]
async fn a_server_that_does_not_report_is_asked_once() {
    for (wanted, question, value, fits) in [
        ("read-write", "SHOW transaction_read_only", "off", true),
        ("read-write", "SHOW transaction_read_only", "on", false),
        ("standby", "SELECT pg_catalog.pg_is_in_recovery()", "t", true),
        ("primary", "SELECT pg_catalog.pg_is_in_recovery()", "t", false),
    ] {
        let (listener, port) = black_hole().await;
        let target = target(&[port], &[("target_session_attrs", wanted)]);
        let serve = async {
            let mut socket = listener.accept().await.unwrap().0;
            greet(&mut socket, &[]).await;
            let mut asked = vec![0; question.len() + 6];
            socket.read_exact(&mut asked).await.unwrap();
            assert_eq!(&asked[5..asked.len() - 1], question.as_bytes());
            let cell = [&1_u16.to_be_bytes()[..], &(value.len() as u32).to_be_bytes()].concat();
            let row = message(b'D', &[&cell[..], value.as_bytes()].concat());
            let answer =
                [message(b'T', &[0, 0]), row, message(b'C', b"SHOW\0"), message(b'Z', b"I")];
            // In pieces, as it may come.
            for byte in answer.concat() {
                socket.write_all(&[byte]).await.unwrap();
            }
            socket
        };
        let (found, _socket) = tokio::join!(reach(&target, Attempt::default()), serve);
        assert_eq!(found.is_ok(), fits, "{wanted}: {found:?}");
    }
}

#[tokio::test]
async fn when_no_host_fits_each_says_why() {
    let (gone, dead) = black_hole().await;
    drop(gone);
    let standby = server(STANDBY).await;
    let target = target(&[dead, standby], &[("target_session_attrs", "read-write")]);
    let error = reach(&target, Attempt::default()).await.unwrap_err();
    let expected = format!(
        "no host accepts target_session_attrs=read-write: 127.0.0.1:{dead}: connection refused; \
         127.0.0.1:{standby}: the server is read-only"
    );
    assert_eq!((&*error.message, error.fatal), (&*expected, false));
    let json = error.to_json();
    assert_eq!((&json["reason"], &json["code"]), (&"role".into(), &"ERR_POLYPOOL_CONNECT".into()));
    assert_eq!(json["attempts"][0]["host"], format!("127.0.0.1:{dead}"));
    assert_eq!(json["attempts"][0]["error"]["reason"], "refused");
    assert_eq!(json["attempts"][1]["error"]["reason"], "role");
}

/// A machine that is gone takes no more than its share, and that once.
#[tokio::test(start_paused = true)]
async fn a_silent_host_has_its_share_of_the_time() {
    let (first, hole) = black_hole().await;
    let (second, other) = black_hole().await;
    let primary = server(PRIMARY).await;
    let target = target(&[hole, other, primary], &[]);
    let silence = Silence::of(&target.route);
    let limit = Some(Duration::from_secs(20));
    let began = Instant::now();
    let attempt = |now| Attempt { seed: 1, now, limit, ..Attempt::default() };
    assert_eq!(reach_again(&target, &silence, attempt(1)).await, Ok(primary));
    let took = began.elapsed().as_millis();
    // Two thirds of nineteen seconds.
    assert!((12_500..13_000).contains(&took), "{took} ms");
    assert_eq!(reach_again(&target, &silence, attempt(1)).await, Ok(primary));
    assert!(began.elapsed().as_millis() - took < 100, "waited for the silent ones again");
    // Later they have their chance again.
    assert_eq!(reach_again(&target, &silence, attempt(2 + SILENT_FOR)).await, Ok(primary));
    assert!(began.elapsed().as_millis() - took > 12_500);
    drop((first, second));
}

#[tokio::test]
async fn hosts_are_shuffled_by_the_seed_alone() {
    let ports = [server(PRIMARY).await, server(PRIMARY).await, server(PRIMARY).await];
    let random = target(&ports, &[("load_balance_hosts", "random")]);
    let fixed = target(&ports, &[]);
    let mut seen = BTreeSet::new();
    for seed in 0..20 {
        let attempt = || Attempt { seed, ..Attempt::default() };
        let port = reach(&random, attempt()).await.unwrap();
        assert_eq!(reach(&random, attempt()).await, Ok(port), "the same seed, the same host");
        assert_eq!(reach(&fixed, attempt()).await, Ok(ports[0]));
        seen.insert(port);
    }
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn a_refused_login_is_not_tried_elsewhere() {
    let (listener, port) = black_hole().await;
    let other = server(PRIMARY).await;
    let target = target(&[port, other], &[]);
    let serve = async {
        let mut socket = listener.accept().await.unwrap().0;
        let length = socket.read_u32().await.unwrap() as usize;
        socket.read_exact(&mut vec![0; length - 4]).await.unwrap();
        let refusal = message(b'E', b"SFATAL\0C28P01\0Mno\0\0");
        socket.write_all(&refusal).await.unwrap();
        socket
    };
    let (result, _socket) = tokio::join!(reach(&target, Attempt::default()), serve);
    assert_eq!(&*result.unwrap_err().code, "28P01");
}
