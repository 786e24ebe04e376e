//! What the server refuses with: a word, and the whole text of which it is the first.

use crate::engine::error::EngineError;
use serde_json::{Value, json};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// `WRONGTYPE Operation against a key ...`
    pub message: String,
}

/// Who logs in so will never get in: no attempt is made again.
const CONFIGURATION: [&str; 4] = ["WRONGPASS", "NOAUTH", "NOPERM", "DENIED"];
/// The server is starting, or copies what another one has.
const STARTING: [&str; 3] = ["LOADING", "MASTERDOWN", "BUSY"];

impl ServerError {
    pub fn new(text: &[u8]) -> ServerError {
        ServerError { message: String::from_utf8_lossy(text).into_owned() }
    }

    /// The first word.
    pub fn code(&self) -> &str {
        self.message.split(' ').next().unwrap_or_default()
    }

    /// A server without HELLO, or without the version that was asked for.
    pub fn is_unknown(&self) -> bool {
        self.code() == "NOPROTO" || self.message.starts_with("ERR unknown command")
    }

    /// A matter of the options that a login was made by.
    pub fn is_configuration(&self) -> bool {
        CONFIGURATION.contains(&self.code())
            || [
                "ERR invalid password",
                "ERR DB index",
                "ERR invalid DB",
                "ERR AUTH",
                "ERR Client sent AUTH",
            ]
            .iter()
            .any(|beginning| self.message.starts_with(beginning))
    }

    pub fn is_starting(&self) -> bool {
        STARTING.contains(&self.code())
    }

    /// No other command would fare better.
    pub fn bars_all(&self) -> bool {
        self.is_starting() || self.code() == "NOAUTH"
    }

    fn is_read_only(&self) -> bool {
        self.code() == "READONLY"
    }

    pub fn to_json(&self) -> Value {
        json!({ "kind": "database", "code": self.code(), "message": self.message })
    }

    /// As the driver has errors. A server that copies another one, or cannot, is not the one wanted.
    pub fn to_engine(&self) -> EngineError {
        let elsewhere = self.is_read_only();
        let not_here = elsewhere || self.code() == "MASTERDOWN";
        EngineError { json: self.to_json(), not_here, elsewhere, fatal: self.is_configuration() }
    }

    /// The same for who steers the connection himself.
    pub fn to_plain(&self) -> EngineError {
        EngineError { json: self.to_json(), not_here: false, elsewhere: false, fatal: false }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
