//! A text of one protocol as the driver knows it: with how long it took so far.

use super::average::Average;
use super::class::Class;
use super::error::EngineError;
use super::session::{self, Dispatch, Statement};
use crate::core::message::Time;
use std::any::Any;
use std::rc::Rc;

/// What the driver asks of a text, answered when it is first seen.
pub trait Text {
    fn class(&self) -> Class;
    fn has_parts(&self) -> bool;
    fn bounds_transaction(&self) -> bool;
    fn is_plain(&self) -> bool;
}

pub struct Timed<T> {
    pub text: Rc<T>,
    average: Average,
}

impl<T: Text + 'static> Timed<T> {
    pub fn new(text: T) -> Timed<T> {
        Timed { text: Rc::new(text), average: Average::default() }
    }

    /// The text behind a statement of this protocol.
    pub fn text_of(statement: &Rc<dyn Statement>) -> Result<&Rc<T>, EngineError> {
        session::own::<Timed<T>>(statement).map(|timed| &timed.text)
    }
}

impl<T: Text + 'static> Statement for Timed<T> {
    fn dispatch(&self) -> Dispatch {
        self.text.class().dispatch()
    }

    fn bounds_transaction(&self) -> bool {
        self.text.bounds_transaction()
    }

    fn has_parts(&self) -> bool {
        self.text.has_parts()
    }

    fn is_plain(&self) -> bool {
        self.text.is_plain()
    }

    fn average(&self) -> Option<Time> {
        self.average.value()
    }

    fn note(&self, took: Time) {
        self.average.note(took);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
