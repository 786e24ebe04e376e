//! What the server says in an ERR packet.

use super::codec::latin1;
use super::started::Flavor;
use serde_json::{Value, json};

/// Names of errors by their numbers, as the servers' own files have them: a line for each, with
/// MariaDB's name behind MySQL's where the number means something else to it.
const NAMES: &str = include_str!("errors.txt");

/// An error of the server, or of the session in its stead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    pub errno: u16,
    pub state: String,
    /// Read as UTF-8.
    pub message: String,
    /// Its bytes, where it could be in another character set.
    raw: Option<Box<[u8]>>,
    /// Beyond 1880 each server has numbers of its own.
    pub flavor: Flavor,
    /// The server has given no state.
    pub bare: bool,
}

impl ServerError {
    /// Reads an ERR packet, its first byte included; `None` when it is malformed. Before the end of
    /// the login it has no SQLSTATE.
    pub fn parse(body: &[u8]) -> Option<ServerError> {
        let (&[0xff, low, high], rest) = body.split_first_chunk::<3>()? else { return None };
        let (state, message) = match rest.split_first_chunk::<6>() {
            Some((&[b'#', ref state @ ..], message)) => (&state[..], message),
            _ => (&b"HY000"[..], rest),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let errno = u16::from_le_bytes([low, high]);
        let bare = rest.first() != Some(&b'#');
        let raw = (!message.is_ascii()).then(|| message.into());
        let (state, message) = (text(state), text(message));
        Some(ServerError { errno, state, message, raw, flavor: Flavor::default(), bare })
    }

    /// An error that the session raises in the server's stead.
    pub fn local(errno: u16, state: &str, message: &str) -> ServerError {
        let (state, message) = (state.to_owned(), message.to_owned());
        ServerError { errno, state, message, ..ServerError::default() }
    }

    /// The same from a server that is known.
    pub fn of(self, flavor: Flavor) -> ServerError {
        ServerError { flavor, ..self }
    }

    /// `ER_DUP_ENTRY`: how programs know the error.
    pub fn name(&self) -> &'static str {
        let number = self.errno.to_string();
        let names = NAMES.lines().find_map(|line| {
            let (errno, names) = line.split_once(' ')?;
            (errno == number).then_some(names)
        });
        let Some((mysql, mariadb)) =
            names.map(|names| names.split_once(' ').unwrap_or((names, names)))
        else {
            return "ER_UNKNOWN";
        };
        if self.flavor == Flavor::MariaDb { mariadb } else { mysql }
    }

    /// The server closes the connection with it: it goes down, the session was killed or was idle
    /// for too long, or what we sent made no sense to it.
    pub fn is_fatal(&self) -> bool {
        match self.errno {
            1053 | 1152..=1161 | 1184 | 1927 => true,
            3169 | 4031 => self.flavor == Flavor::MySql,
            _ => false,
        }
    }

    /// The server goes down with all its sessions.
    pub fn is_crash(&self) -> bool {
        self.errno == 1053
    }

    /// A statement that writes, sent to a server that does not. 1290 stands for other options of
    /// the server too; their names are not translated.
    pub fn is_read_only(&self) -> bool {
        match self.errno {
            1290 => self.message.contains("read-only") || self.message.contains("read_only"),
            1792 | 1836 => true,
            _ => false,
        }
    }

    /// A deadlock undoes all of its victim's transaction: what follows is in none.
    pub fn undoes_transaction(&self) -> bool {
        self.errno == 1213
    }

    /// Wrong user, password or database: trying again changes nothing.
    pub fn is_auth(&self) -> bool {
        matches!(self.errno, 1044 | 1045 | 1049 | 1698)
    }

    /// The server does not know the prepared statement (any more), or not in this form.
    pub fn is_vanished_statement(&self) -> bool {
        matches!(self.errno, 1243 | 1615)
    }

    pub fn to_json(&self) -> Value {
        let mut told = json!({ "kind": "database", "code": self.name(), "errno": self.errno,
            "sqlState": self.state, "bare": self.bare, "message": self.message });
        if let Some(raw) = &self.raw {
            told["raw"] = latin1(raw).into();
        }
        told
    }
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.name(), self.state, self.message)
    }
}

impl std::error::Error for ServerError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_number_state_and_name() {
        let error = ServerError::parse(b"\xff\x26\x04#23000Duplicate entry").unwrap();
        let whole = (error.errno, error.state.as_str(), error.message.as_str(), error.name());
        assert_eq!(whole, (1062, "23000", "Duplicate entry", "ER_DUP_ENTRY"));
        let early = ServerError::parse(b"\xff\x10\x04Too many connections").unwrap();
        assert_eq!(
            (early.state.as_str(), early.message.as_str()),
            ("HY000", "Too many connections")
        );
        assert_eq!(ServerError::parse(b"\xff\x26"), None);
    }

    #[test]
    fn a_message_may_be_in_another_character_set() {
        let plain = ServerError::parse(b"\xff\x7a\x04#42S02no table").unwrap();
        assert!(plain.to_json().get("raw").is_none());
        let error = ServerError::parse(b"\xff\x7a\x04#42S02no t\xe4ble").unwrap();
        assert_eq!(error.to_json()["message"], "no t\u{fffd}ble");
        assert_eq!(error.to_json()["raw"], "no t\u{e4}ble");
    }

    #[test]
    fn numbers_beyond_what_the_servers_share_have_two_meanings() {
        let error = ServerError::local(4031, "HY000", "");
        assert_eq!((error.name(), error.is_fatal()), ("ER_CLIENT_INTERACTION_TIMEOUT", true));
        let error = error.of(Flavor::MariaDb);
        assert_eq!((error.name(), error.is_fatal()), ("ER_REFERENCED_TRG_DOES_NOT_EXIST", false));
        assert_eq!(ServerError::local(999, "HY000", "").name(), "ER_UNKNOWN");
    }

    #[test]
    fn only_a_read_only_server_is_another_one() {
        let refused = |errno, message| ServerError::local(errno, "HY000", message).is_read_only();
        assert!(refused(1290, "The server is running with the --super-read-only option"));
        assert!(!refused(1290, "The server is running with the --secure-file-priv option"));
        assert!(refused(1792, "") && refused(1836, "") && !refused(1062, "read-only"));
    }
}
