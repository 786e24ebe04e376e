//! What wakes an environment's event loop from the engine's thread: an async handle of libuv.
//!
//! Not a threadsafe function of N-API: that one holds a lock while it writes to the loop's
//! descriptor. The loop, awake before the write returns, then waits for the lock: at nearly every
//! wake, two context switches and three system calls for nothing.

use super::link::check;
use napi::sys;
use once_cell::sync::OnceCell;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr;

type Handle = *mut c_void;
type Callback = unsafe extern "C" fn(Handle);

/// The number of the kind of handle.
const UV_ASYNC: c_int = 1;

/// The functions of the libuv that this Node runs on.
struct Uv {
    handle_size: unsafe extern "C" fn(c_int) -> usize,
    set_data: unsafe extern "C" fn(Handle, *mut c_void),
    get_data: unsafe extern "C" fn(Handle) -> *mut c_void,
    async_init: unsafe extern "C" fn(*mut sys::uv_loop_s, Handle, Callback) -> c_int,
    async_send: unsafe extern "C" fn(Handle) -> c_int,
    reference: unsafe extern "C" fn(Handle),
    unreference: unsafe extern "C" fn(Handle),
    close: unsafe extern "C" fn(Handle, Callback),
}

static UV: OnceCell<Uv> = OnceCell::new();

impl Uv {
    fn get() -> napi::Result<&'static Uv> {
        let missing = |error| napi::Error::from_reason(format!("Node has no libuv: {error}"));
        UV.get_or_try_init(Uv::load).map_err(missing)
    }

    fn load() -> Result<Uv, libloading::Error> {
        #[cfg(unix)]
        let node: libloading::Library = libloading::os::unix::Library::this().into();
        #[cfg(windows)]
        let node: libloading::Library = libloading::os::windows::Library::this()?.into();
        // SAFETY: the names and types are those of libuv 1, which every Node >= 20 has; the process
        // itself is never unloaded.
        unsafe {
            Ok(Uv {
                handle_size: *node.get(b"uv_handle_size\0")?,
                set_data: *node.get(b"uv_handle_set_data\0")?,
                get_data: *node.get(b"uv_handle_get_data\0")?,
                async_init: *node.get(b"uv_async_init\0")?,
                async_send: *node.get(b"uv_async_send\0")?,
                reference: *node.get(b"uv_ref\0")?,
                unreference: *node.get(b"uv_unref\0")?,
                close: *node.get(b"uv_close\0")?,
            })
        }
    }
}

/// What the handle points to, until it is closed.
struct State {
    uv: &'static Uv,
    env: sys::napi_env,
    on_wake: sys::napi_ref,
    context: sys::napi_async_context,
    /// Called when the environment ends, before anything else.
    end: Option<Box<dyn FnOnce()>>,
    hook: sys::napi_async_cleanup_hook_handle,
    /// The handle itself, aligned for whatever libuv keeps there.
    memory: Box<[u128]>,
}

impl State {
    /// Opens the handle, and what its callback needs.
    ///
    /// # Safety
    /// `on_wake` is of the current call, and `handle` the memory of this state, in its last place.
    unsafe fn begin(&mut self, on_wake: sys::napi_value, handle: Handle) -> napi::Result<()> {
        let mut event_loop = ptr::null_mut();
        // SAFETY: see above.
        unsafe {
            check(sys::napi_get_uv_event_loop(self.env, &mut event_loop), "no event loop")?;
            let status = sys::napi_create_reference(self.env, on_wake, 1, &mut self.on_wake);
            check(status, "no reference")?;
            self.context = async_context(self.env)?;
            match (self.uv.async_init)(event_loop, handle, rung) {
                0 => Ok(()),
                status => {
                    let text = format!("no async handle: libuv {status}");
                    Err(napi::Error::from_reason(text))
                }
            }
        }
    }

    /// Gives back what the environment keeps for the callback.
    ///
    /// # Safety
    /// On the environment's thread; the callback is not called any more.
    unsafe fn let_go(&mut self) {
        // SAFETY: see above; each is given back once.
        unsafe {
            let on_wake = std::mem::replace(&mut self.on_wake, ptr::null_mut());
            if !on_wake.is_null() {
                sys::napi_delete_reference(self.env, on_wake);
            }
            let context = std::mem::replace(&mut self.context, ptr::null_mut());
            if !context.is_null() {
                sys::napi_async_destroy(self.env, context);
            }
        }
    }
}

/// The environment's side: calls a function, from the event loop, after each `Ringer::ring` (or
/// once after several). It closes with the environment.
pub struct Bell {
    uv: &'static Uv,
    /// Null once it is closed.
    handle: Cell<Handle>,
}

/// The engine's side.
pub struct Ringer {
    uv: &'static Uv,
    handle: Handle,
}

// SAFETY: `uv_async_send` may be called from any thread. That the handle is not closed yet is
// ensured by `LinkShared::silence`, which drops this under the lock that a call holds.
unsafe impl Send for Ringer {}

impl Ringer {
    pub fn ring(&self) {
        // SAFETY: the handle is open (see above). It fails for no other reason.
        unsafe { (self.uv.async_send)(self.handle) };
    }
}

impl Bell {
    /// Does not keep the event loop alive at first. `end` is called when the environment ends, and
    /// must have dropped all ringers when it returns.
    pub fn open(
        env: sys::napi_env,
        on_wake: sys::napi_value,
        end: Box<dyn FnOnce()>,
    ) -> napi::Result<Bell> {
        let uv = Uv::get()?;
        // SAFETY: a plain question.
        let size = unsafe { (uv.handle_size)(UV_ASYNC) };
        let mut state = Box::new(State {
            uv,
            env,
            on_wake: ptr::null_mut(),
            context: ptr::null_mut(),
            end: Some(end),
            hook: ptr::null_mut(),
            memory: vec![0; size.div_ceil(size_of::<u128>())].into(),
        });
        let handle: Handle = state.memory.as_mut_ptr().cast();
        // SAFETY: `env` and `on_wake` belong to the current call; the memory is large enough, and
        // stays where it is until `ended` frees it.
        let begun = unsafe { state.begin(on_wake, handle) };
        if let Err(error) = begun {
            // SAFETY: on the environment's thread, and nothing else refers to them.
            unsafe { state.let_go() };
            return Err(error);
        }
        let data: *mut State = Box::into_raw(state);
        // SAFETY: the handle is open, and `data` is its own from here on; `begin_end` hands both to
        // `ended`.
        let status = unsafe {
            (uv.set_data)(handle, data.cast());
            (uv.unreference)(handle);
            sys::napi_add_async_cleanup_hook(env, Some(begin_end), data.cast(), ptr::null_mut())
        };
        if status != sys::Status::napi_ok {
            // SAFETY: as `begin_end`, with no hook to remove; nobody has a ringer.
            unsafe {
                (*data).let_go();
                (uv.close)(handle, ended)
            };
        }
        check(status, "no cleanup hook")?;
        Ok(Bell { uv, handle: Cell::new(handle) })
    }

    pub fn ringer(&self) -> Ringer {
        Ringer { uv: self.uv, handle: self.handle.get() }
    }

    /// Whether it keeps the event loop alive.
    pub fn keep_alive(&self, alive: bool) {
        let handle = self.handle.get();
        if handle.is_null() {
            return;
        }
        // SAFETY: on the environment's thread, before the handle is closed.
        unsafe { if alive { (self.uv.reference)(handle) } else { (self.uv.unreference)(handle) } }
    }

    /// The environment is closing it.
    pub fn forget(&self) {
        self.handle.set(ptr::null_mut());
    }
}

/// What async hooks know the calls by.
///
/// # Safety
/// `env` is that of the current call.
unsafe fn async_context(env: sys::napi_env) -> napi::Result<sys::napi_async_context> {
    let (mut name, mut context) = (ptr::null_mut(), ptr::null_mut());
    let text = "polypool";
    // SAFETY: the text outlives the call; no resource is allowed.
    unsafe {
        let status =
            sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &mut name);
        check(status, "no name")?;
        check(sys::napi_async_init(env, ptr::null_mut(), name, &mut context), "no async context")?;
    }
    Ok(context)
}

/// Called by the event loop.
unsafe extern "C" fn rung(handle: Handle) {
    let Some(uv) = UV.get() else { return };
    // SAFETY: the state lives for as long as the handle, which is open: this is its callback. The
    // loop calls from outside of JavaScript, hence the scopes, closed in reverse.
    unsafe {
        let state = &*(uv.get_data)(handle).cast::<State>();
        let env = state.env;
        let mut values = ptr::null_mut();
        if sys::napi_open_handle_scope(env, &mut values) != sys::Status::napi_ok {
            return;
        }
        let mut scope = ptr::null_mut();
        let status = sys::napi_open_callback_scope(env, ptr::null_mut(), state.context, &mut scope);
        if status == sys::Status::napi_ok {
            call(env, state.on_wake);
            // Runs what is due after each callback: ticks, then microtasks.
            sys::napi_close_callback_scope(env, scope);
        }
        sys::napi_close_handle_scope(env, values);
    }
}

/// Calls a function without arguments; what it throws is an uncaught exception. An environment that
/// ends calls nothing any more.
///
/// # Safety
/// Handle and callback scopes are open.
unsafe fn call(env: sys::napi_env, function: sys::napi_ref) {
    let (mut callee, mut this, mut thrown) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: see above; a result is not asked for.
    unsafe {
        sys::napi_get_reference_value(env, function, &mut callee);
        sys::napi_get_undefined(env, &mut this);
        let status = sys::napi_call_function(env, this, callee, 0, ptr::null(), ptr::null_mut());
        if status == sys::Status::napi_pending_exception
            && sys::napi_get_and_clear_last_exception(env, &mut thrown) == sys::Status::napi_ok
        {
            sys::napi_fatal_exception(env, thrown);
        }
    }
}

/// The environment ends: it waits until the handle is closed.
unsafe extern "C" fn begin_end(hook: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: the hook runs once, on the environment's thread, and `data` is what `open` gave it.
    unsafe {
        let state = &mut *data.cast::<State>();
        if let Some(end) = state.end.take() {
            end();
        }
        state.hook = hook;
        state.let_go();
        (state.uv.close)(state.memory.as_mut_ptr().cast(), ended);
    }
}

/// The handle is closed.
unsafe extern "C" fn ended(handle: Handle) {
    let Some(uv) = UV.get() else { return };
    // SAFETY: nothing refers to the state any more, which `open` took out of its box.
    unsafe {
        let state = Box::from_raw((uv.get_data)(handle).cast::<State>());
        if !state.hook.is_null() {
            sys::napi_remove_async_cleanup_hook(state.hook);
        }
    }
}
