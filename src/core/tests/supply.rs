//! Opening connections: how many at once, after failures, for `min`, and on request.

use super::world::*;
use crate::core::backoff::{Backoff, Random};
use crate::core::options::{MILLISECOND, MinPolicy, SECOND};
use crate::core::*;

fn options(max: u32) -> Options {
    Options { max, idle_timeout: None, max_lifetime: None, ..Options::default() }
}

fn refusing(options: Options) -> World {
    let mut world = World::new(options);
    world.gates.connect = Gate::Err;
    world
}

#[test]
fn few_connect_at_once_and_more_while_waiters_stay() {
    let mut world = World::new(options(10));
    let waiters = [(); 10].map(|()| world.acquire());
    assert_eq!(world.stats().opening, 2);
    world.run(MILLISECOND);
    assert!(world.stats().opening > 2);
    world.run(5 * MILLISECOND);
    for waiter in waiters {
        world.lease_of(waiter);
    }
}

#[test]
fn no_more_connections_than_waiters() {
    let mut world = World::new(options(10));
    world.acquire();
    assert_eq!(world.stats().opening, 1);
    world.run(10 * MILLISECOND);
    assert_eq!(world.stats().total, 1);
}

#[test]
fn nothing_is_opened_for_a_waiter_whose_connection_is_being_reset() {
    let mut world = World::new(options(2));
    let (lease, conn) = world.lease();
    world.send(Input::Dirty { conn });
    world.give_back(lease);
    let next = world.acquire();
    assert_eq!(world.stats().opening, 0);
    world.run(5 * MILLISECOND);
    assert_eq!((world.lease_of(next).1, world.attempts), (conn, 1));
}

#[test]
fn the_connect_limit_falls_back_after_a_burst() {
    let mut world = World::new(options(10));
    let _: [_; 10] = world.leases();
    world.send(Input::Clear);
    let leases: Vec<Lease> = world.leases.keys().copied().collect();
    for lease in leases {
        world.give_back(lease);
    }
    world.run(SECOND);
    for _ in 0..10 {
        world.acquire();
    }
    assert_eq!(world.stats().opening, 2);
}

#[test]
fn a_closing_connection_still_counts() {
    let mut world = World::new(options(1));
    let (lease, conn) = world.lease();
    world.send(Input::Release { lease, fate: Fate::Destroy });
    assert_eq!(world.closed_by_last(conn), Some(CloseReason::Released));
    let next = world.acquire();
    assert!(world.last.is_empty());
    world.run(5 * MILLISECOND);
    world.lease_of(next);
}

#[test]
fn a_server_that_is_down_is_asked_ever_less_often_while_somebody_waits() {
    let mut world = refusing(options(10));
    for _ in 0..20 {
        world.acquire();
    }
    world.run(10 * SECOND);
    let early = world.attempts;
    world.run(600 * SECOND);
    let late = world.attempts - early;
    assert!((20..200).contains(&early), "{early} attempts in 10 s");
    // At most two at once, every 0.5 s at the longest, every 0.25 s on the average.
    assert!((2400..9600).contains(&late), "{late} attempts in 600 s");
    world.gates.connect = Gate::Ok;
    world.run(SECOND);
    assert_eq!(world.stats().in_use, 10);
}

#[test]
fn a_server_that_is_down_is_asked_rarely_when_nobody_waits() {
    let mut world = refusing(Options { min: 2, ..options(10) });
    world.run(10 * SECOND);
    let early = world.attempts;
    world.run(600 * SECOND);
    // As above, with 5 s at the longest.
    let late = world.attempts - early;
    assert!((240..1200).contains(&late), "{late} attempts in 600 s");
    let waiter = world.acquire();
    world.gates.connect = Gate::Ok;
    world.run(SECOND);
    world.lease_of(waiter);
}

#[test]
fn attempts_that_fail_together_earn_one_pause() {
    let (mut backoff, mut random) = (Backoff::default(), Random::new(1));
    backoff.note_failure(SECOND, &mut random);
    let until = backoff.until();
    for _ in 0..10 {
        backoff.note_failure(SECOND, &mut random);
    }
    assert_eq!(backoff.until(), until);
    backoff.note_failure(until, &mut random);
    assert!(backoff.until() - until <= 100 * MILLISECOND, "the second pause, not the tenth");
}

#[test]
fn a_use_that_works_ends_the_row_of_failures_and_a_connect_alone_does_not() {
    for (used, most) in [(true, 50 * MILLISECOND), (false, SECOND / 2)] {
        let mut longest = 0;
        for seed in 0..100 {
            let (mut backoff, mut random) = (Backoff::default(), Random::new(seed));
            for _ in 0..20 {
                backoff.note_failure(backoff.until(), &mut random);
            }
            backoff.note_connect();
            assert!(!backoff.is_pausing(0));
            if used {
                backoff.note_use();
            }
            backoff.note_failure(0, &mut random);
            longest = longest.max(backoff.until());
        }
        assert!(longest <= most && longest > most / 2, "{longest}");
    }
}

#[test]
fn a_server_that_accepts_and_hangs_up_is_not_asked_in_a_loop() {
    let mut world = World::new(Options { min: 2, ..options(2) });
    world.send(Input::Warm);
    for _ in 0..60_000 {
        world.run(MILLISECOND);
        let open: Vec<ConnId> = world.conns.keys().copied().collect();
        for conn in open {
            if world.conns.get(&conn).is_some_and(|view| view.phase == Phase::Free) {
                world.send(Input::Died { conn });
            }
        }
    }
    assert!(world.attempts < 200, "{} attempts in a minute", world.attempts);
}

#[test]
fn a_waiter_outlives_an_outage_within_its_deadline() {
    let mut world = refusing(options(2));
    let waiter = world.ask(Want::Lease, 0, Some(30 * SECOND));
    let hasty = world.ask(Want::Lease, 0, Some(SECOND));
    world.run(2 * SECOND);
    world.assert_rejected(hasty, RejectReason::Timeout);
    world.assert_waits(waiter);
    world.gates.connect = Gate::Ok;
    world.run(5 * SECOND);
    world.lease_of(waiter);
}

#[test]
fn a_wrong_password_fails_every_waiter_and_is_tried_again_only_when_asked() {
    let mut world = refusing(Options { min: 2, ..options(2) });
    world.gates.failure = ConnectFailure::Fatal;
    let waiters = [(); 3].map(|()| world.acquire());
    world.run(5 * MILLISECOND);
    for waiter in waiters {
        world.assert_rejected(waiter, RejectReason::ConnectFailed);
    }
    let attempts = world.attempts;
    world.run(60 * SECOND);
    assert_eq!(world.attempts, attempts, "no retry by itself");
    world.gates.connect = Gate::Ok;
    let (_, _) = world.lease();
}

#[test]
fn min_is_filled_without_being_asked_unless_lazy() {
    let mut world = World::new(Options { min: 3, ..options(5) });
    assert_eq!(world.pool.poll_timeout(), Some(world.now));
    world.run(10 * MILLISECOND);
    assert_eq!(world.stats().idle, 3);

    let mut world = World::new(Options { min: 3, lazy: true, ..options(5) });
    world.run(SECOND);
    assert_eq!(world.stats().total, 0);
    let _ = world.lease();
    assert_eq!(world.stats().total, 3);
}

#[test]
fn min_is_there_again_after_connections_died() {
    let mut world = World::new(Options { min: 3, ..options(5) });
    world.run(10 * MILLISECOND);
    for conn in world.conns.keys().copied().collect::<Vec<_>>() {
        world.send(Input::Died { conn });
    }
    world.run(SECOND);
    assert_eq!((world.stats().idle, world.stats().destroyed), (3, 3));
}

#[test]
fn a_spared_min_is_not_filled() {
    let spare = MinPolicy::Spare;
    let mut world = World::new(Options { min: 3, min_policy: spare, ..options(5) });
    world.run(SECOND);
    assert_eq!(world.stats().total, 0);
}

#[test]
fn warm_opens_one_even_if_min_is_zero() {
    let mut world = World::new(options(5));
    world.send(Input::Warm);
    world.run(SECOND);
    assert_eq!(world.stats().idle, 1);
}

/// Once a random walk: what is warmed must not be evicted as beyond a smaller min, and so on.
#[test]
fn a_smaller_min_ends_the_warming_to_the_old_one() {
    let mut world = World::new(Options { min: 3, idle_timeout: Some(SECOND), ..options(3) });
    world.gates.connect = Gate::Never;
    world.send(Input::Warm);
    world.send(Input::Resize { min: 0, max: 3 });
    world.gates.connect = Gate::Ok;
    world.run(60 * SECOND);
    assert!(world.attempts <= 4, "{} attempts", world.attempts);
    assert_eq!(world.stats().total, 0);
}

#[test]
fn warm_tries_once_unless_it_waits_for_the_server() {
    for (wait_for_server, again) in [(false, false), (true, true)] {
        let mut world = refusing(Options { wait_for_server, ..options(5) });
        world.send(Input::Warm);
        world.run(SECOND);
        assert_eq!(world.attempts > 1, again);
        world.gates.connect = Gate::Ok;
        world.run(5 * SECOND);
        assert_eq!(world.stats().idle == 1, again);
    }
}

#[test]
fn resize_closes_what_is_idle_at_once_and_the_rest_when_given_back() {
    let mut world = World::new(options(4));
    let [(a, conn), (b, _), (c, _), (d, _)] = world.leases();
    world.give_back(c);
    world.give_back(d);
    world.send(Input::Resize { min: 0, max: 1 });
    world.run(5 * MILLISECOND);
    assert_eq!((world.stats().total, world.stats().in_use), (2, 2));
    world.give_back(a);
    assert_eq!(world.closed_by_last(conn), Some(CloseReason::Resized));
    world.give_back(b);
    assert_eq!(world.stats().idle, 1);
}

#[test]
fn resize_upwards_serves_waiters() {
    let mut world = World::new(options(1));
    let _ = world.lease();
    let waiter = world.acquire();
    world.send(Input::Resize { min: 0, max: 2 });
    world.run(5 * MILLISECOND);
    world.lease_of(waiter);
}
