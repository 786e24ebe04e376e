//! Redis: a sans-IO session, its replies, and what opens a connection. Nothing about pooling.

pub mod adapter;
mod cancel;
mod classify;
pub mod config;
mod connect;
pub mod connector;
mod encode;
mod error;
mod login;
mod pending;
mod receive;
pub mod resp;
pub mod session;
mod ssl;
mod statement;
mod subscriptions;
mod url;
pub mod value;
