//! When to try again after a failed connect: exponential, with full jitter from a seed.

use super::message::Time;
use super::options::{MILLISECOND, SECOND};

const BASE: Time = 50 * MILLISECOND;
/// While somebody waits: a promoted standby is found within this.
const CAP: Time = SECOND / 2;
/// While nobody does.
const CAP_UNASKED: Time = 5 * SECOND;
/// Full jitter may draw zero, and a server that refuses at once would be asked in a tight loop.
const FLOOR: Time = 5 * MILLISECOND;

/// A small generator (splitmix64): the core needs jitter, not secrecy.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..=highest`; the bias of the remainder is far below what jitter needs.
    pub fn up_to(&mut self, highest: Time) -> Time {
        match highest.checked_add(1) {
            Some(span) => self.draw() % span,
            None => self.draw(),
        }
    }
}

/// Failures in a row and the pause they earned. A connect alone does not end the row: a server
/// that accepts and hangs up would be asked again without end. The first use that works does.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
    until: Time,
    unasked_until: Time,
}

impl Backoff {
    pub fn is_pausing(&self, now: Time) -> bool {
        now < self.until
    }

    /// The end of the pause for those who wait.
    pub fn until(&self) -> Time {
        self.until
    }

    /// The same for connections that nobody waits for.
    pub fn unasked_until(&self) -> Time {
        self.unasked_until
    }

    /// Attempts that were under way together and fail together earn one pause, not several.
    pub fn note_failure(&mut self, now: Time, random: &mut Random) {
        if self.is_pausing(now) {
            return;
        }
        let ceiling = BASE.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let mut pause = |cap| now + FLOOR + random.up_to(ceiling.min(cap) - FLOOR);
        self.until = pause(CAP);
        self.unasked_until = pause(CAP_UNASKED).max(self.until);
    }

    pub fn note_connect(&mut self) {
        self.until = 0;
        self.unasked_until = 0;
    }

    pub fn note_use(&mut self) {
        self.failures = 0;
    }
}
