//! The cancellation matrix: a waiter leaves (abort or deadline) at each step on its way to a
//! connection, and each step may answer in each way. Nothing may be lost, granted to the one who
//! left, or withheld from the next.

use super::world::*;
use crate::core::options::{MILLISECOND, SECOND, Validate};
use crate::core::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Wait,
    Connect,
    Validate,
    Reset,
    Lease,
}

const STEPS: [Step; 5] = [Step::Wait, Step::Connect, Step::Validate, Step::Reset, Step::Lease];
const GATES: [Gate; 4] = [Gate::Ok, Gate::Err, Gate::Slow, Gate::Never];

/// A pool of one in which a newcomer has to go through `step`, answered by `gate`. The lease that
/// is still out, if any.
fn set_up(step: Step, gate: Gate) -> (World, Option<Lease>) {
    let mut world = World::new(Options {
        max: 1,
        validate: Validate::Auto,
        idle_timeout: None,
        max_lifetime: None,
        ..Options::default()
    });
    if step == Step::Connect {
        world.gates.connect = gate;
        return (world, None);
    }
    let (lease, conn) = world.lease();
    match step {
        Step::Connect | Step::Wait => return (world, Some(lease)),
        Step::Validate => {
            world.give_back(lease);
            world.run(SECOND);
            world.gates.validate = gate;
        }
        Step::Reset => {
            world.gates.reset = gate;
            world.send(Input::Dirty { conn });
            world.give_back(lease);
        }
        Step::Lease => world.give_back(lease),
    }
    (world, None)
}

/// What a borrower of the first kind does with its connection, by gate.
fn finish(world: &mut World, lease: Lease, gate: Gate) {
    match gate {
        Gate::Ok => world.give_back(lease),
        Gate::Err => world.send(Input::Release { lease, fate: Fate::Destroy }),
        Gate::Slow => {
            world.run(SLOW);
            world.give_back(lease);
        }
        Gate::Never => {
            let conn = world.pool.lease_conn(lease).unwrap();
            world.send(Input::Died { conn });
        }
    }
}

fn check(step: Step, gate: Gate, aborts: bool) {
    let (mut world, held) = set_up(step, gate);
    let timeout = if aborts { None } else { Some(500) }; // 0.5 ms: before any answer
    let leaver = world.ask(Want::Lease, 0, timeout);
    let next = world.acquire();
    if step == Step::Lease {
        let (lease, _) = world.lease_of(leaver);
        world.send(Input::Cancel { waiter: leaver });
        assert!(world.last.is_empty(), "too late to cancel");
        finish(&mut world, lease, gate);
    } else {
        world.assert_waits(leaver);
        if aborts {
            world.send(Input::Cancel { waiter: leaver });
        } else {
            world.run(500);
        }
        let why = if aborts { RejectReason::Aborted } else { RejectReason::Timeout };
        world.assert_rejected(leaver, why);
        if let Some(lease) = held {
            finish(&mut world, lease, gate);
        }
    }
    // A step that failed once works from now on; late answers of the old gate still arrive.
    let healed = World::new(Options::default()).gates;
    world.gates = healed;
    world.run(2 * DRIVER_BOUND + 10 * SECOND);
    let (lease, _) = world.lease_of(next);
    world.give_back(lease);
    let last = world.acquire();
    world.lease_of(last);
    assert_eq!(world.stats().waiting, 0);
    assert_eq!(world.stats().total, 1);
}

#[test]
fn leaving_at_any_step_with_any_answer_harms_nobody() {
    for step in STEPS {
        for gate in GATES {
            for aborts in [true, false] {
                let told = std::panic::catch_unwind(|| check(step, gate, aborts));
                assert!(told.is_ok(), "{step:?} x {gate:?}, aborts: {aborts}");
            }
        }
    }
}

/// The only waiter leaves: what was on its way for it becomes idle or goes, and no timer is left.
#[test]
fn leaving_as_the_only_one_leaves_the_pool_at_rest() {
    for step in STEPS {
        for gate in GATES {
            let (mut world, held) = set_up(step, gate);
            let waiter = world.acquire();
            if let Outcome::Lease(lease, _) = world.outcome(waiter) {
                finish(&mut world, lease, gate);
            }
            world.send(Input::Cancel { waiter });
            if let Some(lease) = held {
                finish(&mut world, lease, gate);
            }
            world.run(DRIVER_BOUND + 10 * MILLISECOND);
            let stats = world.stats();
            assert_eq!(stats.total, stats.idle, "{step:?} x {gate:?}: {stats:?}");
            assert_eq!(world.pool.poll_timeout(), None, "{step:?} x {gate:?}");
        }
    }
}
