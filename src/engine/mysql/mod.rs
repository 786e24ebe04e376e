//! MySQL and MariaDB: a sans-IO session, its types, and what opens a connection. Nothing about
//! pooling.

mod auth;
pub mod cancel;
mod compress;
pub mod config;
pub mod connect;
pub mod error;
mod failure;
pub mod frame;
mod key;
mod ssl;
pub mod started;
pub mod startup;
mod url;
