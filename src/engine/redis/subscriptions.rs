//! What the session is subscribed to, by count: which replies are messages depends on it where the
//! protocol does not say so (RESP2), and how many confirmations an UNSUBSCRIBE of everything has.

use super::classify::Family;
use super::resp::{Element, take};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    channels: u32,
    patterns: u32,
    shards: u32,
    /// What the server last said: channels and patterns together, shard channels.
    both: i64,
    apart: i64,
}

/// What a message is by its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    Subscribed(Family),
    Unsubscribed(Family),
    /// Somebody has published.
    Published,
}

impl Message {
    pub fn of(word: &[u8]) -> Option<Message> {
        Some(match word {
            b"message" | b"pmessage" | b"smessage" => Message::Published,
            b"subscribe" => Message::Subscribed(Family::Channels),
            b"psubscribe" => Message::Subscribed(Family::Patterns),
            b"ssubscribe" => Message::Subscribed(Family::Shards),
            b"unsubscribe" => Message::Unsubscribed(Family::Channels),
            b"punsubscribe" => Message::Unsubscribed(Family::Patterns),
            b"sunsubscribe" => Message::Unsubscribed(Family::Shards),
            _ => return None,
        })
    }

    /// That of a whole reply, and the count in it if it confirms something.
    pub fn read(mut reply: &[u8]) -> Option<(Message, i64)> {
        let (Element::Array(count) | Element::Push(count)) = take(&mut reply) else { return None };
        if count < 3 {
            return None;
        }
        let Element::Text(word) = take(&mut reply) else { return None };
        let message = Message::of(word)?;
        let (_, third) = (take(&mut reply), take(&mut reply));
        match third {
            Element::Int(count) => Some((message, count)),
            _ => Some((message, 0)),
        }
    }
}

impl Subscriptions {
    pub fn is_empty(&self) -> bool {
        self.both == 0 && self.apart == 0
    }

    pub fn of(&self, family: Family) -> u32 {
        match family {
            Family::Channels => self.channels,
            Family::Patterns => self.patterns,
            Family::Shards => self.shards,
        }
    }

    /// A confirmation: how many there are now.
    pub fn note(&mut self, family: Family, now: i64) {
        let all = if family == Family::Shards { &mut self.apart } else { &mut self.both };
        let before = std::mem::replace(all, now);
        let count = match family {
            Family::Channels => &mut self.channels,
            Family::Patterns => &mut self.patterns,
            Family::Shards => &mut self.shards,
        };
        if now > before {
            *count += 1;
        } else if now < before {
            *count = count.saturating_sub(1);
        }
    }
}
