//! Whether the engine's thread, with nothing to do, looks again for a moment instead of going to
//! sleep. Asleep it has to be woken: a system call of whoever wakes it, and the time that an idle
//! processor takes to come back, which on a virtual machine is longer than a query.

use crate::core::message::Time;

/// What most likely comes next. Both are foretold apart: answers of a server far away are not worth
/// watching for, while a program that has its answer may ask again at once.
#[derive(Clone, Copy)]
pub enum Next {
    Answer,
    Request,
}

pub struct Spin {
    /// Microseconds of one wait; with 0 there is none.
    limit: Time,
    /// Since when it looks, and for what.
    watch: Option<(Time, Next)>,
    odds: [Odds; 2],
}

impl Spin {
    pub fn new(limit: Time) -> Spin {
        Spin { limit, watch: None, odds: [Odds { score: Odds::BEST, slept: 0 }; 2] }
    }

    /// There is nothing to do; `stirred` when there was since the last call. False: go to sleep.
    pub fn goes_on(&mut self, now: Time, stirred: bool, next: Next) -> bool {
        if self.limit == 0 {
            return false;
        }
        if stirred {
            if let Some((_, next)) = self.watch.take() {
                self.odds[next as usize].won();
            }
            if self.odds[next as usize].are_good() {
                self.watch = Some((now, next));
            }
        } else if let Some((since, next)) = self.watch
            && now.saturating_sub(since) >= self.limit
        {
            self.odds[next as usize].lost();
            self.watch = None;
        }
        self.watch.is_some()
    }
}

/// Whether it has paid off lately.
#[derive(Clone, Copy)]
struct Odds {
    score: u8,
    /// Waits slept through since the last trial.
    slept: u8,
}

impl Odds {
    const BEST: u8 = 12;
    /// Two of three have to be won.
    const LOSS: u8 = 2;
    /// Bad odds are put to the test once in so many waits.
    const TRIAL: u8 = 32;

    fn are_good(&mut self) -> bool {
        if self.score > 0 {
            return true;
        }
        self.slept = (self.slept + 1) % Self::TRIAL;
        self.slept == 0
    }

    fn won(&mut self) {
        self.score = (self.score + 1).min(Self::BEST);
    }

    fn lost(&mut self) {
        self.score = self.score.saturating_sub(Self::LOSS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits that end after `took` each: for how many of them it stayed awake throughout, and the
    /// time it looked in vain.
    fn waits(spin: &mut Spin, next: Next, took: Time, count: usize) -> (usize, Time) {
        let (mut now, mut awake, mut vain) = (0, 0, 0);
        for _ in 0..count {
            let end = now + took;
            let mut stirred = true;
            let begun = now;
            while now < end && spin.goes_on(now, stirred, next) {
                stirred = false;
                now += 1;
            }
            if now == end {
                awake += 1;
            } else {
                vain += now - begun;
                now = end;
            }
        }
        (awake, vain)
    }

    #[test]
    fn what_comes_soon_is_looked_for() {
        let mut spin = Spin::new(200);
        assert_eq!(waits(&mut spin, Next::Answer, 20, 100), (100, 0));
    }

    #[test]
    fn what_takes_longer_is_slept_through() {
        let mut spin = Spin::new(200);
        let (awake, vain) = waits(&mut spin, Next::Answer, 400, 6 + 32 * 10);
        // Six losses until the odds are bad, then a trial in 32.
        assert_eq!((awake, vain), (0, (6 + 10) * 200));
    }

    #[test]
    fn odds_that_turn_are_noticed() {
        let mut spin = Spin::new(200);
        waits(&mut spin, Next::Answer, 400, 20);
        let (awake, _) = waits(&mut spin, Next::Answer, 20, 100);
        assert!(awake > 60, "{awake}");
    }

    #[test]
    fn a_distant_server_does_not_hide_a_program_that_asks_again() {
        let mut spin = Spin::new(200);
        let mut awake = (0, 0);
        for _ in 0..100 {
            awake.0 += waits(&mut spin, Next::Answer, 400, 1).0;
            awake.1 += waits(&mut spin, Next::Request, 20, 1).0;
        }
        assert_eq!(awake, (0, 100));
    }

    #[test]
    fn no_time_is_no_look() {
        let mut spin = Spin::new(0);
        assert_eq!(waits(&mut spin, Next::Answer, 20, 10), (0, 0));
    }
}
