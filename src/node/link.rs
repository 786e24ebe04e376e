//! One load of lib/ in one environment: its wake-up call and the pools it may use.

use super::bell::Bell;
use crate::engine::link::LinkShared;
use crate::engine::pool::PoolShared;
use crate::engine::runtime::{Message, Runtime};
use napi::sys;
use std::cell::RefCell;
use std::collections::HashMap;
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
    bell: Bell,
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
        let id = LINKS.fetch_add(1, Ordering::Relaxed);
        let bell = Bell::open(env, on_wake, Box::new(move || close(id)))?;
        let ringer = bell.ringer();
        let shared = LinkShared::new(id, thread, Box::new(move || ringer.ring()));
        let link =
            Rc::new(LocalLink { shared: shared.clone(), runtime, pools: RefCell::default(), bell });
        LOCAL.with_borrow_mut(|links| links.insert(id, link.clone()));
        runtime.send(Message::OpenLink(shared));
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
    pub fn keep_alive(&self, alive: bool) {
        self.bell.keep_alive(alive);
    }

    fn close(&self) {
        self.shared.silence();
        self.bell.forget();
        // With its memory: the shell of a link may live on for as long as its functions.
        self.pools.take();
        self.runtime.send(Message::CloseLink(self.shared.id));
    }
}

/// The environment ends: the engine must not call into it any more.
fn close(id: u32) {
    let link = LOCAL.try_with(|links| links.borrow_mut().remove(&id)).ok().flatten();
    if let Some(link) = link {
        link.close();
    }
}

pub fn check(status: sys::napi_status, what: &str) -> napi::Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(napi::Error::from_reason(format!("{what}: N-API status {status}")))
    }
}
