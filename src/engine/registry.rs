//! The pools that threads share, by name: the one place of process-wide mutable state.
//!
//! Lock order: the registry, then a pool's list of links. Nothing is called under either that
//! could take another lock but the engine's inbox.

use super::pool::{Attached, PoolShared, Role};
use crate::core::error::OptionError;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

enum Entry {
    Open(Arc<PoolShared>),
    /// The last thread has left; the engine still closes what is open.
    Closing(Before),
}

/// What still closes of an earlier pool of the same name: its connections count against the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    pub pool: Option<u32>,
    pub replicas: Option<u32>,
}

static REGISTRY: Mutex<BTreeMap<String, Entry>> = Mutex::new(BTreeMap::new());

fn registry() -> MutexGuard<'static, BTreeMap<String, Entry>> {
    // Valid between any two statements: a panic elsewhere is no harm.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Attaches to the pool of that name, if `same` finds nothing wrong with it, or makes it. `make`
/// is told what still closes of the name. It must also announce the pool to the engine: under this
/// lock, so that nobody comes before.
pub fn attach(
    name: &str,
    me: Attached,
    same: impl FnOnce(&PoolShared) -> Result<(), OptionError>,
    make: impl FnOnce(Attached, Before) -> Arc<PoolShared>,
) -> Result<Arc<PoolShared>, OptionError> {
    let mut entries = registry();
    let before = match entries.get(name) {
        Some(Entry::Open(pool)) => {
            same(pool)?;
            pool.attached().push(me);
            if let Some(replicas) = &pool.replicas {
                replicas.attached().push(me);
            }
            return Ok(pool.clone());
        }
        Some(Entry::Closing(before)) => *before,
        None => Before::default(),
    };
    let pool = make(me, before);
    entries.insert(name.to_owned(), Entry::Open(pool.clone()));
    Ok(pool)
}

/// Whether nobody but this link uses the pool: then its name is free from now on, and the pool is
/// to be closed. The link stays attached: it hears of the end. Not for replicas: theirs is the end
/// of their primary, or a thread could attach to an open primary whose replicas are gone.
pub fn retire_for(pool: &PoolShared, link: u32) -> bool {
    let mut entries = registry();
    let last = pool.attached().iter().all(|other| other.link == link);
    if last {
        retire(&mut entries, pool);
    }
    last
}

/// Takes the link out. True: it was the last one, and the pool is to be closed. Replicas stay for
/// as long as their primary, whoever attaches to both next.
pub fn detach(pool: &PoolShared, link: u32) -> bool {
    let mut entries = registry();
    let mut attached = pool.attached();
    let before = attached.len();
    attached.retain(|other| other.link != link);
    let last = attached.is_empty() && before > 0 && pool.role != Role::Replicas;
    if last {
        retire(&mut entries, pool);
    }
    last
}

/// The pool's last connection is gone.
pub fn forget(pool: &PoolShared) {
    let mut entries = registry();
    pool.attached().clear();
    entries.retain(|_, entry| match entry {
        Entry::Open(_) => true,
        Entry::Closing(before) => {
            before.pool.take_if(|id| *id == pool.id);
            before.replicas.take_if(|id| *id == pool.id);
            *before != Before::default()
        }
    });
}

fn retire(entries: &mut BTreeMap<String, Entry>, pool: &PoolShared) {
    if let Some(name) = name_of(pool)
        && let Some(entry) = entries.get_mut(name)
        && matches!(entry, Entry::Open(open) if open.id == pool.id)
    {
        let replicas = pool.replicas.as_ref().map(|replicas| replicas.id);
        *entry = Entry::Closing(Before { pool: Some(pool.id), replicas });
    }
}

/// The name under which the pool is shared.
fn name_of(pool: &PoolShared) -> Option<&str> {
    pool.options.name.as_deref().filter(|_| pool.options.shared)
}
