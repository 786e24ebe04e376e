//! The vocabulary of the pool core: what it is told (`Input`) and what it asks for (`Effect`).
//!
//! The contract in one sentence: after every `Pool::handle(now, input)` the caller drains
//! `Pool::poll_effect()` until it is empty and re-arms its timer from `Pool::poll_timeout()`.

/// Microseconds on a monotonic clock that the driver owns; the core never reads a clock.
pub type Time = u64;

/// One connection's life: the slot it sits in and a serial that is never reused by the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId {
    pub slot: u32,
    pub serial: u32,
}

/// The right to use one connection once. A stale lease (older generation) changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lease {
    pub slot: u32,
    pub generation: u32,
}

/// Chosen by the caller, unique among the waiters of one pool while it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WaiterId(pub u64);

/// What a waiter wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A connection for a borrower who will give it back.
    Lease,
    /// One autocommit statement that must have a connection to itself.
    Alone,
    /// One short autocommit statement that may be queued behind others on the same wire.
    /// `write` statements share only while no lease is out of the pool.
    Share { write: bool },
}

/// What becomes of a connection that a borrower gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Return,
    Destroy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFailure {
    /// Refused, reset, timed out: tried again with backoff while waiters stay.
    Transient,
    /// Wrong password, missing database, bad certificate: fails every waiter, never retried.
    Fatal,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Enqueue a waiter. `deadline` is absolute over wait + connect + validate.
    Acquire {
        waiter: WaiterId,
        want: Want,
        priority: u8,
        deadline: Option<Time>,
    },
    /// The caller no longer wants it (abort). No effect if the waiter does not wait any more;
    /// otherwise answered by `Reject { why: Aborted }`.
    Cancel {
        waiter: WaiterId,
    },
    /// A borrower gives its lease back.
    Release {
        lease: Lease,
        fate: Fate,
    },
    /// Take a lease away from its borrower, as at the end of a closing pool: its part of the
    /// pool closes while others go on.
    Recall {
        lease: Lease,
    },
    /// One statement granted by `GrantStatement` has had its whole answer.
    StatementDone {
        conn: ConnId,
    },
    /// The session is no longer as a fresh one (settings changed). Sticky until `ResetDone` or a
    /// new connection.
    Dirty {
        conn: ConnId,
    },
    /// Whether the session is inside a transaction now; sent when that changes.
    Transaction {
        conn: ConnId,
        open: bool,
    },
    /// A cancel is under way on this wire: grant nothing more on it until `Settled`.
    Hold {
        conn: ConnId,
    },
    Settled {
        conn: ConnId,
    },
    /// Take this connection out of service as soon as nobody uses it ('not here' errors).
    Retire {
        conn: ConnId,
    },
    /// It is certain that the server of this connection is not the one wanted: a standby, or one
    /// that crashes. Clears, if that is not done yet, and at most once in some seconds.
    Misplaced {
        conn: ConnId,
    },
    Connected {
        conn: ConnId,
    },
    ConnectFailed {
        conn: ConnId,
        failure: ConnectFailure,
    },
    Validated {
        conn: ConnId,
        ok: bool,
    },
    ResetDone {
        conn: ConnId,
        ok: bool,
    },
    /// The transport is gone. The driver settles what ran on it; the slot goes to Closing and is
    /// freed by `Closed`.
    Died {
        conn: ConnId,
    },
    Closed {
        conn: ConnId,
    },
    /// Open at least `max(1, min)` connections now (createPool). Attempts fail as usual.
    Warm,
    /// Every connection of an older generation is closed, at the latest when given back.
    Clear,
    Resize {
        min: u32,
        max: u32,
    },
    /// Stop accepting; reject waiters; wait for leases until `deadline`, then destroy them.
    Close {
        deadline: Option<Time>,
    },
    /// Time passed (a timer from `poll_timeout` fired).
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    Timeout,
    Aborted,
    QueueFull,
    Closed,
    /// The last connect attempt failed for good; the driver holds its cause.
    ConnectFailed,
}

/// Why a connection is closed (events, statistics).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    Idle,
    Lifetime,
    MaxUses,
    Released,
    Died,
    Invalid,
    ResetFailed,
    Retired,
    Cleared,
    Resized,
    LeaseExpired,
    PoolClosed,
}

impl CloseReason {
    pub const ALL: [CloseReason; 12] = [
        CloseReason::Idle,
        CloseReason::Lifetime,
        CloseReason::MaxUses,
        CloseReason::Released,
        CloseReason::Died,
        CloseReason::Invalid,
        CloseReason::ResetFailed,
        CloseReason::Retired,
        CloseReason::Cleared,
        CloseReason::Resized,
        CloseReason::LeaseExpired,
        CloseReason::PoolClosed,
    ];

    /// As the event 'remove' says it.
    pub fn name(self) -> &'static str {
        match self {
            CloseReason::Idle => "idle",
            CloseReason::Lifetime => "lifetime",
            CloseReason::MaxUses => "maxUses",
            CloseReason::Released => "destroyed",
            CloseReason::Died => "died",
            CloseReason::Invalid => "invalid",
            CloseReason::ResetFailed => "resetFailed",
            CloseReason::Retired => "retired",
            CloseReason::Cleared => "cleared",
            CloseReason::Resized => "resized",
            CloseReason::LeaseExpired => "leaseExpired",
            CloseReason::PoolClosed => "closed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a connection; answered by `Connected` or `ConnectFailed`, bounded by the driver with
    /// connectTimeoutMs.
    Connect {
        conn: ConnId,
    },
    Validate {
        conn: ConnId,
    },
    Reset {
        conn: ConnId,
    },
    /// Close it; answered by `Closed`. Also sent for a connection that is still Connecting,
    /// Validating or Resetting (whose own answer is then ignored).
    Close {
        conn: ConnId,
        why: CloseReason,
    },
    GrantLease {
        waiter: WaiterId,
        lease: Lease,
        conn: ConnId,
        waited: Time,
    },
    GrantStatement {
        waiter: WaiterId,
        conn: ConnId,
        waited: Time,
    },
    Reject {
        waiter: WaiterId,
        why: RejectReason,
        waited: Time,
    },
    /// A lease is out for longer than leakDetectionMs; sent once per lease.
    Leak {
        lease: Lease,
        conn: ConnId,
        held: Time,
    },
    /// A lease outlived maxLeaseMs (or the pool's close deadline) or was recalled: it is stale from
    /// now on. Always followed by `Close` of its connection.
    Revoke {
        lease: Lease,
        conn: ConnId,
    },
    /// After Close: the last connection is gone. Sent once.
    PoolClosed,
}
