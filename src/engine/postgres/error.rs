//! What the server says in ErrorResponse and NoticeResponse.

use serde_json::{Map, Value};

/// Field codes of the protocol with the names JavaScript sees. `S` (localised) yields to `V`.
const KEYS: [(u8, &str); 17] = [
    (b'S', "severity"),
    (b'C', "code"),
    (b'M', "message"),
    (b'D', "detail"),
    (b'H', "hint"),
    (b'P', "position"),
    (b'p', "internalPosition"),
    (b'q', "internalQuery"),
    (b'W', "where"),
    (b's', "schema"),
    (b't', "table"),
    (b'c', "column"),
    (b'd', "dataType"),
    (b'n', "constraint"),
    (b'F', "file"),
    (b'L', "line"),
    (b'R', "routine"),
];

/// An error or notice of the server, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    fields: Vec<(u8, String)>,
    /// The text was not understood: nothing was prepared.
    pub unparsed: bool,
}

impl ServerError {
    /// Reads the body of an ErrorResponse or NoticeResponse; `None` when it is malformed. Text
    /// that is not UTF-8 (errors before the encoding is agreed on) is read with replacements.
    pub fn parse(body: &[u8]) -> Option<ServerError> {
        let mut fields = Vec::with_capacity(8);
        let mut rest = body;
        loop {
            let (&kind, tail) = rest.split_first()?;
            if kind == 0 {
                return tail.is_empty().then_some(ServerError { fields, unparsed: false });
            }
            let end = tail.iter().position(|&byte| byte == 0)?;
            fields.push((kind, String::from_utf8_lossy(&tail[..end]).into_owned()));
            rest = &tail[end + 1..];
        }
    }

    /// An error that the session raises in the server's stead.
    pub fn local(code: &str, message: &str) -> ServerError {
        let field = |kind, text: &str| (kind, text.to_owned());
        ServerError {
            unparsed: false,
            fields: vec![
                field(b'S', "ERROR"),
                field(b'V', "ERROR"),
                field(b'C', code),
                field(b'M', message),
            ],
        }
    }

    /// Adds advice where the server gives none.
    pub fn hint(&mut self, text: &str) {
        if self.field(b'H').is_none() {
            self.fields.push((b'H', text.to_owned()));
        }
    }

    /// A field by its code in the protocol.
    pub fn field(&self, kind: u8) -> Option<&str> {
        self.fields.iter().find(|(k, _)| *k == kind).map(|(_, text)| text.as_str())
    }

    /// Not localised where the server is recent enough (9.6) to say so.
    pub fn severity(&self) -> &str {
        self.field(b'V').or_else(|| self.field(b'S')).unwrap_or("ERROR")
    }

    /// The SQLSTATE.
    pub fn code(&self) -> &str {
        self.field(b'C').unwrap_or("")
    }

    pub fn message(&self) -> &str {
        self.field(b'M').unwrap_or("")
    }

    /// The server closes the connection after this one.
    pub fn is_fatal(&self) -> bool {
        matches!(self.severity(), "FATAL" | "PANIC")
    }

    /// The server is not, or no longer, the one the client wants: read-only, going down, starting.
    pub fn is_not_here(&self) -> bool {
        matches!(self.code(), "25006" | "57P01" | "57P02" | "57P03")
    }

    /// A statement that writes, sent to a server that does not.
    pub fn is_read_only(&self) -> bool {
        self.code() == "25006"
    }

    /// The server goes down with all its sessions; the others of 57P0x may mean this one alone.
    pub fn is_crash(&self) -> bool {
        self.code() == "57P02"
    }

    /// Wrong user, password or database: trying again changes nothing.
    pub fn is_auth(&self) -> bool {
        self.code().starts_with("28") || self.code() == "3D000"
    }

    /// The result columns of a prepared statement are no longer what they were. The routine tells
    /// it from other uses of the code in whatever language the server speaks.
    pub fn is_stale_plan(&self) -> bool {
        self.code() == "0A000"
            && (self.field(b'R') == Some("RevalidateCachedQuery")
                || self.message() == "cached plan must not change result type")
    }

    /// The server does not know the named statement.
    pub fn is_vanished_statement(&self) -> bool {
        self.code() == "26000"
    }

    /// All fields under the names JavaScript sees; absent ones are left out.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (kind, key) in KEYS {
            let text = if kind == b'S' { Some(self.severity()) } else { self.field(kind) };
            if let Some(text) = text {
                object.insert(key.to_owned(), Value::from(text));
            }
        }
        if self.unparsed {
            object.insert("unparsed".to_owned(), true.into());
        }
        Value::Object(object)
    }
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.severity(), self.code(), self.message())
    }
}

impl std::error::Error for ServerError {}

#[cfg(test)]
#[path = "tests/error.rs"]
mod tests;
