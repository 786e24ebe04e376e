//! polypool: one connection pool for Node.js on an embedded Tokio runtime.
//!
//! The layers, from the pure to the impure:
//! - [`core`] decides: a state machine without clock, thread or I/O.
//! - [`wire`] is the data between the layers.
//! - `engine` does the I/O: the driver and one folder per protocol.
//! - `node` is the boundary to JavaScript and the only place of `unsafe` code.

#![deny(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod core;
#[cfg(feature = "engine")]
pub mod engine;
// Registration with Node does not exist in a test binary, so everything in there would be unused.
#[cfg(all(feature = "node", not(test)))]
mod node;
pub mod wire;
