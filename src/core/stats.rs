//! Counters of one pool: what is there now, and what happened since it was made.

/// Gauges first, then totals. The two sums that always hold:
/// `acquired = released + in_use + in_flight + destroyed_leased` and
/// `requested = acquired + timeouts + aborts + rejected + waiting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub max: u32,
    pub min: u32,
    /// Every slot that is not vacant, closing ones included.
    pub total: u32,
    pub idle: u32,
    /// Connections out on a lease.
    pub in_use: u32,
    /// Connections that run statements without a lease.
    pub shared: u32,
    pub opening: u32,
    pub validating: u32,
    /// Being reset, or waiting for a cancel on their wire to settle.
    pub resetting: u32,
    pub closing: u32,
    pub waiting: u32,
    /// Statements granted and not yet done.
    pub in_flight: u32,
    /// Grants: leases and statements.
    pub acquired: u64,
    pub released: u64,
    pub created: u64,
    pub destroyed: u64,
    /// Leases and statements whose connection was lost or taken away under them.
    pub destroyed_leased: u64,
    pub timeouts: u64,
    pub aborts: u64,
    pub rejected: u64,
    pub requested: u64,
    pub connect_failures: u64,
}
