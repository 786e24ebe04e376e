//! How the cells of a command's results are read: as numbers and texts where its caller could make
//! nothing else of them, as bytes where that is for the caller to decide.

use super::cells::Cell;
use super::types::{BINARY, Column, Extension, Reading};
use mysql_common::constants::{ColumnFlags, ColumnType};

/// As many decimals as it needs.
const FLOATING: u8 = 31;

pub(super) fn cell_of(column: &Column, reading: Reading) -> Cell {
    use ColumnType::*;
    let unsigned = column.flags & ColumnFlags::UNSIGNED_FLAG.bits() != 0;
    let pick = |signed, other| if unsigned { other } else { signed };
    let Ok(kind) = ColumnType::try_from(column.kind) else { return text(column) };
    if reading.raw {
        return raw(kind, reading);
    }
    match kind {
        MYSQL_TYPE_NULL => Cell::Null,
        MYSQL_TYPE_TINY => pick(Cell::Tiny, Cell::UnsignedTiny),
        MYSQL_TYPE_SHORT => pick(Cell::Short, Cell::UnsignedShort),
        MYSQL_TYPE_YEAR => Cell::UnsignedShort,
        MYSQL_TYPE_LONG | MYSQL_TYPE_INT24 => pick(Cell::Long, Cell::UnsignedLong),
        MYSQL_TYPE_LONGLONG if reading.digits => pick(Cell::BigText, Cell::UnsignedBigText),
        MYSQL_TYPE_LONGLONG => pick(Cell::Rough, Cell::UnsignedRough),
        MYSQL_TYPE_FLOAT => Cell::Single,
        MYSQL_TYPE_DOUBLE => Cell::Double(FLOATING),
        MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => Cell::Text,
        MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE | MYSQL_TYPE_DATETIME | MYSQL_TYPE_TIMESTAMP => {
            if reading.dates {
                as_sent(reading)
            } else {
                Cell::WallClock
            }
        }
        MYSQL_TYPE_TIME => as_sent(reading),
        MYSQL_TYPE_JSON => Cell::Json,
        MYSQL_TYPE_GEOMETRY | MYSQL_TYPE_VECTOR => Cell::Bytes,
        _ => text(column),
    }
}

/// The binary form is for the caller to put into words.
fn as_sent(reading: Reading) -> Cell {
    if reading.binary { Cell::Bytes } else { Cell::Text }
}

fn raw(kind: ColumnType, reading: Reading) -> Cell {
    use ColumnType::*;
    match kind {
        MYSQL_TYPE_NULL => Cell::Null,
        _ if !reading.binary => Cell::Bytes,
        MYSQL_TYPE_TINY => Cell::Raw(1),
        MYSQL_TYPE_SHORT | MYSQL_TYPE_YEAR => Cell::Raw(2),
        MYSQL_TYPE_LONG | MYSQL_TYPE_INT24 | MYSQL_TYPE_FLOAT => Cell::Raw(4),
        MYSQL_TYPE_LONGLONG | MYSQL_TYPE_DOUBLE => Cell::Raw(8),
        _ => Cell::Bytes,
    }
}

fn text(column: &Column) -> Cell {
    match column.extension {
        Some(Extension::Json) if is_utf8(column.collation) => Cell::Json,
        _ if column.collation == BINARY || !is_utf8(column.collation) => Cell::Bytes,
        _ => Cell::Text,
    }
}

/// Collations of utf8mb4, utf8mb3 and ASCII, those of MariaDB included.
fn is_utf8(collation: u16) -> bool {
    matches!(collation,
        11 | 33 | 45 | 46 | 65 | 76 | 83 | 192..=215 | 223..=247 | 255..=323
        | 576..=578 | 608..=610 | 1035 | 1057 | 1069 | 1070 | 1089 | 1107
        | 1216 | 1238 | 1248 | 1270 | 2048..=2559)
}
