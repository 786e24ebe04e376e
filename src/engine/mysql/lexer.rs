//! As much of MySQL's lexis as it takes to tell words from quoted text.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or name that is neither quoted nor qualified.
    Word(&'a [u8]),
    /// `:=`, which sets a variable of the session.
    Assign,
    /// `?`
    Placeholder,
    /// A comment that is executed: `/*! ... */`.
    Executable,
    /// A semicolon.
    End,
    Symbol(u8),
}

pub(super) struct Lexer<'a> {
    rest: &'a [u8],
    /// A backslash in a string escapes what follows it: not where `NO_BACKSLASH_ESCAPES` is set.
    escapes: bool,
    /// There was one.
    pub escaped: bool,
    qualified: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str, escapes: bool) -> Lexer<'a> {
        Lexer { rest: text.as_bytes(), escapes, escaped: false, qualified: false }
    }

    pub fn next_token(&mut self) -> Option<Token<'a>> {
        loop {
            self.take_while(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
            if !self.is_comment() {
                break;
            }
            let executable = self.skip_comment();
            if executable {
                return Some(Token::Executable);
            }
        }
        let qualified = std::mem::take(&mut self.qualified);
        let &first = self.rest.first()?;
        if is_name_part(first) {
            let word = self.take_while(is_name_part);
            // A name may begin with digits, a keyword does not.
            let is_name = qualified || first.is_ascii_digit();
            return Some(if is_name { Token::Symbol(b'_') } else { Token::Word(word) });
        }
        Some(self.take_symbol(first))
    }

    fn take_symbol(&mut self, first: u8) -> Token<'a> {
        let second = self.rest.get(1).copied();
        match (first, second) {
            (b'\'' | b'"', _) => self.skip_quoted(self.escapes),
            (b'`', _) => self.skip_quoted(false),
            (b'@', _) => self.skip_variable(),
            (b':', Some(b'=')) => {
                self.rest = &self.rest[2..];
                return Token::Assign;
            }
            _ => self.rest = &self.rest[1..],
        }
        self.qualified = first == b'.';
        match first {
            b'?' => Token::Placeholder,
            b';' => Token::End,
            other => Token::Symbol(other),
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().take_while(|&&byte| wanted(byte)).count();
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// `--` begins one only before a blank: `5--1` is six.
    fn is_comment(&self) -> bool {
        match self.rest {
            [b'#', ..] | [b'/', b'*', ..] => true,
            [b'-', b'-', after, ..] => after.is_ascii_whitespace() || after.is_ascii_control(),
            [b'-', b'-'] => true,
            _ => false,
        }
    }

    /// Whether it is one that is executed. Comments do not nest.
    fn skip_comment(&mut self) -> bool {
        if self.rest[0] != b'/' {
            self.take_while(|byte| byte != b'\n');
            return false;
        }
        let body = &self.rest[2..];
        let end = body.windows(2).position(|pair| pair == b"*/");
        self.rest = end.map_or(&[], |end| &body[end + 2..]);
        body.starts_with(b"!") || body.starts_with(b"M!")
    }

    /// From one quote to its like; a doubled one is part of the text.
    fn skip_quoted(&mut self, escapes: bool) {
        let text = self.rest;
        let quote = text[0];
        let mut at = 1;
        while at < text.len() {
            if text[at] == b'\\' && quote != b'`' {
                self.escaped = true;
                at += if escapes { 2 } else { 1 };
            } else if text[at] != quote {
                at += 1;
            } else if text.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                self.rest = &text[at + 1..];
                return;
            }
        }
        self.rest = &[];
    }

    /// `@name`, `@'name'`, `@@global.name`
    fn skip_variable(&mut self) {
        self.take_while(|byte| byte == b'@');
        match self.rest.first() {
            Some(b'\'' | b'"' | b'`') => self.skip_quoted(self.escapes),
            _ => {
                self.take_while(|byte| is_name_part(byte) || byte == b'.');
            }
        }
    }
}

fn is_name_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
