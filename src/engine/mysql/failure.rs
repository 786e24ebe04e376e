//! Why no login came about, in the words of MySQL's options.

use super::error::ServerError;
use super::startup::StartupError;
use crate::engine::net::failure::{ConnectError, Kind};

/// The host is blocked after too many broken handshakes.
const HOST_BLOCKED: u16 = 1129;
const HOST_NOT_ALLOWED: u16 = 1130;
/// Accounts that must use TLS are refused like those with a wrong password, or by these.
const SECURE_TRANSPORT_REQUIRED: u16 = 3159;

impl From<StartupError> for ConnectError {
    fn from(error: StartupError) -> ConnectError {
        match error {
            StartupError::Server(error) => server(&error),
            StartupError::Auth(why) => {
                ConnectError::new(Kind::Auth, why.code(), why.to_string()).fatal()
            }
            StartupError::Foreign(tag) => {
                let message = "the server does not answer as MySQL does";
                let error = ConnectError::new(Kind::Protocol, "ERR_POLYPOOL_PROTOCOL", message);
                ConnectError { tag: Some(tag), ..error }
            }
            StartupError::Protocol(message) => {
                ConnectError::new(Kind::Protocol, "ERR_POLYPOOL_PROTOCOL", message)
            }
            StartupError::Compression(name) => {
                let message = format!(
                    "the server does not offer compression by {name}, which option 'compress' asks \
                     for (compress: true would do without)"
                );
                ConnectError::new(Kind::Protocol, "ERR_COMPRESSION", message).fatal()
            }
        }
    }
}

/// The server's own words. Too many connections (1040) pass; a wrong password does not.
pub(super) fn server(error: &ServerError) -> ConnectError {
    let lasting =
        matches!(error.errno, HOST_BLOCKED | HOST_NOT_ALLOWED | SECURE_TRANSPORT_REQUIRED);
    let fatal = error.is_auth() || lasting;
    let (code, message) = (error.name().to_owned(), error.message.clone());
    ConnectError::server(code, message, fatal, error.to_json())
}

/// Whether an attempt that failed over TLS may succeed without.
pub(super) fn was_tls(error: &ConnectError) -> bool {
    error.kind == Kind::Tls
}
