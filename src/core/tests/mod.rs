//! Tests of the core: a random walk judged by a naive model, and one named scenario per behaviour.
#![allow(clippy::unwrap_used)]

mod cancellation;
mod failover;
mod judge;
mod lifecycle;
mod notes;
mod one_wire;
mod options;
mod own_connects;
mod random;
mod sharing;
mod supply;
mod time;
mod waiting;
mod world;
