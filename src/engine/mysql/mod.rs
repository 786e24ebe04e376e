//! MySQL and MariaDB: a sans-IO session, its types, and what opens a connection. Nothing about
//! pooling.

pub mod adapter;
mod cells;
mod classify;
mod codec;
mod cursor;
pub mod error;
pub mod frame;
mod infile;
mod lexer;
mod packets;
pub mod params;
mod pending;
mod receive;
mod results;
pub mod session;
mod sink;
pub mod started;
pub mod statements;
mod temporal;
pub mod types;
