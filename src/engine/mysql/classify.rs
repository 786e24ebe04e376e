//! Statements by their words: what may share a connection and what may change it.
//!
//! Where it cannot be sure the answer is `Class::Other`, which costs speed only.

use super::harmless::KNOWN;
use super::lexer::{Lexer, Token};
use crate::engine::calls::{Calls, Piece};
pub use crate::engine::class::Class;
use crate::engine::insert::OneRow;
use crate::engine::session::Direction;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    pub class: Class,
    /// Several statements.
    pub multi: bool,
    /// One LOAD DATA LOCAL, whose file is the client's, and nothing else.
    pub copy: Option<Direction>,
    /// Begins or ends a transaction, as most DDL does; savepoints do neither.
    pub bounds: bool,
    /// A read that changes nothing, should it run outside of the transaction it is meant for: it calls
    /// no function of the application's. What it locks there is free again when it is over.
    pub harmless: bool,
    /// A read that may run twice, and on any connection, or an INSERT that may run again when the
    /// server has stopped it, whatever plain values become part of its text.
    pub plain: bool,
    /// May leave another default database behind.
    pub moves: bool,
    /// May change what a text means: the default database, or how it is read.
    pub forgets: bool,
    /// Its parameters; `None` where that cannot be told from the text.
    pub placeholders: Option<usize>,
    /// The first word of each statement.
    pub commands: Vec<String>,
}

/// Functions that change the session.
const SESSION_FUNCTIONS: [&[u8]; 3] = [b"get_lock", b"release_lock", b"release_all_locks"];
const SESSION_FUNCTION_PREFIXES: [&[u8]; 2] = [b"service_get_", b"service_release_"];

/// Looks at a text once, when it is first seen.
pub(super) fn examine(text: &str) -> Traits {
    let (mut traits, escaped) = read(text, true);
    traits.plain &= has_plain_marks(text, traits.placeholders);
    if !escaped {
        return traits;
    }
    // A session's sql_mode decides where its strings end.
    let (mut other, _) = read(text, false);
    other.plain &= traits.plain;
    if other == traits {
        return traits;
    }
    Traits {
        class: Class::Other,
        multi: traits.multi || other.multi,
        copy: None,
        bounds: traits.bounds || other.bounds,
        harmless: false,
        plain: false,
        moves: traits.moves || other.moves,
        forgets: true,
        placeholders: None,
        commands: traits.commands,
    }
}

fn read(text: &str, escapes: bool) -> (Traits, bool) {
    let mut facts = Facts::default();
    let mut lexer = Lexer::new(text, escapes);
    while let Some(token) = lexer.next_token() {
        facts.note(token);
    }
    (facts.traits(), lexer.escaped)
}

/// Whether it has no marks that names stand for, `??`, nor any in quotes or comments: values may be
/// written there as well, by whoever makes one text of both.
fn has_plain_marks(text: &str, placeholders: Option<usize>) -> bool {
    !text.contains("??") && Some(text.matches('?').count()) == placeholders
}

/// What a statement begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum First {
    #[default]
    Nothing,
    Read,
    With,
    Write,
    Control,
    /// `SET TRANSACTION`, for the one that begins next.
    SetTransaction,
    Load,
    Other,
}

/// The word before, where the next one may turn on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Previous {
    #[default]
    Any,
    Start,
    Begin,
    Set,
    Create,
    Drop,
    Lock,
    Load,
    Rollback,
    Xa,
    For,
    Next,
}

/// What the words of a text say about it.
#[derive(Debug, Default)]
struct Facts<'a> {
    first: First,
    previous: Previous,
    /// Statements begun so far, and whether the last has ended.
    commands: Vec<String>,
    open: bool,
    /// All of them so far control transactions.
    controls: bool,
    /// How many of them begin or end a transaction.
    bounds: usize,
    moves: bool,
    sets: bool,
    local: bool,
    placeholders: usize,
    executable: bool,
    /// Seen anywhere: row locks or sequences; INSERT and its like; what makes it `Other`.
    writes: bool,
    modifies: bool,
    session: bool,
    /// What its connection knows: variables, of which rows were counted.
    private: bool,
    calls: Calls<'a>,
    row: OneRow<'a>,
}

impl<'a> Facts<'a> {
    fn note(&mut self, token: Token<'a>) {
        let piece = piece(token);
        self.calls.note(piece, &KNOWN);
        self.row.note(piece, &KNOWN);
        match token {
            Token::End => self.end(),
            Token::Word(word) => self.note_word(&word.to_ascii_lowercase()),
            Token::Symbol(b'(') if !self.open => {}
            other => {
                self.begin("", First::Other);
                self.previous = Previous::Any;
                match other {
                    Token::Placeholder => self.placeholders += 1,
                    Token::Assign => self.session = true,
                    Token::Executable => self.executable = true,
                    Token::Symbol(b'@') => self.private = true,
                    _ => {}
                }
            }
        }
    }

    /// The first token of a statement; nothing within one.
    fn begin(&mut self, command: &str, first: First) -> bool {
        if self.open {
            return false;
        }
        self.controls = match self.commands.is_empty() {
            true => true,
            false => self.controls && self.is_control(),
        };
        self.open = true;
        self.first = first;
        self.commands.push(command.to_ascii_uppercase());
        true
    }

    fn end(&mut self) {
        self.open = false;
        self.previous = Previous::Any;
    }

    fn is_control(&self) -> bool {
        matches!(self.first, First::Control | First::SetTransaction)
    }

    fn note_word(&mut self, word: &[u8]) {
        let begins = self.begin(&String::from_utf8_lossy(word), first_keyword(word));
        let previous = std::mem::take(&mut self.previous);
        if begins {
            self.note_first(word);
        } else {
            self.note_second(previous, word);
            self.note_any(previous, word);
        }
    }

    fn note_first(&mut self, word: &[u8]) {
        self.bounds += usize::from(commits(word));
        self.previous = match word {
            b"start" => Previous::Start,
            b"begin" => Previous::Begin,
            b"set" => Previous::Set,
            b"create" => Previous::Create,
            b"drop" => Previous::Drop,
            b"lock" | b"unlock" => Previous::Lock,
            b"load" => Previous::Load,
            b"rollback" => Previous::Rollback,
            b"xa" => Previous::Xa,
            _ => Previous::Any,
        };
        self.moves |= matches!(word, b"use" | b"drop");
        self.sets |= word == b"set";
        self.modifies |= matches!(word, b"insert" | b"update" | b"delete" | b"replace");
    }

    /// The second word of a statement, where it says what the first has not.
    fn note_second(&mut self, previous: Previous, word: &[u8]) {
        match (previous, word) {
            (Previous::Start, b"transaction") => {
                self.first = First::Control;
                self.bounds += 1;
            }
            // A block of statements, which begins no transaction.
            (Previous::Begin, b"not") => {
                self.first = First::Other;
                self.bounds -= 1;
            }
            (Previous::Set, b"transaction") => self.first = First::SetTransaction,
            // `SET autocommit = 1` ends a transaction.
            (Previous::Set, b"autocommit" | b"password") => self.bounds += 1,
            (Previous::Create | Previous::Drop, b"temporary") => self.bounds -= 1,
            (Previous::Create, b"or") => self.previous = Previous::Create,
            (Previous::Create, b"replace") => self.previous = Previous::Create,
            (Previous::Lock, b"tables" | b"table") => self.bounds += 1,
            (Previous::Load, b"data" | b"xml") => self.first = First::Load,
            (Previous::Rollback, b"work") => self.previous = Previous::Rollback,
            // To a savepoint.
            (Previous::Rollback, b"to") => self.bounds -= 1,
            (Previous::Xa, b"start" | b"begin" | b"prepare" | b"commit" | b"rollback") => {
                self.bounds += 1;
            }
            _ => {}
        }
    }

    fn note_any(&mut self, previous: Previous, word: &[u8]) {
        match word {
            b"for" => self.previous = Previous::For,
            b"next" => self.previous = Previous::Next,
            b"lock" => self.previous = Previous::Lock,
            b"update" | b"share" if previous == Previous::For => self.writes = true,
            b"in" if previous == Previous::Lock => self.writes = true,
            b"value" if previous == Previous::Next => self.writes = true,
            b"nextval" | b"setval" => self.writes = true,
            b"insert" | b"update" | b"delete" | b"replace" => self.modifies = true,
            b"into" if self.first != First::Write => self.session = true,
            b"local" => self.local = true,
            b"sql_calc_found_rows" => self.private = true,
            _ => self.session |= is_session_function(word),
        }
    }

    fn traits(self) -> Traits {
        let multi = self.commands.len() > 1;
        let copy = self.local && !multi && self.first == First::Load;
        let class = if multi { self.class_of_several() } else { self.class() };
        let harmless = !multi && self.is_harmless();
        Traits {
            class,
            multi,
            copy: copy.then_some(Direction::In),
            bounds: self.bounds > 0,
            harmless,
            plain: !self.private && self.is_plain(class, harmless),
            moves: self.moves || self.executable,
            forgets: self.moves || self.executable || self.sets,
            placeholders: (!self.executable).then_some(self.placeholders),
            commands: self.commands,
        }
    }

    fn is_plain(&self, class: Class, harmless: bool) -> bool {
        match class {
            Class::Read => harmless,
            Class::Write => self.row.may_be_stopped(),
            Class::Control | Class::Copy | Class::Other => false,
        }
    }

    fn is_harmless(&self) -> bool {
        let reads = match self.commands.first().map(String::as_str) {
            Some("WITH") => !self.modifies,
            Some(command) => matches!(command, "SELECT" | "TABLE" | "VALUES"),
            None => false,
        };
        reads && !self.calls.foreign && !self.session && !self.executable
    }

    /// A transaction with its characteristics is begun by two.
    fn class_of_several(&self) -> Class {
        let controls = self.controls && self.first == First::Control && !self.executable;
        if controls { Class::Control } else { Class::Other }
    }

    fn class(&self) -> Class {
        let rows = match self.first {
            _ if self.executable => return Class::Other,
            First::With if self.modifies => Class::Write,
            First::Read | First::With => Class::Read,
            First::Write => Class::Write,
            First::Control => return Class::Control,
            // INTO is part of it.
            First::Load => return Class::Copy,
            First::Nothing | First::SetTransaction | First::Other => return Class::Other,
        };
        match (self.session, self.writes) {
            (true, _) => Class::Other,
            (false, true) => Class::Write,
            (false, false) => rows,
        }
    }
}

/// What is in quotes may be a name.
fn piece(token: Token<'_>) -> Piece<'_> {
    match token {
        Token::Word(word) => Piece::Word(word),
        Token::Symbol(b'_' | b'`' | b'"') => Piece::Name,
        Token::Symbol(symbol) => Piece::Symbol(symbol),
        Token::Placeholder => Piece::Symbol(b'?'),
        Token::Assign | Token::Executable => Piece::Symbol(b'='),
        Token::End => Piece::Symbol(b';'),
    }
}

fn first_keyword(word: &[u8]) -> First {
    match word {
        b"select" | b"values" | b"table" | b"show" | b"explain" | b"describe" | b"desc" => {
            First::Read
        }
        b"with" => First::With,
        b"insert" | b"update" | b"delete" | b"replace" => First::Write,
        b"begin" | b"commit" | b"rollback" | b"savepoint" | b"release" => First::Control,
        _ => First::Other,
    }
}

/// Statements that end a transaction, most of them without a word.
fn commits(word: &[u8]) -> bool {
    matches!(
        word,
        b"begin"
            | b"commit"
            | b"rollback"
            | b"create"
            | b"alter"
            | b"drop"
            | b"truncate"
            | b"rename"
            | b"grant"
            | b"revoke"
            | b"analyze"
            | b"optimize"
            | b"repair"
            | b"check"
            | b"cache"
            | b"flush"
            | b"reset"
            | b"install"
            | b"uninstall"
    )
}

fn is_session_function(word: &[u8]) -> bool {
    SESSION_FUNCTIONS.contains(&word)
        || SESSION_FUNCTION_PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

#[cfg(test)]
#[path = "tests/classify.rs"]
mod tests;
