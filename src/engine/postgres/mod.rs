//! PostgreSQL: a sans-IO session, its types, and what opens a connection. Nothing about pooling.

pub mod adapter;
mod arrays;
pub mod binding;
pub mod cancel;
mod cells;
pub mod classify;
pub mod config;
pub mod connect;
mod copy;
mod cursor;
pub mod error;
mod failure;
mod harmless;
mod hosts;
mod lexer;
pub mod params;
pub mod passfile;
mod passwords;
mod pending;
mod rare;
mod receive;
mod refusal;
mod replicas;
mod role;
pub mod session;
mod settings;
mod sink;
mod ssl;
pub mod startup;
pub mod statements;
mod timestamps;
pub mod types;
mod url;
mod verbatim;

#[cfg(test)]
#[path = "tests/tls_failure.rs"]
mod tls_failure;
