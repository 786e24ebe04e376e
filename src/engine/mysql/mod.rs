//! MySQL and MariaDB: a sans-IO session, its types, and what opens a connection. Nothing about
//! pooling.

pub mod adapter;
mod agreed;
mod auth;
pub mod cancel;
mod cells;
mod classify;
mod codec;
mod compress;
pub mod config;
pub mod connect;
pub mod connector;
mod cursor;
mod encode;
pub mod error;
mod failure;
pub mod frame;
mod hello;
mod infile;
mod key;
mod lexer;
mod packets;
pub mod params;
mod pending;
mod reading;
mod receive;
mod results;
pub mod session;
mod sink;
mod ssl;
pub mod started;
pub mod startup;
pub mod statements;
mod temporal;
pub mod types;
mod url;
mod verbatim;
