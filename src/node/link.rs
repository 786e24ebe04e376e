//! One load of lib/ in one environment: its wake-up call and the pools it may use.

use crate::engine::link::LinkShared;
use crate::engine::pool::PoolShared;
use crate::engine::runtime::{Message, Runtime};
use napi::sys;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Links of the process so far; numbers are never used twice.
static LINKS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// The links of this thread's environment. Cold calls name theirs by number.
    static LOCAL: RefCell<HashMap<u32, Rc<LocalLink>>> = RefCell::default();
}

pub struct LocalLink {
    pub shared: Arc<LinkShared>,
    pub runtime: &'static Arc<Runtime>,
    /// By the pool's number.
    pools: RefCell<Vec<Option<Arc<PoolShared>>>>,
    wake: Cell<sys::napi_threadsafe_function>,
}

/// A threadsafe function that may be called from the engine's thread.
struct Wake(sys::napi_threadsafe_function);

// SAFETY: N-API documents threadsafe functions as callable from any thread. That it still exists
// is ensured by `LinkShared::silence`, which drops this under the lock that a call holds.
unsafe impl Send for Wake {}

impl Wake {
    fn call(&self) {
        // SAFETY: the function exists (see above). Its status is of no use here: a closing
        // environment drains nothing any more, and its cleanup hook silences the link.
        unsafe {
            sys::napi_call_threadsafe_function(
                self.0,
                ptr::null_mut(),
                sys::ThreadsafeFunctionCallMode::nonblocking,
            );
        }
    }
}

impl LocalLink {
    /// Opens a link whose `on_wake` is called, from the event loop, when there is something to
    /// drain. It ends with the environment.
    pub fn open(
        env: sys::napi_env,
        on_wake: sys::napi_value,
        thread: u32,
    ) -> napi::Result<Rc<LocalLink>> {
        let runtime = Runtime::get()
            .map_err(|error| napi::Error::from_reason(format!("no engine thread: {error}")))?;
        let function = threadsafe(env, on_wake)?;
        let wake = Wake(function);
        let id = LINKS.fetch_add(1, Ordering::Relaxed);
        let shared = LinkShared::new(id, thread, Box::new(move || wake.call()));
        let link = Rc::new(LocalLink {
            shared: shared.clone(),
            runtime,
            pools: RefCell::default(),
            wake: Cell::new(function),
        });
        LOCAL.with_borrow_mut(|links| links.insert(id, link.clone()));
        runtime.send(Message::OpenLink(shared));
        let data = id as usize as *mut c_void;
        // SAFETY: `cleanup` takes the number back out of the pointer and touches this thread's
        // table only. Hooks run in reverse order, so before the threadsafe function's own.
        let status = unsafe { sys::napi_add_env_cleanup_hook(env, Some(cleanup), data) };
        check(status, "no cleanup hook")?;
        Ok(link)
    }

    pub fn find(id: u32) -> Option<Rc<LocalLink>> {
        LOCAL.try_with(|links| links.borrow().get(&id).cloned()).ok().flatten()
    }

    pub fn add_pool(&self, pool: Arc<PoolShared>) {
        let at = pool.id as usize;
        let mut pools = self.pools.borrow_mut();
        if at >= pools.len() {
            pools.resize(at + 1, None);
        }
        pools[at] = Some(pool);
    }

    pub fn drop_pool(&self, id: u32) {
        if let Some(entry) = self.pools.borrow_mut().get_mut(id as usize) {
            *entry = None;
        }
    }

    pub fn pool(&self, id: u32) -> Option<Arc<PoolShared>> {
        self.pools.borrow().get(id as usize)?.clone()
    }

    /// Runs `with` on the pool without counting a reference: for the hot calls.
    pub fn with_pool<T>(&self, id: u32, with: impl FnOnce(&PoolShared) -> T) -> Option<T> {
        let pools = self.pools.borrow();
        Some(with(pools.get(id as usize)?.as_deref()?))
    }

    /// Whether the link keeps the event loop alive.
    pub fn keep_alive(&self, env: sys::napi_env, alive: bool) {
        let function = self.wake.get();
        if function.is_null() {
            return;
        }
        // SAFETY: called on the environment's thread, before `close` has cleared the function.
        unsafe {
            if alive {
                sys::napi_ref_threadsafe_function(env, function);
            } else {
                sys::napi_unref_threadsafe_function(env, function);
            }
        }
    }

    fn close(&self) {
        self.shared.silence();
        let function = self.wake.replace(ptr::null_mut());
        if !function.is_null() {
            // SAFETY: the one reference the engine's side held; nobody calls it after `silence`.
            unsafe {
                sys::napi_release_threadsafe_function(
                    function,
                    sys::ThreadsafeFunctionReleaseMode::abort,
                );
            }
        }
        // With its memory: the shell of a link may live on for as long as its functions.
        self.pools.take();
        self.runtime.send(Message::CloseLink(self.shared.id));
    }
}

/// The environment ends: the engine must not call into it any more.
unsafe extern "C" fn cleanup(data: *mut c_void) {
    let id = data as usize as u32;
    let link = LOCAL.try_with(|links| links.borrow_mut().remove(&id)).ok().flatten();
    if let Some(link) = link {
        link.close();
    }
}

/// An unref'd threadsafe function that calls `on_wake` without arguments.
fn threadsafe(
    env: sys::napi_env,
    on_wake: sys::napi_value,
) -> napi::Result<sys::napi_threadsafe_function> {
    let mut name = ptr::null_mut();
    let mut function = ptr::null_mut();
    let text = "polypool";
    // SAFETY: `env` and `on_wake` belong to the current call; the text outlives it; null context,
    // finaliser and callback are allowed.
    unsafe {
        let status =
            sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &mut name);
        check(status, "no name")?;
        let status = sys::napi_create_threadsafe_function(
            env,
            on_wake,
            ptr::null_mut(),
            name,
            0,
            1,
            ptr::null_mut(),
            None,
            ptr::null_mut(),
            None,
            &mut function,
        );
        check(status, "no threadsafe function")?;
        check(sys::napi_unref_threadsafe_function(env, function), "no unref")?;
    }
    Ok(function)
}

pub fn check(status: sys::napi_status, what: &str) -> napi::Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(napi::Error::from_reason(format!("{what}: N-API status {status}")))
    }
}
