//! Whether a text of SQL calls functions of the application's, which may write: it has another word
//! before a parenthesis than those that are known, which are words of SQL, types with a length, and
//! functions of the server that change nothing.

use std::collections::HashSet;

const COMMON: &str = "
    all and any as between by case cross distinct else except exists from group having in inner
    intersect is join lateral left like limit not offset on or order outer right rollup row
    select then union using values when where window with

    cast char decimal float interval numeric time timestamp varchar

    abs avg bit_and bit_or ceil ceiling char_length coalesce concat concat_ws count cume_dist
    degrees dense_rank div exp extract first_value floor format greatest json_object lag
    last_value lead least length ln localtimestamp log lower lpad ltrim max md5 min mod now
    nth_value ntile nullif octet_length percent_rank pi position power radians rank regexp_replace
    repeat replace reverse round row_number rpad rtrim sign sqrt stddev substr substring sum trim
    upper variance version";

/// Words of SQL as well, but behind a parenthesis only: functions may have these names.
const CLAUSES: [&[u8]; 2] = [b"filter", b"over"];

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
    /// The last one follows a closing parenthesis.
    is_behind: bool,
}

impl<'a> Calls<'a> {
    pub fn note(&mut self, piece: Piece<'a>, known: &Known) {
        let closes = matches!(self.last, Some(Piece::Symbol(b')')));
        self.last = Some(match (self.last, piece) {
            (Some(Piece::Symbol(b'.')), Piece::Word(_)) => Piece::Name,
            (Some(name), Piece::Symbol(b'(')) => {
                self.foreign |= match name {
                    Piece::Word(word) => {
                        !(known.has(word) || self.is_behind && begins_clause(word))
                    }
                    Piece::Name => true,
                    Piece::Symbol(_) => false,
                };
                piece
            }
            _ => piece,
        });
        self.is_behind = closes;
    }
}

fn begins_clause(word: &[u8]) -> bool {
    CLAUSES.iter().any(|clause| word.eq_ignore_ascii_case(clause))
}
