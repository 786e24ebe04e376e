//! The boundary to JavaScript: the only place of N-API and of `unsafe` code.
//!
//! Hot functions are plain N-API callbacks (`call`) that speak integers over typed arrays: those of
//! a link to the engine (`hot`), and those of pools whose resources JavaScript makes (`foreign`).
//! The cold ones go through napi-derive (`cold`). None holds any logic of pooling.

#![allow(unsafe_code)]

mod bell;
mod call;
mod cold;
mod foreign;
mod hot;
mod link;
mod values;
