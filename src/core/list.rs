//! Doubly linked lists threaded through the slots: a slot is in at most one, by its state.

use super::slot::Slot;

pub const NONE: u32 = u32::MAX;

/// Front = longest in the list, except for the shared ones (see `push_front`).
#[derive(Clone, Copy, Debug)]
pub struct List {
    pub front: u32,
    pub back: u32,
    pub len: u32,
}

impl List {
    pub const fn new() -> List {
        List { front: NONE, back: NONE, len: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push_back(&mut self, slots: &mut [Slot], slot: u32) {
        slots[slot as usize].prev = self.back;
        slots[slot as usize].next = NONE;
        match self.back {
            NONE => self.front = slot,
            back => slots[back as usize].next = slot,
        }
        self.back = slot;
        self.len += 1;
    }

    pub fn push_front(&mut self, slots: &mut [Slot], slot: u32) {
        slots[slot as usize].prev = NONE;
        slots[slot as usize].next = self.front;
        match self.front {
            NONE => self.back = slot,
            front => slots[front as usize].prev = slot,
        }
        self.front = slot;
        self.len += 1;
    }

    pub fn remove(&mut self, slots: &mut [Slot], slot: u32) {
        let (prev, next) = (slots[slot as usize].prev, slots[slot as usize].next);
        match prev {
            NONE => self.front = next,
            prev => slots[prev as usize].next = next,
        }
        match next {
            NONE => self.back = prev,
            next => slots[next as usize].prev = prev,
        }
        self.len -= 1;
    }

    /// From the front; `slots` must be the slice the list was built over.
    pub fn iter<'a>(&self, slots: &'a [Slot]) -> impl Iterator<Item = u32> + 'a {
        let mut at = self.front;
        std::iter::from_fn(move || {
            let slot = at;
            at = slots.get(slot as usize)?.next;
            Some(slot)
        })
    }
}
