//! Why a transport of JavaScript's ended.

use serde_json::{Value, json};
use std::fmt;
use std::io;

/// Why a transport ended, in JavaScript's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub message: String,
    /// `ECONNREFUSED` and the like; may be empty.
    pub code: String,
    /// It happened while TLS was being set up.
    pub tls: bool,
    /// Another try would end the same way: a refused certificate, not a Duplex.
    pub fatal: bool,
    /// By this number JavaScript finds the error it threw.
    pub transport: i32,
}

impl Failure {
    pub fn new(transport: i32, message: &str) -> Failure {
        let (message, code) = (message.to_owned(), String::new());
        Failure { message, code, tls: false, fatal: false, transport }
    }

    /// `{ message, code, tls, fatal }`; what is missing or of another type is left at its default.
    pub fn parse(transport: i32, json: &[u8]) -> Failure {
        let value: Value = serde_json::from_slice(json).unwrap_or_default();
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let flag = |key: &str| value[key].as_bool().unwrap_or(false);
        let (message, code) = (text("message"), text("code"));
        Failure { message, code, tls: flag("tls"), fatal: flag("fatal"), transport }
    }

    /// As the cause of an error.
    pub fn to_json(&self) -> Value {
        let mut json =
            json!({ "kind": "system", "message": self.message, "transport": self.transport });
        if !self.code.is_empty() {
            json["code"] = self.code.clone().into();
        }
        json
    }

    pub fn to_error(&self) -> io::Error {
        io::Error::new(error_kind(&self.code), self.clone())
    }

    /// The failure behind an error of a `Bridge`.
    pub fn of(error: &io::Error) -> Option<&Failure> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The system's kinds, so that a refused tunnel is treated as a refused socket.
fn error_kind(code: &str) -> io::ErrorKind {
    match code {
        "ECONNREFUSED" => io::ErrorKind::ConnectionRefused,
        "ECONNRESET" => io::ErrorKind::ConnectionReset,
        "EPIPE" => io::ErrorKind::BrokenPipe,
        "ETIMEDOUT" => io::ErrorKind::TimedOut,
        "ENOENT" => io::ErrorKind::NotFound,
        "EHOSTUNREACH" => io::ErrorKind::HostUnreachable,
        "ENETUNREACH" => io::ErrorKind::NetworkUnreachable,
        "EACCES" => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    }
}
