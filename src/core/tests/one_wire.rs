//! One ordered wire for all that shares, and those beside it who want a connection to themselves.

use super::world::*;
use crate::core::options::{MILLISECOND, SECOND};
use crate::core::*;

fn options(max: u32) -> Options {
    let usual = Options { idle_timeout: None, max_lifetime: None, ..Options::default() };
    Options { max, one_wire: true, ..usual }
}

/// Everything goes on it, and it takes any number.
fn deep(max: u32) -> Options {
    Options { share_depth: 1000, share_patience: Time::MAX, ..options(max) }
}

fn started(options: Options) -> (World, ConnId) {
    let mut world = World::new(options);
    let first = world.read();
    world.run(10 * MILLISECOND);
    let wire = world.statement_of(first);
    (world, wire)
}

fn alone(world: &mut World) -> WaiterId {
    world.ask(Want::Alone, 0, None)
}

#[test]
fn any_number_of_statements_share_one_connection() {
    let (mut world, wire) = started(deep(5));
    for _ in 0..200 {
        let waiter = world.read();
        assert_eq!(world.statement_of(waiter), wire);
    }
    assert_eq!(world.stats().total, 1);
}

#[test]
fn those_who_come_before_the_wire_is_there_open_one_connection() {
    let mut world = World::new(deep(5));
    let waiters = [(); 20].map(|()| world.read());
    assert_eq!(world.stats().opening, 1);
    world.run(10 * MILLISECOND);
    let conns = waiters.map(|waiter| world.statement_of(waiter));
    assert!(conns.iter().all(|conn| *conn == conns[0]));
}

#[test]
fn the_wire_is_the_same_after_a_pause() {
    let (mut world, wire) = started(deep(3));
    world.done(wire);
    let (lease, other) = world.lease();
    assert_ne!(other, wire, "a lease has a connection of its own");
    world.give_back(lease);
    let waiter = world.read();
    assert_eq!(world.statement_of(waiter), wire, "not that which was used last");
}

#[test]
fn leases_and_what_is_alone_leave_one_connection_for_the_others() {
    let mut world = World::new(deep(3));
    let (lease, _) = world.lease();
    let blocked = alone(&mut world);
    world.run(10 * MILLISECOND);
    world.statement_of(blocked);
    let third = world.acquire();
    world.run(10 * MILLISECOND);
    world.assert_waits(third);
    let waiter = world.read();
    world.run(10 * MILLISECOND);
    let wire = world.statement_of(waiter);
    world.done(wire);
    world.assert_waits(third);
    world.give_back(lease);
    world.lease_of(third);
}

#[test]
fn waiting_leases_stop_nobody_who_shares() {
    let (mut world, wire) = started(deep(2));
    let _out = world.lease();
    let waiting = [world.acquire(), alone(&mut world)];
    let waiter = world.read();
    assert_eq!(world.statement_of(waiter), wire);
    waiting.iter().for_each(|waiter| world.assert_waits(*waiter));
}

#[test]
fn who_shares_waits_for_the_wire_and_a_lease_does_not() {
    let (mut world, wire) = started(Options { share_depth: 1, ..deep(3) });
    let full = world.read();
    world.assert_waits(full);
    world.lease();
    world.assert_waits(full);
    world.done(wire);
    assert_eq!(world.statement_of(full), wire);
}

#[test]
fn no_statement_overtakes_those_on_a_wire_that_retires() {
    let (mut world, wire) = started(deep(3));
    let (lease, idle) = world.lease();
    world.give_back(lease);
    world.send(Input::Retire { conn: wire });
    let waiter = world.read();
    world.assert_waits(waiter);
    world.done(wire);
    assert_eq!(world.statement_of(waiter), idle, "the next wire is one that is there");
}

#[test]
fn a_lost_wire_is_replaced_for_those_who_wait() {
    let (mut world, wire) = started(Options { share_depth: 1, ..deep(3) });
    let waiter = world.read();
    world.send(Input::Died { conn: wire });
    world.run(2 * SECOND);
    assert_ne!(world.statement_of(waiter), wire);
}

#[test]
fn while_the_server_is_away_all_wait_in_their_order() {
    let (mut world, wire) = started(deep(3));
    world.gates.connect = Gate::Err;
    world.send(Input::Died { conn: wire });
    let waiters = [(); 5].map(|()| world.read());
    world.run(SECOND);
    waiters.iter().for_each(|waiter| world.assert_waits(*waiter));
    assert!(world.attempts < 20, "with backoff");
    world.gates.connect = Gate::Ok;
    world.run(10 * SECOND);
    let conns = waiters.map(|waiter| world.statement_of(waiter));
    assert!(conns.iter().all(|conn| *conn == conns[0]));
}

#[test]
fn one_connection_serves_whoever_waits_for_longer() {
    let (mut world, wire) = started(deep(1));
    let lease = world.acquire();
    let later = world.read();
    world.assert_waits(later);
    world.done(wire);
    let (lease, _) = world.lease_of(lease);
    world.assert_waits(later);
    world.give_back(lease);
    assert_eq!(world.statement_of(later), wire);
}

#[test]
fn priorities_are_for_those_who_want_a_connection_to_themselves() {
    let (mut world, _) = started(Options { priorities: 2, ..deep(2) });
    let (lease, _) = world.lease();
    let low = world.ask(Want::Lease, 1, None);
    let high = world.ask(Want::Lease, 0, None);
    world.give_back(lease);
    world.lease_of(high);
    world.assert_waits(low);
}

#[test]
fn the_wire_is_validated_after_a_pause_and_another_one_serves_when_it_is_gone() {
    let (mut world, wire) = started(deep(2));
    world.done(wire);
    world.run(SECOND);
    world.gates.validate = Gate::Err;
    let waiters = [(); 3].map(|()| world.read());
    assert_eq!(world.stats().validating, 1);
    world.run(SECOND);
    let conns = waiters.map(|waiter| world.statement_of(waiter));
    assert!(conns.iter().all(|conn| *conn == conns[0] && *conn != wire));
}
