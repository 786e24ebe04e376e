//! Commands as the driver knows them: a text that names one, or more of its words, split at blanks;
//! without a text all words come as parameters.

use super::classify::{Class, classify};
use super::encode::{EncodeError, put_head, put_param, put_word, reserve, word_of};
use crate::core::message::Time;
use crate::engine::session::{Dispatch, Statement};
use crate::wire::param::{Param, Params};
use bytes::BytesMut;

pub struct Command {
    words: Vec<Box<[u8]>>,
    /// The words as they are sent.
    bytes: Box<[u8]>,
    /// What it is whatever its parameters are.
    class: Option<Class>,
}

/// Those whose class depends on what follows the name.
const DEPENDING: [&[u8]; 4] = [b"CLIENT", b"SCRIPT", b"XREAD", b"XREADGROUP"];

impl Command {
    pub fn new(text: &str) -> Command {
        let words: Vec<Box<[u8]>> =
            text.split_ascii_whitespace().map(|it| it.as_bytes().into()).collect();
        let mut bytes = BytesMut::new();
        for word in &words {
            put_word(&mut bytes, word);
        }
        let depends = match &words[..] {
            [] => true,
            [name, ..] => DEPENDING.iter().any(|it| it.eq_ignore_ascii_case(name)),
        };
        let class = (!depends).then(|| classify(words.iter().map(|word| &**word)));
        Command { words, bytes: (&*bytes).into(), class }
    }

    pub fn class(&self, params: Params<'_>) -> Class {
        self.class.unwrap_or_else(|| {
            let words = self.words.iter().map(|word| &**word);
            classify(words.chain(params.iter().map(word_of)))
        })
    }

    /// The first word, which no command lacks.
    pub fn is_named(&self, params: Params<'_>) -> bool {
        !self.words.is_empty() || !params.is_empty()
    }

    /// How many words it has beside its name.
    pub fn arguments(&self, params: Params<'_>) -> usize {
        (self.words.len() + params.len()).saturating_sub(1)
    }

    /// MULTI in front of a batch.
    pub fn is_transaction(&self) -> bool {
        matches!(&self.words[..], [name] if name.eq_ignore_ascii_case(b"MULTI"))
    }

    /// Appends it; on an error what was appended is void.
    pub fn put(&self, out: &mut BytesMut, params: Params<'_>) -> Result<(), EncodeError> {
        out.reserve(self.bytes.len());
        reserve(out, params);
        put_head(out, self.words.len() + params.len());
        out.extend_from_slice(&self.bytes);
        for (at, param) in params.iter().enumerate() {
            put_param(out, param, at + 1)?;
        }
        Ok(())
    }
}

/// The commands of a batch, one after the other: how many words, then these.
pub struct Batch<'a, I: Iterator<Item = Param<'a>>> {
    params: std::iter::Peekable<I>,
}

/// One of a batch.
pub struct Words<'a>(pub Vec<Param<'a>>);

impl<'a> Words<'a> {
    pub fn class(&self) -> Class {
        classify(self.0.iter().map(|param| word_of(*param)))
    }

    pub fn put(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_head(out, self.0.len());
        for (at, param) in self.0.iter().enumerate() {
            put_param(out, *param, at)?;
        }
        Ok(())
    }
}

pub fn batch<'a>(params: Params<'a>) -> Batch<'a, impl Iterator<Item = Param<'a>>> {
    Batch { params: params.iter().peekable() }
}

impl<'a, I: Iterator<Item = Param<'a>>> Iterator for Batch<'a, I> {
    type Item = Result<Words<'a>, EncodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.params.peek()?;
        let malformed = Err(EncodeError { position: 0, reason: "the batch is malformed" });
        let Some(Param::Int(count @ 1..)) = self.params.next() else { return Some(malformed) };
        let words: Vec<Param<'a>> = self.params.by_ref().take(count as usize).collect();
        Some(if words.len() == count as usize { Ok(Words(words)) } else { malformed })
    }
}

impl Statement for Command {
    fn dispatch(&self) -> Dispatch {
        self.dispatch_of(Params::NONE, false)
    }

    fn dispatch_of(&self, params: Params<'_>, is_batch: bool) -> Dispatch {
        let class = |params| match is_batch {
            false => self.class(params),
            // Within a transaction nothing waits.
            true if self.is_transaction() => Class::Plain,
            true => {
                let mut classes = batch(params).map(|it| it.map_or(Class::Plain, |it| it.class()));
                classes.find(|class| *class != Class::Plain).unwrap_or(Class::Plain)
            }
        };
        match class(params) {
            Class::Plain => Dispatch::Ordered,
            Class::Blocks => Dispatch::Alone { dirties: false },
            _ => Dispatch::Alone { dirties: true },
        }
    }

    fn refusal(&self, params: Params<'_>, is_batch: bool) -> Option<String> {
        let refused = |class: Class, name: &str| {
            class.hint().map(|hint| format!("{name} is nothing for a shared connection: {hint}"))
        };
        if !is_batch {
            let class = self.class(params);
            let words = self.words.iter().map(|word| &**word);
            let name = words.chain(params.iter().map(word_of)).next().unwrap_or_default();
            return refused(class, &String::from_utf8_lossy(name).to_uppercase());
        }
        batch(params).find_map(|command| {
            let command = command.ok()?;
            let name = command.0.first().map(|name| word_of(*name)).unwrap_or_default();
            refused(command.class(), &String::from_utf8_lossy(name).to_uppercase())
        })
    }

    fn bounds_transaction(&self) -> bool {
        false
    }

    fn has_parts(&self) -> bool {
        false
    }

    /// Nobody waits behind a command for longer than for its answer.
    fn average(&self) -> Option<Time> {
        None
    }

    fn note(&self, _took: Time) {}

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
