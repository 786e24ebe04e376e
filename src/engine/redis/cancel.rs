//! Tells the server, on a side connection, that a command need not wait any longer.

use super::config::Target;
use super::connect::{Talk, open};
use super::login::{Login, Part, Said};
use crate::engine::net::address::Peer;
use crate::engine::net::failure::ConnectError;
use crate::engine::net::tls::TlsRoots;

/// Resolves when the server has answered. What is not blocked goes on.
pub async fn cancel(
    target: &Target,
    roots: &TlsRoots,
    login: &Login,
    peer: &Peer,
    id: i64,
) -> Result<(), ConnectError> {
    let side = open(target, roots, Some(login), &mut peer.clone()).await?;
    let number = id.to_string();
    let words = ["CLIENT", "UNBLOCK", &number].map(|word| word.as_bytes().into()).to_vec();
    let mut talk = Talk { stream: side.stream, input: side.leftover, target };
    talk.exchange(&[Said { what: Part::Other, words, lenient: true }]).await.map(|_| ())
}
