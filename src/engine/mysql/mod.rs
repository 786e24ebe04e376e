//! MySQL and MariaDB: a sans-IO session, its types, and what opens a connection. Nothing about
//! pooling.

pub mod frame;
pub mod started;
