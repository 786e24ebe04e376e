//! A connection whose handshake is over.

use super::address::Peer;
use crate::engine::stream::Stream;
use bytes::BytesMut;
use std::io;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// `S` is what the handshake brought.
pub struct Connected<S> {
    pub stream: Stream,
    pub started: S,
    /// Bytes that came after the handshake.
    pub leftover: BytesMut,
    pub peer: Peer,
}

/// Ends a connection with the protocol's goodbye, so that the server need not log that its client
/// vanished.
pub async fn say_goodbye(stream: &mut Stream, goodbye: &[u8]) {
    const PATIENCE: Duration = Duration::from_millis(100);
    let part = async {
        stream.write_all(goodbye).await?;
        stream.shutdown().await
    };
    let _: Result<io::Result<()>, _> = tokio::time::timeout(PATIENCE, part).await;
}
