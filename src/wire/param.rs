//! Parameters as they cross the boundary: neutral, before the server's types are known.

use super::record::tag;

/// One parameter of a statement, borrowed from a submission.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Param<'a> {
    Null,
    Bool(bool),
    Int(i32),
    Float(f64),
    /// Text in UTF-8.
    Text(&'a str),
    /// In decimal.
    BigInt(&'a str),
    /// An instant in ISO form to the millisecond, as local time with its offset.
    Date(&'a str),
    /// Buffer or typed array.
    Bytes(&'a [u8]),
    /// A JavaScript object, serialised as JSON.
    Json(&'a str),
    /// A JavaScript array: which form serves depends on the described type of the parameter.
    Array {
        literal: &'a str,
        json: &'a str,
    },
}

/// A checked list of parameters: the words of a QUERY record after its count.
#[derive(Clone, Copy, Debug)]
pub struct Params<'a> {
    count: usize,
    words: &'a [i32],
}

/// Same list, kept by a session for as long as the statement may have to be encoded again.
#[derive(Clone, Debug, Default)]
pub struct ParamsBuf {
    count: usize,
    words: Vec<i32>,
}

impl ParamsBuf {
    pub fn set(&mut self, params: Params<'_>) {
        self.count = params.count;
        self.words.clear();
        self.words.extend_from_slice(params.words);
    }

    /// The words were checked when the list came in.
    pub fn get(&self) -> Params<'_> {
        Params { count: self.count, words: &self.words }
    }
}

impl<'a> Params<'a> {
    pub const NONE: Params<'static> = Params { count: 0, words: &[] };

    /// Checks every tag and length, so that `iter` cannot fail. `None` when malformed.
    pub fn parse(count: usize, words: &'a [i32]) -> Option<Self> {
        let mut rest = words;
        for _ in 0..count {
            take(&mut rest)?;
        }
        rest.is_empty().then_some(Params { count, words })
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes that they take here, which is at least what their texts do.
    pub fn size(&self) -> usize {
        self.words.len() * 4
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let mut rest = self.words;
        (0..self.count).map_while(move |_| take(&mut rest))
    }
}

fn take<'a>(rest: &mut &'a [i32]) -> Option<Param<'a>> {
    Some(match word(rest)? {
        tag::NULL => Param::Null,
        tag::FALSE => Param::Bool(false),
        tag::TRUE => Param::Bool(true),
        tag::INT => Param::Int(word(rest)?),
        tag::FLOAT => {
            let (low, high) = (word(rest)? as u32, word(rest)? as u32);
            Param::Float(f64::from_bits(u64::from(low) | u64::from(high) << 32))
        }
        tag::TEXT => Param::Text(text(rest)?),
        tag::BIGINT => Param::BigInt(text(rest)?),
        tag::DATE => Param::Date(text(rest)?),
        tag::BYTES => Param::Bytes(payload(rest)?),
        tag::JSON => Param::Json(text(rest)?),
        tag::ARRAY => Param::Array { literal: text(rest)?, json: text(rest)? },
        _ => return None,
    })
}

fn word(rest: &mut &[i32]) -> Option<i32> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

fn text<'a>(rest: &mut &'a [i32]) -> Option<&'a str> {
    std::str::from_utf8(payload(rest)?).ok()
}

/// A length word, then that many bytes padded to whole words.
pub(crate) fn payload<'a>(rest: &mut &'a [i32]) -> Option<&'a [u8]> {
    let length = usize::try_from(word(rest)?).ok()?;
    let words = length.div_ceil(4);
    if words > rest.len() {
        return None;
    }
    let (mine, tail) = rest.split_at(words);
    *rest = tail;
    Some(&bytemuck::cast_slice(mine)[..length])
}
