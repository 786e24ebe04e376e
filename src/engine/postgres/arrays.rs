//! Plain arrays from their text form to the chunk, element by element.
//!
//! A cell is `[count]` and the elements as cells of their own. What is not one-dimensional and
//! free of NULLs, and so rare, goes as `[-1]` and the text as it is, for JavaScript to parse.

use crate::wire::chunk::Chunk;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Int,
    Text,
}

/// Appends an array cell.
pub(super) fn write(chunk: &mut Chunk, element: Element, value: &[u8]) {
    let mark = chunk.mark();
    let at = chunk.ints.len();
    chunk.int(0);
    match write_elements(chunk, element, value) {
        Some(count) => chunk.ints[at] = count,
        None => {
            chunk.rewind(mark);
            chunk.int(-1);
            chunk.text(value);
        }
    }
}

fn write_elements(chunk: &mut Chunk, element: Element, value: &[u8]) -> Option<i32> {
    let mut rest = value.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let mut count = 0;
    while !rest.is_empty() {
        rest = match (element, rest[0]) {
            (Element::Int, _) => write_int(chunk, rest)?,
            (Element::Text, b'"') => write_quoted(chunk, &rest[1..])?,
            (Element::Text, _) => write_plain(chunk, rest)?,
        };
        count += 1;
        // A comma stands between two elements and nowhere else.
        match rest {
            [] => {}
            [b',', _, ..] => rest = &rest[1..],
            _ => return None,
        }
    }
    Some(count)
}

fn write_int<'a>(chunk: &mut Chunk, value: &'a [u8]) -> Option<&'a [u8]> {
    let (negative, mut rest) = match value {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, value),
    };
    let digits = rest.len();
    let mut number = 0i64;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        // Ten digits at most, so the sum stays far below the end of an i64.
        number = number * 10 + i64::from(digit - b'0');
        rest = tail;
        if digits - rest.len() > 10 {
            return None;
        }
    }
    if digits == rest.len() {
        return None;
    }
    chunk.int(i32::try_from(if negative { -number } else { number }).ok()?);
    Some(rest)
}

/// An element without quotes; NULL and nested arrays are not for this form.
fn write_plain<'a>(chunk: &mut Chunk, value: &'a [u8]) -> Option<&'a [u8]> {
    let special = |&byte: &u8| matches!(byte, b',' | b'{' | b'}' | b'"' | b'\\');
    let end = value.iter().position(special).unwrap_or(value.len());
    let text = &value[..end];
    if text.is_empty() || text.eq_ignore_ascii_case(b"NULL") {
        return None;
    }
    chunk.text(text);
    Some(&value[end..])
}

/// An element in quotes, behind the first of them. A backslash takes the next byte as it is.
fn write_quoted<'a>(chunk: &mut Chunk, value: &'a [u8]) -> Option<&'a [u8]> {
    let end = value.iter().position(|&byte| byte == b'"' || byte == b'\\')?;
    if value[end] == b'"' {
        chunk.text(&value[..end]);
        return Some(&value[end + 1..]);
    }
    let mut text = value[..end].to_vec();
    let mut rest = &value[end..];
    loop {
        match rest {
            [b'"', tail @ ..] => {
                chunk.text(&text);
                return Some(tail);
            }
            [b'\\', byte, tail @ ..] | [byte, tail @ ..] => {
                text.push(*byte);
                rest = tail;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(element: Element, value: &str) -> (Vec<i32>, String) {
        let mut chunk = Chunk::default();
        write(&mut chunk, element, value.as_bytes());
        chunk.close_segment();
        (chunk.ints, String::from_utf8(chunk.text).unwrap())
    }

    #[test]
    fn integers_are_words() {
        assert_eq!(written(Element::Int, "{1,-2,2147483647}").0, [3, 1, -2, 2_147_483_647]);
        assert_eq!(written(Element::Int, "{}").0, [0]);
    }

    #[test]
    fn texts_are_cells_with_their_escapes_undone() {
        // Count, then lengths.
        let (ints, bytes) = written(Element::Text, r#"{plain,"a, \"b\"","","\\"}"#);
        assert_eq!(ints, [4, 5, 6, 0, 1]);
        assert_eq!(bytes, "plaina, \"b\"\\");
        // Beyond Latin-1: UTF-16 units, elsewhere.
        let (ints, text) = written(Element::Text, "{漢,\"NULL\"}");
        assert_eq!(ints, [2, !1, 4]);
        assert_eq!(text, "NULL");
    }

    #[test]
    fn anything_else_is_left_to_javascript() {
        let odd = [
            "{1,NULL}",
            "{{1,2},{3,4}}",
            "[0:1]={1,2}",
            "{1,}",
            "{,1}",
            "{1",
            "1",
            "",
            "{1}x",
            "{99999999999}",
            "{1.5}",
        ];
        for value in odd {
            let (ints, bytes) = written(Element::Int, value);
            assert_eq!((ints[0], bytes.as_str()), (-1, value));
        }
        for value in ["{a,null}", "{{a}}", "[1:1]={a}", "{a,}", "{\"a}", "{\"a\"b}", "{a\"b\"}"] {
            let (ints, bytes) = written(Element::Text, value);
            assert_eq!((ints[0], bytes.as_str()), (-1, value));
        }
    }
}
