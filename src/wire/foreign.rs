//! Numbers that pools of JavaScript's resources exchange with the core; `lib/resources.js` holds
//! the same, and `__tests__/boundary/records.test.js` compares the two.

/// What `acquire` and `release` answer besides a slot or request.
pub mod answer {
    /// Later, or nothing to say.
    pub const NOTHING: i32 = -1;
    /// There are effects to be taken, the answer among them.
    pub const MORE: i32 = -2;
    /// Released though it is not lent.
    pub const NOT_LENT: i32 = -3;
}

/// What the core is told: `tell(pool, change, slot, serial, ok)`.
pub mod change {
    pub const CREATED: i32 = 1;
    pub const CREATE_FAILED: i32 = 2;
    pub const VALIDATED: i32 = 3;
    pub const RESET: i32 = 4;
    pub const DESTROYED: i32 = 5;
    /// Destroy it as soon as nobody uses it.
    pub const EVICT: i32 = 6;
    /// The slot's place holds the request.
    pub const CANCEL: i32 = 7;
    pub const WARM: i32 = 8;
    pub const CLEAR: i32 = 9;
    pub const TICK: i32 = 10;
}

/// What JavaScript is to do: four words each.
pub mod effect {
    /// `[CREATE, slot, serial, 0]`, and so the next two.
    pub const CREATE: i32 = 1;
    pub const VALIDATE: i32 = 2;
    pub const RESET: i32 = 3;
    /// `[DESTROY, slot, serial, why]`
    pub const DESTROY: i32 = 4;
    /// `[GRANT, request, slot, 0]`
    pub const GRANT: i32 = 5;
    /// `[REJECT, request, why, waited ms]`
    pub const REJECT: i32 = 6;
    /// `[LEAK, slot, 0, held ms]`
    pub const LEAK: i32 = 7;
    /// `[REVOKE, slot, 0, 0]`: followed by its DESTROY.
    pub const REVOKE: i32 = 8;
    /// `[CLOSED, 0, 0, 0]`: the last resource of a closed pool is gone.
    pub const CLOSED: i32 = 9;
    /// `[ALARM, ms, 0, 0]`: TICK then, instead of when it was last said.
    pub const ALARM: i32 = 10;
}

/// Why a request is rejected.
pub mod rejected {
    pub const TIMEOUT: i32 = 1;
    pub const ABORTED: i32 = 2;
    pub const FULL: i32 = 3;
    pub const CLOSED: i32 = 4;
    /// Without retry: its resource could not be created.
    pub const CREATE: i32 = 5;
}
