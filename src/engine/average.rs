//! How long a statement took so far, as a running average.

use crate::core::message::Time;
use std::cell::Cell;

/// Microseconds plus one; zero is "never run".
#[derive(Default)]
pub struct Average(Cell<u32>);

impl Average {
    pub fn value(&self) -> Option<Time> {
        self.0.get().checked_sub(1).map(Time::from)
    }

    /// One eighth of the new value: a single slow run does not make a statement slow.
    pub fn note(&self, took: Time) {
        let took = u32::try_from(took).unwrap_or(u32::MAX - 1).min(u32::MAX - 1);
        let next = match self.0.get().checked_sub(1) {
            None => took,
            Some(average) => average - average / 8 + took / 8,
        };
        self.0.set(next.saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_run_does_not_make_a_statement_slow() {
        let average = Average::default();
        assert_eq!(average.value(), None);
        average.note(100);
        assert_eq!(average.value(), Some(100));
        average.note(4_100);
        assert_eq!(average.value(), Some(100 - 12 + 512));
    }
}
