//! Which INSERTs may be stopped on the server and run again: those of one row that call only what
//! is known. Stopped, such a one has done nothing. Where its words leave a doubt it is none of them.

use super::calls::{Calls, Known, Piece};

/// Words of other statements within, and of what has a say in other rows.
const REFUSED: [&[u8]; 7] = [b"select", b"table", b"values", b"with", b"into", b"on", b"set"];

/// Follows a text, piece by piece.
#[derive(Debug, Default)]
pub struct OneRow<'a> {
    place: Place,
    calls: Calls<'a>,
}

/// What has been read so far, or is due next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Insert,
    /// A name of the table, or one more behind a dot.
    TableDue,
    Table,
    /// A name in the list of columns.
    ColumnDue,
    Column,
    Columns,
    Values,
    /// So many parentheses are open.
    Row(usize),
    RowEnd,
    Returning,
    End,
    /// It is none of them.
    Other,
}

impl<'a> OneRow<'a> {
    pub fn note(&mut self, piece: Piece<'a>, known: &Known) {
        // Before a list, of columns or of values, stands no function.
        if matches!(self.place, Place::Row(_) | Place::Returning) {
            self.calls.note(piece, known);
        }
        self.place = self.place.next(piece);
    }

    /// Of the whole text.
    pub fn may_be_stopped(&self) -> bool {
        let ended = matches!(self.place, Place::RowEnd | Place::Returning | Place::End);
        ended && !self.calls.foreign
    }
}

impl Place {
    fn next(self, piece: Piece<'_>) -> Place {
        match (self, piece) {
            (Place::Start, Piece::Word(word)) if is(word, b"insert") => Place::Insert,
            (Place::Insert, Piece::Word(word)) if is(word, b"into") => Place::TableDue,
            (Place::TableDue, Piece::Word(_) | Piece::Name) => Place::Table,
            (Place::Table, Piece::Symbol(b'.')) => Place::TableDue,
            (Place::Table, Piece::Symbol(b'(')) => Place::ColumnDue,
            (Place::ColumnDue, Piece::Word(_) | Piece::Name) => Place::Column,
            (Place::Column, Piece::Symbol(b',')) => Place::ColumnDue,
            (Place::Column, Piece::Symbol(b')')) => Place::Columns,
            (Place::Table | Place::Columns, Piece::Word(word)) if is(word, b"values") => {
                Place::Values
            }
            (Place::Values, Piece::Symbol(b'(')) => Place::Row(1),
            (Place::Row(depth), piece) => within_row(depth, piece),
            (Place::RowEnd, Piece::Word(word)) if is(word, b"returning") => Place::Returning,
            (Place::RowEnd | Place::Returning | Place::End, Piece::Symbol(b';')) => Place::End,
            (Place::Returning, piece) if !is_refused(piece) => Place::Returning,
            _ => Place::Other,
        }
    }
}

fn within_row(depth: usize, piece: Piece<'_>) -> Place {
    match piece {
        Piece::Symbol(b'(') => Place::Row(depth + 1),
        Piece::Symbol(b')') if depth == 1 => Place::RowEnd,
        Piece::Symbol(b')') => Place::Row(depth - 1),
        Piece::Symbol(b';') => Place::Other,
        piece if is_refused(piece) => Place::Other,
        _ => Place::Row(depth),
    }
}

fn is_refused(piece: Piece<'_>) -> bool {
    matches!(piece, Piece::Word(word) if REFUSED.iter().any(|refused| is(word, refused)))
}

fn is(word: &[u8], keyword: &[u8]) -> bool {
    word.eq_ignore_ascii_case(keyword)
}
