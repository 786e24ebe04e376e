//! When the trouble of one connection costs all of its generation.

use super::world::*;
use crate::core::options::{MILLISECOND, SECOND};
use crate::core::*;

fn options(max: u32) -> Options {
    Options { max, idle_timeout: None, max_lifetime: None, ..Options::default() }
}

/// Five connections that have served, idle.
fn served() -> (World, Vec<ConnId>) {
    let mut world = World::new(options(5));
    let leases: [_; 5] = world.leases();
    for (lease, _) in leases {
        world.give_back(lease);
    }
    (world, leases.map(|(_, conn)| conn).to_vec())
}

fn cleared(world: &World) -> usize {
    let cleared =
        |effect: &&Effect| matches!(effect, Effect::Close { why: CloseReason::Cleared, .. });
    world.last.iter().filter(cleared).count()
}

#[test]
fn three_deaths_within_a_second_cost_the_generation() {
    let (mut world, conns) = served();
    world.send(Input::Died { conn: conns[0] });
    world.run(400 * MILLISECOND);
    world.send(Input::Died { conn: conns[1] });
    assert_eq!(cleared(&world), 0);
    world.run(400 * MILLISECOND);
    world.send(Input::Died { conn: conns[2] });
    assert_eq!(cleared(&world), 2);
}

#[test]
fn what_was_opened_since_the_first_death_stays() {
    let mut world = World::new(options(5));
    let leases: [_; 5] = world.leases();
    world.send(Input::Died { conn: leases[0].1 });
    let waiter = world.acquire();
    world.run(5 * MILLISECOND);
    let (lease, fresh) = world.lease_of(waiter);
    world.send(Input::Died { conn: leases[1].1 });
    world.send(Input::Died { conn: leases[2].1 });
    world.give_back(leases[3].0);
    assert_eq!(world.closed_by_last(leases[3].1), Some(CloseReason::Cleared));
    world.give_back(lease);
    assert_eq!((world.closed_by_last(fresh), world.stats().idle), (None, 1));
}

#[test]
fn deaths_that_are_far_between_cost_one_connection_each() {
    let (mut world, conns) = served();
    for conn in conns {
        world.send(Input::Died { conn });
        assert_eq!(cleared(&world), 0);
        world.run(600 * MILLISECOND);
    }
}

#[test]
fn a_connection_at_the_wrong_server_takes_its_generation_along_once() {
    let (mut world, conns) = served();
    let (lease, _) = world.lease();
    let conn = conns[0];
    world.send(Input::Misplaced { conn });
    assert_eq!(cleared(&world), 4, "all but the one that is leased");
    world.give_back(lease);
    assert_eq!(cleared(&world), 1);
    // Of a generation that is gone, nothing is learnt about the next one.
    world.run(SECOND);
    let (lease, fresh) = world.lease();
    world.send(Input::Misplaced { conn });
    world.give_back(lease);
    assert_eq!((world.stats().idle, cleared(&world)), (1, 0));
    // The next one may be no better, but not so soon.
    world.send(Input::Misplaced { conn: fresh });
    assert_eq!(cleared(&world), 0);
    world.run(5 * SECOND);
    world.send(Input::Misplaced { conn: fresh });
    assert_eq!(cleared(&world), 1);
}

/// [15] However many wait when the server goes: connects stay within `maxConnecting`.
#[test]
fn a_generation_given_up_is_replaced_in_small_steps() {
    let (mut world, conns) = served();
    world.gates.connect = Gate::Err;
    for conn in &conns[..3] {
        world.send(Input::Died { conn: *conn });
    }
    let waiters = [(); 50].map(|()| world.acquire());
    let before = world.attempts;
    for _ in 0..2000 {
        world.run(MILLISECOND);
        assert!(world.stats().opening <= 2, "{} at once", world.stats().opening);
    }
    let attempts = world.attempts - before;
    assert!((4..80).contains(&attempts), "{attempts} attempts in 2 s");
    world.gates.connect = Gate::Ok;
    world.run(600 * MILLISECOND);
    assert_eq!(world.stats().in_use, 5);
    world.assert_waits(waiters[49]);
}
