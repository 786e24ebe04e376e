//! Statements by their first keyword: what may share a connection and what may change it.
//!
//! Where it cannot be sure the answer is `Class::Other`, which costs speed only.

use super::harmless::KNOWN;
use super::lexer::{Lexer, Token};
use crate::engine::calls::{Calls, Piece};
pub use crate::engine::class::Class;
use crate::engine::insert::OneRow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    pub class: Class,
    /// Several statements.
    pub multi: bool,
    /// May enter COPY.
    pub copies: bool,
    /// May drop named statements on the server.
    pub forgets: bool,
    /// Begins or ends a transaction; savepoints do neither.
    pub bounds: bool,
    /// A read that nobody can tell from its running twice, for it calls no function of the
    /// application's, or an INSERT that may run again when the server has stopped it.
    pub plain: bool,
}

/// Functions that change the session, or that run what no one can see from here.
const SESSION_FUNCTIONS: [&str; 9] = [
    "set_config",
    "set_limit",
    "setseed",
    "pg_backup_start",
    "pg_backup_stop",
    "pg_start_backup",
    "pg_stop_backup",
    "query_to_xml",
    "query_to_xml_and_xmlschema",
];
const SESSION_FUNCTION_PREFIXES: [&str; 6] =
    ["pg_advisory_", "pg_try_advisory_", "dblink", "lo_", "pg_create_", "pg_replication_origin_"];

/// Looks at a text once, when it is first seen.
pub(super) fn examine(text: &str) -> Traits {
    let mut facts = Facts::default();
    let mut lexer = Lexer::new(text);
    while let Some(token) = lexer.next_token() {
        facts.note(token);
    }
    let multi = facts.statements > 1;
    let class = if multi { Class::Other } else { facts.class() };
    let copies = facts.first == First::Copy || (multi && facts.copy);
    let forgets = class == Class::Other && facts.discard;
    let reads = class == Class::Read && !facts.calls.foreign;
    let inserts = class == Class::Write && facts.row.may_be_stopped();
    let plain = (reads || inserts) && !lexer.escaped;
    Traits { class, multi, copies, forgets, bounds: facts.bounds > 0, plain }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum First {
    #[default]
    Nothing,
    Read,
    With,
    Write,
    Control,
    Prepare,
    Copy,
    Other,
}

/// What the words of a text say about it.
#[derive(Debug, Default)]
struct Facts<'a> {
    first: First,
    /// Statements begun so far, and whether the last has ended.
    statements: usize,
    ended: bool,
    opening: Opening,
    previous: Previous,
    /// How many of them begin or end a transaction.
    bounds: usize,
    /// Blocks open in the body of a function: what ends in there ends no statement.
    routine: bool,
    blocks: usize,
    copy: bool,
    discard: bool,
    /// Seen anywhere: row locks or sequences; INSERT and its like; what makes it `Other`.
    writes: bool,
    modifies: bool,
    session: bool,
    /// The view whose UPDATE sets what it shows.
    settings: bool,
    calls: Calls<'a>,
    row: OneRow<'a>,
}

/// The words of a statement so far, while the next one may say what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Opening {
    /// None yet.
    First,
    Start,
    Prepare,
    Rollback,
    Create,
    #[default]
    Over,
}

/// The word before, where the next one may turn on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Previous {
    #[default]
    Any,
    For,
    Insert,
    Begin,
}

impl<'a> Facts<'a> {
    fn note(&mut self, token: Token<'a>) {
        let piece = piece(&token);
        self.calls.note(piece, &KNOWN);
        self.row.note(piece, &KNOWN);
        let (word, keyword) = match token {
            Token::Escaped => {
                self.session = true;
                (None, false)
            }
            Token::End => {
                self.ended |= self.blocks == 0;
                return;
            }
            Token::Word(word) => (Some(word.to_ascii_lowercase()), true),
            Token::Quoted(name) => (Some(name.to_ascii_lowercase()), false),
            Token::Symbol(b'(') if self.statements == 0 => return,
            Token::Symbol(_) => (None, false),
        };
        if self.statements == 0 || self.ended {
            self.statements += 1;
            self.ended = false;
            self.routine = false;
            self.opening = Opening::First;
            if self.statements == 1 {
                self.first = word.as_deref().map_or(First::Other, first_keyword);
            }
        }
        self.opening = match &word {
            Some(word) if keyword => self.note_keyword(word),
            _ => Opening::Over,
        };
        self.previous = word.map_or(Previous::Any, |word| self.note_word(&word));
    }

    /// What begins and ends: transactions, and blocks in the body of a function.
    fn note_keyword(&mut self, word: &[u8]) -> Opening {
        match word {
            b"atomic" if self.routine && self.previous == Previous::Begin => self.blocks = 1,
            b"case" if self.blocks > 0 => self.blocks += 1,
            b"end" if self.blocks > 0 => self.blocks -= 1,
            _ => {}
        }
        match (self.opening, word) {
            (Opening::First, b"begin" | b"commit" | b"end" | b"abort") => self.bounds += 1,
            (Opening::First, b"start") => return Opening::Start,
            (Opening::First, b"prepare") => return Opening::Prepare,
            (Opening::Start | Opening::Prepare, b"transaction") => self.bounds += 1,
            (Opening::First, b"rollback") => {
                self.bounds += 1;
                return Opening::Rollback;
            }
            (Opening::Rollback, b"work" | b"transaction") => return Opening::Rollback,
            // To a savepoint.
            (Opening::Rollback, b"to") => self.bounds -= 1,
            (Opening::First, b"create") | (Opening::Create, b"or" | b"replace") => {
                return Opening::Create;
            }
            (Opening::Create, b"function" | b"procedure") => self.routine = true,
            _ => {}
        }
        Opening::Over
    }

    fn note_word(&mut self, word: &[u8]) -> Previous {
        let previous = self.previous;
        match word {
            b"for" => return Previous::For,
            b"begin" => return Previous::Begin,
            b"update" | b"share" | b"no" | b"key" if previous == Previous::For => {
                self.writes = true;
            }
            b"insert" | b"merge" => {
                self.modifies = true;
                return Previous::Insert;
            }
            b"update" | b"delete" => self.modifies = true,
            b"into" if previous != Previous::Insert => self.session = true,
            b"nextval" | b"setval" | b"pg_notify" => self.writes = true,
            b"pg_settings" => self.settings = true,
            b"copy" => self.copy = true,
            b"discard" | b"deallocate" => self.discard = true,
            _ => self.session |= is_session_function(word),
        }
        Previous::Any
    }

    fn class(&self) -> Class {
        let rows = match self.first {
            First::Read => Class::Read,
            First::With if self.modifies => Class::Write,
            First::With => Class::Read,
            First::Write => Class::Write,
            First::Control => return Class::Control,
            First::Prepare if self.bounds > 0 => return Class::Control,
            First::Copy if !self.session => return Class::Copy,
            _ => return Class::Other,
        };
        match (self.session || self.settings && self.modifies, self.writes) {
            (true, _) => Class::Other,
            (false, true) => Class::Write,
            (false, false) => rows,
        }
    }
}

fn piece<'a>(token: &Token<'a>) -> Piece<'a> {
    match *token {
        Token::Word(word) => Piece::Word(word),
        Token::Quoted(_) | Token::Escaped => Piece::Name,
        Token::End => Piece::Symbol(b';'),
        Token::Symbol(symbol) => Piece::Symbol(symbol),
    }
}

fn first_keyword(word: &[u8]) -> First {
    match word {
        b"select" | b"values" | b"table" | b"show" => First::Read,
        b"with" => First::With,
        b"insert" | b"update" | b"delete" | b"merge" => First::Write,
        b"begin" | b"start" | b"commit" | b"end" | b"rollback" | b"abort" | b"savepoint"
        | b"release" => First::Control,
        b"prepare" => First::Prepare,
        b"copy" => First::Copy,
        _ => First::Other,
    }
}

fn is_session_function(word: &[u8]) -> bool {
    SESSION_FUNCTIONS.iter().any(|name| name.as_bytes() == word)
        || SESSION_FUNCTION_PREFIXES.iter().any(|prefix| word.starts_with(prefix.as_bytes()))
}

#[cfg(test)]
#[path = "tests/classify.rs"]
mod tests;
