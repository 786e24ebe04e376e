//! Plain N-API callbacks: their arguments, their answer, and what they belong to.
//!
//! Each callback's data is a counted reference to an owner, which lives as long as one of its
//! functions. A wrong argument gives `undefined` and changes nothing; a panic ends here.

use super::link::check;
use napi::sys;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

pub type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// Adds functions of `owner` to `target`. Names end in NUL.
///
/// SAFETY: every callback must read its call by `Call::<T, N>` with this very `T`.
pub unsafe fn install<T>(
    env: sys::napi_env,
    target: sys::napi_value,
    owner: &Rc<T>,
    functions: &[(&str, Callback)],
) -> napi::Result<()> {
    for (name, callback) in functions {
        // One count per function, given back when it is collected, which is after its last call.
        let data = Rc::into_raw(owner.clone()) as *mut c_void;
        let mut function = ptr::null_mut();
        // SAFETY: names end in NUL; `data` stays valid as said above. Without a finalizer it is
        // never given back.
        unsafe {
            let length = name.len() as isize - 1;
            let text = name.as_ptr().cast();
            let made =
                sys::napi_create_function(env, text, length, Some(*callback), data, &mut function);
            check(made, "no function")?;
            let (hint, reference) = (ptr::null_mut(), ptr::null_mut());
            let ends =
                sys::napi_add_finalizer(env, function, data, Some(forget::<T>), hint, reference);
            check(ends, "no finalizer")?;
            check(sys::napi_set_named_property(env, target, text, function), "no property")?;
        }
    }
    Ok(())
}

/// A function was collected, at the latest with its environment, on its owner's own thread.
unsafe extern "C" fn forget<T>(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: the count that `install` set aside for this function; finalizers run once.
    drop(unsafe { Rc::from_raw(data as *const T) });
}

/// What typed arrays hold, and N-API's name for each.
pub trait Element {
    const KIND: i32;
}

impl Element for i32 {
    const KIND: i32 = sys::TypedarrayType::int32_array;
}

impl Element for f64 {
    const KIND: i32 = sys::TypedarrayType::float64_array;
}

impl Element for u8 {
    const KIND: i32 = sys::TypedarrayType::uint8_array;
}

/// The arguments of a call and the owner of the function.
pub struct Call<T: 'static, const N: usize> {
    pub env: sys::napi_env,
    pub arguments: [sys::napi_value; N],
    pub owner: &'static T,
}

impl<T: 'static, const N: usize> Call<T, N> {
    /// SAFETY: `env` and `info` must be those of the running callback, installed by `install::<T>`.
    unsafe fn read(env: sys::napi_env, info: sys::napi_callback_info) -> Option<Call<T, N>> {
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
        // SAFETY: the function that is being called holds a count of its owner (`install`).
        let owner = unsafe { &*(data as *const T) };
        Some(Call { env, arguments, owner })
    }

    pub fn integer(&self, at: usize) -> Option<i32> {
        let mut value = 0;
        // SAFETY: a plain read of a value of the running call.
        let status = unsafe { sys::napi_get_value_int32(self.env, self.arguments[at], &mut value) };
        (status == sys::Status::napi_ok).then_some(value)
    }

    pub fn double(&self, at: usize) -> Option<f64> {
        let mut value = 0.0;
        // SAFETY: a plain read of a value of the running call.
        let status =
            unsafe { sys::napi_get_value_double(self.env, self.arguments[at], &mut value) };
        (status == sys::Status::napi_ok).then_some(value)
    }

    /// Address and length of a typed array's memory, of the given kind. It stays valid for the
    /// length of the call: nothing in here runs code of a program, so nothing can detach it.
    fn array<I: Element>(&self, at: usize) -> Option<(*mut I, usize)> {
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
        if status != sys::Status::napi_ok || found != I::KIND {
            return None;
        }
        if length == 0 || data.is_null() {
            return Some((ptr::NonNull::dangling().as_ptr(), 0));
        }
        Some((data.cast(), length))
    }

    /// An array to put texts into, and a function that does; see `Texts` for what they must be.
    pub fn texts(&self, array: usize, put: usize) -> Option<Texts> {
        let (env, array, put) = (self.env, self.arguments[array], self.arguments[put]);
        let (mut room, mut nothing) = (0, ptr::null_mut());
        // SAFETY: plain reads of values of the running call.
        let status = unsafe {
            sys::napi_get_undefined(env, &mut nothing);
            sys::napi_get_array_length(env, array, &mut room)
        };
        if status != sys::Status::napi_ok {
            return None;
        }
        let mut arguments = [nothing; Texts::BATCH + 2];
        arguments[0] = array;
        Some(Texts { env, put, nothing, arguments, room, set: 0, held: 0 })
    }

    /// A typed array to read from.
    pub fn input<I: Element>(&self, at: usize) -> Option<&[I]> {
        let (data, length) = self.array(at)?;
        // SAFETY: N-API gives a pointer aligned for the kind asked for and its count of elements.
        Some(unsafe { std::slice::from_raw_parts(data, length) })
    }

    /// A typed array to write to.
    ///
    /// SAFETY: no other slice of this call may overlap it; lib/ passes arrays over separate
    /// buffers, and each argument may be asked for once only.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn output<I: Element>(&self, at: usize) -> Option<&mut [I]> {
        let (data, length) = self.array(at)?;
        // SAFETY: as in `input`; exclusive by the caller's word.
        Some(unsafe { std::slice::from_raw_parts_mut(data, length) })
    }
}

/// An array of JavaScript that is filled from its start. It has an element at each of its places, so
/// that to set one runs no code of a program's; nor does `put(array, at, ...texts)`, which sets several
/// for half of what `napi_set_element` takes.
pub struct Texts {
    env: sys::napi_env,
    put: sys::napi_value,
    nothing: sys::napi_value,
    /// Those of `put`: the texts that it is called with next come third.
    arguments: [sys::napi_value; Texts::BATCH + 2],
    room: u32,
    set: u32,
    held: usize,
}

impl Texts {
    const BATCH: usize = 64;
    /// Fewer are not worth a call.
    const FEW: usize = 5;

    pub fn room(&self) -> usize {
        self.room as usize
    }

    /// The next one, given in Latin-1; null where no string can hold it. It is there after `flush`.
    pub fn push(&mut self, text: &[u8]) {
        let value = &mut self.arguments[2 + self.held];
        // SAFETY: values of the running call's scope; the text has the length that is given.
        unsafe {
            let (start, length) = (text.as_ptr().cast(), text.len() as isize);
            let made = sys::napi_create_string_latin1(self.env, start, length, value);
            if made != sys::Status::napi_ok {
                sys::napi_get_null(self.env, value);
            }
        }
        self.held += 1;
        if self.held == Self::BATCH {
            self.flush();
        }
    }

    pub fn flush(&mut self) {
        if self.held < Self::FEW || !self.call() {
            let texts = &self.arguments[2..2 + self.held];
            for (at, text) in (self.set..).zip(texts) {
                // SAFETY: values of the running call's scope.
                unsafe { sys::napi_set_element(self.env, self.arguments[0], at, *text) };
            }
        }
        self.set += self.held as u32;
        self.held = 0;
    }

    fn call(&mut self) -> bool {
        let (env, mut thrown) = (self.env, ptr::null_mut());
        // SAFETY: values of the running call's scope; as many arguments as are announced.
        unsafe {
            sys::napi_create_uint32(env, self.set, &mut self.arguments[1]);
            let (count, list) = (self.held + 2, self.arguments.as_ptr());
            let status =
                sys::napi_call_function(env, self.nothing, self.put, count, list, ptr::null_mut());
            if status == sys::Status::napi_pending_exception {
                sys::napi_get_and_clear_last_exception(env, &mut thrown);
            }
            status == sys::Status::napi_ok
        }
    }
}

/// What a callback may answer.
pub trait Answer {
    /// SAFETY: `env` must be that of the running callback.
    unsafe fn into_value(self, env: sys::napi_env) -> sys::napi_value;
}

impl Answer for f64 {
    unsafe fn into_value(self, env: sys::napi_env) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: creates a value in the running call's scope.
        unsafe { sys::napi_create_double(env, self, &mut result) };
        result
    }
}

impl Answer for i32 {
    unsafe fn into_value(self, env: sys::napi_env) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: creates a value in the running call's scope.
        unsafe { sys::napi_create_int32(env, self, &mut result) };
        result
    }
}

impl Answer for String {
    unsafe fn into_value(self, env: sys::napi_env) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: copies text of the given length into a value of the running call's scope.
        unsafe {
            let length = self.len() as isize;
            sys::napi_create_string_utf8(env, self.as_ptr().cast(), length, &mut result)
        };
        result
    }
}

/// Runs a callback's body; a panic ends here and not in the host.
///
/// SAFETY: as `Call::read`.
pub unsafe fn guarded<T: 'static, const N: usize, A: Answer>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Call<T, N>) -> Option<A>,
) -> sys::napi_value {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: passed on from the running callback.
        let call = unsafe { Call::<T, N>::read(env, info) }?;
        let answer = body(&call)?;
        // SAFETY: as above.
        Some(unsafe { answer.into_value(env) })
    }));
    outcome.ok().flatten().unwrap_or(ptr::null_mut())
}
