//! As much of PostgreSQL's lexis as it takes to tell words from quoted text.

#[derive(Debug)]
pub(super) enum Token<'a> {
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

pub(super) struct Lexer<'a> {
    rest: &'a [u8],
    depth: usize,
    /// There was a backslash in an ordinary text: it escapes what follows it where
    /// `standard_conforming_strings` is off.
    pub escaped: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Lexer<'a> {
        Lexer { rest: text.as_bytes(), depth: 0, escaped: false }
    }

    pub fn next_token(&mut self) -> Option<Token<'a>> {
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
                self.escaped |= self.skip_quoted(false).contains(&b'\\');
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
        Words { lexer: Lexer::new(text), qualified: false }
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
