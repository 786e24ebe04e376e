//! The calls that every query or lease makes, as plain N-API callbacks.
//!
//! Each callback belongs to its link; the arguments are numbers, arrays, and one function
//! that fills an array.

use super::call::{self, Callback, Texts};
use super::link::LocalLink;
use crate::core::direct::Handed;
use crate::core::message::{Effect, Fate, Input, Lease, Time, Want};
use crate::engine::clock::from_ms;
use crate::engine::driver::{NUMBERS, lease_origin, lease_waiter};
use crate::engine::link::Drained;
use crate::engine::pool::PoolShared;
use crate::engine::runtime::Message;
use crate::wire::chunk::Chunk;
use crate::wire::record::fate;
use napi::sys;
use std::cell::RefCell;
use std::rc::Rc;

/// Answers of `acquire` and `release` besides a grant.
const LATER: f64 = -1.0;
const DONE: f64 = -1.0;
const RETURNING: f64 = -2.0;

thread_local! {
    static EFFECTS: RefCell<Vec<Effect>> = RefCell::default();
}

/// Adds the hot functions of `link` to `target`.
pub fn install(
    env: sys::napi_env,
    target: sys::napi_value,
    link: &Rc<LocalLink>,
) -> napi::Result<()> {
    let functions: [(&str, Callback); 8] = [
        ("submit\0", submit),
        ("drain\0", drain),
        ("needed\0", needed),
        ("acquire\0", acquire),
        ("release\0", release),
        ("cancel\0", cancel),
        ("ref\0", hold),
        ("unref\0", unhold),
    ];
    // SAFETY: each of them reads its call by `guarded` below, so by this owner's type.
    unsafe { call::install(env, target, link, &functions) }
}

/// The body of a callback of a link.
///
/// SAFETY: as `Call::read`.
unsafe fn guarded<const N: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Call<N>) -> Option<f64>,
) -> sys::napi_value {
    // SAFETY: passed on from the running callback.
    unsafe { call::guarded::<LocalLink, N, f64>(env, info, body) }
}

type Call<const N: usize> = call::Call<LocalLink, N>;

/// `submit(words: Int32Array, count)`: hands one tick's records to the engine.
unsafe extern "C" fn submit(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<2>(env, info, |call| {
            let words: &[i32] = call.input(0)?;
            let count = usize::try_from(call.integer(1)?).ok()?;
            let words = words.get(..count)?;
            let runtime = call.owner.runtime;
            let mut buffer = runtime.buffer();
            buffer.extend_from_slice(words);
            let link = call.owner.shared.id;
            runtime.send(Message::Submission { link, words: buffer });
            Some(count as f64)
        })
    }
}

/// `drain(ints: Int32Array, floats: Float64Array, texts: string[], bytes: Uint8Array, put)`: hands over
/// as many whole chunks as fit; a text that no string can hold is null. `put` sets several of `texts`.
/// Returns the count of ints, 0 when there is nothing, -1 when the next needs more room.
unsafe extern "C" fn drain(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<5>(env, info, |call| {
            let ints: &mut [i32] = call.output(0)?;
            let floats: &mut [f64] = call.output(1)?;
            let texts = call.texts(2, 4)?;
            let bytes: &mut [u8] = call.output(3)?;
            let shared = &call.owner.shared;
            shared.begin_drain();
            let mut streams = Streams { ints, floats, texts, bytes, filled: [0; 4] };
            let mut resume = false;
            loop {
                let drained = shared.drain(|chunk| streams.take(chunk));
                match drained {
                    Drained::Chunk { resume: wanted } => resume |= wanted,
                    Drained::Nothing => break,
                    Drained::TooLarge if streams.filled[0] == 0 => return Some(-1.0),
                    Drained::TooLarge => break,
                }
            }
            streams.texts.flush();
            if resume {
                call.owner.runtime.send(Message::Drained(shared.id));
            }
            Some(streams.filled[0] as f64)
        })
    }
}

/// JavaScript's arrays, and how far each is filled.
struct Streams<'a> {
    ints: &'a mut [i32],
    floats: &'a mut [f64],
    texts: Texts,
    bytes: &'a mut [u8],
    filled: [usize; 4],
}

impl Streams<'_> {
    /// Puts a chunk behind what is there; false when it does not fit.
    fn take(&mut self, chunk: &Chunk) -> bool {
        let room = [self.ints.len(), self.floats.len(), self.texts.room(), self.bytes.len()];
        let mut ends = self.filled;
        for (end, length) in ends.iter_mut().zip(chunk.lengths()) {
            *end += length;
        }
        if ends.iter().zip(room).any(|(end, room)| *end > room) {
            return false;
        }
        let [i, f, _, b] = self.filled;
        self.ints[i..ends[0]].copy_from_slice(&chunk.ints);
        self.floats[f..ends[1]].copy_from_slice(&chunk.floats);
        self.bytes[b..ends[3]].copy_from_slice(&chunk.bytes);
        for segment in chunk.segments() {
            self.texts.push(segment);
        }
        self.filled = ends;
        true
    }
}

/// `needed(index)`: how many ints (0), floats (1), texts (2) or bytes (3) the next chunk has.
unsafe extern "C" fn needed(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<1>(env, info, |call| {
            let at = usize::try_from(call.integer(0)?).ok()?;
            Some(*call.owner.shared.next_size().get(at)? as f64)
        })
    }
}

/// `acquire(pool, request, priority, timeout ms or -1)`: a lease, encoded by `granted`, or -1 when
/// the answer comes through the ring.
unsafe extern "C" fn acquire(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<4>(env, info, |call| {
            let pool = u32::try_from(call.integer(0)?).ok()?;
            let request = call.integer(1)?;
            let priority = u8::try_from(call.integer(2)?).ok()?;
            let timeout = call.double(3)?;
            let waiter = lease_waiter(call.owner.shared.id, request);
            call.owner.with_pool(pool, |shared| {
                let now = shared.clock.now();
                if let Some(lease) = shared.lend_idle(now, waiter) {
                    return granted(lease.slot, lease.generation);
                }
                let deadline = (timeout >= 0.0).then(|| now.saturating_add(micros(timeout)));
                let input = Input::Acquire { waiter, want: Want::Lease, priority, deadline };
                let granted = handle(call.owner, shared, now, input, |effect| match effect {
                    Effect::GrantLease { waiter: mine, lease, .. } if *mine == waiter => {
                        Some(granted(lease.slot, lease.generation))
                    }
                    _ => None,
                });
                granted.unwrap_or(LATER)
            })
        })
    }
}

/// `cancel(pool, request)`: withdraws an acquire that still waits; its FAIL record follows.
unsafe extern "C" fn cancel(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<2>(env, info, |call| {
            let pool = u32::try_from(call.integer(0)?).ok()?;
            let waiter = lease_waiter(call.owner.shared.id, call.integer(1)?);
            call.owner.with_pool(pool, |shared| {
                let input = Input::Cancel { waiter };
                handle(call.owner, shared, shared.clock.now(), input, |_| None);
                0.0
            })
        })
    }
}

/// `release(pool, slot, generation, fate)`: -1 when the connection is back at once, -2 when it is
/// being reset or closed (a RELEASE record of fate AWAIT tells when that is over), or, when this
/// link's own next waiter got the same connection, that request and the new generation.
unsafe extern "C" fn release(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<4>(env, info, |call| {
            let pool = u32::try_from(call.integer(0)?).ok()?;
            let slot = u32::try_from(call.integer(1)?).ok()?;
            let generation = call.integer(2)? as u32;
            let fate = if call.integer(3)? == fate::DESTROY { Fate::Destroy } else { Fate::Return };
            let mine = call.owner.shared.id;
            call.owner.with_pool(pool, |shared| {
                let (now, lease) = (shared.clock.now(), Lease { slot, generation });
                if let Some((handed, sooner)) = shared.take_back(now, lease, fate) {
                    return pass_on(call.owner, shared, handed, sooner);
                }
                let input = Input::Release { lease, fate };
                let mut returning = false;
                let next = handle(call.owner, shared, now, input, |effect| match effect {
                    Effect::GrantLease { waiter, lease, .. } if lease.slot == slot => {
                        let (link, request) = lease_origin(*waiter)?;
                        (link == mine).then(|| granted(request as u32, lease.generation))
                    }
                    Effect::Reset { conn } | Effect::Close { conn, .. } => {
                        returning |= conn.slot == slot;
                        None
                    }
                    _ => None,
                });
                next.unwrap_or(if returning { RETURNING } else { DONE })
            })
        })
    }
}

/// A connection came back and may have gone to the next in line, who may be another link's.
fn pass_on(link: &LocalLink, shared: &PoolShared, handed: Option<Handed>, sooner: bool) -> f64 {
    let mut effects = Vec::new();
    let mut answer = DONE;
    if let Some(Handed { waiter, lease, conn, waited }) = handed {
        match lease_origin(waiter) {
            Some((origin, request)) if origin == link.shared.id => {
                answer = granted(request as u32, lease.generation);
            }
            _ => effects.push(Effect::GrantLease { waiter, lease, conn, waited }),
        }
    }
    if sooner || !effects.is_empty() {
        link.runtime.send(Message::Effects { pool: shared.id, effects });
    }
    answer
}

/// Tells the core one thing; keeps the effect that `claim` answers for and passes the others to
/// the engine.
fn handle(
    link: &LocalLink,
    shared: &PoolShared,
    now: Time,
    input: Input,
    mut claim: impl FnMut(&Effect) -> Option<f64>,
) -> Option<f64> {
    EFFECTS.with_borrow_mut(|effects| {
        let sooner = shared.handle(now, input, effects);
        let mut claimed = None;
        effects.retain(|effect| {
            if claimed.is_none() {
                claimed = claim(effect);
                return claimed.is_none();
            }
            true
        });
        if sooner || !effects.is_empty() {
            let effects = std::mem::take(effects);
            link.runtime.send(Message::Effects { pool: shared.id, effects });
        }
        claimed
    })
}

/// Two numbers in one double: the first below 2^20 (slots and request numbers are), the other of
/// 32 bits, 52 together.
fn granted(first: u32, generation: u32) -> f64 {
    debug_assert!(first < NUMBERS as u32);
    f64::from(generation) * f64::from(NUMBERS) + f64::from(first)
}

/// Milliseconds as JavaScript gives them; too large means for ever.
fn micros(ms: f64) -> Time {
    from_ms(ms.ceil().max(0.0) as u64)
}

unsafe extern "C" fn hold(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<0>(env, info, |call| {
            call.owner.keep_alive(true);
            None
        })
    }
}

unsafe extern "C" fn unhold(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<0>(env, info, |call| {
            call.owner.keep_alive(false);
            None
        })
    }
}
