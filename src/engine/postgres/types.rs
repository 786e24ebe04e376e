//! Result columns: what RowDescription says, and how each column travels to JavaScript.

use super::cells::{self, Cell};
pub use crate::core::options::Int8;
pub use crate::engine::error::CellError;
use crate::engine::replies::{Describe, ShapeId};
use crate::wire::chunk::Chunk;

/// Object ids of the built-in types that get more than their text. They are fixed for ever.
pub mod oid {
    pub const BOOL: u32 = 16;
    pub const BYTEA: u32 = 17;
    pub const INT8: u32 = 20;
    pub const INT2: u32 = 21;
    pub const INT4: u32 = 23;
    pub const OID: u32 = 26;
    pub const JSON: u32 = 114;
    pub const FLOAT4: u32 = 700;
    pub const FLOAT8: u32 = 701;
    pub const TIMESTAMP: u32 = 1114;
    pub const TIMESTAMPTZ: u32 = 1184;
    pub const JSONB: u32 = 3802;
    pub const INT2_ARRAY: u32 = 1005;
    pub const INT4_ARRAY: u32 = 1007;
    pub const TEXT_ARRAY: u32 = 1009;
    pub const VARCHAR_ARRAY: u32 = 1015;
    pub const UUID_ARRAY: u32 = 2951;
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeOptions {
    pub int8: Int8,
    pub decoding: Decoding,
}

/// What becomes of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decoding {
    #[default]
    Native,
    /// As the parsers of the `pg-types` package read them, lenient where those are.
    Peer,
    /// The server's text, whatever the type.
    Text,
    /// The bytes of the binary form, whatever the type.
    Bytes,
}

/// The stream in which a cell travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Int,
    Bool,
    Float,
    Text,
    Bytes,
    /// Arrays: see `arrays`.
    Ints,
    Texts,
}

impl Wire {
    /// The letter under which the row decoder in JavaScript knows the stream.
    pub fn letter(self) -> char {
        match self {
            Wire::Int => 'i',
            Wire::Bool => 'b',
            Wire::Float => 'f',
            Wire::Text => 't',
            Wire::Bytes => 'x',
            Wire::Ints => 'I',
            Wire::Texts => 'T',
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// Table and attribute number the column comes from, or 0.
    pub table: u32,
    pub column: i16,
    pub type_oid: u32,
    /// Length of the type, negative when variable.
    pub size: i16,
    pub modifier: i32,
    pub wire: Wire,
}

/// The shape of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub list: Vec<Column>,
    /// Identity of the shape: equal keys mean equal names, types and decoding. It is the
    /// RowDescription with its format codes zeroed, then the type options.
    pub key: Box<[u8]>,
    /// How to read each column; apart from `list` because the hot loop needs nothing else of it.
    cells: Box<[Cell]>,
    shape: ShapeId,
}

impl Describe for Columns {
    fn id(&self) -> &ShapeId {
        &self.shape
    }

    fn key(&self) -> &[u8] {
        &self.key
    }

    fn describe(&self) -> Vec<u8> {
        let columns: Vec<serde_json::Value> = self
            .list
            .iter()
            .map(|column| {
                serde_json::json!({
                    "name": column.name,
                    "tableId": column.table,
                    "columnId": column.column,
                    "dataTypeId": column.type_oid,
                    "dataTypeSize": column.size,
                    "dataTypeModifier": column.modifier,
                    "wire": column.wire.letter(),
                })
            })
            .collect();
        serde_json::Value::from(columns).to_string().into_bytes()
    }
}

/// A server message that is cut short or contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

impl TypeOptions {
    /// Tells shapes apart that differ in nothing else.
    fn key(&self) -> u8 {
        self.int8 as u8 | (self.decoding as u8) << 4
    }
}

impl Columns {
    /// Reads the body of a RowDescription (all that follows the message's length).
    pub fn parse(body: &[u8], options: &TypeOptions) -> Result<Columns, Malformed> {
        const CUT: Malformed = Malformed("RowDescription is cut short");
        let mut rest = body;
        let count = usize::from(u16::from_be_bytes(take(&mut rest).ok_or(CUT)?));
        // A column takes at least 19 bytes, so a false count cannot make us reserve much.
        let room = count.min(rest.len() / 19);
        let mut list = Vec::with_capacity(room);
        let mut readers = Vec::with_capacity(room);
        let mut key = body.to_vec();
        for _ in 0..count {
            let (column, cell) = parse_column(&mut rest, options).ok_or(CUT)?;
            let format_at = body.len() - rest.len() - 2;
            key[format_at..format_at + 2].fill(0);
            list.push(column);
            readers.push(cell);
        }
        if !rest.is_empty() {
            return Err(Malformed("RowDescription is longer than its columns"));
        }
        key.push(options.key());
        Ok(Columns { list, key: key.into(), cells: readers.into(), shape: ShapeId::default() })
    }

    /// Whether this is what `parse` would make of a body whose format codes are zero.
    pub fn is_of(&self, body: &[u8], options: &TypeOptions) -> bool {
        self.key.split_last() == Some((&options.key(), body))
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

fn parse_column(rest: &mut &[u8], options: &TypeOptions) -> Option<(Column, Cell)> {
    let end = rest.iter().position(|&byte| byte == 0)?;
    let name = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[end + 1..];
    let table = u32::from_be_bytes(take(rest)?);
    let attribute = i16::from_be_bytes(take(rest)?);
    let type_oid = u32::from_be_bytes(take(rest)?);
    let size = i16::from_be_bytes(take(rest)?);
    let modifier = i32::from_be_bytes(take(rest)?);
    let _format: [u8; 2] = take(rest)?;
    let cell = Cell::of(type_oid, options);
    let wire = cell.wire();
    Some((Column { name, table, column: attribute, type_oid, size, modifier, wire }, cell))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*first)
}

/// Format code per column to ask for in Bind: binary (1) where we read it, text (0) elsewhere.
/// Rows that come so are given to `write_row` with `binary` set.
pub fn result_formats(columns: &Columns) -> impl ExactSizeIterator<Item = i16> + '_ {
    columns.cells.iter().map(|cell| i16::from(cell.has_binary()))
}

/// Appends one row to the chunk; on an error the chunk is as before.
///
/// `body` is the DataRow after its count of columns, `binary` whether it was asked for with
/// `result_formats`. Both forms of a value write the same cell.
pub fn write_row(
    chunk: &mut Chunk,
    columns: &Columns,
    binary: bool,
    body: &[u8],
) -> Result<(), CellError> {
    let mark = chunk.mark();
    let row = chunk.begin_row(columns.cells.len());
    let mut rest = body;
    for (index, &cell) in columns.cells.iter().enumerate() {
        let Some(value) = next_value(&mut rest) else {
            chunk.rewind(mark);
            return Err(malformed_row());
        };
        match value {
            None => chunk.null(row, index),
            Some(value) => {
                if let Err(fault) = cell.write(chunk, binary, value) {
                    chunk.rewind(mark);
                    return Err(cells::error(fault, &columns.list[index]));
                }
            }
        }
    }
    if !rest.is_empty() {
        chunk.rewind(mark);
        return Err(malformed_row());
    }
    chunk.end_row();
    Ok(())
}

/// The next value: `None` when the row is cut short, `Some(None)` for NULL.
#[inline]
fn next_value<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = i32::from_be_bytes(take(rest)?);
    if length < 0 {
        return (length == -1).then_some(None);
    }
    let (value, tail) = rest.split_at_checked(length as usize)?;
    *rest = tail;
    Some(Some(value))
}

#[cold]
fn malformed_row() -> CellError {
    CellError {
        column: String::new(),
        message: "the server sent a malformed row".into(),
        code: "ERR_POLYPOOL_PROTOCOL",
    }
}

#[cfg(test)]
#[path = "tests/types.rs"]
mod tests;
