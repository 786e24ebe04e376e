//! Who is served when: order, deadlines, cancel, bounds of the queue, stale leases.

use super::world::*;
use crate::core::options::{IdleOrder, MILLISECOND, Reset, SECOND, Validate};
use crate::core::waiters::{Waiter, Waiters};
use crate::core::*;
use proptest::prelude::*;

fn options(max: u32) -> Options {
    Options { max, idle_timeout: None, max_lifetime: None, ..Options::default() }
}

#[test]
fn an_idle_connection_is_granted_within_the_call() {
    let mut world = World::new(options(1));
    let (lease, conn) = world.lease();
    world.give_back(lease);
    let next = world.acquire();
    let (again, same) = world.lease_of(next);
    assert_eq!(same, conn);
    assert!(again.generation > lease.generation);
}

#[test]
fn first_come_first_served_within_a_class() {
    let mut world = World::new(options(1));
    let (mut lease, _) = world.lease();
    let waiters = [(); 5].map(|()| world.acquire());
    for waiter in waiters {
        world.give_back(lease);
        (lease, _) = world.lease_of(waiter);
    }
}

#[test]
fn a_more_urgent_class_is_served_first() {
    let mut world = World::new(Options { priorities: 3, ..options(1) });
    let (lease, _) = world.lease();
    let late = world.ask(Want::Lease, 9, None); // beyond the range: the last class
    let middle = world.ask(Want::Lease, 1, None);
    let urgent = world.ask(Want::Lease, 0, None);
    world.give_back(lease);
    let (lease, _) = world.lease_of(urgent);
    world.give_back(lease);
    let (lease, _) = world.lease_of(middle);
    world.assert_waits(late);
    world.give_back(lease);
    world.lease_of(late);
}

#[test]
fn most_recently_used_first_or_last() {
    for (order, index) in [(IdleOrder::Lifo, 2), (IdleOrder::Fifo, 0)] {
        let mut world = World::new(Options { idle_order: order, ..options(3) });
        let leases: [_; 3] = world.leases();
        for (lease, _) in leases {
            world.give_back(lease);
            world.run(MILLISECOND);
        }
        let waiter = world.acquire();
        assert_eq!(world.lease_of(waiter).1, leases[index].1);
    }
}

#[test]
fn a_waiter_is_rejected_at_its_deadline() {
    let mut world = World::new(options(1));
    let (lease, _) = world.lease();
    let waiter = world.ask(Want::Lease, 0, Some(SECOND));
    let due = world.now + SECOND;
    assert_eq!(world.pool.poll_timeout(), Some(due));
    world.run_until(due - 1);
    world.assert_waits(waiter);
    world.run_until(due);
    world.assert_rejected(waiter, RejectReason::Timeout);
    world.give_back(lease);
    assert_eq!(world.stats().idle, 1);
}

#[test]
fn what_was_meant_for_a_late_waiter_goes_to_the_next() {
    let mut world = World::new(options(1));
    let (lease, _) = world.lease();
    let late = world.ask(Want::Lease, 0, Some(MILLISECOND));
    let next = world.acquire();
    world.sleep(MILLISECOND); // the deadline is reached, but no tick came
    world.give_back(lease);
    world.assert_rejected(late, RejectReason::Timeout);
    world.lease_of(next);
}

#[test]
fn deadlines_out_of_order_are_met_in_their_own_order() {
    let mut world = World::new(options(1));
    let _ = world.lease();
    let waiters = [30, 10, 20].map(|ms| world.ask(Want::Lease, 0, Some(ms * MILLISECOND)));
    world.run(10 * MILLISECOND);
    world.assert_rejected(waiters[1], RejectReason::Timeout);
    world.assert_waits(waiters[2]);
    world.run(10 * MILLISECOND);
    world.assert_rejected(waiters[2], RejectReason::Timeout);
    world.assert_waits(waiters[0]);
}

#[test]
fn no_time_to_wait_still_takes_what_is_free_now() {
    let mut world = World::new(options(1));
    let refused = world.ask(Want::Lease, 0, Some(0));
    world.assert_rejected(refused, RejectReason::Timeout);
    let (lease, _) = world.lease();
    world.give_back(lease);
    let granted = world.ask(Want::Lease, 0, Some(0));
    world.lease_of(granted);
}

#[test]
fn an_aborted_waiter_receives_nothing_and_others_keep_their_place() {
    let mut world = World::new(options(1));
    let (lease, _) = world.lease();
    let [first, aborted, third] = [(); 3].map(|()| world.acquire());
    world.send(Input::Cancel { waiter: aborted });
    world.assert_rejected(aborted, RejectReason::Aborted);
    world.give_back(lease);
    let (lease, _) = world.lease_of(first);
    world.give_back(lease);
    world.lease_of(third);
}

#[test]
fn cancel_after_the_grant_changes_nothing() {
    let mut world = World::new(options(1));
    let waiter = world.acquire();
    world.run(10 * MILLISECOND);
    let (lease, conn) = world.lease_of(waiter);
    world.send(Input::Cancel { waiter });
    assert!(world.last.is_empty());
    assert_eq!(world.pool.lease_conn(lease), Some(conn));
}

#[test]
fn a_full_queue_refuses() {
    let mut world = World::new(Options { max_waiting: Some(1), ..options(1) });
    let _ = world.lease();
    let waits = world.acquire();
    let refused = world.acquire();
    world.assert_waits(waits);
    world.assert_rejected(refused, RejectReason::QueueFull);
}

#[test]
fn who_gets_a_new_connection_does_not_count_as_waiting_for_one() {
    let mut world = World::new(Options { max_waiting: Some(0), ..options(2) });
    let first = world.acquire();
    let second = world.acquire();
    let third = world.acquire();
    world.assert_rejected(third, RejectReason::QueueFull);
    world.run(10 * MILLISECOND);
    world.lease_of(first);
    world.lease_of(second);
}

#[test]
fn a_stale_or_double_release_frees_nothing() {
    let mut world = World::new(options(1));
    let (old, _) = world.lease();
    world.give_back(old);
    let next = world.acquire();
    let (current, conn) = world.lease_of(next);
    world.give_back(old);
    assert_eq!(world.pool.lease_conn(current), Some(conn));
    assert_eq!(world.pool.lease_conn(old), None);
    assert_eq!(world.stats().released, 1);
    world.give_back(current);
    world.give_back(current);
    assert_eq!((world.stats().released, world.stats().idle), (2, 1));
}

#[test]
fn holders_are_told_longest_first() {
    let mut world = World::new(options(3));
    let (a, _) = world.lease();
    let (b, _) = world.lease();
    let (c, _) = world.lease();
    world.give_back(b);
    let holders = world.pool.holders();
    assert_eq!(holders.iter().map(|holder| holder.lease).collect::<Vec<_>>(), [a, c]);
    assert!(holders[0].since < holders[1].since);
    assert_eq!(Some(holders[1].conn), world.pool.lease_conn(c));
    // Of one slot the same is told, and nothing of one that is not out or that there is not.
    assert_eq!(world.pool.holder_of(c.slot), Some(holders[1]));
    assert_eq!((world.pool.holder_of(b.slot), world.pool.holder_of(3)), (None, None));
}

fn holders(world: &World) -> Vec<(Lease, WaiterId)> {
    world.pool.holders().iter().map(|holder| (holder.lease, holder.waiter)).collect()
}

/// An owner that ends without giving back (a worker thread) leaves these behind.
#[test]
fn leases_and_waiters_are_told_with_who_asked() {
    let mut world = World::new(options(2));
    let first = world.acquire();
    let second = world.acquire();
    let third = world.acquire();
    world.run(10 * MILLISECOND);
    let [a, b] = [first, second].map(|waiter| world.lease_of(waiter).0);
    assert_eq!(holders(&world), [(a, first), (b, second)]);
    assert_eq!([a, b].map(|lease| world.pool.lease_of(lease.slot)), [Some(a), Some(b)]);
    assert_eq!(world.pool.waiting(), [third]);
    world.give_back(a);
    let (c, _) = world.lease_of(third);
    assert_eq!(holders(&world), [(b, second), (c, third)]);
    assert_eq!(world.pool.leased_since(c), Some(world.now));
    assert_eq!((world.pool.leased_since(a), world.pool.waiting()), (None, vec![]));
    assert_eq!(world.pool.lease_of(a.slot), Some(c));
    world.give_back(c);
    assert_eq!(world.pool.lease_of(c.slot), None);
}

#[test]
fn only_what_was_idle_for_long_is_validated() {
    let mut world = World::new(Options { validate: Validate::Auto, ..options(1) });
    let (lease, _) = world.lease();
    world.give_back(lease);
    world.run(499 * MILLISECOND);
    let waiter = world.acquire();
    let (lease, conn) = world.lease_of(waiter);
    world.give_back(lease);
    world.run(500 * MILLISECOND);
    let waiter = world.acquire();
    assert_eq!(world.last, [Effect::Validate { conn }]);
    world.run(5 * MILLISECOND);
    assert_eq!(world.lease_of(waiter).1, conn);
}

#[test]
fn always_validates_between_any_two_borrowers() {
    let mut world = World::new(Options { validate: Validate::Always, ..options(1) });
    let (lease, conn) = world.lease();
    let next = world.acquire();
    world.give_back(lease);
    assert_eq!(world.last, [Effect::Validate { conn }]);
    world.run(5 * MILLISECOND);
    world.lease_of(next);
}

#[test]
fn what_was_just_opened_is_validated_where_asked_for() {
    let (validate, validate_new) = (Validate::Always, true);
    let mut world = World::new(Options { validate, validate_new, ..options(1) });
    let waiter = world.acquire();
    world.gates.validate = Gate::Err;
    world.run(10 * MILLISECOND);
    let tried = world.stats().created;
    assert!((1..4).contains(&tried), "{tried} in a tight loop");
    world.gates.validate = Gate::Ok;
    world.run(SECOND);
    world.lease_of(waiter);
    assert!(world.stats().created > tried);
}

/// The connection just validated goes out, not the one idle for longer, which would have to be
/// validated first, and so on without end.
#[test]
fn fifo_grants_the_connection_it_validated() {
    let (validate, idle_order) = (Validate::Always, IdleOrder::Fifo);
    let mut world = World::new(Options { validate, idle_order, ..options(2) });
    let [(a, oldest), (b, _)] = world.leases();
    world.give_back(a);
    let first = world.acquire();
    assert_eq!(world.last, [Effect::Validate { conn: oldest }]);
    world.give_back(b);
    world.run(MILLISECOND);
    assert_eq!(world.lease_of(first).1, oldest);
}

#[test]
fn a_failed_validation_costs_nobody_its_place() {
    let mut world = World::new(options(1));
    let (lease, dead) = world.lease();
    world.give_back(lease);
    world.run(SECOND);
    world.gates.validate = Gate::Err;
    let first = world.acquire();
    let second = world.acquire();
    world.run(20 * MILLISECOND);
    let (_, conn) = world.lease_of(first);
    assert_ne!(conn, dead);
    world.assert_waits(second);
}

#[test]
fn a_dirty_connection_is_reset_before_the_next_borrower() {
    let mut world = World::new(options(1));
    let (lease, conn) = world.lease();
    let next = world.acquire();
    world.send(Input::Dirty { conn });
    world.give_back(lease);
    assert_eq!(world.last, [Effect::Reset { conn }]);
    world.assert_waits(next);
    world.run(5 * MILLISECOND);
    assert_eq!(world.lease_of(next).1, conn);
}

#[test]
fn reset_policy_always_resets_the_clean_and_never_leaves_the_dirty() {
    for (reset, dirty, resets) in [(Reset::Always, false, true), (Reset::Never, true, false)] {
        let mut world = World::new(Options { reset, ..options(1) });
        let (lease, conn) = world.lease();
        if dirty {
            world.send(Input::Dirty { conn });
        }
        world.give_back(lease);
        assert_eq!(world.last == [Effect::Reset { conn }], resets);
    }
}

#[test]
fn after_a_failed_reset_the_next_waiter_gets_a_new_connection() {
    let mut world = World::new(options(1));
    let (lease, dirty) = world.lease();
    let [first, second] = [(); 2].map(|()| world.acquire());
    world.gates.reset = Gate::Err;
    world.send(Input::Dirty { conn: dirty });
    world.give_back(lease);
    world.run(20 * MILLISECOND);
    assert_ne!(world.lease_of(first).1, dirty);
    world.assert_waits(second);
}

#[test]
fn a_burst_of_waiters_leaves_no_memory_behind() {
    let mut waiters = Waiters::new(1);
    for round in 0..200_000u64 {
        let waiter = Waiter {
            id: WaiterId(round),
            want: Want::Lease,
            priority: 0,
            since: round,
            deadline: Some(round + 30 * SECOND),
        };
        waiters.push(waiter);
        if round >= 10 {
            // Never the front, so that entries pile up behind a deadline that stays.
            waiters.remove(WaiterId(round - 5)).unwrap();
        }
    }
    assert!(waiters.len() <= 10 && waiters.footprint() < 200, "{}", waiters.footprint());
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8, Option<Time>),
    Pop,
    Remove(u64),
    Expire(Time),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4u8, proptest::option::of(0..50u64)).prop_map(|(class, at)| Step::Push(class, at)),
        1 => Just(Step::Pop),
        1 => (0..60u64).prop_map(Step::Remove),
        1 => (0..50u64).prop_map(Step::Expire),
    ]
}

proptest! {
    #[test]
    fn the_queue_agrees_with_a_sorted_list(steps in prop::collection::vec(step(), 1..80)) {
        let (mut waiters, mut list, mut next) = (Waiters::new(3), Vec::<Waiter>::new(), 0);
        for step in steps {
            match step {
                Step::Push(priority, deadline) => {
                    next += 1;
                    let want = Want::Lease;
                    let waiter = Waiter { id: WaiterId(next), want, priority, since: 0, deadline };
                    waiters.push(waiter);
                    list.push(Waiter { priority: priority.min(2), ..waiter });
                }
                Step::Pop => {
                    let head = list.iter().min_by_key(|waiter| waiter.priority).map(|w| w.id);
                    prop_assert_eq!(waiters.pop().map(|waiter| waiter.id), head);
                    list.retain(|waiter| Some(waiter.id) != head);
                }
                Step::Remove(id) => {
                    let known = list.iter().any(|waiter| waiter.id == WaiterId(id));
                    prop_assert_eq!(waiters.remove(WaiterId(id)).is_some(), known);
                    list.retain(|waiter| waiter.id != WaiterId(id));
                }
                Step::Expire(now) => {
                    while let Some(waiter) = waiters.pop_expired(now) {
                        list.retain(|other| other.id != waiter.id);
                        prop_assert!(waiter.deadline.unwrap() <= now);
                    }
                    prop_assert!(!list.iter().any(|w| w.deadline.is_some_and(|at| at <= now)));
                }
            }
            prop_assert_eq!(waiters.len(), list.len());
            prop_assert_eq!(waiters.next_deadline(), list.iter().filter_map(|w| w.deadline).min());
        }
    }
}
