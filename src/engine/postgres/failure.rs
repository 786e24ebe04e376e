//! Why no login came about, in the words of PostgreSQL's options.

use super::error::ServerError;
use super::startup::StartupError;
use crate::engine::net::failure::{ConnectError, Kind};
use serde_json::Value;

/// Whether the attempt may succeed with TLS where it was plain, or plain where it was TLS: TLS
/// itself failed, or pg_hba.conf has no entry for a connection of this kind.
pub(super) fn depends_on_encryption(error: &ConnectError, encrypted: bool) -> bool {
    match &error.kind {
        Kind::Tls => encrypted,
        Kind::Server(_) | Kind::Auth => error.code == "28000",
        _ => false,
    }
}

impl From<StartupError> for ConnectError {
    fn from(error: StartupError) -> ConnectError {
        match error {
            StartupError::Server(error) if wants_certificate(&error) => {
                let advice =
                    "give one with options 'ssl.cert' and 'ssl.key' (or 'sslcert' and 'sslkey')";
                let message = format!("{}; {advice}", error.message());
                let refusal = ConnectError::new(Kind::Auth, "28000", message).fatal();
                ConnectError { cause: Some(Box::new(database(&error))), ..refusal }
            }
            StartupError::Server(error) => {
                let (code, message) = (error.code().to_owned(), error.message().to_owned());
                ConnectError::server(code, message, error.is_auth(), database(&error))
            }
            StartupError::Unbound(error) => {
                let message = "channel binding failed: the server does not see the TLS connection \
                               that this client has, so somebody in between ends it; where that is \
                               meant to be, set option 'channel_binding' to 'disable'";
                let refusal = ConnectError::new(Kind::Auth, "ERR_TLS_BINDING", message).fatal();
                ConnectError { cause: error.map(|error| Box::new(database(&error))), ..refusal }
            }
            StartupError::Auth(why) => {
                ConnectError::new(Kind::Auth, why.code(), why.to_string()).fatal()
            }
            StartupError::Foreign(tag) => ConnectError { tag: Some(tag), ..foreign() },
            StartupError::Protocol(message) => {
                ConnectError::new(Kind::Protocol, "ERR_POLYPOOL_PROTOCOL", message)
            }
        }
    }
}

pub(super) fn foreign() -> ConnectError {
    let message = "the server does not answer as PostgreSQL does";
    ConnectError::new(Kind::Protocol, "ERR_POLYPOOL_PROTOCOL", message)
}

fn database(error: &ServerError) -> Value {
    let mut json = error.to_json();
    json["kind"] = "database".into();
    json
}

/// "connection requires a valid client certificate": code and routine are those of other refusals
/// too, so that only English tells. In other languages the server's words go on as they are.
fn wants_certificate(error: &ServerError) -> bool {
    error.code() == "28000" && error.message().contains("client certificate")
}
