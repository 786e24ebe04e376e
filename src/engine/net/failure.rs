//! Why no connection came about.

use super::address::Address;
use crate::engine::bridge::Failure;
use crate::engine::error::EngineError;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;
use std::io;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Refused,
    Dns,
    Timeout,
    /// The login cannot go on, by our decision.
    Auth,
    Tls,
    /// What answers does not speak the protocol.
    Protocol,
    /// The server refuses, in its own words: its error as JavaScript gets it.
    Server(Box<Value>),
    /// Not of the role that was asked for.
    Role,
    /// No host would do; each with its own reason.
    Hosts(Vec<Failed>),
    Io,
}

/// What a socket said, for programs that know Node's errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub syscall: &'static str,
    /// The system's number; none where the other side has just ended.
    pub os: Option<i32>,
    /// Numeric, or the path of a unix socket; of a connect only.
    pub address: Option<Address>,
}

impl Said {
    fn to_json(&self) -> Value {
        let mut json = json!({ "syscall": self.syscall, "os": self.os });
        match &self.address {
            Some(Address::Tcp(address)) => {
                json["address"] = address.ip().to_string().into();
                json["port"] = address.port().into();
            }
            Some(Address::Unix(path)) => json["address"] = path.to_string_lossy().into(),
            Some(Address::Far(_)) | None => {}
        }
        json
    }
}

/// One attempt of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// As it was asked for, with its port.
    pub host: String,
    pub error: ConnectError,
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Kind::Refused => "refused",
            Kind::Dns => "dns",
            Kind::Timeout => "timeout",
            Kind::Auth => "auth",
            Kind::Tls => "tls",
            Kind::Protocol => "protocol",
            Kind::Server(_) => "server",
            Kind::Role => "role",
            // Wrong roles are what is to be changed; else why the last one failed.
            Kind::Hosts(failed) => match failed.iter().find(|it| it.error.kind == Kind::Role) {
                Some(_) => "role",
                None => failed.last().map_or("io", |it| it.error.kind.name()),
            },
            Kind::Io => "io",
        }
    }
}

/// No field ever holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectError {
    pub kind: Kind,
    pub message: String,
    /// ECONNREFUSED and the like, the server's code, or an ERR_ code.
    pub code: Cow<'static, str>,
    /// Never worth another try: wrong password, missing database, bad certificate.
    pub fatal: bool,
    /// As `to_json` gives it: the server's own words, where the message explains them, or what
    /// ended a transport of JavaScript's.
    pub cause: Option<Box<Value>>,
    pub socket: Option<Box<Said>>,
    /// With what byte the answer begins of something that does not speak the protocol.
    pub tag: Option<u8>,
}

impl ConnectError {
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> ConnectError {
        let (message, code) = (message.into(), code.into());
        ConnectError { kind, message, code, fatal: false, cause: None, socket: None, tag: None }
    }

    pub fn fatal(mut self) -> ConnectError {
        self.fatal = true;
        self
    }

    /// The server's own refusal; `json` as JavaScript gets it.
    pub fn server(code: String, message: String, fatal: bool, json: Value) -> ConnectError {
        let refusal = ConnectError::new(Kind::Server(Box::new(json)), "", message);
        ConnectError { code: code.into(), fatal, ..refusal }
    }

    /// What several attempts come to; of a single host the last one speaks. `demand` is what none
    /// of them meets.
    pub fn of_hosts(mut failed: Vec<Failed>, demand: &str, several: bool) -> ConnectError {
        let role = failed.iter().any(|it| it.error.kind == Kind::Role);
        if let (Some(last), false, false) = (failed.last(), several, role) {
            return last.error.clone();
        }
        let what = match role {
            true => format!("no host accepts {demand}"),
            false => "no host can be reached".to_owned(),
        };
        failed.dedup();
        let each: Vec<_> = failed.iter().map(Failed::to_string).collect();
        ConnectError {
            message: format!("{what}: {}", each.join("; ")),
            code: failed.last().map_or("ENOTFOUND".into(), |it| it.error.code.clone()),
            fatal: false,
            kind: Kind::Hosts(failed),
            cause: None,
            socket: None,
            tag: None,
        }
    }

    /// It came of the system call that connects.
    pub fn connecting(mut self, to: &Address) -> ConnectError {
        if let Some(said) = &mut self.socket {
            said.syscall = "connect";
            said.address = Some(to.clone());
        }
        self
    }

    /// Nobody answered, as far as can be told a machine that is gone.
    pub fn is_silence(&self) -> bool {
        matches!(self.kind, Kind::Timeout)
    }

    /// It came before TLS stood.
    pub fn before_tls(mut self) -> ConnectError {
        if let Some(said) = &mut self.socket {
            said.syscall = "handshake";
        }
        self
    }

    /// Puts the address before the message, except before the server's own words.
    pub fn at(mut self, address: &str) -> ConnectError {
        if !matches!(self.kind, Kind::Server(_)) {
            self.message = format!("{address}: {}", self.message);
        }
        self
    }

    /// As the driver has it.
    pub fn to_engine(&self) -> EngineError {
        EngineError { json: self.to_json(), not_here: false, elsewhere: false, fatal: self.fatal }
    }

    /// For JavaScript: the server's fields under kind 'database', anything else under 'pool'.
    pub fn to_json(&self) -> Value {
        if let Kind::Server(error) = &self.kind {
            return (**error).clone();
        }
        let errno = (!self.code.is_empty()).then_some(&*self.code);
        let mut json = json!({
            "kind": "pool",
            "code": "ERR_POLYPOOL_CONNECT",
            "message": self.message,
            "reason": self.kind.name(),
            "errno": errno,
        });
        if let Some(cause) = &self.cause {
            json["cause"] = (**cause).clone();
        }
        if let Some(said) = &self.socket {
            json["socket"] = said.to_json();
        }
        if let Some(tag) = self.tag {
            json["tag"] = tag.into();
        }
        if let Kind::Hosts(failed) = &self.kind {
            let attempts =
                failed.iter().map(|it| json!({ "host": it.host, "error": it.error.to_json() }));
            json["attempts"] = attempts.collect();
        }
        json
    }
}

impl fmt::Display for Failed {
    /// The server's own words do not say whose they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error.kind {
            Kind::Server(_) => write!(f, "{}: {}", self.host, self.error),
            _ => write!(f, "{}", self.error),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConnectError {}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> ConnectError {
        use io::ErrorKind as Io;
        if let Some(failure) = Failure::of(&error) {
            return ConnectError::from(failure);
        }
        let (kind, code, message) = match error.kind() {
            Io::ConnectionRefused => (Kind::Refused, "ECONNREFUSED", "connection refused"),
            Io::NotFound => (Kind::Refused, "ENOENT", "there is no such socket"),
            Io::TimedOut => (Kind::Timeout, "ETIMEDOUT", "no answer"),
            Io::ConnectionReset => (Kind::Io, "ECONNRESET", "connection reset by the server"),
            Io::BrokenPipe => (Kind::Io, "EPIPE", "connection closed by the server"),
            Io::UnexpectedEof => {
                (Kind::Io, "ECONNRESET", "the server closed the connection before it was ready")
            }
            Io::HostUnreachable => (Kind::Io, "EHOSTUNREACH", "the host cannot be reached"),
            Io::NetworkUnreachable => (Kind::Io, "ENETUNREACH", "the network cannot be reached"),
            Io::PermissionDenied => (Kind::Io, "EACCES", "permission denied by the system"),
            _ => (Kind::Io, "EIO", &*error.to_string()),
        };
        let syscall = if error.kind() == Io::BrokenPipe { "write" } else { "read" };
        let said = Said { syscall, os: error.raw_os_error(), address: None };
        let socket = Some(Box::new(said));
        ConnectError { socket, ..ConnectError::new(kind, code, message) }
    }
}

impl From<&Failure> for ConnectError {
    fn from(failure: &Failure) -> ConnectError {
        let kind = match &*failure.code {
            _ if failure.tls => Kind::Tls,
            "ECONNREFUSED" | "ENOENT" => Kind::Refused,
            "ENOTFOUND" | "EAI_AGAIN" => Kind::Dns,
            "ETIMEDOUT" => Kind::Timeout,
            _ => Kind::Io,
        };
        ConnectError {
            kind,
            message: failure.message.clone(),
            code: failure.code.clone().into(),
            fatal: failure.fatal,
            cause: Some(Box::new(failure.to_json())),
            socket: None,
            tag: None,
        }
    }
}
