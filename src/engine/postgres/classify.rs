//! Statements by their first keyword: what may share a connection and what may change it.
//!
//! The lexer knows as much of SQL as it takes to tell words from quoted text. Where it cannot be
//! sure the answer is `Class::Other`, which costs speed only.

pub use crate::engine::class::Class;

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
    let mut lexer = Lexer { rest: text.as_bytes(), depth: 0 };
    while let Some(token) = lexer.next_token() {
        facts.note(token);
    }
    let multi = facts.statements > 1;
    let class = if multi { Class::Other } else { facts.class() };
    let copies = facts.first == First::Copy || (multi && facts.copy);
    let forgets = class == Class::Other && facts.discard;
    Traits { class, multi, copies, forgets, bounds: facts.bounds > 0 }
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
struct Facts {
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

impl Facts {
    fn note(&mut self, token: Token<'_>) {
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

#[derive(Debug)]
enum Token<'a> {
    /// A keyword or name.
    Word(&'a [u8]),
    /// The content of a quoted name, which may be a function's.
    Quoted(&'a [u8]),
    /// A name written with escapes, `U&"..."`: whose it is cannot be told from here.
    Escaped,
    /// A semicolon outside parentheses.
    End,
    Symbol(u8),
}

struct Lexer<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let &first = self.rest.first()?;
        if is_name_start(first) {
            let word = self.take_while(is_name_part);
            if word.eq_ignore_ascii_case(b"e") && self.rest.first() == Some(&b'\'') {
                self.skip_quoted(true);
                return Some(Token::Symbol(b'\''));
            }
            if word.eq_ignore_ascii_case(b"u") && self.rest.starts_with(b"&\"") {
                self.rest = &self.rest[1..];
                self.skip_quoted(false);
                return Some(Token::Escaped);
            }
            return Some(Token::Word(word));
        }
        match first {
            b'"' => return Some(Token::Quoted(self.skip_quoted(false))),
            b'\'' => {
                self.skip_quoted(false);
                return Some(Token::Symbol(first));
            }
            b'$' if self.skip_dollar_quoted() => return Some(Token::Symbol(first)),
            b'(' => self.depth += 1,
            b')' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.rest = &self.rest[1..];
        // Rules have several statements in parentheses; they are one to the protocol.
        let ends = first == b';' && self.depth == 0;
        Some(if ends { Token::End } else { Token::Symbol(first) })
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().take_while(|&&byte| wanted(byte)).count();
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
            if self.rest.starts_with(b"--") {
                self.take_while(|byte| byte != b'\n' && byte != b'\r');
            } else if self.rest.starts_with(b"/*") {
                self.skip_comment();
            } else {
                return;
            }
        }
    }

    /// Block comments nest.
    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        while !self.rest.is_empty() {
            let step = if self.rest.starts_with(b"/*") {
                depth += 1;
                2
            } else if self.rest.starts_with(b"*/") {
                depth -= 1;
                2
            } else {
                1
            };
            self.rest = &self.rest[step..];
            if depth == 0 {
                return;
            }
        }
    }

    /// From one quote to its like; a doubled one is part of the text. Returns the content.
    fn skip_quoted(&mut self, backslashes: bool) -> &'a [u8] {
        let text = self.rest;
        let quote = text[0];
        let mut at = 1;
        while at < text.len() {
            if backslashes && text[at] == b'\\' {
                at += 2;
            } else if text[at] != quote {
                at += 1;
            } else if text.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                self.rest = &text[at + 1..];
                return &text[1..at];
            }
        }
        self.rest = &[];
        &text[1..]
    }

    /// `$tag$ ... $tag$`; false when the dollar begins no such quote.
    fn skip_dollar_quoted(&mut self) -> bool {
        let text = self.rest;
        let Some(length) = text[1..].iter().position(|&byte| byte == b'$') else { return false };
        let tag = &text[1..=length];
        let is_tag = tag.first().is_none_or(|&first| is_name_start(first))
            && tag.iter().all(|&byte| is_name_part(byte));
        if !is_tag {
            return false;
        }
        let delimiter = &text[..length + 2];
        let body = &text[delimiter.len()..];
        let end = body.windows(delimiter.len()).position(|window| window == delimiter);
        self.rest = end.map_or(&[], |end| &body[end + delimiter.len()..]);
        true
    }
}

/// The plain words of a text: keywords and names that are neither quoted nor qualified.
pub(super) struct Words<'a> {
    lexer: Lexer<'a>,
    qualified: bool,
}

pub(super) struct Word<'a> {
    text: &'a [u8],
    /// How many parentheses are open around it.
    pub depth: usize,
}

impl Word<'_> {
    pub fn is(&self, keyword: &[u8]) -> bool {
        self.text.eq_ignore_ascii_case(keyword)
    }
}

impl<'a> Words<'a> {
    pub fn new(text: &'a str) -> Words<'a> {
        Words { lexer: Lexer { rest: text.as_bytes(), depth: 0 }, qualified: false }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        loop {
            let token = self.lexer.next_token()?;
            let qualified = std::mem::take(&mut self.qualified);
            match token {
                Token::Word(text) if !qualified => {
                    return Some(Word { text, depth: self.lexer.depth });
                }
                Token::Symbol(symbol) => self.qualified = symbol == b'.',
                Token::Word(_) | Token::Quoted(_) | Token::Escaped | Token::End => {}
            }
        }
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_name_part(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

#[cfg(test)]
#[path = "tests/classify.rs"]
mod tests;
