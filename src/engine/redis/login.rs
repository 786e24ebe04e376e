//! What is said at the beginning of a connection, and again at a reset; without I/O.

use super::encode::put_command;
use super::error::ServerError;
use super::resp::{Element, take};
use bytes::BytesMut;

/// As whom, and to which database.
#[derive(Clone, Default)]
pub struct Login {
    pub user: Option<String>,
    pub password: Option<String>,
    /// What the server lists the connection under.
    pub name: Option<String>,
    pub database: u32,
    /// It knows RESET, as far as can be told.
    pub has_reset: bool,
    /// There are several servers, of which one takes writes.
    pub asks_role: bool,
}

/// One command of a flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub what: Part,
    pub words: Vec<Box<[u8]>>,
    /// A refusal changes nothing.
    pub lenient: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Reset,
    Hello,
    Auth,
    Id,
    Other,
    Role,
    /// Whether it serves: a server that loads its data answers all that comes before, and so does
    /// one that wants a password, in RESP2.
    Ping,
}

impl Login {
    /// At the beginning.
    pub fn first(&self, resp3: bool) -> Vec<Said> {
        let mut said = self.identify(resp3);
        said.push(lenient(Part::Other, &["CLIENT", "SETINFO", "LIB-NAME", env!("CARGO_PKG_NAME")]));
        said.push(lenient(
            Part::Other,
            &["CLIENT", "SETINFO", "LIB-VER", env!("CARGO_PKG_VERSION")],
        ));
        if !resp3 {
            said.push(lenient(Part::Id, &["CLIENT", "ID"]));
        }
        self.select(self.database > 0, &mut said);
        said.push(lenient(Part::Ping, &["PING"]));
        if self.asks_role {
            said.push(lenient(Part::Role, &["ROLE"]));
        }
        said
    }

    /// Back to there.
    pub fn again(&self, resp3: bool) -> Vec<Said> {
        if !self.has_reset {
            let quiet = ["DISCARD", "UNWATCH"].map(|name| lenient(Part::Other, &[name]));
            let mut said = quiet.to_vec();
            self.select(true, &mut said);
            return said;
        }
        let mut said = vec![strict(Part::Reset, &["RESET"])];
        said.extend(self.identify(resp3));
        self.select(self.database > 0, &mut said);
        said
    }

    fn identify(&self, resp3: bool) -> Vec<Said> {
        // A user without a password is one who needs none, and not the server's default one.
        let (user, password) = (self.user.as_deref(), self.password.as_deref().unwrap_or_default());
        let mut said = Vec::new();
        if resp3 {
            let mut words = vec!["HELLO", "3"];
            if user.is_some() || self.password.is_some() {
                words.extend(["AUTH", user.unwrap_or("default"), password]);
            }
            if let Some(name) = &self.name {
                words.extend(["SETNAME", name]);
            }
            said.push(strict(Part::Hello, &words));
            return said;
        }
        match user {
            Some(user) => said.push(strict(Part::Auth, &["AUTH", user, password])),
            None if self.password.is_some() => {
                said.push(strict(Part::Auth, &["AUTH", password]));
            }
            None => {}
        }
        if let Some(name) = &self.name {
            said.push(lenient(Part::Other, &["CLIENT", "SETNAME", name]));
        }
        said
    }

    fn select(&self, wanted: bool, said: &mut Vec<Said>) {
        if wanted {
            said.push(strict(Part::Other, &["SELECT", &self.database.to_string()]));
        }
    }
}

fn strict(what: Part, words: &[&str]) -> Said {
    let words = words.iter().map(|word| word.as_bytes().into()).collect();
    Said { what, words, lenient: false }
}

fn lenient(what: Part, words: &[&str]) -> Said {
    Said { lenient: true, ..strict(what, words) }
}

/// The bytes of a flight.
pub fn write(said: &[Said], out: &mut BytesMut) {
    for one in said {
        let words: Vec<&[u8]> = one.words.iter().map(|word| &**word).collect();
        put_command(out, &words);
    }
}

/// What came of a flight so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    pub id: i64,
    /// HELLO is unknown there, or RESP3 is.
    pub downgrade: bool,
    pub refused: Option<ServerError>,
    /// It copies another server, as far as it says.
    pub is_replica: bool,
}

impl Heard {
    /// One reply, to what was said.
    pub fn hear(&mut self, said: &Said, mut reply: &[u8]) {
        let whole = reply;
        match (said.what, take(&mut reply)) {
            (what, Element::Error(text)) => {
                let error = ServerError::new(text);
                if what == Part::Hello && error.is_unknown() {
                    self.downgrade = true;
                } else if !said.lenient || (what == Part::Ping && error.bars_all()) {
                    self.refused.get_or_insert(error);
                }
            }
            (Part::Hello, _) => self.id = id_in(whole),
            (Part::Id, Element::Int(id)) => self.id = id,
            (Part::Role, Element::Array(1..)) => self.is_replica = !is_master(whole),
            _ => {}
        }
    }
}

/// The answer to ROLE.
pub(super) fn is_master(mut reply: &[u8]) -> bool {
    matches!(take(&mut reply), Element::Array(1..)) && take(&mut reply) == Element::Text(b"master")
}

/// The number of the connection, which the answer to HELLO has among others.
fn id_in(mut reply: &[u8]) -> i64 {
    while !reply.is_empty() {
        if take(&mut reply) == Element::Text(b"id") {
            return match take(&mut reply) {
                Element::Int(id) => id,
                _ => 0,
            };
        }
    }
    0
}

#[cfg(test)]
#[path = "tests/login.rs"]
mod tests;
