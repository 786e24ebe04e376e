//! Pools of resources that JavaScript makes: each call runs the core on the calling thread.

use super::call::{self, Answer, Callback};
use super::values::entries;
use crate::core::error::OptionError;
use crate::core::message::{Fate, Lease, Time};
use crate::engine::clock::from_ms;
use crate::engine::error::EngineError;
use crate::engine::foreign::{Foreign, Outcome, close_reason};
use crate::wire::foreign::answer;
use napi::bindgen_prelude::{FromNapiValue, Object};
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use serde_json::{Value as Json, json};
use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;

/// The pools of one load of lib/, by number; a number is used again after `forget`.
#[derive(Default)]
struct Pools {
    /// As JavaScript has said it last, in microseconds: once in each turn of its event loop.
    now: Cell<Time>,
    entries: RefCell<Vec<Option<Box<Foreign>>>>,
    free: RefCell<Vec<usize>>,
}

type Call<const N: usize> = call::Call<Pools, N>;

/// An object with the functions below. What they hold ends with them.
#[napi]
pub fn open_resources(env: Env) -> napi::Result<Object<'static>> {
    let pools = Rc::new(Pools::default());
    let object = Object::new(&env)?;
    let functions: [(&str, Callback); 20] = [
        ("open\0", open),
        ("now\0", now),
        ("acquire\0", acquire),
        ("acquireWith\0", acquire_with),
        ("release\0", release),
        ("destroy\0", destroy),
        ("generation\0", generation),
        ("releaseLease\0", release_lease),
        ("tell\0", tell),
        ("take\0", take),
        ("counts\0", counts),
        ("idle\0", idle),
        ("isLent\0", is_lent),
        ("expired\0", expired),
        ("resize\0", resize),
        ("close\0", close),
        ("forget\0", forget),
        ("stats\0", stats),
        ("timedOut\0", timed_out),
        ("reason\0", reason),
    ];
    // SAFETY: each of them reads its call by `guarded` below, so by this owner's type.
    unsafe { call::install(env.raw(), object.value().value, &pools, &functions)? };
    Ok(object)
}

impl Pools {
    fn with<R>(&self, id: i32, with: impl FnOnce(&mut Foreign, Time) -> R) -> Option<R> {
        let mut entries = self.entries.borrow_mut();
        let pool = entries.get_mut(usize::try_from(id).ok()?)?.as_deref_mut()?;
        Some(with(pool, self.now.get()))
    }

    fn add(&self, pool: Foreign) -> usize {
        let pool = Some(Box::new(pool));
        let mut entries = self.entries.borrow_mut();
        match self.free.borrow_mut().pop() {
            Some(at) => {
                entries[at] = pool;
                at
            }
            None => {
                entries.push(pool);
                entries.len() - 1
            }
        }
    }

    fn forget(&self, id: i32) -> Option<()> {
        let at = usize::try_from(id).ok()?;
        self.entries.borrow_mut().get_mut(at)?.take()?;
        self.free.borrow_mut().push(at);
        Some(())
    }
}

/// SAFETY: as `Call::read`.
unsafe fn guarded<const N: usize, A: Answer>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Call<N>) -> Option<A>,
) -> sys::napi_value {
    // SAFETY: passed on from the running callback.
    unsafe { call::guarded::<Pools, N, A>(env, info, body) }
}

/// `open(options)`: JSON of `{ pool, ... }` or of a refused option.
unsafe extern "C" fn open(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments; the conversion checks the type.
    unsafe {
        guarded::<1, String>(env, info, |call| {
            let options = Object::from_napi_value(call.env, call.arguments[0]).ok()?;
            let entries = entries(&options).ok()?;
            // Jitter must differ between processes; nothing else depends on the seed.
            let seed = RandomState::new().hash_one(call.owner.entries.borrow().len());
            let answer = match Foreign::new(entries, seed, call.owner.now.get()) {
                Ok(pool) => settings(call.owner, pool),
                Err(error) => refused(&error),
            };
            Some(answer.to_string())
        })
    }
}

fn settings(pools: &Pools, pool: Foreign) -> Json {
    let ms = |time: Option<Time>| time.map(|us| us.div_ceil(1000));
    let (options, bounds) = (&pool.options, pool.bounds);
    let mut settings = json!({
        "name": options.name,
        "acquireTimeoutMs": ms(options.acquire_timeout),
        "closeTimeoutMs": ms(options.close_timeout),
        "leakDetectionMs": ms(options.leak_detection),
        "createTimeoutMs": ms(bounds.create),
        "validateTimeoutMs": ms(bounds.validate),
        "resetTimeoutMs": ms(bounds.reset),
        "destroyTimeoutMs": ms(bounds.destroy),
        "priorities": options.priorities,
        "lazy": options.lazy,
        "waitForServer": options.wait_for_server,
    });
    settings["pool"] = pools.add(pool).into();
    settings
}

fn refused(error: &OptionError) -> Json {
    json!({ "option": error.option, "message": error.message })
}

/// `now(ms)`: what time it is from here on.
unsafe extern "C" fn now(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<1, i32>(env, info, |call| {
            call.owner.now.set((call.double(0)? * 1000.0) as Time);
            Some(answer::NOTHING)
        })
    }
}

// Not functions of each pool's own: V8 calls those half as fast as soon as there are two pools.

/// `acquire(pool, request)`: the slot, or one of `answer`.
unsafe extern "C" fn acquire(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<2, i32>(env, info, |call| {
            let request = u32::try_from(call.integer(1)?).ok()?;
            call.owner.with(call.integer(0)?, |pool, now| code(pool.acquire(now, request)))
        })
    }
}

/// `release(pool, slot)`: the request that got it, or one of `answer`.
unsafe extern "C" fn release(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe { give_back(env, info, Fate::Return) }
}

/// `destroy(pool, slot)`: as `release`, of a resource that is not to be used again.
unsafe extern "C" fn destroy(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe { give_back(env, info, Fate::Destroy) }
}

/// SAFETY: as `Call::read`.
unsafe fn give_back(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    fate: Fate,
) -> sys::napi_value {
    // SAFETY: passed on from the running callback.
    unsafe {
        guarded::<2, i32>(env, info, |call| {
            let slot = u32::try_from(call.integer(1)?).ok()?;
            call.owner.with(call.integer(0)?, |pool, now| code(pool.release(now, slot, fate)))
        })
    }
}

/// `acquireWith(pool, request, priority, timeout ms or -1)`: as `acquire`.
unsafe extern "C" fn acquire_with(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<4, i32>(env, info, |call| {
            let request = u32::try_from(call.integer(1)?).ok()?;
            let priority = u8::try_from(call.integer(2)?).ok()?;
            let timeout = wait(call.double(3)?);
            let outcome =
                |pool: &mut Foreign, now| code(pool.acquire_with(now, request, priority, timeout));
            call.owner.with(call.integer(0)?, outcome)
        })
    }
}

/// `generation(pool, slot)`: which lease of the slot the latest one is, for `releaseLease`.
unsafe extern "C" fn generation(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<2, i32>(env, info, |call| {
            let slot = u32::try_from(call.integer(1)?).ok()?;
            call.owner.with(call.integer(0)?, |pool, _| pool.generation(slot) as i32)
        })
    }
}

/// `releaseLease(pool, slot, generation, destroy)`: as `release`, unless that lease has ended.
unsafe extern "C" fn release_lease(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<4, i32>(env, info, |call| {
            let slot = u32::try_from(call.integer(1)?).ok()?;
            let lease = Lease { slot, generation: call.integer(2)? as u32 };
            let fate = if call.integer(3)? == 0 { Fate::Return } else { Fate::Destroy };
            call.owner
                .with(call.integer(0)?, |pool, now| code(pool.release_lease(now, lease, fate)))
        })
    }
}

fn code(outcome: Outcome) -> i32 {
    match outcome {
        // Slots and requests are numbered far below 2^31.
        Outcome::Granted(number) => number as i32,
        Outcome::Nothing => answer::NOTHING,
        Outcome::More => answer::MORE,
        Outcome::NotLent => answer::NOT_LENT,
    }
}

fn wait(ms: f64) -> Option<Time> {
    (ms >= 0.0).then(|| from_ms(ms.ceil() as u64))
}

/// `tell(pool, change, slot, serial, ok)`: MORE when there are effects to be taken.
unsafe extern "C" fn tell(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<5, i32>(env, info, |call| {
            let (slot, serial) = (call.integer(2)? as u32, call.integer(3)? as u32);
            let (change, ok) = (call.integer(1)?, call.integer(4)? != 0);
            let more = |pool: &mut Foreign, now| pool.tell(now, change, slot, serial, ok);
            let more = call.owner.with(call.integer(0)?, more)?;
            Some(if more { answer::MORE } else { answer::NOTHING })
        })
    }
}

/// `take(pool, out: Int32Array)`: as many effects as fit, four words each; their words.
unsafe extern "C" fn take(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments; the one array is asked for once.
    unsafe {
        guarded::<2, i32>(env, info, |call| {
            let out: &mut [i32] = call.output(1)?;
            call.owner.with(call.integer(0)?, |pool, _| {
                let mut filled = 0;
                for room in out.chunks_exact_mut(4) {
                    let Some(words) = pool.take() else { break };
                    room.copy_from_slice(&words);
                    filled += 4;
                }
                filled
            })
        })
    }
}

/// `counts(pool, out: Int32Array(10))`: total, idle, lent, creating, validating, resetting,
/// closing, waiting, max, min.
unsafe extern "C" fn counts(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments; the one array is asked for once.
    unsafe {
        guarded::<2, i32>(env, info, |call| {
            let out: &mut [i32] = call.output(1)?;
            let stats = call.owner.with(call.integer(0)?, |pool, _| pool.state().core.stats())?;
            let counts = [
                stats.total,
                stats.idle,
                stats.in_use,
                stats.opening,
                stats.validating,
                stats.resetting,
                stats.closing,
                stats.waiting,
                stats.max,
                stats.min,
            ];
            let out = out.get_mut(..counts.len())?;
            for (place, count) in out.iter_mut().zip(counts) {
                *place = count as i32;
            }
            Some(answer::NOTHING)
        })
    }
}

/// `idle(pool, out: Int32Array)`: the idle slots, the longest first; how many there are, also when
/// they do not fit.
unsafe extern "C" fn idle(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments; the one array is asked for once.
    unsafe {
        guarded::<2, i32>(env, info, |call| {
            let out: &mut [i32] = call.output(1)?;
            let slots = call.owner.with(call.integer(0)?, |pool, _| pool.idle())?;
            for (place, slot) in out.iter_mut().zip(&slots) {
                *place = *slot as i32;
            }
            Some(slots.len() as i32)
        })
    }
}

/// `isLent(pool, slot)`: 1 or 0.
unsafe extern "C" fn is_lent(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<2, i32>(env, info, |call| {
            let slot = u32::try_from(call.integer(1)?).ok()?;
            call.owner.with(call.integer(0)?, |pool, _| i32::from(pool.is_lent(slot)))
        })
    }
}

/// `expired(pool)`: how many are lent for longer than they may live.
unsafe extern "C" fn expired(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<1, i32>(env, info, |call| {
            call.owner.with(call.integer(0)?, |pool, now| pool.expired(now) as i32)
        })
    }
}

/// `resize(pool, min, max)`: JSON of a refused bound, or an empty text.
unsafe extern "C" fn resize(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<3, String>(env, info, |call| {
            let (min, max) = (call.integer(1)?.max(0) as u32, call.integer(2)?.max(0) as u32);
            let resized =
                call.owner.with(call.integer(0)?, |pool, now| pool.resize(now, min, max))?;
            Some(resized.err().map(|error| refused(&error).to_string()).unwrap_or_default())
        })
    }
}

/// `close(pool, timeout ms or -1)`
unsafe extern "C" fn close(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<2, i32>(env, info, |call| {
            let timeout = wait(call.double(1)?);
            call.owner.with(call.integer(0)?, |pool, now| pool.close(now, timeout))?;
            Some(answer::MORE)
        })
    }
}

/// `forget(pool)`: a closed one; its number may be used again.
unsafe extern "C" fn forget(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<1, i32>(env, info, |call| {
            call.owner.forget(call.integer(0)?)?;
            Some(answer::NOTHING)
        })
    }
}

/// `stats(pool)`: JSON of the pool's figures.
unsafe extern "C" fn stats(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<1, String>(env, info, |call| {
            let figures = |pool: &mut Foreign, _| {
                pool.state().figures(pool.options.name.as_deref()).to_string()
            };
            call.owner.with(call.integer(0)?, figures)
        })
    }
}

/// `timedOut(pool, waited ms, what the last create failed with or '')`: JSON of the error.
unsafe extern "C" fn timed_out(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: the running callback's own arguments; the conversion checks the type.
    unsafe {
        guarded::<3, String>(env, info, |call| {
            let waited = from_ms(u64::try_from(call.integer(1)?).ok()?);
            let attempt = String::from_napi_value(call.env, call.arguments[2]).ok()?;
            let attempt = Some(attempt).filter(|attempt| !attempt.is_empty());
            let error: EngineError = call.owner.with(call.integer(0)?, |pool, now| {
                pool.timed_out(now, waited, attempt.as_deref())
            })?;
            Some(error.json.to_string())
        })
    }
}

/// `reason(why)`: the name of a DESTROY's reason.
unsafe extern "C" fn reason(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<1, String>(env, info, |call| Some(close_reason(call.integer(0)?)?.to_owned()))
    }
}
