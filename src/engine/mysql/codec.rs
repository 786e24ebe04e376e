//! The pieces that packets are made of.

use bytes::{BufMut, BytesMut};

#[inline]
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*first)
}

#[inline]
pub(super) fn take_u16(rest: &mut &[u8]) -> Option<u16> {
    take(rest).map(u16::from_le_bytes)
}

#[inline]
pub(super) fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_le_bytes)
}

/// A length-encoded integer. `None` when it is cut short, or none: NULL and the header of an error
/// have no value.
#[inline]
pub(super) fn take_integer(rest: &mut &[u8]) -> Option<u64> {
    let [first] = take(rest)?;
    match first {
        0..=0xfa => Some(u64::from(first)),
        0xfc => take_u16(rest).map(u64::from),
        0xfd => take::<3>(rest).map(|[a, b, c]| u64::from(u32::from_le_bytes([a, b, c, 0]))),
        0xfe => take(rest).map(u64::from_le_bytes),
        0xfb | 0xff => None,
    }
}

/// Bytes behind their length.
#[inline]
pub(super) fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_integer(rest)?).ok()?;
    let (bytes, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(bytes)
}

pub(super) fn take_text(rest: &mut &[u8]) -> Option<String> {
    take_bytes(rest).map(|text| String::from_utf8_lossy(text).into_owned())
}

/// One character for each byte: what JavaScript reads itself.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[inline]
pub(super) fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    let length = bytes.len();
    match length {
        0..=0xfa => out.put_u8(length as u8),
        0xfb..=0xffff => {
            out.put_u8(0xfc);
            out.put_u16_le(length as u16);
        }
        0x1_0000..=0xff_ffff => {
            out.put_u8(0xfd);
            out.put_uint_le(length as u64, 3);
        }
        _ => {
            out.put_u8(0xfe);
            out.put_u64_le(length as u64);
        }
    }
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_come_back() {
        for length in [0, 1, 250, 251, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000] {
            let bytes = vec![7; length];
            let mut out = BytesMut::new();
            put_bytes(&mut out, &bytes);
            let mut rest = &out[..];
            assert_eq!(take_bytes(&mut rest), Some(&bytes[..]));
            assert!(rest.is_empty());
            assert_eq!(take_bytes(&mut &out[..out.len() - 1]), None);
        }
    }

    #[test]
    fn null_and_the_header_of_an_error_are_no_lengths() {
        assert_eq!(take_integer(&mut &[0xfb, 1][..]), None);
        assert_eq!(take_integer(&mut &[0xff, 1][..]), None);
        assert_eq!(take_integer(&mut &[0xfd, 1, 0][..]), None);
    }
}
