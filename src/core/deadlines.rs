//! Deadlines of waiters, earliest first; cheap because most arrive in order and are never reached.

use super::message::Time;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Below this many forgotten entries a sweep is not worth it.
const STALE_SLACK: usize = 64;

/// One timeout for all is the usual case: then deadlines arrive sorted and a plain queue serves.
/// Only what is earlier than the queue's end goes to the heap. An entry whose waiter left stays
/// until it comes to the front or too many such entries pile up (memory stays O(waiting)).
#[derive(Debug, Default)]
pub struct Deadlines<K: Copy + Ord> {
    sorted: VecDeque<(Time, K)>,
    rest: BinaryHeap<Reverse<(Time, K)>>,
}

impl<K: Copy + Ord> Deadlines<K> {
    pub fn new() -> Deadlines<K> {
        Deadlines { sorted: VecDeque::new(), rest: BinaryHeap::new() }
    }

    pub fn push(&mut self, at: Time, key: K) {
        match self.sorted.back() {
            Some((last, _)) if *last > at => self.rest.push(Reverse((at, key))),
            _ => self.sorted.push_back((at, key)),
        }
    }

    /// The earliest entry; exact only after `trim`.
    pub fn first(&self) -> Option<(Time, K)> {
        match (self.sorted.front(), self.rest.peek()) {
            (Some(sorted), Some(Reverse(rest))) => Some(*sorted.min(rest)),
            (Some(sorted), None) => Some(*sorted),
            (None, Some(Reverse(rest))) => Some(*rest),
            (None, None) => None,
        }
    }

    /// Drops forgotten entries from the front, and all of them once they outnumber the `live`.
    pub fn trim(&mut self, live: usize, is_live: impl Fn(K) -> bool) {
        while self.sorted.front().is_some_and(|(_, key)| !is_live(*key)) {
            self.sorted.pop_front();
        }
        while self.rest.peek().is_some_and(|Reverse((_, key))| !is_live(*key)) {
            self.rest.pop();
        }
        if self.len() > 2 * live + STALE_SLACK {
            self.sorted.retain(|(_, key)| is_live(*key));
            self.rest.retain(|Reverse((_, key))| is_live(*key));
        }
    }

    pub fn len(&self) -> usize {
        self.sorted.len() + self.rest.len()
    }
}
