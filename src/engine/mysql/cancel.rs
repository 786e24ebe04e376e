//! Asks the server, on a side connection, to stop what a session executes.

use super::config::Target;
use super::connect::{open, query, say_goodbye};
use crate::engine::net::address::Peer;
use crate::engine::net::encryption::Encryption;
use crate::engine::net::failure::ConnectError;
use crate::engine::net::tls::TlsRoots;

/// Resolves when the server has said that it did, or why not. Hits whatever the session runs at
/// that moment; the session itself goes on.
pub async fn cancel(
    target: &Target,
    roots: &TlsRoots,
    password: Option<&str>,
    peer: &Peer,
    connection_id: u32,
) -> Result<(), ConnectError> {
    let encryption = Encryption::of(peer);
    let mut side = open(target, roots, password, &mut peer.clone(), encryption).await?;
    let killed = query(&mut side, &format!("KILL QUERY {connection_id}")).await;
    say_goodbye(&mut side.stream).await;
    killed
}
