//! Maps by numbers of our own.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// By ids that are handed out here, in order: nobody can choose them so that they collide, and one
/// multiplication spreads them enough.
pub type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

#[derive(Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, id: u32) {
        self.write_u64(u64::from(id));
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = (self.0.rotate_left(5) ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

/// Ids below this are kept in a plain list.
const DENSE: u64 = 1 << 16;
const NONE: u32 = u32::MAX;

/// Where the waiter of an id is. Callers that number theirs densely, from zero, pay for no hashing.
#[derive(Debug, Default)]
pub struct Places {
    dense: Vec<u32>,
    sparse: IdMap<u64, u32>,
    len: usize,
}

impl Places {
    pub fn count(&self) -> usize {
        self.len
    }

    pub fn get(&self, id: u64) -> Option<u32> {
        if id >= DENSE {
            return self.sparse.get(&id).copied();
        }
        self.dense.get(id as usize).copied().filter(|place| *place != NONE)
    }

    /// The id must not be there yet.
    pub fn insert(&mut self, id: u64, place: u32) {
        self.len += 1;
        if id >= DENSE {
            self.sparse.insert(id, place);
            return;
        }
        let at = id as usize;
        if at >= self.dense.len() {
            self.dense.resize(at + 1, NONE);
        }
        self.dense[at] = place;
    }

    pub fn remove(&mut self, id: u64) -> Option<u32> {
        let place = self.get(id)?;
        self.len -= 1;
        if id >= DENSE {
            self.sparse.remove(&id);
        } else {
            self.dense[id as usize] = NONE;
        }
        Some(place)
    }

    pub fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        let dense = self.dense.iter().enumerate().filter(|(_, place)| **place != NONE);
        dense.map(|(id, _)| id as u64).chain(self.sparse.keys().copied())
    }
}
