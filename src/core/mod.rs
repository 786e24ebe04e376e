//! The pool core: a pure state machine. See `message` for its contract.
//!
//! `pool` takes inputs, `dispatch` decides who gets which connection, `growth` when one is opened,
//! `expiry` what falls due with time. Nothing here reads a clock, does I/O or starts a thread.

pub mod backoff;
mod deadlines;
pub mod direct;
mod dispatch;
pub mod error;
mod expiry;
mod failover;
mod growth;
pub mod ids;
#[cfg(debug_assertions)]
mod invariants;
mod lifecycle;
mod list;
pub mod message;
mod one_wire;
pub mod options;
pub mod pool;
mod slot;
pub mod stats;
pub mod value;
mod waiters;

#[cfg(test)]
mod tests;

pub use error::OptionError;
pub use message::{
    CloseReason, ConnId, ConnectFailure, Effect, Fate, Input, Lease, RejectReason, Time, WaiterId,
    Want,
};
pub use options::Options;
pub use pool::Pool;
pub use stats::Stats;
pub use value::Value;
