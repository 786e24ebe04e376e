//! Asks the server, on a side connection, to stop what a session executes.

use super::config::Target;
use super::connect::open;
use crate::engine::net::address::Peer;
use crate::engine::net::encryption::Encryption;
use crate::engine::net::failure::ConnectError;
use crate::engine::net::tls::TlsRoots;
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Resolves when the server has closed the side connection: by then it has sent its signal, though
/// the session may not have heard it yet. Hits whatever the session runs at that moment.
pub async fn cancel(
    target: &Target,
    roots: &TlsRoots,
    peer: &Peer,
    process_id: i32,
    secret_key: i32,
) -> Result<(), ConnectError> {
    let encryption = Encryption::of(peer);
    let mut stream = open(target, roots, &mut peer.clone(), encryption).await?;
    let mut request = BytesMut::new();
    frontend::cancel_request(process_id, secret_key, &mut request);
    stream.write_all(&request).await?;
    stream.flush().await?;
    // The server says nothing. However it hangs up, it is done with us.
    let mut nothing = [0; 64];
    while matches!(stream.read(&mut nothing).await, Ok(1..)) {}
    Ok(())
}
