//! Both ends of a bridge by hand: what JavaScript would say against what a session would do.

use super::port::CREDIT_MAX;
use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::task::Waker;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LINK: u32 = 3;

fn port() -> (Rc<Port>, Bridges) {
    let port = Rc::new(Port::default());
    (port.clone(), Bridges::new(port, LINK, 1))
}

fn now<F: Future>(future: F) -> Poll<F::Output> {
    let mut future = Box::pin(future);
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// A bridge that JavaScript has opened with so much credit.
fn opened(port: &Port, bridges: &Bridges, credit: usize) -> (i32, Bridge) {
    let mut opening = Box::pin(bridges.open(json!({})));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(opening.as_mut().poll(cx).is_pending());
    let id = port.take_notes()[0].0.borrow().id;
    port.credit(LINK, id, 0, credit, b"");
    match opening.as_mut().poll(cx) {
        Poll::Ready(Ok(bridge)) => (id, bridge),
        _ => panic!("credit opens a transport"),
    }
}

fn written(port: &Port) -> Vec<u8> {
    let notes = port.take_notes();
    let writes = notes.iter().filter(|(_, note)| matches!(note, Note::Write));
    writes.flat_map(|(pipe, _)| pipe.borrow_mut().take_outgoing()).collect()
}

fn granted(port: &Port) -> usize {
    let notes = port.take_notes().into_iter();
    notes.map(|(_, note)| if let Note::Credit(bytes) = note { bytes } else { 0 }).sum()
}

#[test]
fn writes_stop_where_the_credit_ends() {
    let (port, bridges) = port();
    let (id, mut bridge) = opened(&port, &bridges, 10);
    let mut writing = Box::pin(bridge.write_all(b"0123456789abcdef"));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(writing.as_mut().poll(cx).is_pending());
    assert_eq!(written(&port), b"0123456789");
    assert!(writing.as_mut().poll(cx).is_pending());
    assert_eq!(written(&port), b"");
    port.credit(LINK, id, 0, 100, b"");
    assert!(writing.as_mut().poll(cx).is_ready());
    assert_eq!(written(&port), b"abcdef");
}

#[test]
fn room_is_granted_as_bytes_are_read_and_never_before() {
    let (port, bridges) = port();
    let (id, mut bridge) = opened(&port, &bridges, 1);
    port.take_notes();
    port.data(LINK, id, 0, &vec![7; WINDOW]);
    assert_eq!(granted(&port), 0);
    let mut buffer = vec![0; WINDOW];
    assert!(now(bridge.read_exact(&mut buffer[..WINDOW / 2])).is_ready());
    assert_eq!(granted(&port), WINDOW / 2);
    assert!(now(bridge.read_exact(&mut buffer[..WINDOW / 2])).is_ready());
    assert_eq!(granted(&port), WINDOW / 2);
    assert!(now(bridge.read_exact(&mut buffer[..1])).is_pending());
}

#[test]
fn more_than_was_granted_ends_the_transport() {
    let (port, bridges) = port();
    let (id, mut bridge) = opened(&port, &bridges, 1);
    port.data(LINK, id, 0, &vec![7; WINDOW]);
    port.data(LINK, id, 0, b"x");
    let Poll::Ready(Err(error)) = now(bridge.write_all(b"y")) else { panic!("it goes on") };
    assert!(Failure::of(&error).unwrap().message.contains("more than was asked for"));
}

#[test]
fn what_came_before_an_end_is_read_before_it() {
    let (port, bridges) = port();
    let (id, mut bridge) = opened(&port, &bridges, 1);
    port.data(LINK, id, 0, b"last");
    port.end(LINK, id, b"");
    let mut text = String::new();
    assert!(matches!(now(bridge.read_to_string(&mut text)), Poll::Ready(Ok(4))));
    assert!(matches!(now(bridge.write_all(b"y")), Poll::Ready(Err(_))));
}

#[test]
fn a_failure_keeps_its_words_and_its_kind() {
    let (port, bridges) = port();
    let (id, mut bridge) = opened(&port, &bridges, 1);
    port.end(LINK, id, br#"{"message":"no way","code":"ECONNREFUSED","fatal":true}"#);
    let Poll::Ready(Err(error)) = now(bridge.read_u8()) else { panic!("it goes on") };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let failure = Failure::of(&error).unwrap();
    assert_eq!((failure.transport, failure.fatal, failure.tls), (id, true, false));
    assert_eq!(failure.to_json()["message"], "no way");
}

#[test]
fn bytes_in_clear_behind_the_agreement_to_tls_end_the_transport() {
    for early in [true, false] {
        let (port, bridges) = port();
        let (id, mut bridge) = opened(&port, &bridges, 10);
        if early {
            port.data(LINK, id, 0, b"forged");
        }
        let mut securing = Box::pin(bridge.secure(json!({})));
        let cx = &mut Context::from_waker(Waker::noop());
        let mut outcome = securing.as_mut().poll(cx);
        if !early {
            assert!(outcome.is_pending());
            port.data(LINK, id, 0, b"forged");
            outcome = securing.as_mut().poll(cx);
        }
        let Poll::Ready(Err(error)) = outcome else { panic!("forged bytes were let through") };
        assert!(Failure::of(&error).unwrap().message.contains("in clear"));
    }
}

#[test]
fn credit_of_before_does_not_say_that_tls_stands() {
    let (port, bridges) = port();
    let (id, mut bridge) = opened(&port, &bridges, 10);
    {
        let mut securing = Box::pin(bridge.secure(json!({})));
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(securing.as_mut().poll(cx).is_pending());
        port.credit(LINK, id, 0, 100, b"");
        assert!(securing.as_mut().poll(cx).is_pending());
        port.credit(LINK, id, 1, 100, b"DER");
        assert!(matches!(securing.as_mut().poll(cx), Poll::Ready(Ok(()))));
    }
    assert_eq!(bridge.peer_certificate(), Some(&b"DER"[..]));
    port.data(LINK, id, 1, b"a");
    assert!(matches!(now(bridge.read_u8()), Poll::Ready(Ok(b'a'))));
}

#[test]
fn a_dropped_bridge_is_closed_and_late_records_change_nothing() {
    let (port, bridges) = port();
    let (id, bridge) = opened(&port, &bridges, 10);
    port.take_notes();
    drop(bridge);
    assert!(matches!(port.take_notes()[..], [(_, Note::Close { graceful: false })]));
    port.data(LINK, id, 0, b"late");
    port.credit(LINK, id, 0, 1, b"");
    port.end(LINK, id, b"");
    assert_eq!(port.count(), 0);
    // One that never opened is given up the same way.
    assert!(now(bridges.open(json!({}))).is_pending());
    assert_eq!(port.count(), 0);
    assert!(matches!(port.take_notes().last(), Some((_, Note::Close { .. }))));
}

#[test]
fn a_graceful_end_waits_for_the_duplex_and_takes_no_more_bytes() {
    let (port, bridges) = port();
    let (id, mut bridge) = opened(&port, &bridges, 10);
    port.take_notes();
    assert!(now(bridge.write_all(b"bye")).is_ready());
    assert!(now(bridge.shutdown()).is_pending());
    let notes = port.take_notes();
    assert!(matches!(notes[..], [(_, Note::Write), (_, Note::Close { graceful: true })]));
    assert!(matches!(now(bridge.write_all(b"x")), Poll::Ready(Err(_))));
    port.end(LINK, id, b"");
    assert!(matches!(now(bridge.shutdown()), Poll::Ready(Ok(()))));
}

#[test]
fn the_end_of_a_thread_ends_its_transports_and_no_others() {
    let (port, bridges) = port();
    let other = Bridges::new(port.clone(), LINK + 1, 2);
    let (_, mut mine) = opened(&port, &bridges, 10);
    let mut opening = Box::pin(other.open(json!({})));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(opening.as_mut().poll(cx).is_pending());
    port.close_link(LINK + 1);
    assert!(matches!(opening.as_mut().poll(cx), Poll::Ready(Err(_))));
    assert!(now(mine.write_all(b"on")).is_ready());
}

#[test]
fn another_link_cannot_speak_for_a_transport() {
    let (port, bridges) = port();
    let (id, mut bridge) = opened(&port, &bridges, 1);
    port.data(LINK + 1, id, 0, b"x");
    port.end(LINK + 1, id, b"");
    assert!(now(bridge.read_u8()).is_pending());
}

#[derive(Clone, Debug)]
enum Act {
    Data(i32, usize),
    Credit(i32, usize),
    End(bool),
    Read(usize),
    Write(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (-1..3, 0..2 * WINDOW).prop_map(|(phase, size)| Act::Data(phase, size)),
        (0..2, 0..4 * WINDOW).prop_map(|(phase, size)| Act::Credit(phase, size)),
        any::<bool>().prop_map(Act::End),
        (1..WINDOW).prop_map(Act::Read),
        (0..WINDOW).prop_map(Act::Write),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_javascript_says_the_buffers_stay_bounded(
        acts in prop::collection::vec(act(), 0..40)
    ) {
        let (port, bridges) = port();
        let (id, mut bridge) = opened(&port, &bridges, 1000);
        let bytes = vec![0; 2 * WINDOW];
        for act in acts {
            match act {
                Act::Data(phase, size) => port.data(LINK, id, phase, &bytes[..size]),
                Act::Credit(phase, size) => port.credit(LINK, id, phase, size, b""),
                Act::End(true) => port.end(LINK, id, b""),
                Act::End(false) => port.end(LINK, id, b"\xff[ not json"),
                Act::Read(size) => {
                    let _ = now(bridge.read(&mut vec![0; size]));
                }
                Act::Write(size) => {
                    let _ = now(bridge.write_all(&bytes[..size]));
                }
            }
            let [incoming, outgoing] = bridge.pipe.borrow().held();
            prop_assert!(incoming <= WINDOW);
            prop_assert!(outgoing <= CREDIT_MAX);
            written(&port);
        }
    }
}
