//! Who waits: bounded, first come first served inside a priority class, O(1) cancel. Beside the line
//! are those for whom a connection of their own is being opened (option `own_connects`).

use super::deadlines::Deadlines;
use super::ids::Places;
use super::message::{Time, WaiterId, Want};

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
pub struct Waiter {
    pub id: WaiterId,
    pub want: Want,
    pub priority: u8,
    pub since: Time,
    pub deadline: Option<Time>,
}

/// A waiter and its neighbours in its class; `ticket` tells this waiter from the entry's next one.
#[derive(Clone, Copy, Debug)]
struct Entry {
    waiter: Waiter,
    ticket: u64,
    prev: u32,
    next: u32,
    /// The slot whose connection is being opened for it; then it is in no class.
    claim: u32,
}

#[derive(Clone, Copy, Debug)]
struct Class {
    front: u32,
    back: u32,
    len: usize,
}

#[derive(Debug)]
pub struct Waiters {
    entries: Vec<Entry>,
    free: Vec<u32>,
    classes: Vec<Class>,
    /// Bit n: class n is not empty.
    occupied: u64,
    by_id: Places,
    deadlines: Deadlines<(u32, u64)>,
    tickets: u64,
    /// How many have a claim.
    claims: usize,
}

impl Waiters {
    pub fn new(classes: u8) -> Waiters {
        let classes = usize::from(classes).clamp(1, 64);
        Waiters {
            entries: Vec::new(),
            free: Vec::new(),
            classes: vec![Class { front: NONE, back: NONE, len: 0 }; classes],
            occupied: 0,
            by_id: Places::default(),
            deadlines: Deadlines::new(),
            tickets: 0,
            claims: 0,
        }
    }

    /// Those in line.
    pub fn len(&self) -> usize {
        self.by_id.count() - self.claims
    }

    /// Nobody is in line.
    pub fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// Those for whom a connection of their own is being opened.
    pub fn claims(&self) -> usize {
        self.claims
    }

    pub fn ids(&self) -> impl Iterator<Item = WaiterId> + '_ {
        self.by_id.ids().map(WaiterId)
    }

    pub fn contains(&self, id: WaiterId) -> bool {
        self.by_id.count() > 0 && self.by_id.get(id.0).is_some()
    }

    /// The next to be served: the longest waiting of the most urgent class.
    pub fn head(&self) -> Option<&Waiter> {
        self.head_from(0)
    }

    /// The same, of those in this class and the less urgent ones.
    pub fn head_from(&self, class: u8) -> Option<&Waiter> {
        let from = self.occupied & (u64::MAX << class);
        let class = self.classes.get(from.trailing_zeros() as usize)?;
        Some(&self.entries[class.front as usize].waiter)
    }

    /// How many are in line in this class.
    pub fn len_of(&self, class: u8) -> usize {
        self.classes.get(usize::from(class)).map_or(0, |class| class.len)
    }

    /// A priority beyond the last class waits in the last class.
    pub fn push(&mut self, mut waiter: Waiter) {
        let last = (self.classes.len() - 1) as u8;
        waiter.priority = waiter.priority.min(last);
        let back = self.classes[usize::from(waiter.priority)].back;
        let at = self.add(waiter, back, NONE);
        let class = &mut self.classes[usize::from(waiter.priority)];
        match class.back {
            NONE => class.front = at,
            back => self.entries[back as usize].next = at,
        }
        class.back = at;
        class.len += 1;
        self.occupied |= 1 << waiter.priority;
    }

    /// Somebody who is never in line: the connection being opened in this slot is for him.
    pub fn push_claim(&mut self, waiter: Waiter, slot: u32) {
        self.add(waiter, NONE, slot);
        self.claims += 1;
    }

    /// The next to be served leaves the line for the connection being opened in this slot.
    pub fn claim(&mut self, slot: u32) -> Option<WaiterId> {
        let class = self.classes.get(self.occupied.trailing_zeros() as usize)?;
        let at = class.front;
        self.unlink(at);
        let entry = &mut self.entries[at as usize];
        entry.claim = slot;
        self.claims += 1;
        Some(entry.waiter.id)
    }

    /// Whether this waiter still waits for the connection in this slot.
    pub fn has_claim(&self, id: WaiterId, slot: u32) -> bool {
        let at = if self.claims == 0 { None } else { self.by_id.get(id.0) };
        at.is_some_and(|at| self.entries[at as usize].claim == slot)
    }

    /// Removes it if it still waits for the connection in this slot.
    pub fn take_claim(&mut self, id: WaiterId, slot: u32) -> Option<Waiter> {
        if self.has_claim(id, slot) { self.remove(id) } else { None }
    }

    fn add(&mut self, waiter: Waiter, prev: u32, claim: u32) -> u32 {
        self.tickets += 1;
        let entry = Entry { waiter, ticket: self.tickets, prev, next: NONE, claim };
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = entry;
                at
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        self.by_id.insert(waiter.id.0, at);
        if let Some(deadline) = waiter.deadline {
            self.deadlines.push(deadline, (at, self.tickets));
        }
        at
    }

    pub fn pop(&mut self) -> Option<Waiter> {
        let id = self.head()?.id;
        self.remove(id)
    }

    pub fn remove(&mut self, id: WaiterId) -> Option<Waiter> {
        if self.by_id.count() == 0 {
            return None;
        }
        let at = self.by_id.remove(id.0)?;
        let Entry { waiter, claim, .. } = self.entries[at as usize];
        if claim == NONE {
            self.unlink(at);
        } else {
            self.claims -= 1;
        }
        self.entries[at as usize].ticket = 0;
        self.free.push(at);
        let (entries, live) = (&self.entries, self.by_id.count());
        self.deadlines.trim(live, |(at, ticket)| entries[at as usize].ticket == ticket);
        Some(waiter)
    }

    fn unlink(&mut self, at: u32) {
        let Entry { waiter, prev, next, .. } = self.entries[at as usize];
        let class = &mut self.classes[usize::from(waiter.priority)];
        class.len -= 1;
        match prev {
            NONE => class.front = next,
            prev => self.entries[prev as usize].next = next,
        }
        match next {
            NONE => class.back = prev,
            next => self.entries[next as usize].prev = prev,
        }
        if class.front == NONE {
            self.occupied &= !(1 << waiter.priority);
        }
    }

    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(at, _)| at)
    }

    /// Removes the waiter whose deadline came first, if it has come.
    pub fn pop_expired(&mut self, now: Time) -> Option<Waiter> {
        let (at, (entry, _)) = self.deadlines.first()?;
        if at > now {
            return None;
        }
        self.remove(self.entries[entry as usize].waiter.id)
    }

    /// What it holds on to, waiting or not (tests of the memory bound).
    #[cfg(test)]
    pub fn footprint(&self) -> usize {
        self.entries.len() + self.deadlines.len()
    }
}
