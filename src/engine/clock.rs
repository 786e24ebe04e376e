//! The only place that reads the clock.

use crate::core::message::Time;
use std::time::{Duration, Instant};

/// Microseconds since the process first asked; the same scale for every pool and thread.
#[derive(Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    pub fn start() -> Clock {
        Clock { origin: Instant::now() }
    }

    pub fn now(&self) -> Time {
        // Not `as_micros`: it divides 128 bits, in a call that every lease makes twice.
        let elapsed = self.origin.elapsed();
        elapsed.as_secs().saturating_mul(1_000_000) + Time::from(elapsed.subsec_micros())
    }

    /// The moment on Tokio's clock, for its timer.
    pub fn instant(&self, at: Time) -> tokio::time::Instant {
        // A year ahead stands for "never": Instant may overflow beyond.
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let ahead = Duration::from_micros(at.saturating_sub(self.now())).min(YEAR);
        tokio::time::Instant::now() + ahead
    }
}

/// Microseconds of an option in milliseconds.
pub fn from_ms(ms: u64) -> Time {
    ms.saturating_mul(1000)
}
