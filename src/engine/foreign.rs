//! Pools of resources that JavaScript makes: the core, driven from within the calls of the thread
//! that owns the pool. JavaScript performs the effects and says what time it is, once per turn of
//! its event loop: no engine thread, no lock, no clock.

use super::clock::from_ms;
use super::error::EngineError;
use super::pool::State;
use super::timeout::acquire_timeout;
use crate::core::error::OptionError;
use crate::core::message::{
    CloseReason, ConnId, ConnectFailure, Effect, Fate, Input, Lease, RejectReason, Time, WaiterId,
    Want,
};
use crate::core::options::{Options, Reset, Validate, Value};
use crate::core::value::{shown, time_or_off};
use crate::wire::foreign::{change, effect, rejected};
use serde_json::{Value as Json, json};
use std::collections::VecDeque;

/// One effect for JavaScript: its kind and what it is about.
pub type Words = [i32; 4];

/// How long JavaScript waits for what the factory does; `None` is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub create: Option<Time>,
    pub validate: Option<Time>,
    pub reset: Option<Time>,
    pub destroy: Option<Time>,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            create: Some(from_ms(10_000)),
            validate: Some(from_ms(5_000)),
            reset: Some(from_ms(5_000)),
            destroy: Some(from_ms(5_000)),
        }
    }
}

/// What only resources have.
const KEYS: [&str; 7] = [
    "create",
    "destroy",
    "ownConnects",
    "createTimeoutMs",
    "validateTimeoutMs",
    "resetTimeoutMs",
    "destroyTimeoutMs",
];

/// What only databases have, and what serves instead.
const REFUSED: [(&str, Option<&str>); 8] = [
    ("connectTimeoutMs", Some("createTimeoutMs")),
    ("onConnect", Some("create")),
    ("queryTimeoutMs", None),
    ("pipeline", None),
    ("statementCache", None),
    ("types", None),
    ("shared", None),
    ("destroyOnQueryError", None),
];

/// One pool of a thread.
pub struct Foreign {
    state: State,
    pub options: Options,
    pub bounds: Bounds,
    /// When JavaScript's timer fires.
    alarm: Time,
    effects: Vec<Effect>,
    /// What JavaScript has not taken yet.
    outbox: VecDeque<Words>,
}

/// What an acquire or release came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Granted in the call: the slot to the caller, or what was given back to this waiter.
    Granted(u32),
    Nothing,
    /// There are effects to be taken.
    More,
    /// The slot is not out on a lease.
    NotLent,
}

impl Foreign {
    pub fn new(
        entries: Vec<(String, Value)>,
        seed: u64,
        now: Time,
    ) -> Result<Foreign, OptionError> {
        refuse(&entries)?;
        let (mut options, own) = Options::parse(entries, &KEYS)?;
        let bounds = Bounds::read(&own)?;
        // What is not given is not done; how it is done is for JavaScript to know.
        if options.validate != Validate::Function {
            options.validate = Validate::Never;
        }
        if options.reset != Reset::Function {
            options.reset = Reset::Never;
        }
        if !own.iter().any(|(key, _)| key == "create") {
            return Err(OptionError::bound("create", "a function", "nothing"));
        }
        // For drop-ins only, so not one of the options that everybody has.
        options.own_connects = own.iter().any(|(key, _)| key == "ownConnects");
        options.share_depth = 1;
        let state = State::new(options.clone(), seed, now);
        let (effects, outbox) = (Vec::new(), VecDeque::new());
        Ok(Foreign { state, options, bounds, alarm: Time::MAX, effects, outbox })
    }

    /// As whoever asks for nothing in particular: in the last class, within the usual time.
    pub fn acquire(&mut self, now: Time, request: u32) -> Outcome {
        let (last, timeout) = (self.options.priorities - 1, self.options.acquire_timeout);
        self.acquire_with(now, request, last, timeout)
    }

    pub fn acquire_with(
        &mut self,
        now: Time,
        request: u32,
        priority: u8,
        timeout: Option<Time>,
    ) -> Outcome {
        let waiter = WaiterId(request.into());
        if self.outbox.is_empty()
            && let Some(lease) = self.state.lend_idle(now, waiter)
        {
            return Outcome::Granted(lease.slot);
        }
        let deadline = timeout.map(|timeout| now.saturating_add(timeout));
        let soon = deadline.is_some_and(|deadline| deadline < self.alarm);
        if !soon
            && self.outbox.is_empty()
            && self.state.core.line_up(now, waiter, priority, deadline)
        {
            return Outcome::Nothing;
        }
        let want = Want::Lease;
        self.turn(now, Input::Acquire { waiter, want, priority, deadline });
        self.claim(now, |effect| match effect {
            Effect::GrantLease { waiter: mine, lease, .. } if *mine == waiter => Some(lease.slot),
            _ => None,
        })
    }

    pub fn release(&mut self, now: Time, slot: u32, fate: Fate) -> Outcome {
        match self.state.core.lease_of(slot) {
            Some(lease) => self.end(now, lease, fate),
            None => Outcome::NotLent,
        }
    }

    /// As `release`, of one lease: whoever has the resource by now keeps it.
    pub fn release_lease(&mut self, now: Time, lease: Lease, fate: Fate) -> Outcome {
        match self.state.core.lease_conn(lease) {
            Some(_) => self.end(now, lease, fate),
            None => Outcome::NotLent,
        }
    }

    fn end(&mut self, now: Time, lease: Lease, fate: Fate) -> Outcome {
        let slot = lease.slot;
        if self.outbox.is_empty()
            && let Some(handed) = self.state.take_back(now, lease, fate)
        {
            return match handed {
                // Requests are numbered in 31 bits.
                Some(handed) => Outcome::Granted(handed.waiter.0 as u32),
                None => self.claim(now, |_| None),
            };
        }
        self.turn(now, Input::Release { lease, fate });
        self.claim(now, |effect| match effect {
            Effect::GrantLease { waiter, lease, .. } if lease.slot == slot => {
                u32::try_from(waiter.0).ok()
            }
            _ => None,
        })
    }

    /// The generation of a slot's latest lease.
    pub fn generation(&self, slot: u32) -> u32 {
        self.state.core.generation(slot)
    }

    /// Tells the core what JavaScript did or wants. True: there are effects to be taken.
    pub fn tell(&mut self, now: Time, kind: i32, slot: u32, serial: u32, ok: bool) -> bool {
        let conn = ConnId { slot, serial };
        let input = match kind {
            change::CREATED => {
                if let Some(since) = self.state.core.opening_since(conn) {
                    self.state.creates.record(now.saturating_sub(since));
                }
                Input::Connected { conn }
            }
            change::CREATE_FAILED => {
                Input::ConnectFailed { conn, failure: ConnectFailure::Transient }
            }
            change::VALIDATED => Input::Validated { conn, ok },
            change::RESET => Input::ResetDone { conn, ok },
            change::DESTROYED => Input::Closed { conn },
            change::EVICT => Input::Retire { conn },
            change::CANCEL => Input::Cancel { waiter: WaiterId(slot.into()) },
            change::WARM => Input::Warm,
            change::CLEAR => Input::Clear,
            change::TICK => {
                self.alarm = Time::MAX;
                Input::Tick
            }
            _ => return false,
        };
        self.turn(now, input);
        self.post(now);
        !self.outbox.is_empty()
    }

    pub fn resize(&mut self, now: Time, min: u32, max: u32) -> Result<(), OptionError> {
        let options = Options { min, max, ..self.options.clone() };
        options.check()?;
        self.turn(now, Input::Resize { min, max });
        self.post(now);
        Ok(())
    }

    pub fn close(&mut self, now: Time, timeout: Option<Time>) {
        let deadline = timeout.map(|timeout| now.saturating_add(timeout));
        self.turn(now, Input::Close { deadline });
        self.post(now);
    }

    /// The next effect that JavaScript has to perform.
    pub fn take(&mut self) -> Option<Words> {
        self.outbox.pop_front()
    }

    pub fn is_lent(&self, slot: u32) -> bool {
        self.state.core.lease_of(slot).is_some()
    }

    /// How many are lent for longer than a resource may live.
    pub fn expired(&self, now: Time) -> u32 {
        self.state.core.expired(now)
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Slots that are idle, the longest first.
    pub fn idle(&self) -> Vec<u32> {
        self.state.core.idle_slots()
    }

    /// What somebody is told who waited in vain; `attempt` are the words of the last failed create.
    pub fn timed_out(&self, now: Time, waited: Time, attempt: Option<&str>) -> EngineError {
        const HOLDERS: usize = 5;
        let stats = self.state.core.stats();
        let name = self.options.name.as_deref().unwrap_or_default();
        let last = attempt.map(|attempt| format!("create: {attempt}"));
        let holders = self.state.core.holders();
        let told: Vec<Json> = holders
            .iter()
            .take(HOLDERS)
            .map(|holder| {
                json!({ "slot": holder.lease.slot, "generation": holder.lease.generation,
                    "heldMs": now.saturating_sub(holder.since) / 1000, "thread": null })
            })
            .collect();
        acquire_timeout(name, "resource", waited, &stats, last.as_deref())
            .with("holders", told.into())
    }

    fn turn(&mut self, now: Time, input: Input) {
        self.state.handle(now, input, &mut self.effects);
    }

    /// Keeps the one effect that answers the call; with anything beside it, all go by the outbox,
    /// in their order.
    fn claim(&mut self, now: Time, mine: impl Fn(&Effect) -> Option<u32>) -> Outcome {
        let answer = match &self.effects[..] {
            [] => Some(Outcome::Nothing),
            [effect] => mine(effect).map(Outcome::Granted),
            _ => None,
        };
        match answer {
            Some(answer) if self.outbox.is_empty() && !self.is_alarm_late() => {
                self.effects.clear();
                answer
            }
            _ => {
                self.post(now);
                Outcome::More
            }
        }
    }

    fn is_alarm_late(&self) -> bool {
        self.state.core.poll_timeout().is_some_and(|next| next < self.alarm)
    }

    /// What is to be done goes to the outbox, and when the core wants to be looked at, where that
    /// is earlier than said before.
    fn post(&mut self, now: Time) {
        self.outbox.extend(self.effects.drain(..).map(words));
        if self.is_alarm_late() {
            self.alarm = self.state.core.poll_timeout().unwrap_or(Time::MAX);
            let ms = self.alarm.saturating_sub(now).div_ceil(1000);
            self.outbox.push_back([effect::ALARM, clamp(ms), 0, 0]);
        }
    }
}

fn words(effect: Effect) -> Words {
    match effect {
        Effect::Connect { conn } => [effect::CREATE, conn.slot as i32, conn.serial as i32, 0],
        Effect::Validate { conn } => [effect::VALIDATE, conn.slot as i32, conn.serial as i32, 0],
        Effect::Reset { conn } => [effect::RESET, conn.slot as i32, conn.serial as i32, 0],
        Effect::Close { conn, why } => {
            [effect::DESTROY, conn.slot as i32, conn.serial as i32, why as i32]
        }
        // Statements are of databases; nobody asks for one here.
        Effect::GrantLease { waiter, conn, .. } | Effect::GrantStatement { waiter, conn, .. } => {
            [effect::GRANT, waiter.0 as i32, conn.slot as i32, 0]
        }
        Effect::Reject { waiter, why, waited } => {
            [effect::REJECT, waiter.0 as i32, reason(why), clamp(waited / 1000)]
        }
        Effect::Leak { lease, held, .. } => {
            [effect::LEAK, lease.slot as i32, 0, clamp(held / 1000)]
        }
        Effect::Revoke { lease, .. } => [effect::REVOKE, lease.slot as i32, 0, 0],
        Effect::PoolClosed => [effect::CLOSED, 0, 0, 0],
    }
}

fn reason(why: RejectReason) -> i32 {
    match why {
        RejectReason::Timeout => rejected::TIMEOUT,
        RejectReason::Aborted => rejected::ABORTED,
        RejectReason::QueueFull => rejected::FULL,
        RejectReason::Closed => rejected::CLOSED,
        RejectReason::ConnectFailed => rejected::CREATE,
    }
}

/// A timer in JavaScript holds no more; the core is then looked at too early, which is harmless.
fn clamp(ms: u64) -> i32 {
    i32::try_from(ms).unwrap_or(i32::MAX)
}

/// The name of the reason of a DESTROY.
pub fn close_reason(why: i32) -> Option<&'static str> {
    CloseReason::ALL.iter().find(|known| **known as i32 == why).map(|known| known.name())
}

impl Bounds {
    fn read(own: &[(String, Value)]) -> Result<Bounds, OptionError> {
        let mut bounds = Bounds::default();
        for (key, value) in own {
            let field = match key.as_str() {
                "createTimeoutMs" => &mut bounds.create,
                "validateTimeoutMs" => &mut bounds.validate,
                "resetTimeoutMs" => &mut bounds.reset,
                "destroyTimeoutMs" => &mut bounds.destroy,
                "ownConnects" if *value == Value::Bool(true) => continue,
                _ if *value == Value::Function => continue,
                _ => return Err(OptionError::bound(key, "a function", &shown(value))),
            };
            *field = time_or_off(value)
                .map_err(|expected| OptionError::bound(key, &expected, &shown(value)))?;
        }
        Ok(bounds)
    }
}

fn refuse(entries: &[(String, Value)]) -> Result<(), OptionError> {
    for hook in ["validate", "reset"] {
        let given = entries.iter().find(|(key, _)| key == hook).map(|(_, value)| value);
        if let Some(given) = given.filter(|value| **value != Value::Function) {
            return Err(OptionError::bound(hook, "a function", &shown(given)));
        }
    }
    let refused = |key: &str| REFUSED.iter().find(|(known, _)| *known == key);
    let Some((key, instead)) = entries.iter().find_map(|(key, _)| refused(key)) else {
        return Ok(());
    };
    let hint = instead.map(|instead| format!("; see '{instead}'")).unwrap_or_default();
    let message = format!("option '{key}' is for pools of a database{hint}");
    Err(OptionError { option: (*key).to_owned(), message })
}

#[cfg(test)]
#[path = "tests/foreign.rs"]
mod tests;
