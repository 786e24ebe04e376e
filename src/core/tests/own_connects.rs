//! Connections opened for one request each, as pg-pool and mysql2 open them.

use super::world::*;
use crate::core::options::{MILLISECOND, SECOND};
use crate::core::*;

fn world(max: u32) -> World {
    World::new(Options {
        max,
        own_connects: true,
        max_connecting: max,
        idle_timeout: None,
        max_lifetime: None,
        ..Options::default()
    })
}

fn conn_of(world: &World) -> ConnId {
    let Some(Effect::Connect { conn }) = world.last.last() else { panic!("no connect") };
    *conn
}

#[test]
fn whoever_it_was_opened_for_gets_it_whatever_came_free_before() {
    let mut world = world(2);
    let (lease, _) = world.lease();
    let waiter = world.acquire();
    let conn = conn_of(&world);
    assert_eq!((world.stats().waiting, world.stats().total), (0, 2));
    world.give_back(lease);
    world.assert_waits(waiter);
    assert_eq!(world.stats().idle, 1);
    world.run(MILLISECOND);
    assert_eq!(world.lease_of(waiter).1, conn);
}

#[test]
fn a_failed_connect_costs_the_waiter_it_was_for_and_the_next_in_line_gets_the_place() {
    let mut world = world(1);
    world.gates.connect = Gate::Err;
    let (first, second) = (world.acquire(), world.acquire());
    assert_eq!(world.stats().waiting, 1, "the first is not in line");
    world.run(MILLISECOND);
    world.assert_rejected(first, RejectReason::ConnectFailed);
    world.assert_waits(second);
    assert_eq!((world.attempts, world.stats().waiting), (2, 0));
    world.run(MILLISECOND);
    world.assert_rejected(second, RejectReason::ConnectFailed);
    world.run(SECOND);
    assert_eq!(world.attempts, 2, "nothing is retried");
}

#[test]
fn a_connection_whose_waiter_left_serves_the_next_in_line() {
    let mut world = world(1);
    world.gates.connect = Gate::Slow;
    let (first, second) = (world.acquire(), world.acquire());
    world.send(Input::Cancel { waiter: first });
    world.assert_rejected(first, RejectReason::Aborted);
    world.run(SECOND);
    world.lease_of(second);
    assert_eq!(world.attempts, 1);
}

#[test]
fn a_waiter_that_was_in_line_keeps_its_deadline_while_its_connection_opens() {
    let mut world = world(1);
    let (lease, _) = world.lease();
    let waiter = world.ask(Want::Lease, 0, Some(10 * MILLISECOND));
    world.gates.connect = Gate::Slow;
    world.send(Input::Release { lease, fate: Fate::Destroy });
    world.run(5 * MILLISECOND);
    assert_eq!((world.stats().waiting, world.stats().opening), (0, 1));
    world.run(10 * MILLISECOND);
    world.assert_rejected(waiter, RejectReason::Timeout);
    world.run(SECOND);
    assert_eq!(world.stats().idle, 1, "the connection is kept");
}

#[test]
fn whoever_finds_room_is_bounded_by_the_connect_alone() {
    let mut world = world(1);
    world.gates.connect = Gate::Slow;
    let waiter = world.ask(Want::Lease, 0, Some(10 * MILLISECOND));
    world.run(SECOND);
    world.lease_of(waiter);
}

#[test]
fn the_place_of_a_closing_connection_is_free_for_newcomers_and_later_for_those_in_line() {
    let mut world = world(1);
    let (lease, _) = world.lease();
    let in_line = world.acquire();
    world.send(Input::Release { lease, fate: Fate::Destroy });
    assert_eq!((world.stats().closing, world.stats().opening), (1, 0));
    let newcomer = world.acquire();
    assert_eq!((world.stats().closing, world.stats().opening), (1, 1));
    world.run(5 * MILLISECOND);
    world.assert_waits(in_line);
    let (lease, _) = world.lease_of(newcomer);
    world.send(Input::Release { lease, fate: Fate::Destroy });
    world.run(5 * MILLISECOND);
    world.lease_of(in_line);
}

#[test]
fn a_pool_that_closes_serves_those_for_whom_a_connection_is_being_opened() {
    let mut world = world(1);
    let (waiter, in_line) = (world.acquire(), world.acquire());
    world.send(Input::Close { deadline: None });
    world.assert_rejected(in_line, RejectReason::Closed);
    world.run(MILLISECOND);
    let (lease, conn) = world.lease_of(waiter);
    world.give_back(lease);
    assert_eq!(world.closed_by_last(conn), Some(CloseReason::PoolClosed));
    assert!(!world.closed_told, "what was given back is seen to its end");
    world.run(MILLISECOND);
    assert!(world.closed_told);
}

#[test]
fn a_pool_of_idle_connections_closes_without_waiting_for_their_end() {
    let mut world = world(1);
    let (lease, _) = world.lease();
    world.give_back(lease);
    world.send(Input::Close { deadline: None });
    assert_eq!((world.stats().closing, world.closed_told), (1, true));
}

#[test]
fn at_the_close_deadline_nobody_waits_for_a_connect() {
    let mut world = world(1);
    world.gates.connect = Gate::Never;
    let waiter = world.acquire();
    world.send(Input::Close { deadline: Some(world.now + SECOND) });
    world.run(SECOND);
    world.assert_rejected(waiter, RejectReason::Closed);
    world.run(MILLISECOND);
    assert!(world.closed_told);
}

#[test]
fn a_connect_that_nobody_waits_for_any_more_is_called_off_when_the_pool_closes() {
    let mut world = world(1);
    world.gates.connect = Gate::Never;
    let waiter = world.acquire();
    world.send(Input::Close { deadline: None });
    assert!(!world.closed_told);
    world.send(Input::Cancel { waiter });
    world.run(MILLISECOND);
    assert!(world.closed_told);
}

#[test]
fn the_next_waiter_with_the_same_number_has_no_claim() {
    let mut world = world(1);
    world.gates.connect = Gate::Slow;
    let first = world.acquire();
    let conn = conn_of(&world);
    world.send(Input::Cancel { waiter: first });
    world.pool.handle(
        world.now,
        Input::Acquire { waiter: first, want: Want::Lease, priority: 0, deadline: None },
    );
    let other = WaiterId(99);
    world.pool.handle(
        world.now,
        Input::Acquire { waiter: other, want: Want::Lease, priority: 0, deadline: None },
    );
    world.pool.handle(world.now, Input::Cancel { waiter: first });
    while world.pool.poll_effect().is_some() {}
    world.pool.handle(world.now, Input::Connected { conn });
    let granted = world.pool.poll_effect();
    assert!(matches!(granted, Some(Effect::GrantLease { waiter, .. }) if waiter == other));
}
