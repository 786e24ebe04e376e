//! The receiving half of the session: replies to the commands they are for.

use super::error::ServerError;
use super::login::is_master;
use super::pending::{Pending, What};
use super::resp::{Element, Scanner, take};
use super::session::{Broken, Session, Sink};
use super::subscriptions::{Message, Subscriptions};
use super::value;
use crate::engine::replies::Flow;

impl Session {
    /// Handles the whole replies at the head of `input` and returns how many bytes they took. Stops
    /// early when the sink wants no more.
    pub fn receive(&mut self, input: &[u8], sink: &mut impl Sink) -> Result<usize, Broken> {
        let mut at = 0;
        while let Some(length) = self.scanner.scan(&input[at..])? {
            let reply = &input[at..at + length];
            at += length;
            if self.handle(reply, sink)? == Flow::Stop {
                break;
            }
        }
        Ok(at)
    }

    #[inline]
    fn handle(&mut self, reply: &[u8], sink: &mut impl Sink) -> Result<Flow, Broken> {
        let reply = if reply[0] == b'|' { without_attributes(reply) } else { reply };
        if self.is_push(reply) {
            return Ok(self.handle_push(reply, sink));
        }
        let Some(head) = self.pending.front() else { return Err(unasked(reply)) };
        if !matches!(head.what, What::One) {
            return self.handle_other(reply, sink);
        }
        let (token, texts, dirties) = (head.token, head.texts, head.dirties);
        self.pending.pop_front();
        Ok(match error_of(reply) {
            None => sink.value(token, reply, texts, dirties),
            Some(error) => {
                sink.refused(token, &error, None, dirties);
                Flow::Go
            }
        })
    }

    /// In RESP2 messages are arrays like others, but nothing else comes while there are
    /// subscriptions. What MONITOR tells is a line that begins with the time.
    #[inline]
    fn is_push(&self, reply: &[u8]) -> bool {
        match reply[0] {
            b'>' => true,
            b'*' if !self.resp3 => {
                let subscribing = || {
                    let head = self.pending.front().map(|pending| &pending.what);
                    matches!(head, Some(What::Subscribe { .. } | What::Unsubscribe { .. }))
                };
                (!self.subscriptions.is_empty() || subscribing()) && Message::read(reply).is_some()
            }
            b'+' if self.monitoring => reply[1].is_ascii_digit(),
            _ => false,
        }
    }

    #[cold]
    fn handle_push(&mut self, reply: &[u8], sink: &mut impl Sink) -> Flow {
        let mut flow = sink.push(reply);
        let Some((message, count)) = Message::read(reply) else { return flow };
        let before = self.subscriptions;
        match message {
            Message::Published => return flow,
            Message::Subscribed(family) | Message::Unsubscribed(family) => {
                self.subscriptions.note(family, count);
            }
        }
        let Some(head) = self.pending.front_mut() else { return flow };
        let left = match (&mut head.what, message) {
            (What::Subscribe { family, left }, Message::Subscribed(of)) if *family == of => {
                *left -= 1;
                *left
            }
            (What::Unsubscribe { family, left }, Message::Unsubscribed(of)) if *family == of => {
                let all = left.unwrap_or_else(|| before.of(of).max(1)) - 1;
                *left = Some(all);
                all
            }
            _ => return flow,
        };
        if left == 0 {
            let (token, texts, dirties) = (head.token, head.texts, head.dirties);
            self.pending.pop_front();
            let number = format!(":{count}\r\n");
            if sink.value(token, number.as_bytes(), texts, dirties) == Flow::Stop {
                flow = Flow::Stop;
            }
        }
        flow
    }

    /// What is answered by more than one reply, or means something to the session.
    #[cold]
    fn handle_other(&mut self, reply: &[u8], sink: &mut impl Sink) -> Result<Flow, Broken> {
        let error = error_of(reply);
        let Some(head) = self.pending.front_mut() else { return Err(unasked(reply)) };
        match &mut head.what {
            What::Batch { left, values } => {
                value::write(values, reply, head.texts);
                *left -= 1;
                if *left > 0 {
                    return Ok(Flow::Go);
                }
                return Ok(self.end_batch(sink));
            }
            What::Transaction { left: left @ 1.., cause } => {
                *left -= 1;
                if let Some(error) = error
                    && cause.is_none()
                {
                    *cause = Some(Box::new(error));
                }
                return Ok(Flow::Go);
            }
            What::Setup { last, lenient } => {
                let (last, failed) = (*last, error.filter(|_| !*lenient));
                return Ok(self.end_setup(last, failed, sink));
            }
            What::Failed { last, error } => {
                let (last, error) = (*last, (**error).clone());
                return Ok(self.end_setup(last, Some(error), sink));
            }
            What::Hello if error.is_none() => self.resp3 = reply[0] == b'%',
            What::Reset if error.is_none() => {
                (self.resp3, self.monitoring) = (false, false);
                self.subscriptions = Subscriptions::default();
            }
            What::Monitor => self.monitoring = reply == b"+OK\r\n",
            _ => {}
        }
        let Some(Pending { token, what, texts, dirties, .. }) = self.pending.pop_front() else {
            return Err(unasked(reply));
        };
        match (what, error) {
            (What::Check, _) => sink.done(token, 0, None),
            (What::Place, error) => sink.done(token, u64::from(!is_master(reply)), error.as_ref()),
            (What::Transaction { cause, .. }, Some(error)) => {
                sink.refused(token, &error, cause.as_deref(), dirties);
            }
            (_, Some(error)) => sink.refused(token, &error, None, dirties),
            (_, None) => return Ok(sink.value(token, reply, texts, dirties)),
        }
        Ok(Flow::Go)
    }

    fn end_batch(&mut self, sink: &mut impl Sink) -> Flow {
        match self.pending.pop_front() {
            Some(Pending { token, what: What::Batch { mut values, .. }, dirties, .. }) => {
                sink.written(token, &mut values, dirties)
            }
            _ => Flow::Go,
        }
    }

    /// One command of a reset has its answer. Where one fails the reset does.
    fn end_setup(&mut self, last: bool, error: Option<ServerError>, sink: &mut impl Sink) -> Flow {
        let Some(Pending { token, .. }) = self.pending.pop_front() else { return Flow::Go };
        if last {
            sink.done(token, 0, error.as_ref());
        } else if let (Some(error), Some(next)) = (error, self.pending.front_mut())
            && let What::Setup { last, .. } = next.what
        {
            next.what = What::Failed { last, error: Box::new(error) };
        }
        Flow::Go
    }
}

/// What the server says of a reply ahead of it is nobody's.
#[cold]
fn without_attributes(mut reply: &[u8]) -> &[u8] {
    while reply.first() == Some(&b'|') {
        let Element::Attribute(pairs) = take(&mut reply) else { return reply };
        for _ in 0..u64::from(pairs) * 2 {
            let Ok(Some(length)) = Scanner::default().scan(reply) else { return reply };
            reply = &reply[length..];
        }
    }
    reply
}

#[inline]
fn error_of(reply: &[u8]) -> Option<ServerError> {
    if !matches!(reply[0], b'-' | b'!') {
        return None;
    }
    match take(&mut &*reply) {
        Element::Error(text) => Some(ServerError::new(text)),
        _ => None,
    }
}

/// What comes although nothing was asked.
#[cold]
fn unasked(reply: &[u8]) -> Broken {
    match error_of(reply) {
        Some(error) => Broken::Server(error),
        None => Broken::Protocol("the server sent something that nothing had asked for"),
    }
}

#[cfg(test)]
#[path = "tests/receive.rs"]
mod tests;
