//! Engines do the I/O: the driver performs the core's effects, one folder per protocol.

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod average;
pub mod bridge;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod calls;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod class;
pub mod clock;
pub mod driver;
pub mod error;
pub mod foreign;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod insert;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod instant;
pub mod link;
#[cfg(feature = "mysql")]
pub mod mysql;
pub mod net;
pub mod pool;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
pub mod protocol;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod recent;
#[cfg(feature = "redis")]
pub mod redis;
pub mod registry;
pub mod replies;
pub mod request;
pub mod runtime;
pub mod session;
pub mod settings;
mod spin;
pub mod stream;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod timed;
pub mod timeout;
pub mod values;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod waiting;
