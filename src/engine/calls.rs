//! Whether a text of SQL calls functions of the application's, which may write: it has another word
//! before a parenthesis than those that are known, which are words of SQL, types with a length, and
//! functions of the server that change nothing.

use std::collections::HashSet;

const COMMON: &str = "
    all and any as between case cross distinct else except exists from group having in inner
    intersect is join lateral left like limit not offset on or order outer right row select then
    union using values when where window with

    cast char decimal float interval numeric time timestamp varchar

    abs avg bit_and bit_or ceil ceiling char_length coalesce concat concat_ws count cume_dist
    degrees dense_rank div exp extract first_value floor format greatest json_object lag
    last_value lead least length ln localtimestamp log lower lpad ltrim max md5 min mod now
    nth_value ntile nullif octet_length percent_rank pi position power radians rank regexp_replace
    repeat replace reverse round row_number rpad rtrim sign sqrt stddev substr substring sum trim
    upper variance version";

pub struct Known(HashSet<&'static [u8]>);

impl Known {
    /// Those that all servers have, and `own`.
    pub fn with(own: &'static str) -> Known {
        let words = COMMON.split_ascii_whitespace().chain(own.split_ascii_whitespace());
        Known(words.map(str::as_bytes).collect())
    }

    fn has(&self, word: &[u8]) -> bool {
        self.0.contains(&*word.to_ascii_lowercase())
    }
}

/// As much of a token as it takes to tell what is called.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    Word(&'a [u8]),
    /// A name that may be the application's: in quotes, or qualified.
    Name,
    Symbol(u8),
}

/// Follows a text, piece by piece.
#[derive(Debug, Default)]
pub struct Calls<'a> {
    /// Something that is not known.
    pub foreign: bool,
    last: Option<Piece<'a>>,
    /// The one before it.
    before: Option<Piece<'a>>,
    /// What stands behind the parenthesis of a DISTINCT ON may be a call.
    is_distinct_on: bool,
}

impl<'a> Calls<'a> {
    pub fn note(&mut self, piece: Piece<'a>, known: &Known) {
        let next = match (self.last, piece) {
            (Some(Piece::Symbol(b'.')), Piece::Word(_)) => Piece::Name,
            (Some(name), Piece::Symbol(b'(')) => {
                self.foreign |= match name {
                    Piece::Word(word) => !known.has(word) && !self.is_clause(),
                    Piece::Name => true,
                    Piece::Symbol(_) => false,
                };
                self.is_distinct_on |= is(self.before, &["distinct"]) && is(self.last, &["on"]);
                piece
            }
            _ => piece,
        };
        self.before = self.last.replace(next);
    }

    /// Whether the last piece is a word of SQL where it stands: functions may have these names.
    fn is_clause(&self) -> bool {
        if is(self.last, &["by"]) {
            return is(self.before, &["order", "group", "partition"]);
        }
        let closes = matches!(self.before, Some(Piece::Symbol(b')')));
        closes && !self.is_distinct_on && is(self.last, &["filter", "over"])
    }
}

fn is(piece: Option<Piece<'_>>, words: &[&str]) -> bool {
    let Some(Piece::Word(found)) = piece else { return false };
    words.iter().any(|word| found.eq_ignore_ascii_case(word.as_bytes()))
}
