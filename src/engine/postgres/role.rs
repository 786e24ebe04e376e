//! Whether a server is one that `target_session_attrs` asks for, as libpq decides it.

use super::config::Target;
use super::connect::Connected;
use super::error::ServerError;
use super::startup::Started;
use crate::engine::net::failure::{ConnectError, Kind};
use crate::engine::stream::Stream;
use bytes::{Buf, BytesMut};
use postgres_protocol::message::backend;
use postgres_protocol::message::frontend;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

pub const WANTED: [(&str, Wanted); 6] = [
    ("any", Wanted::Any),
    ("read-write", Wanted::ReadWrite),
    ("read-only", Wanted::ReadOnly),
    ("primary", Wanted::Primary),
    ("standby", Wanted::Standby),
    ("prefer-standby", Wanted::PreferStandby),
];

/// The state of a server that a wish is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Property {
    ReadOnly,
    InRecovery,
}

impl Wanted {
    pub fn name(self) -> &'static str {
        WANTED.iter().find(|(_, wanted)| *wanted == self).map_or("any", |(name, _)| name)
    }

    /// What is asked, and the answer that fits. `None`: every server fits.
    fn question(self) -> Option<(Property, bool)> {
        match self {
            Wanted::Any => None,
            Wanted::ReadWrite => Some((Property::ReadOnly, false)),
            Wanted::ReadOnly => Some((Property::ReadOnly, true)),
            Wanted::Primary => Some((Property::InRecovery, false)),
            Wanted::Standby | Wanted::PreferStandby => Some((Property::InRecovery, true)),
        }
    }

    /// A server that refuses to write may be the one that was asked for.
    pub fn allows_read_only(self) -> bool {
        matches!(self, Wanted::ReadOnly | Wanted::Standby | Wanted::PreferStandby)
    }

    /// Whether a report of the server, sent when it is promoted, makes it another than wanted.
    pub fn is_ended_by(self, name: &str, value: &str) -> bool {
        self.allows_read_only() && name == "in_hot_standby" && value == "off"
    }

    fn mismatch(self) -> &'static str {
        match self {
            Wanted::ReadWrite => "the server is read-only",
            Wanted::ReadOnly => "the server accepts writes",
            Wanted::Primary => "the server is a standby",
            _ => "the server is not a standby",
        }
    }
}

/// Whether a new connection is to a server that fits; one round trip to servers before 14 and to
/// poolers, which do not report it.
pub(super) async fn fits(target: &Target, connected: &mut Connected) -> Result<bool, ConnectError> {
    let Some((property, wanted)) = target.wanted.question() else { return Ok(true) };
    let found = match reported(&connected.started, property) {
        Some(found) => found,
        None => ask(connected, property).await?,
    };
    Ok(found == wanted)
}

pub(super) fn refusal(wanted: Wanted) -> ConnectError {
    ConnectError::new(Kind::Role, "EROLE", wanted.mismatch())
}

fn reported(started: &Started, property: Property) -> Option<bool> {
    let on = |name| started.parameter(name).map(|value| value == "on");
    let recovery = on("in_hot_standby")?;
    match property {
        Property::InRecovery => Some(recovery),
        Property::ReadOnly => Some(recovery || on("default_transaction_read_only")?),
    }
}

async fn ask(connected: &mut Connected, property: Property) -> Result<bool, ConnectError> {
    let text = match property {
        Property::ReadOnly => "SHOW transaction_read_only",
        Property::InRecovery => "SELECT pg_catalog.pg_is_in_recovery()",
    };
    let mut query = BytesMut::new();
    frontend::query(text, &mut query)?;
    connected.stream.write_all(&query).await?;
    connected.stream.flush().await?;
    let answer = read_answer(&mut connected.stream, &mut connected.leftover).await?;
    Ok(matches!(&*answer, b"on" | b"t"))
}

/// The one value of a result, everything up to ReadyForQuery taken.
async fn read_answer(stream: &mut Stream, input: &mut BytesMut) -> Result<Vec<u8>, ConnectError> {
    let mut value = Vec::new();
    loop {
        while let Some((tag, body)) = next_message(input)? {
            match tag {
                // Count of columns, length, bytes.
                backend::DATA_ROW_TAG if body.len() > 6 => value = body[6..].to_vec(),
                backend::ERROR_RESPONSE_TAG => {
                    let error = ServerError::parse(&body).unwrap_or_default();
                    let message = format!("the server does not tell its role: {}", error.message());
                    return Err(ConnectError::new(Kind::Role, "EROLE", message));
                }
                backend::READY_FOR_QUERY_TAG => return Ok(value),
                _ => {}
            }
        }
        if stream.read_buf(input).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

fn next_message(input: &mut BytesMut) -> Result<Option<(u8, BytesMut)>, ConnectError> {
    /// None of the answers comes near it.
    const LENGTH_MAX: usize = 64 * 1024;
    let Some(header) = backend::Header::parse(input)? else { return Ok(None) };
    let length = usize::try_from(header.len()).unwrap_or(usize::MAX);
    if length > LENGTH_MAX {
        let message = "the server does not answer as PostgreSQL does";
        return Err(ConnectError::new(Kind::Protocol, "ERR_POLYPOOL_PROTOCOL", message));
    }
    if input.len() <= length {
        return Ok(None);
    }
    input.advance(5);
    Ok(Some((header.tag(), input.split_to(length - 4))))
}
