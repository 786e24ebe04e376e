//! Connections that die, are retired or cleared, and the end of a pool.

use super::world::*;
use crate::core::options::{MILLISECOND, SECOND};
use crate::core::*;

fn options(max: u32) -> Options {
    Options { max, idle_timeout: None, max_lifetime: None, ..Options::default() }
}

#[test]
fn a_connection_that_dies_on_its_borrower_is_replaced_and_its_release_is_void() {
    let mut world = World::new(options(1));
    let (lease, dead) = world.lease();
    let next = world.acquire();
    world.send(Input::Died { conn: dead });
    world.run(5 * MILLISECOND);
    assert_ne!(world.lease_of(next).1, dead);
    world.give_back(lease);
    let stats = world.stats();
    assert_eq!((stats.acquired, stats.released, stats.destroyed_leased), (2, 0, 1));
    assert_eq!(stats.in_use, 1);
}

#[test]
fn a_retired_connection_goes_when_nobody_uses_it() {
    let mut world = World::new(options(2));
    let [(lease, used), (other, unused)] = world.leases();
    world.give_back(other);
    world.send(Input::Retire { conn: unused });
    assert_eq!(world.closed_by_last(unused), Some(CloseReason::Retired));
    world.send(Input::Retire { conn: used });
    assert!(world.last.is_empty());
    world.give_back(lease);
    assert_eq!(world.closed_by_last(used), Some(CloseReason::Retired));
}

#[test]
fn clear_closes_every_connection_of_the_old_generation() {
    let mut world = World::new(options(3));
    let [(a, in_use), (b, idle)] = world.leases();
    world.give_back(b);
    world.gates.connect = Gate::Slow;
    let first = world.acquire();
    let second = world.acquire();
    let opening = *world.conns.keys().last().unwrap();
    world.send(Input::Clear);
    assert_eq!(world.lease_of(first).1, idle, "granted before the clear");
    assert_eq!(world.closed_by_last(opening), Some(CloseReason::Cleared));
    world.give_back(a);
    assert_eq!(world.closed_by_last(in_use), Some(CloseReason::Cleared));
    world.run(SECOND);
    world.lease_of(second);
}

#[test]
fn answers_for_a_connection_that_is_gone_are_ignored() {
    let mut world = World::new(options(1));
    let waiter = world.acquire();
    let Effect::Connect { conn } = world.last[0] else { panic!("no connect") };
    world.send(Input::Retire { conn });
    world.send(Input::Connected { conn });
    world.assert_waits(waiter);
    world.send(Input::Closed { conn });
    let Effect::Connect { conn: next } = world.last[0] else { panic!("no second connect") };
    assert_eq!(next.slot, conn.slot);
    world.send(Input::Connected { conn });
    world.assert_waits(waiter);
    world.send(Input::Connected { conn: next });
    world.lease_of(waiter);
}

#[test]
fn an_idle_connection_that_turns_dirty_is_reset_before_anyone_gets_it() {
    let mut world = World::new(options(1));
    let (lease, conn) = world.lease();
    world.give_back(lease);
    world.send(Input::Dirty { conn });
    assert_eq!(world.last, [Effect::Reset { conn }]);
}

#[test]
fn close_rejects_waiters_and_waits_for_leases() {
    let mut world = World::new(options(1));
    let (lease, _) = world.lease();
    let waiter = world.acquire();
    world.send(Input::Close { deadline: Some(world.now + SECOND) });
    world.assert_rejected(waiter, RejectReason::Closed);
    assert!(world.pool.closed);
    let late = world.acquire();
    world.assert_rejected(late, RejectReason::Closed);
    world.run(SECOND / 2);
    assert!(!world.closed_told);
    world.give_back(lease);
    world.run(5 * MILLISECOND);
    assert!(world.closed_told);
    assert_eq!((world.stats().released, world.stats().total), (1, 0));
}

#[test]
fn at_the_close_deadline_leases_are_revoked() {
    let mut world = World::new(options(2));
    let (lease, conn) = world.lease();
    let read = world.read();
    world.run(5 * MILLISECOND);
    world.statement_of(read);
    world.send(Input::Close { deadline: None });
    world.run(60 * SECOND);
    assert!(!world.closed_told, "no deadline, no end while a lease is out");
    world.send(Input::Close { deadline: Some(world.now + SECOND) });
    world.run(SECOND - 1);
    assert_eq!(world.pool.lease_conn(lease), Some(conn));
    world.run(5 * MILLISECOND);
    assert!(world.closed_told);
    assert_eq!(world.stats().destroyed_leased, 2);
}

#[test]
fn of_two_close_deadlines_the_earlier_counts() {
    for seconds in [[1, 60], [60, 1]] {
        let mut world = World::new(options(1));
        let _ = world.lease();
        let now = world.now;
        for seconds in seconds {
            world.send(Input::Close { deadline: Some(now + seconds * SECOND) });
        }
        world.run(2 * SECOND);
        assert!(world.closed_told);
    }
}

#[test]
fn close_without_time_takes_what_is_out_at_once() {
    let mut world = World::new(options(1));
    let (lease, conn) = world.lease();
    world.send(Input::Close { deadline: Some(world.now) });
    let revoked = Effect::Revoke { lease, conn };
    assert_eq!(world.last, [revoked, Effect::Close { conn, why: CloseReason::PoolClosed }]);
}

#[test]
fn an_empty_pool_closes_at_once_and_tells_once() {
    let mut world = World::new(options(1));
    world.send(Input::Close { deadline: None });
    assert_eq!(world.last, [Effect::PoolClosed]);
    world.send(Input::Close { deadline: Some(world.now) });
    assert!(world.last.is_empty());
}

#[test]
fn close_calls_off_connects_under_way() {
    let mut world = World::new(options(1));
    world.gates.connect = Gate::Never;
    let waiter = world.acquire();
    world.send(Input::Close { deadline: None });
    world.assert_rejected(waiter, RejectReason::Closed);
    world.run(5 * MILLISECOND);
    assert!(world.closed_told);
}

/// One thread of several closes its part of a pool: what it holds goes, the others go on.
#[test]
fn a_recalled_lease_is_taken_away_and_its_place_goes_to_the_next() {
    let mut world = World::new(options(1));
    let (lease, conn) = world.lease();
    let next = world.acquire();
    world.send(Input::Recall { lease });
    assert_eq!(world.last[0], Effect::Revoke { lease, conn });
    assert_eq!(world.closed_by_last(conn), Some(CloseReason::PoolClosed));
    world.run(5 * MILLISECOND);
    assert_ne!(world.lease_of(next).1, conn);
    world.give_back(lease);
    world.send(Input::Recall { lease });
    assert_eq!((world.stats().destroyed_leased, world.stats().in_use), (1, 1));
}
