//! PostgreSQL: a sans-IO session, its types, and what opens a connection. Nothing about pooling.

pub mod adapter;
mod arrays;
pub mod cancel;
mod cells;
pub mod classify;
pub mod config;
pub mod connect;
pub mod error;
pub mod failure;
mod given;
mod hosts;
pub mod params;
mod pending;
mod rare;
mod receive;
mod replicas;
mod role;
pub mod session;
mod settings;
mod sink;
mod ssl;
pub mod startup;
pub mod statements;
mod timestamps;
pub mod tls;
pub mod types;
mod url;
