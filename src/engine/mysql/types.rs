//! Result columns: what their definitions say, and how each column travels to JavaScript.

use super::cells::{self, Cell};
use super::codec::{take, take_bytes, take_integer, take_text, take_u16, take_u32};
pub use crate::core::options::Int8;
pub use crate::engine::error::CellError;
use crate::engine::replies::{Describe, ShapeId};
use crate::wire::chunk::Chunk;
use mysql_common::constants::ColumnType;

/// The collation of bytes that are no text.
pub const BINARY: u16 = 63;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeOptions {
    pub int8: Int8,
    /// Definitions say what stands behind a type (MariaDB).
    pub extended: bool,
    /// As the caller of a command wants them, if it says so.
    pub reading: Option<Reading>,
}

/// How the cells of a command's results are read, beside what is always the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// They come in the binary form.
    pub binary: bool,
    /// All as the bytes that the server sends.
    pub raw: bool,
    /// Large integers as digits, not as the nearest number.
    pub digits: bool,
    /// Dates as the server sends them.
    pub dates: bool,
}

impl Reading {
    /// From the bits of `READING` in `lib/compat/mysql2`.
    pub fn of(bits: i32, binary: bool) -> Reading {
        let has = |bit| bits & bit != 0;
        Reading { binary, raw: has(1), digits: has(2), dates: has(4) }
    }
}

/// The stream in which a cell travels, and what JavaScript makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Int,
    Float,
    Text,
    Bytes,
    /// A float that is a Date; texts that are JSON or a BigInt.
    Date,
    Json,
    BigInt,
}

impl Wire {
    /// The letter under which the row decoder in JavaScript knows it.
    pub fn letter(self) -> char {
        match self {
            Wire::Int => 'i',
            Wire::Float => 'f',
            Wire::Text => 't',
            Wire::Bytes => 'x',
            Wire::Date => 'd',
            Wire::Json => 'j',
            Wire::BigInt => 'n',
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub schema: String,
    pub table: String,
    pub original_table: String,
    pub name: String,
    pub original_name: String,
    pub collation: u16,
    pub length: u32,
    pub kind: u8,
    pub flags: u16,
    pub decimals: u8,
    /// What MariaDB says beyond the type: of JSON, UUID, INET6 and others.
    pub extension: Option<Extension>,
    pub wire: Wire,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    Json,
    /// UUID, INET4, INET6: texts, whatever their collation.
    Text,
    Other,
}

/// The shape of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub list: Vec<Column>,
    /// Identity of the shape: `KEY`, the options, then each definition behind its length.
    key: Box<[u8]>,
    /// How to read each column; apart from `list` because the hot loop needs nothing else of it.
    cells: Box<[Cell]>,
    shape: ShapeId,
}

/// Begins no RowDescription of PostgreSQL, whose shapes are numbered together with ours.
const KEY: u8 = 0xff;
/// Where the definitions begin in a key.
const HEAD: usize = 2;

impl Describe for Columns {
    fn id(&self) -> &ShapeId {
        &self.shape
    }

    fn key(&self) -> &[u8] {
        &self.key
    }

    fn describe(&self) -> Vec<u8> {
        if self.key[1] & TypeOptions::READING != 0 {
            return self.describe_packets();
        }
        let describe = |column: &Column| {
            serde_json::json!({
                "name": column.name,
                // Tables have names here, and no numbers.
                "tableId": 0,
                "columnId": 0,
                "dataTypeId": column.kind,
                "dataTypeSize": column.length,
                "dataTypeModifier": column.decimals,
                "schema": column.schema,
                "table": column.table,
                "originalTable": column.original_table,
                "originalName": column.original_name,
                "collation": column.collation,
                "flags": column.flags,
                "wire": column.wire.letter(),
            })
        };
        let columns: Vec<serde_json::Value> = self.list.iter().map(describe).collect();
        serde_json::Value::from(columns).to_string().into_bytes()
    }
}

impl TypeOptions {
    /// Set in the keys of those that say how to read.
    const READING: u8 = 0x80;
    const EXTENDED: u8 = 0x10;

    pub(super) fn key(&self) -> u8 {
        let reading = self.reading.map_or(0, |reading| {
            let Reading { binary, raw, digits, dates } = reading;
            let bits = [raw, digits, dates, binary].map(u8::from);
            0x80 | bits[0] << 5 | bits[1] << 6 | bits[2] << 3 | bits[3] << 2
        });
        reading
            | u8::from(self.extended) << 4
            | match self.int8 {
                Int8::Number => 0,
                Int8::BigInt => 1,
                Int8::Text => 2,
            }
    }
}

/// Appends a definition to a list of them.
pub(super) fn push_definition(list: &mut Vec<u8>, body: &[u8]) {
    let length = u32::try_from(body.len()).expect("a packet is at most 1 GiB");
    list.extend_from_slice(&length.to_le_bytes());
    list.extend_from_slice(body);
}

impl Columns {
    /// Reads definitions as `push_definition` has put them; `None` when one is malformed.
    pub fn parse(definitions: &[u8], options: &TypeOptions) -> Option<Columns> {
        let mut key = Vec::with_capacity(HEAD + definitions.len());
        key.extend_from_slice(&[KEY, options.key()]);
        key.extend_from_slice(definitions);
        let (mut list, mut readers) = (Vec::new(), Vec::new());
        let mut rest = definitions;
        while let Some(length) = take_u32(&mut rest) {
            let (body, tail) = rest.split_at_checked(length as usize)?;
            let (column, cell) = parse_definition(body, options)?;
            list.push(column);
            readers.push(cell);
            rest = tail;
        }
        Some(Columns { list, key: key.into(), cells: readers.into(), shape: ShapeId::default() })
    }

    /// How many bytes the definition takes in what `parse` was given, if it is the one at `at`.
    #[inline]
    pub fn matches(&self, at: usize, body: &[u8]) -> Option<usize> {
        let mut rest = self.definitions().get(at..)?;
        let length = take_u32(&mut rest)? as usize;
        (length == body.len() && rest.starts_with(body)).then_some(4 + length)
    }

    /// Each definition as it came, for a caller that reads it itself.
    fn describe_packets(&self) -> Vec<u8> {
        let mut rest = self.definitions();
        let packets = self.list.iter().filter_map(|column| {
            let length = take_u32(&mut rest)? as usize;
            let (body, tail) = rest.split_at_checked(length)?;
            rest = tail;
            let definition: String = body.iter().copied().map(char::from).collect();
            Some(serde_json::json!({ "name": column.name, "wire": column.wire.letter(),
                "definition": definition, "extended": self.key[1] & TypeOptions::EXTENDED != 0 }))
        });
        let packets: Vec<serde_json::Value> = packets.collect();
        serde_json::Value::from(packets).to_string().into_bytes()
    }

    /// Whether they were read with these options: pools that differ in them share statements.
    pub fn is_of(&self, options: &TypeOptions) -> bool {
        self.key[1] == options.key()
    }

    pub fn definitions(&self) -> &[u8] {
        &self.key[HEAD..]
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

fn parse_definition(body: &[u8], options: &TypeOptions) -> Option<(Column, Cell)> {
    let mut body = body;
    let rest = &mut body;
    let _catalog = take_bytes(rest)?;
    let schema = take_text(rest)?;
    let table = take_text(rest)?;
    let original_table = take_text(rest)?;
    let name = take_text(rest)?;
    let original_name = take_text(rest)?;
    let extension = if options.extended { parse_extension(take_bytes(rest)?)? } else { None };
    // The length of what follows.
    if take_integer(rest)? < 10 {
        return None;
    }
    let collation = take_u16(rest)?;
    let length = take_u32(rest)?;
    let [kind] = take(rest)?;
    let flags = take_u16(rest)?;
    let [decimals] = take(rest)?;
    let mut column = Column {
        schema,
        table,
        original_table,
        name,
        original_name,
        collation,
        length,
        kind,
        flags,
        decimals,
        extension,
        wire: Wire::Text,
    };
    let cell = Cell::of(&column, options);
    column.wire = cell.wire();
    Some((column, cell))
}

/// A list of kinds (0: type, 1: format) with their texts.
fn parse_extension(mut rest: &[u8]) -> Option<Option<Extension>> {
    let mut found = None;
    while let Some([_kind]) = take(&mut rest) {
        found = Some(match take_bytes(&mut rest)? {
            b"json" => Extension::Json,
            b"uuid" | b"inet4" | b"inet6" => Extension::Text,
            _ => found.unwrap_or(Extension::Other),
        });
    }
    Some(found)
}

impl Column {
    pub fn is(&self, kind: ColumnType) -> bool {
        self.kind == kind as u8
    }
}

/// Appends one row to the chunk; on an error the chunk is as before. `body` is a row of the text
/// protocol, or one of the binary protocol without its first byte.
pub fn write_row(
    chunk: &mut Chunk,
    columns: &Columns,
    binary: bool,
    body: &[u8],
) -> Result<(), CellError> {
    let mark = chunk.mark();
    let row = chunk.begin_row(columns.cells.len());
    let written = match binary {
        true => write_binary(chunk, row, columns, body),
        false => write_text(chunk, row, columns, body),
    };
    match written {
        Ok(()) => chunk.end_row(),
        Err((at, fault)) => {
            chunk.rewind(mark);
            return Err(cells::error(fault, columns.list.get(at)));
        }
    }
    Ok(())
}

/// Which column could not be read.
type Failed = (usize, cells::Fault);

fn write_text(chunk: &mut Chunk, row: usize, columns: &Columns, body: &[u8]) -> Result<(), Failed> {
    let mut rest = body;
    for (index, &cell) in columns.cells.iter().enumerate() {
        if rest.first() == Some(&0xfb) {
            rest = &rest[1..];
            chunk.null(row, index);
            continue;
        }
        let value = take_bytes(&mut rest).ok_or((index, cells::Fault::Row))?;
        if !cell.write_text(chunk, value).map_err(|fault| (index, fault))? {
            chunk.null(row, index);
        }
    }
    if rest.is_empty() { Ok(()) } else { Err((0, cells::Fault::Row)) }
}

/// One bit for each column behind two that have no meaning, then the values that are not NULL.
fn write_binary(
    chunk: &mut Chunk,
    row: usize,
    columns: &Columns,
    body: &[u8],
) -> Result<(), Failed> {
    let Some((nulls, mut rest)) = body.split_at_checked((columns.cells.len() + 9) / 8) else {
        return Err((0, cells::Fault::Row));
    };
    for (index, &cell) in columns.cells.iter().enumerate() {
        let bit = index + 2;
        if nulls[bit / 8] & (1 << (bit % 8)) != 0
            || !cell.write_binary(chunk, &mut rest).map_err(|fault| (index, fault))?
        {
            chunk.null(row, index);
        }
    }
    if rest.is_empty() { Ok(()) } else { Err((0, cells::Fault::Row)) }
}

#[cfg(test)]
#[path = "tests/types.rs"]
mod tests;
