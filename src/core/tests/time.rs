//! What time alone does: idle connections, lifetimes, long leases, leaks, clock jumps.

use super::world::*;
use crate::core::options::{MILLISECOND, MinPolicy, SECOND};
use crate::core::*;

const DAY: Time = 24 * 3600 * SECOND;

fn options(max: u32) -> Options {
    Options { max, idle_timeout: None, max_lifetime: None, ..Options::default() }
}

/// All `max` connections idle since now.
fn idle(options: Options) -> World {
    let max = options.max;
    let mut world = World::new(options);
    let waiters: Vec<_> = (0..max).map(|_| world.acquire()).collect();
    world.run(9 * MILLISECOND);
    for waiter in waiters {
        let (lease, _) = world.lease_of(waiter);
        world.give_back(lease);
    }
    assert_eq!(world.stats().idle, max);
    world
}

#[test]
fn idle_connections_above_min_are_closed() {
    let timeout = Some(SECOND);
    let mut world = idle(Options { min: 1, idle_timeout: timeout, ..options(3) });
    assert_eq!(world.pool.poll_timeout(), Some(world.now + SECOND));
    world.run(SECOND - 1);
    assert_eq!(world.stats().idle, 3);
    world.run(5 * MILLISECOND);
    assert_eq!((world.stats().idle, world.stats().destroyed), (1, 2));
    assert_eq!(world.pool.poll_timeout(), None, "no timer for what is spared");
}

#[test]
fn idle_connections_below_min_are_renewed_if_asked_for() {
    let mut world =
        idle(Options { min: 2, idle_timeout: Some(SECOND), evict_below_min: true, ..options(2) });
    world.run(SECOND + 5 * MILLISECOND);
    assert_eq!((world.stats().idle, world.stats().destroyed), (2, 2));
}

#[test]
fn max_idle_spares_that_many_and_a_sweeper_comes_at_its_interval() {
    let mut world = idle(Options {
        min_policy: MinPolicy::Spare,
        max_idle: Some(1),
        idle_timeout: Some(SECOND),
        sweep_interval: Some(10 * SECOND),
        ..options(3)
    });
    world.run(5 * SECOND);
    assert_eq!(world.stats().idle, 3);
    world.run(5 * SECOND);
    assert_eq!(world.stats().idle, 1);
}

#[test]
fn a_lifetime_ends_an_idle_connection_with_jitter() {
    let mut world = idle(Options { max_lifetime: Some(1000 * SECOND), ..options(1) });
    world.run(974 * SECOND);
    assert_eq!(world.stats().idle, 1);
    world.run(26 * SECOND);
    assert_eq!((world.stats().total, world.stats().destroyed), (0, 1));
}

#[test]
fn connections_opened_together_do_not_end_together() {
    let mut world = idle(Options { max_lifetime: Some(1000 * SECOND), ..options(5) });
    world.run(990 * SECOND);
    assert!((1..5).contains(&world.stats().idle), "{} are left", world.stats().idle);
}

#[test]
fn every_idle_connection_has_its_lifetime_timed() {
    let mut world = World::new(Options { max_lifetime: Some(SECOND), ..options(2) });
    let (young, _) = world.lease();
    world.run(SECOND / 2);
    let (old, _) = world.lease();
    world.give_back(young);
    world.give_back(old);
    world.run(SECOND / 2);
    assert_eq!(world.stats().idle, 1);
    world.run(SECOND / 2);
    assert_eq!(world.stats().idle, 0);
}

#[test]
fn a_lifetime_never_ends_a_lease_but_the_connection_is_not_leased_again() {
    let mut world = World::new(Options { max_lifetime: Some(SECOND), ..options(1) });
    let (lease, old) = world.lease();
    let next = world.acquire();
    world.run(10 * SECOND);
    assert_eq!(world.pool.lease_conn(lease), Some(old));
    world.give_back(lease);
    assert_eq!(world.closed_by_last(old), Some(CloseReason::Lifetime));
    world.run(5 * MILLISECOND);
    assert_ne!(world.lease_of(next).1, old);
}

#[test]
fn an_expired_idle_connection_is_not_leased_even_before_the_tick() {
    let mut world = idle(Options { max_lifetime: Some(SECOND), ..options(1) });
    world.sleep(2 * SECOND);
    let waiter = world.acquire();
    world.assert_waits(waiter);
    world.run(5 * MILLISECOND);
    world.lease_of(waiter);
    assert_eq!(world.stats().destroyed, 1);
}

#[test]
fn a_lifetime_is_over_at_its_very_end() {
    let mut world = World::new(Options { max_lifetime: Some(999), ..options(1) }); // no jitter
    let waiter = world.acquire();
    world.run(MILLISECOND);
    let (lease, conn) = world.lease_of(waiter);
    world.run(999);
    world.give_back(lease);
    assert_eq!(world.closed_by_last(conn), Some(CloseReason::Lifetime));
}

#[test]
fn a_leak_is_told_once_per_lease() {
    let mut world = World::new(Options { leak_detection: Some(SECOND), ..options(2) });
    let [(a, _), (b, conn)] = world.leases();
    world.give_back(a);
    world.run(10 * SECOND);
    assert_eq!(world.leaks.iter().copied().collect::<Vec<_>>(), [b]);
    assert_eq!(world.pool.lease_conn(b), Some(conn), "told, not taken");
    assert_eq!(world.pool.poll_timeout(), None);
}

#[test]
fn a_lease_that_is_out_for_too_long_is_revoked() {
    let mut world = World::new(Options { max_lease: Some(SECOND), ..options(1) });
    let (lease, conn) = world.lease();
    let next = world.acquire();
    world.run(SECOND + 5 * MILLISECOND);
    assert_eq!(world.pool.lease_conn(lease), None);
    world.give_back(lease);
    assert_eq!((world.stats().released, world.stats().destroyed_leased), (0, 1));
    assert_ne!(world.lease_of(next).1, conn);
}

#[test]
fn a_jump_of_a_day_is_neither_deadlock_nor_storm() {
    let mut world = idle(Options {
        min: 2,
        idle_timeout: Some(10 * SECOND),
        max_lifetime: Some(1800 * SECOND),
        leak_detection: Some(SECOND),
        ..options(5)
    });
    let leases: [_; 5] = world.leases();
    let late = world.ask(Want::Lease, 0, Some(30 * SECOND));
    let patient = world.acquire();
    world.sleep(DAY);
    world.send(Input::Tick);
    assert_eq!(world.last.len(), 6, "five leaks, one timeout: {:?}", world.last);
    world.assert_rejected(late, RejectReason::Timeout);
    world.give_back(leases[0].0);
    world.run(10 * MILLISECOND);
    world.lease_of(patient);
}

#[test]
fn a_clock_that_runs_backwards_stands_still() {
    let mut pool = Pool::new(options(1), 1, SECOND);
    let (want, priority, deadline) = (Want::Lease, 0, None);
    pool.handle(SECOND, Input::Acquire { waiter: WaiterId(1), want, priority, deadline });
    let Some(Effect::Connect { conn }) = pool.poll_effect() else { panic!("no connect") };
    pool.handle(SECOND, Input::Connected { conn });
    let Some(Effect::GrantLease { lease, .. }) = pool.poll_effect() else { panic!("no lease") };
    pool.handle(0, Input::Release { lease, fate: Fate::Return });
    // Idle since the second it was, not since time zero: still fresh enough.
    let now = SECOND + 400 * MILLISECOND;
    pool.handle(now, Input::Acquire { waiter: WaiterId(2), want, priority, deadline });
    assert!(matches!(pool.poll_effect(), Some(Effect::GrantLease { .. })));
}
