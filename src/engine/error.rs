//! Errors as data: what JavaScript gets, as JSON, and what the driver must know of it.

use serde_json::{Value, json};
use std::fmt::Display;

/// An error on its way to JavaScript, where the class is chosen by `kind` and `code`.
#[derive(Clone, Debug)]
pub struct EngineError {
    /// An object with `kind`: 'database' (the server's own fields) or 'pool' (code, message).
    pub json: Value,
    /// The server no longer is what the client wants ('not here'): retire the connection.
    pub not_here: bool,
    /// This server cannot run it, another one may: it would write, and this is a standby.
    pub elsewhere: bool,
    /// Never worth another try: wrong password, missing database, bad certificate.
    pub fatal: bool,
}

/// The code of what a server must not say.
pub const MALFORMED: &str = "ERR_POLYPOOL_PROTOCOL";

/// A row that cannot be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellError {
    /// Name of the column; empty when the row as a whole is malformed.
    pub column: String,
    pub message: String,
    /// ERR_POLYPOOL_UNSAFE_INTEGER, ERR_POLYPOOL_DECODE, or `MALFORMED`: after the last one the
    /// connection cannot be trusted any more.
    pub code: &'static str,
}

impl std::fmt::Display for CellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CellError {}

impl From<CellError> for EngineError {
    fn from(error: CellError) -> EngineError {
        EngineError::new(error.code, error.message).with("column", error.column.into())
    }
}

impl EngineError {
    pub fn new(code: &'static str, message: impl Into<String>) -> EngineError {
        let json = json!({ "kind": "pool", "code": code, "message": message.into() });
        EngineError { json, not_here: false, elsewhere: false, fatal: false }
    }

    pub fn with(mut self, key: &str, value: Value) -> EngineError {
        self.json[key] = value;
        self
    }

    pub fn caused_by(self, cause: Option<&EngineError>) -> EngineError {
        match cause {
            Some(cause) => self.with("cause", cause.json.clone()),
            None => self,
        }
    }

    pub fn lost(message: impl Into<String>) -> EngineError {
        EngineError::new("ERR_POLYPOOL_CONNECTION_LOST", message)
    }

    /// The server has said why before it did.
    pub fn closed(cause: &EngineError) -> EngineError {
        EngineError::lost("the server closed the connection").caused_by(Some(cause))
    }

    pub fn nonsense(broken: &impl Display) -> EngineError {
        let text = format!("the server does not speak the protocol as expected: {broken}");
        EngineError::new("ERR_POLYPOOL_PROTOCOL", text)
    }

    /// The server says that it has stopped the statement, as it was asked to.
    pub fn is_stopped(&self) -> bool {
        self.json["code"] == "57014" || self.json["errno"] == 1317
    }

    pub fn message(&self) -> &str {
        self.json["message"].as_str().unwrap_or_default()
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.json.to_string().into_bytes()
    }
}
