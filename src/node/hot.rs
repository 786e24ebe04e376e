//! The calls that every query or lease makes, as plain N-API callbacks.
//!
//! Each callback's data is its link, which lives as long as the environment; the arguments are
//! numbers and typed arrays. A wrong argument gives `undefined` and changes nothing.

use super::link::{LocalLink, check};
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
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

/// Answers of `acquire` and `release` besides a grant.
const LATER: f64 = -1.0;
const DONE: f64 = -1.0;
const RETURNING: f64 = -2.0;

thread_local! {
    static EFFECTS: RefCell<Vec<Effect>> = RefCell::default();
}

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

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
    for (name, callback) in functions {
        // One count per function, given back when it is collected, which is after its last call.
        let data = Rc::into_raw(link.clone()) as *mut c_void;
        let mut function = ptr::null_mut();
        // SAFETY: names end in NUL; `data` stays valid as said above. Without a finalizer it is
        // never given back.
        unsafe {
            let length = name.len() as isize - 1;
            let text = name.as_ptr().cast();
            let made =
                sys::napi_create_function(env, text, length, Some(callback), data, &mut function);
            check(made, "no function")?;
            let (hint, reference) = (ptr::null_mut(), ptr::null_mut());
            let ends = sys::napi_add_finalizer(env, function, data, Some(forget), hint, reference);
            check(ends, "no finalizer")?;
            check(sys::napi_set_named_property(env, target, text, function), "no property")?;
        }
    }
    Ok(())
}

/// A hot function was collected, at the latest with its environment, on the link's own thread.
unsafe extern "C" fn forget(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: the count that `install` set aside for this function; finalizers run once.
    drop(unsafe { Rc::from_raw(data as *const LocalLink) });
}

/// The arguments of a call and the link it is for.
struct Call<const N: usize> {
    env: sys::napi_env,
    arguments: [sys::napi_value; N],
    link: &'static LocalLink,
}

impl<const N: usize> Call<N> {
    /// SAFETY: `env` and `info` must be those of the running callback, installed by `install`.
    unsafe fn read(env: sys::napi_env, info: sys::napi_callback_info) -> Option<Call<N>> {
        let mut arguments = [ptr::null_mut(); N];
        let mut count = N;
        let mut data = ptr::null_mut();
        // SAFETY: the buffers have the sizes they are announced with.
        let status = unsafe {
            let list = arguments.as_mut_ptr();
            sys::napi_get_cb_info(env, info, &mut count, list, ptr::null_mut(), &mut data)
        };
        if status != sys::Status::napi_ok || count < N || data.is_null() {
            return None;
        }
        // SAFETY: the function that is being called holds a count of this link (`install`).
        let link = unsafe { &*(data as *const LocalLink) };
        Some(Call { env, arguments, link })
    }

    fn integer(&self, at: usize) -> Option<i32> {
        let mut value = 0;
        // SAFETY: a plain read of a value of the running call.
        let status = unsafe { sys::napi_get_value_int32(self.env, self.arguments[at], &mut value) };
        (status == sys::Status::napi_ok).then_some(value)
    }

    fn double(&self, at: usize) -> Option<f64> {
        let mut value = 0.0;
        // SAFETY: a plain read of a value of the running call.
        let status =
            unsafe { sys::napi_get_value_double(self.env, self.arguments[at], &mut value) };
        (status == sys::Status::napi_ok).then_some(value)
    }

    /// Address and length of a typed array's memory, of the given kind. It stays valid for the
    /// length of the call: nothing in here runs JavaScript, so nothing can detach it.
    fn array<T>(&self, at: usize, kind: i32) -> Option<(*mut T, usize)> {
        let (mut found, mut length) = (0, 0);
        let mut data = ptr::null_mut();
        // SAFETY: out-parameters of the right types; what is not asked for is null.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                self.arguments[at],
                &mut found,
                &mut length,
                &mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        if status != sys::Status::napi_ok || found != kind {
            return None;
        }
        if length == 0 || data.is_null() {
            return Some((ptr::NonNull::dangling().as_ptr(), 0));
        }
        Some((data.cast(), length))
    }

    /// A typed array to read from.
    fn input<T>(&self, at: usize, kind: i32) -> Option<&[T]> {
        let (data, length) = self.array(at, kind)?;
        // SAFETY: N-API gives a pointer aligned for the kind asked for and its count of elements.
        Some(unsafe { std::slice::from_raw_parts(data, length) })
    }

    /// A typed array to write to.
    ///
    /// SAFETY: no other slice of this call may overlap it; lib/ passes arrays over separate
    /// buffers, and each argument may be asked for once only.
    #[allow(clippy::mut_from_ref)]
    unsafe fn output<T>(&self, at: usize, kind: i32) -> Option<&mut [T]> {
        let (data, length) = self.array(at, kind)?;
        // SAFETY: as in `input`; exclusive by the caller's word.
        Some(unsafe { std::slice::from_raw_parts_mut(data, length) })
    }

    fn number(&self, value: f64) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: creates a value in the running call's scope.
        unsafe { sys::napi_create_double(self.env, value, &mut result) };
        result
    }
}

/// Runs a callback's body; a panic ends here and not in the host.
unsafe fn guarded<const N: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Call<N>) -> Option<f64>,
) -> sys::napi_value {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: passed on from the running callback.
        let call = unsafe { Call::<N>::read(env, info) }?;
        let value = body(&call)?;
        Some(call.number(value))
    }));
    outcome.ok().flatten().unwrap_or(ptr::null_mut())
}

/// `submit(words: Int32Array, count)`: hands one tick's records to the engine.
unsafe extern "C" fn submit(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<2>(env, info, |call| {
            let words: &[i32] = call.input(0, sys::TypedarrayType::int32_array)?;
            let count = usize::try_from(call.integer(1)?).ok()?;
            let words = words.get(..count)?;
            let runtime = call.link.runtime;
            let mut buffer = runtime.buffer();
            buffer.extend_from_slice(words);
            let link = call.link.shared.id;
            runtime.send(Message::Submission { link, words: buffer });
            Some(count as f64)
        })
    }
}

/// `drain(ints: Int32Array, floats: Float64Array, text: Uint8Array, bytes: Uint8Array)`: copies as
/// many whole chunks as fit. Returns the count of ints, 0 when there is nothing, -1 when the next needs more room.
unsafe extern "C" fn drain(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<4>(env, info, |call| {
            let ints: &mut [i32] = call.output(0, sys::TypedarrayType::int32_array)?;
            let floats: &mut [f64] = call.output(1, sys::TypedarrayType::float64_array)?;
            let text: &mut [u8] = call.output(2, sys::TypedarrayType::uint8_array)?;
            let bytes: &mut [u8] = call.output(3, sys::TypedarrayType::uint8_array)?;
            let shared = &call.link.shared;
            shared.begin_drain();
            let mut streams = Streams { ints, floats, text, bytes, filled: [0; 4] };
            let mut resume = false;
            loop {
                let drained = shared.drain(|chunk| streams.copy(chunk));
                match drained {
                    Drained::Chunk { resume: wanted } => resume |= wanted,
                    Drained::Nothing => break,
                    Drained::TooLarge if streams.filled[0] == 0 => return Some(-1.0),
                    Drained::TooLarge => break,
                }
            }
            if resume {
                call.link.runtime.send(Message::Drained(shared.id));
            }
            Some(streams.filled[0] as f64)
        })
    }
}

/// JavaScript's arrays, and how far each is filled.
struct Streams<'a> {
    ints: &'a mut [i32],
    floats: &'a mut [f64],
    text: &'a mut [u8],
    bytes: &'a mut [u8],
    filled: [usize; 4],
}

impl Streams<'_> {
    /// Copies a chunk behind what is there; false when it does not fit.
    fn copy(&mut self, chunk: &Chunk) -> bool {
        let room = [self.ints.len(), self.floats.len(), self.text.len(), self.bytes.len()];
        let mut ends = self.filled;
        for (end, length) in ends.iter_mut().zip(chunk.lengths()) {
            *end += length;
        }
        if ends.iter().zip(room).any(|(end, room)| *end > room) {
            return false;
        }
        let [i, f, t, b] = self.filled;
        self.ints[i..ends[0]].copy_from_slice(&chunk.ints);
        self.floats[f..ends[1]].copy_from_slice(&chunk.floats);
        self.text[t..ends[2]].copy_from_slice(&chunk.text);
        self.bytes[b..ends[3]].copy_from_slice(&chunk.bytes);
        self.filled = ends;
        true
    }
}

/// `needed(index)`: how many ints (0), floats (1), text (2) or other bytes (3) the next chunk has.
unsafe extern "C" fn needed(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<1>(env, info, |call| {
            let at = usize::try_from(call.integer(0)?).ok()?;
            Some(*call.link.shared.next_size().get(at)? as f64)
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
            let waiter = lease_waiter(call.link.shared.id, request);
            call.link.with_pool(pool, |shared| {
                let now = shared.clock.now();
                let deadline = (timeout >= 0.0).then(|| now.saturating_add(micros(timeout)));
                let input = Input::Acquire { waiter, want: Want::Lease, priority, deadline };
                let granted = handle(call.link, shared, now, input, |effect| match effect {
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
            let waiter = lease_waiter(call.link.shared.id, call.integer(1)?);
            call.link.with_pool(pool, |shared| {
                let input = Input::Cancel { waiter };
                handle(call.link, shared, shared.clock.now(), input, |_| None);
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
            let mine = call.link.shared.id;
            call.link.with_pool(pool, |shared| {
                let input = Input::Release { lease: Lease { slot, generation }, fate };
                let mut returning = false;
                let next =
                    handle(call.link, shared, shared.clock.now(), input, |effect| match effect {
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
            call.link.keep_alive(call.env, true);
            None
        })
    }
}

unsafe extern "C" fn unhold(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: the running callback's own arguments.
    unsafe {
        guarded::<0>(env, info, |call| {
            call.link.keep_alive(call.env, false);
            None
        })
    }
}
