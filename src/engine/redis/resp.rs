//! RESP2 and RESP3, element by element, and where a reply ends.
//!
//! Nothing is allocated for what a reply announces, nothing recurses, and what was looked through
//! is not looked through again when more of it has come.

use std::fmt;

/// Aggregates within one another; JavaScript's reader takes one call for each.
const DEPTH_MAX: usize = 256;
/// A length has at most this many characters, and so has an integer.
const NUMBER_MAX: usize = 24;
/// Elements and bytes are counted in words of the ring.
const LENGTH_MAX: u64 = i32::MAX as u64;

/// One element; of an aggregate its head, which the elements in it follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    /// A simple string.
    Status(&'a [u8]),
    Text(&'a [u8]),
    Error(&'a [u8]),
    /// As the server writes it: `1.5`, `inf`, `nan`.
    Double(&'a [u8]),
    /// An integer of any size, in decimal.
    Big(&'a [u8]),
    /// Three characters that say what kind of text it is, a colon, the text.
    Verbatim(&'a [u8]),
    Array(u32),
    /// So many pairs.
    Map(u32),
    Set(u32),
    Push(u32),
    /// So many pairs ahead of the element that they are about.
    Attribute(u32),
}

impl Element<'_> {
    /// How many elements belong to it.
    fn parts(self) -> Option<u64> {
        match self {
            Element::Array(count) | Element::Set(count) | Element::Push(count) => {
                Some(u64::from(count))
            }
            Element::Map(pairs) | Element::Attribute(pairs) => Some(u64::from(pairs) * 2),
            _ => None,
        }
    }
}

/// What the bytes at the head of an input come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// An element and its length in bytes.
    Whole(Element<'a>, usize),
    /// There is no end of a line before `searched`; `needs` bytes are due at least.
    Wait { searched: usize, needs: usize },
}

/// The bytes are no RESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault(pub &'static str);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The element at the head of `input`, in which no line ends before `searched`.
pub fn parse(input: &[u8], searched: usize) -> Result<Parsed<'_>, Fault> {
    let Some(&tag) = input.first() else { return Ok(Parsed::Wait { searched: 0, needs: 1 }) };
    let from = searched.max(1);
    let Some(end) = input[from..].iter().position(|byte| *byte == b'\r').map(|at| from + at) else {
        check_beginning(tag, input)?;
        if input[from..].contains(&b'\n') {
            return Err(Fault("a line does not end as one"));
        }
        return Ok(Parsed::Wait { searched: input.len(), needs: input.len() + 2 });
    };
    match input.get(end + 1) {
        Some(b'\n') => {}
        Some(_) => return Err(Fault("a line does not end as one")),
        None => return Ok(Parsed::Wait { searched: end, needs: end + 2 }),
    }
    let (line, body) = (&input[1..end], end + 2);
    if line.contains(&b'\n') {
        return Err(Fault("a line does not end as one"));
    }
    let element = match tag {
        b'+' => Element::Status(line),
        b'-' => Element::Error(line),
        b':' => Element::Int(integer(line)?),
        b'$' | b'!' | b'=' => return bulk(tag, line, input, end),
        b'*' if line == b"-1" => Element::Nil,
        b'*' => Element::Array(length(line)?),
        b'%' => Element::Map(length(line)?),
        b'~' => Element::Set(length(line)?),
        b'>' => Element::Push(length(line)?),
        b'|' => Element::Attribute(length(line)?),
        b'_' if line.is_empty() => Element::Nil,
        b'#' if line == b"t" || line == b"f" => Element::Bool(line == b"t"),
        b',' if is_double(line) => Element::Double(line),
        b'(' if is_decimal(line) => Element::Big(line),
        _ => return Err(unknown(tag)),
    };
    Ok(Parsed::Whole(element, body))
}

/// What has a length of its own and ends in a line's end beside.
fn bulk<'a>(tag: u8, line: &[u8], input: &'a [u8], end: usize) -> Result<Parsed<'a>, Fault> {
    let start = end + 2;
    if tag == b'$' && line == b"-1" {
        return Ok(Parsed::Whole(Element::Nil, start));
    }
    let stop = start + length(line)? as usize;
    let whole = stop + 2;
    if input.get(stop).is_some_and(|byte| *byte != b'\r')
        || input.get(stop + 1).is_some_and(|byte| *byte != b'\n')
    {
        return Err(Fault("a text is not as long as it was announced"));
    }
    if input.len() < whole {
        return Ok(Parsed::Wait { searched: end, needs: whole });
    }
    let bytes = &input[start..stop];
    let element = match tag {
        b'$' => Element::Text(bytes),
        b'!' => Element::Error(bytes),
        _ if bytes.len() >= 4 && bytes[3] == b':' => Element::Verbatim(bytes),
        _ => return Err(Fault("a text does not say of what kind it is")),
    };
    Ok(Parsed::Whole(element, whole))
}

/// A line without an end so far: is it one that could be?
fn check_beginning(tag: u8, input: &[u8]) -> Result<(), Fault> {
    match tag {
        b'+' | b'-' | b',' | b'(' => Ok(()),
        b':' | b'$' | b'!' | b'=' | b'*' | b'%' | b'~' | b'>' | b'|' | b'_' | b'#'
            if input.len() <= NUMBER_MAX =>
        {
            Ok(())
        }
        _ => Err(unknown(tag)),
    }
}

fn unknown(tag: u8) -> Fault {
    Fault(if tag.is_ascii_graphic() { "a reply is malformed" } else { "a reply begins as none" })
}

fn length(line: &[u8]) -> Result<u32, Fault> {
    let number = line.iter().try_fold(0u64, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + u64::from(digit - b'0')).filter(|it| *it <= LENGTH_MAX),
        _ => None,
    });
    match number {
        Some(number) if !line.is_empty() => Ok(number as u32),
        _ => Err(Fault("a length is none, or beyond 2 GiB")),
    }
}

fn integer(line: &[u8]) -> Result<i64, Fault> {
    let text = std::str::from_utf8(line).ok();
    text.and_then(|text| text.parse().ok()).ok_or(Fault("an integer is none"))
}

fn is_decimal(line: &[u8]) -> bool {
    let digits = line.strip_prefix(b"-").or(line.strip_prefix(b"+")).unwrap_or(line);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn is_double(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|text| text.parse::<f64>().is_ok())
}

/// The first element of a reply that is known to be whole, and what follows it.
pub fn take<'a>(rest: &mut &'a [u8]) -> Element<'a> {
    match parse(rest, 0) {
        Ok(Parsed::Whole(element, length)) => {
            *rest = &rest[length..];
            element
        }
        // Never: the scanner has been over it.
        _ => {
            *rest = &[];
            Element::Nil
        }
    }
}

/// Finds the end of one reply, however many reads it takes.
#[derive(Debug, Default)]
pub struct Scanner {
    /// Whole elements of the reply end here, and no line does before `searched`.
    at: usize,
    searched: usize,
    /// Elements that are due at this level; then at those around it.
    left: u64,
    outer: Vec<u64>,
    begun: bool,
    needs: usize,
}

impl Scanner {
    /// `input` begins where the reply does. Its length, once all of it is there.
    #[inline]
    pub fn scan(&mut self, input: &[u8]) -> Result<Option<usize>, Fault> {
        if !self.begun {
            self.begun = true;
            self.left = 1;
        }
        loop {
            while self.left == 0 {
                let Some(left) = self.outer.pop() else {
                    let end = self.at;
                    (self.at, self.searched, self.needs, self.begun) = (0, 0, 0, false);
                    return Ok(Some(end));
                };
                self.left = left;
            }
            let (element, length) = match parse(&input[self.at..], self.searched)? {
                Parsed::Whole(element, length) => (element, length),
                Parsed::Wait { searched, needs } => {
                    self.searched = searched;
                    self.needs = self.at + needs;
                    return Ok(None);
                }
            };
            self.at += length;
            self.searched = 0;
            if !matches!(element, Element::Attribute(_)) {
                self.left -= 1;
            }
            if let Some(parts) = element.parts() {
                if self.outer.len() == DEPTH_MAX {
                    return Err(Fault("a reply is nested too deeply"));
                }
                self.outer.push(self.left);
                self.left = parts;
            }
        }
    }

    /// How many bytes the reply has at least. The number is the peer's claim.
    pub fn needs(&self) -> usize {
        self.needs
    }
}

#[cfg(test)]
#[path = "tests/resp.rs"]
mod tests;
