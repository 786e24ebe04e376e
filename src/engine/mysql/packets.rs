//! What the server's short packets say.

use super::codec::{take, take_bytes, take_integer, take_u16, take_u32};
use mysql_common::constants::StatusFlags;

/// The end of a result or of a command: OK, or EOF where the two are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended<'a> {
    pub affected: u64,
    pub insert_id: u64,
    pub status: u16,
    pub warnings: u16,
    pub info: &'a [u8],
    /// Changes of the session's state, one after the other.
    pub changes: &'a [u8],
}

impl<'a> Ended<'a> {
    pub fn has(&self, flag: StatusFlags) -> bool {
        self.status & flag.bits() != 0
    }

    /// An OK packet, whichever its first byte. `tracked`: changes of the session are told.
    #[inline]
    pub fn parse_ok(body: &'a [u8], tracked: bool) -> Option<Ended<'a>> {
        let mut rest = body.get(1..)?;
        let affected = take_integer(&mut rest)?;
        let insert_id = take_integer(&mut rest)?;
        let status = take_u16(&mut rest)?;
        let warnings = take_u16(&mut rest)?;
        let mut ended = Ended { affected, insert_id, status, warnings, ..Ended::default() };
        if rest.is_empty() {
            return Some(ended);
        }
        if !tracked {
            ended.info = rest;
            return Some(ended);
        }
        ended.info = take_bytes(&mut rest)?;
        if ended.has(StatusFlags::SERVER_SESSION_STATE_CHANGED) && !rest.is_empty() {
            ended.changes = take_bytes(&mut rest)?;
        }
        Some(ended)
    }

    pub fn parse_eof(body: &'a [u8]) -> Option<Ended<'a>> {
        let &[_, w0, w1, s0, s1] = body else { return None };
        let (warnings, status) = (u16::from_le_bytes([w0, w1]), u16::from_le_bytes([s0, s1]));
        Some(Ended { status, warnings, ..Ended::default() })
    }
}

/// A change of the session's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change<'a> {
    Variable(&'a [u8], &'a [u8]),
    Schema,
    Other,
}

/// The next of `Ended::changes`; `None` at their end, or where they are malformed.
pub(super) fn take_change<'a>(rest: &mut &'a [u8]) -> Option<Change<'a>> {
    let [kind] = take(rest)?;
    let mut data = take_bytes(rest)?;
    Some(match kind {
        0 => Change::Variable(take_bytes(&mut data)?, take_bytes(&mut data)?),
        1 => Change::Schema,
        _ => Change::Other,
    })
}

/// The answer to a PREPARE; definitions of parameters and columns follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PreparedOk {
    pub id: u32,
    pub columns: u16,
    pub params: u16,
}

impl PreparedOk {
    pub fn parse(body: &[u8]) -> Option<PreparedOk> {
        let mut rest = body.strip_prefix(&[0])?;
        let id = take_u32(&mut rest)?;
        let columns = take_u16(&mut rest)?;
        let params = take_u16(&mut rest)?;
        // A filler, and the count of warnings.
        (rest.len() >= 3).then_some(PreparedOk { id, columns, params })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ok_has_its_words_by_what_was_agreed() {
        let head = [0, 3, 0xfc, 1, 1, 2, 0x40, 5, 0];
        let plain = Ended::parse_ok(&head, true).unwrap();
        assert_eq!((plain.affected, plain.insert_id, plain.warnings), (3, 257, 5));
        let told = [&head[..], b"\x04info\x05\x01\x03\x02db"].concat();
        let ended = Ended::parse_ok(&told, true).unwrap();
        assert_eq!((ended.info, ended.changes), (&b"info"[..], &b"\x01\x03\x02db"[..]));
        let mut changes = ended.changes;
        assert_eq!(take_change(&mut changes), Some(Change::Schema));
        assert_eq!(take_change(&mut changes), None);
        let old = Ended::parse_ok(&told, false).unwrap();
        assert_eq!(old.info, b"\x04info\x05\x01\x03\x02db");
        assert_eq!(Ended::parse_ok(&head[..6], false), None);
    }

    #[test]
    fn a_variable_is_told_with_its_value() {
        let mut changes = &b"\x00\x0f\x0aautocommit\x03OFF"[..];
        assert_eq!(take_change(&mut changes), Some(Change::Variable(b"autocommit", b"OFF")));
    }

    #[test]
    fn an_eof_is_five_bytes() {
        let ended = Ended::parse_eof(&[0xfe, 1, 0, 8, 0]).unwrap();
        assert!(ended.has(StatusFlags::SERVER_MORE_RESULTS_EXISTS));
        assert_eq!(Ended::parse_eof(&[0xfe, 1, 0, 8]), None);
    }
}
