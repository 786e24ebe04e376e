//! Errors as data: what JavaScript gets, as JSON, and what the driver must know of it.

use serde_json::{Value, json};

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

    pub fn message(&self) -> &str {
        self.json["message"].as_str().unwrap_or_default()
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.json.to_string().into_bytes()
    }
}
