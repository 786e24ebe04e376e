//! What a command does beside answering once: whether it may share a wire, what it leaves behind.

/// Channels, patterns, shard channels: counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Channels,
    Patterns,
    Shards,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// One answer, and nothing stays with the connection.
    Plain,
    /// May wait for what others do.
    Blocks,
    /// Leaves something with the connection: for who has it to himself, by this.
    State(&'static str),
    Subscribe(Family),
    Unsubscribe(Family),
    Hello,
    Reset,
    Monitor,
    /// Answers would no longer come one for each command.
    Mute,
}

const TRANSACTION: &str = "send the commands in one batch, or acquire() a connection for it";
const LEASE: &str = "acquire() a connection for it";
const OPTION: &str = "an option of the pool says so for every connection";

/// Names in capitals. Those not listed are `Plain`.
const COMMANDS: [(&[u8], Class); 36] = [
    (b"BLPOP", Class::Blocks),
    (b"BRPOP", Class::Blocks),
    (b"BLMOVE", Class::Blocks),
    (b"BRPOPLPUSH", Class::Blocks),
    (b"BLMPOP", Class::Blocks),
    (b"BZPOPMIN", Class::Blocks),
    (b"BZPOPMAX", Class::Blocks),
    (b"BZMPOP", Class::Blocks),
    (b"WAIT", Class::Blocks),
    (b"WAITAOF", Class::Blocks),
    (b"MULTI", Class::State(TRANSACTION)),
    (b"EXEC", Class::State(TRANSACTION)),
    (b"DISCARD", Class::State(TRANSACTION)),
    (b"WATCH", Class::State(LEASE)),
    (b"UNWATCH", Class::State(LEASE)),
    (b"SELECT", Class::State(OPTION)),
    (b"AUTH", Class::State(OPTION)),
    (b"READONLY", Class::State(LEASE)),
    (b"READWRITE", Class::State(LEASE)),
    (b"ASKING", Class::State(LEASE)),
    (b"QUIT", Class::State("close() the pool, or destroy a connection of it")),
    (b"SYNC", Class::Mute),
    (b"PSYNC", Class::Mute),
    (b"HELLO", Class::Hello),
    (b"RESET", Class::Reset),
    (b"MONITOR", Class::Monitor),
    (b"SUBSCRIBE", Class::Subscribe(Family::Channels)),
    (b"PSUBSCRIBE", Class::Subscribe(Family::Patterns)),
    (b"SSUBSCRIBE", Class::Subscribe(Family::Shards)),
    (b"UNSUBSCRIBE", Class::Unsubscribe(Family::Channels)),
    (b"PUNSUBSCRIBE", Class::Unsubscribe(Family::Patterns)),
    (b"SUNSUBSCRIBE", Class::Unsubscribe(Family::Shards)),
    // What they are depends on the words that follow.
    (b"CLIENT", Class::Plain),
    (b"SCRIPT", Class::Plain),
    (b"XREAD", Class::Plain),
    (b"XREADGROUP", Class::Plain),
];

/// The longest name of those above.
const NAME_MAX: usize = 12;

/// A command by its words, the name first.
pub fn classify<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> Class {
    let Some(name) = words.next() else { return Class::Plain };
    if name.len() > NAME_MAX {
        return Class::Plain;
    }
    let Some((name, class)) = COMMANDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
    else {
        return Class::Plain;
    };
    match *name {
        b"CLIENT" => of_client(words.next().unwrap_or_default()),
        b"SCRIPT" => match words.next() {
            Some(word) if word.eq_ignore_ascii_case(b"DEBUG") => Class::State(LEASE),
            _ => Class::Plain,
        },
        b"XREAD" | b"XREADGROUP" if blocks(&mut words) => Class::Blocks,
        _ => *class,
    }
}

fn of_client(word: &[u8]) -> Class {
    let is = |known: &[u8]| word.eq_ignore_ascii_case(known);
    if is(b"REPLY") {
        Class::Mute
    } else if [&b"SETNAME"[..], b"TRACKING", b"CACHING", b"NO-EVICT", b"NO-TOUCH"]
        .into_iter()
        .any(is)
    {
        Class::State(LEASE)
    } else {
        Class::Plain
    }
}

/// BLOCK stands ahead of the names of the streams; a group and a consumer may have any names.
fn blocks<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> bool {
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case(b"BLOCK") {
            return true;
        }
        if word.eq_ignore_ascii_case(b"STREAMS") {
            return false;
        }
        if word.eq_ignore_ascii_case(b"GROUP") {
            words.nth(1);
        }
    }
    false
}

impl Class {
    /// It is not as after the login any more.
    pub fn dirties(self) -> bool {
        !matches!(self, Class::Plain | Class::Blocks)
    }

    /// Why it is nothing for a connection that others use too.
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Class::Plain | Class::Blocks => None,
            Class::State(hint) => Some(hint),
            Class::Subscribe(_) | Class::Unsubscribe(_) | Class::Monitor => Some(LEASE),
            Class::Hello => Some(OPTION),
            Class::Reset => Some(LEASE),
            Class::Mute => Some("no connection of a pool is given away so"),
        }
    }
}

#[cfg(test)]
#[path = "tests/classify.rs"]
mod tests;
