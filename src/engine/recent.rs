//! What a connection keeps of the texts it has run, the least recently used leaving first.

use crate::core::ids::IdMap;
use std::rc::Rc;

/// Kept by the ids of texts, within a budget. Executions in flight hold what they use as well: that
/// stays.
#[derive(Debug)]
pub struct Recent<P> {
    budget: usize,
    entries: IdMap<u32, Entry<P>>,
    clock: u64,
}

#[derive(Debug)]
struct Entry<P> {
    kept: Rc<P>,
    used: u64,
}

/// Whether one more can be kept, and what went for it.
#[derive(Debug)]
pub enum Room<P> {
    None,
    Free,
    Of(Rc<P>),
}

impl<P> Recent<P> {
    pub fn new(budget: usize) -> Recent<P> {
        Recent { budget, entries: IdMap::default(), clock: 0 }
    }

    /// What is kept under the id, if it is what was meant: callers use ids again.
    pub fn find(&mut self, id: u32, is_meant: impl FnOnce(&P) -> bool) -> Option<Rc<P>> {
        let entry = self.entries.get_mut(&id).filter(|entry| is_meant(&entry.kept))?;
        self.clock += 1;
        entry.used = self.clock;
        Some(entry.kept.clone())
    }

    /// Takes out the one of this id, or the least recently used one where the budget is spent.
    pub fn make_room(&mut self, id: u32) -> Room<P> {
        let victim = if self.entries.contains_key(&id) {
            Some(id)
        } else if self.entries.len() >= self.budget {
            // A scan, but a miss also costs the server a look at the text, which is dearer by far.
            let idle = self.entries.iter().filter(|(_, entry)| !entry.in_flight());
            idle.min_by_key(|(_, entry)| entry.used).map(|(&id, _)| id)
        } else {
            return Room::Free;
        };
        let idle = victim.filter(|id| self.entries.get(id).is_some_and(|it| !it.in_flight()));
        match idle.and_then(|id| self.entries.remove(&id)) {
            Some(entry) => Room::Of(entry.kept),
            None => Room::None,
        }
    }

    /// Room must have been made for it.
    pub fn keep(&mut self, id: u32, kept: &Rc<P>) {
        self.clock += 1;
        self.entries.insert(id, Entry { kept: kept.clone(), used: self.clock });
    }

    /// Whether it was kept until now.
    pub fn forget(&mut self, id: u32, kept: &Rc<P>) -> bool {
        let found = self.entries.get(&id).is_some_and(|entry| Rc::ptr_eq(&entry.kept, kept));
        found && self.entries.remove(&id).is_some()
    }

    pub fn drain(&mut self) -> impl Iterator<Item = Rc<P>> {
        self.entries.drain().map(|(_, entry)| entry.kept)
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Nothing is kept any more.
    pub fn close(&mut self) {
        self.budget = 0;
        self.clear();
    }

    /// Whether anything is kept at all.
    pub fn is_open(&self) -> bool {
        self.budget > 0
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<P> Entry<P> {
    fn in_flight(&self) -> bool {
        Rc::strong_count(&self.kept) > 1
    }
}
