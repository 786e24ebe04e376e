//! Data between the layers: ring records, row batches, parameters. No logic of pooling, no I/O.

pub mod chunk;
pub mod foreign;
pub mod param;
pub mod record;
