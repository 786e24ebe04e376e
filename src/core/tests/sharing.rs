//! Statements without a lease: when a wire is shared, with whom, and what ends it.

use super::world::*;
use crate::core::options::{MILLISECOND, Reset};
use crate::core::*;

fn options(max: u32) -> Options {
    Options { max, idle_timeout: None, max_lifetime: None, ..Options::default() }
}

/// A pool whose connections are all open and idle.
fn open(options: Options) -> World {
    let max = options.max;
    let mut world = World::new(options);
    let waiters: Vec<_> = (0..max).map(|_| world.acquire()).collect();
    world.run(50 * MILLISECOND);
    for waiter in waiters {
        let (lease, _) = world.lease_of(waiter);
        world.give_back(lease);
    }
    assert_eq!(world.stats().idle, max);
    world
}

fn alone(world: &mut World) -> WaiterId {
    world.ask(Want::Alone, 0, None)
}

#[test]
fn statements_spread_over_idle_connections_before_they_share() {
    let mut world = open(options(2));
    let (a, b, c) = (world.read(), world.read(), world.read());
    assert_ne!(world.statement_of(a), world.statement_of(b));
    assert_eq!(world.statement_of(c), world.statement_of(b), "the hottest takes the third");
}

#[test]
fn beyond_share_width_statements_pack_while_connections_are_idle() {
    let mut world = open(Options { share_width: 2, share_depth: 2, ..options(4) });
    let waiters: Vec<_> = (0..5).map(|_| world.read()).collect();
    let conns: Vec<_> = waiters.into_iter().map(|waiter| world.statement_of(waiter)).collect();
    assert_ne!(conns[0], conns[1], "two connections first");
    assert_eq!(
        conns[2..4].iter().filter(|conn| **conn == conns[0]).count(),
        1,
        "then one more each"
    );
    assert_eq!(conns[2..4].iter().filter(|conn| **conn == conns[1]).count(), 1);
    assert!(conns[4] != conns[0] && conns[4] != conns[1], "full wires overflow to an idle one");
}

#[test]
fn the_pool_grows_to_max_before_statements_share() {
    let mut world = World::new(options(3));
    let (lease, _) = world.lease();
    world.give_back(lease);
    let first = world.read();
    world.statement_of(first);
    let second = world.read();
    world.assert_waits(second);
    let third = world.read();
    assert_eq!(world.stats().opening, 2, "from here on nothing more can be opened");
    assert_eq!(world.statement_of(second), world.statement_of(third));
}

#[test]
fn statements_share_while_the_server_refuses_new_connections() {
    let mut world = World::new(options(3));
    let (lease, conn) = world.lease();
    world.give_back(lease);
    world.gates.connect = Gate::Err;
    let _running = world.read();
    let second = world.read();
    world.run(MILLISECOND);
    assert_eq!(world.statement_of(second), conn);
}

#[test]
fn a_wire_takes_share_depth_statements_and_no_more() {
    let mut world = open(Options { share_depth: 3, ..options(1) });
    let taken = [(); 3].map(|()| world.read());
    let fourth = world.read();
    world.assert_waits(fourth);
    let [conn, ..] = taken.map(|waiter| world.statement_of(waiter));
    world.done(conn);
    world.statement_of(fourth);
}

#[test]
fn nothing_is_queued_behind_a_statement_that_runs_for_long() {
    let mut world = open(options(1));
    let first = world.read();
    let conn = world.statement_of(first);
    world.run(2 * MILLISECOND);
    let second = world.read();
    world.statement_of(second);
    world.run(MILLISECOND);
    let third = world.read();
    world.assert_waits(third);
    world.done(conn); // the second has only just begun to run
    world.statement_of(third);
}

#[test]
fn without_pipeline_nothing_shares() {
    let mut world = open(Options { pipeline: false, ..options(1) });
    let first = world.read();
    let second = world.read();
    world.assert_waits(second);
    world.done(world.statement_of(first));
    world.statement_of(second);
}

#[test]
fn a_statement_alone_has_the_wire_to_itself() {
    let mut world = open(options(1));
    let first = alone(&mut world);
    let read = world.read();
    world.assert_waits(read);
    world.done(world.statement_of(first));
    world.statement_of(read);
    let second = alone(&mut world);
    world.assert_waits(second);
}

#[test]
fn writes_share_only_while_no_lease_is_out() {
    let mut world = open(options(2));
    let (first, second, third) = (world.write(), world.write(), world.write());
    assert_eq!(world.statement_of(second), world.statement_of(third));
    world.done(world.statement_of(first));
    let (lease, _) = world.lease();
    let write = world.write();
    world.assert_waits(write);
    world.give_back(lease);
    world.statement_of(write);
}

/// The owner of a row lock may await a read queued behind a write that waits for that lock.
#[test]
fn no_read_is_queued_behind_a_write_while_a_lease_is_out() {
    let mut world = open(options(2));
    let (lease, _) = world.lease();
    let write = world.write();
    world.statement_of(write);
    let read = world.read();
    world.assert_waits(read);
    world.give_back(lease);
    world.statement_of(read);
}

#[test]
fn reads_share_among_themselves_while_a_lease_is_out() {
    let mut world = open(options(2));
    let _ = world.lease();
    let (first, second) = (world.read(), world.read());
    assert_eq!(world.statement_of(first), world.statement_of(second));
}

#[test]
fn a_lease_waiter_stops_sharing_and_gets_the_next_to_drain() {
    let mut world = open(options(1));
    let (first, second) = (world.read(), world.read());
    let lease = world.acquire();
    let later = world.read();
    world.assert_waits(later);
    let conn = world.statement_of(first);
    world.done(conn);
    world.assert_waits(lease);
    world.done(world.statement_of(second));
    let (lease, _) = world.lease_of(lease);
    world.assert_waits(later);
    world.give_back(lease);
    world.statement_of(later);
}

#[test]
fn those_behind_an_aborted_lease_waiter_share_at_once() {
    let mut world = open(options(1));
    let _running = world.read();
    let lease = world.acquire();
    let behind = world.read();
    world.assert_waits(behind);
    world.send(Input::Cancel { waiter: lease });
    world.statement_of(behind);
}

#[test]
fn a_connection_dirtied_by_a_statement_drains_and_is_reset() {
    let mut world = open(options(1));
    let (first, second) = (world.read(), world.read());
    let conn = world.statement_of(first);
    world.send(Input::Dirty { conn });
    let third = world.read();
    world.assert_waits(third);
    world.done(conn);
    assert!(world.last.is_empty());
    world.done(world.statement_of(second));
    assert_eq!(world.last, [Effect::Reset { conn }]);
    world.run(5 * MILLISECOND);
    world.statement_of(third);
}

#[test]
fn nothing_is_granted_on_a_wire_with_a_cancel_under_way() {
    let mut world = open(options(1));
    let first = world.read();
    let conn = world.statement_of(first);
    world.send(Input::Hold { conn });
    let second = world.read();
    world.done(conn);
    world.assert_waits(second);
    assert_eq!((world.stats().idle, world.stats().resetting), (0, 1));
    world.send(Input::Settled { conn });
    assert_eq!(world.statement_of(second), conn);
}

#[test]
fn statements_die_with_their_connection_and_waiters_get_another() {
    let mut world = open(Options { share_depth: 2, ..options(1) });
    let (first, _second, third) = (world.read(), world.read(), world.read());
    let conn = world.statement_of(first);
    world.send(Input::Died { conn });
    world.done(conn);
    assert_eq!((world.stats().destroyed_leased, world.stats().in_flight), (2, 0));
    world.run(10 * MILLISECOND);
    assert_ne!(world.statement_of(third), conn);
}

#[test]
fn a_worn_connection_takes_no_more_statements() {
    let mut world = World::new(Options { max_uses: Some(3), reset: Reset::Never, ..options(1) });
    let [first, second, third, fourth] = [(); 4].map(|()| world.read());
    world.run(MILLISECOND);
    let conn = world.statement_of(first);
    assert_eq!(world.statement_of(second), conn);
    assert_eq!(world.statement_of(third), conn);
    world.assert_waits(fourth);
    for _ in 0..3 {
        world.done(conn);
    }
    assert_eq!(world.closed_by_last(conn), Some(CloseReason::MaxUses));
    world.run(5 * MILLISECOND);
    world.statement_of(fourth);
}
