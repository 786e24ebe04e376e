//! What the engines share about reaching a server: options, addresses, sockets, TLS, failures.

pub mod address;
pub mod connected;
pub mod encryption;
pub mod endpoints;
pub mod failure;
pub mod far;
pub mod given;
pub mod hosts;
pub mod route;
pub mod socket;
pub mod ssl;
pub mod tls;
pub mod tls_failure;
pub mod trust;
