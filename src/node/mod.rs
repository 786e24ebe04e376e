//! The boundary to JavaScript: the only place of N-API and of `unsafe` code.
//!
//! Hot functions are plain N-API callbacks that speak integers over typed arrays (`hot`); the cold
//! ones go through napi-derive (`cold`). Neither holds any logic of pooling.

#![allow(unsafe_code)]

mod cold;
mod hot;
mod link;
mod values;
