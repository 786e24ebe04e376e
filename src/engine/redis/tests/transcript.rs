//! What a session told, in words.

use super::super::error::ServerError;
use super::super::login::Login;
use super::super::session::{Broken, Session, Sink};
use super::super::statement::Command;
use super::super::value::Texts;
use crate::engine::replies::Flow;
use crate::engine::session::Mode;
use crate::wire::chunk::Chunk;
use crate::wire::param::Params;
use crate::wire::record::tag;

pub struct Transcript {
    pub session: Session,
    pub told: Vec<String>,
    /// The next value asks to stop.
    pub stops: bool,
    token: u64,
}

struct Words<'a>(&'a mut Vec<String>, bool);

impl Sink for Words<'_> {
    fn value(&mut self, token: u64, reply: &[u8], texts: Texts, dirties: bool) -> Flow {
        let dirty = if dirties { " dirty" } else { "" };
        let bytes = if texts == Texts::Bytes { " bytes" } else { "" };
        self.0.push(format!("{token}: {}{bytes}{dirty}", shown(reply)));
        if self.1 { Flow::Stop } else { Flow::Go }
    }

    fn written(&mut self, token: u64, value: &mut Chunk, _dirties: bool) -> Flow {
        value.close_segment();
        let text = String::from_utf8_lossy(&value.text).into_owned();
        self.0.push(format!("{token}: {:?} {text}", value.ints));
        Flow::Go
    }

    fn refused(&mut self, token: u64, error: &ServerError, cause: Option<&ServerError>, _: bool) {
        let cause = cause.map(|cause| format!(" for {cause}")).unwrap_or_default();
        self.0.push(format!("{token} failed: {error}{cause}"));
    }

    fn done(&mut self, token: u64, rows: u64, error: Option<&ServerError>) {
        let error = error.map(|error| format!(" failed: {error}")).unwrap_or_default();
        self.0.push(format!("{token} done: {rows}{error}"));
    }

    fn push(&mut self, reply: &[u8]) -> Flow {
        self.0.push(format!("push {}", shown(reply)));
        Flow::Go
    }
}

fn shown(reply: &[u8]) -> String {
    String::from_utf8_lossy(reply).trim_end().replace("\r\n", " ")
}

impl Transcript {
    pub fn new(resp3: bool) -> Transcript {
        let login = Login { has_reset: true, ..Login::default() };
        Transcript::of(Session::new(Some(login), resp3, 7))
    }

    pub fn of(session: Session) -> Transcript {
        Transcript { session, told: Vec::new(), stops: false, token: 0 }
    }

    /// Sends a command, its words at blanks; its number.
    pub fn send(&mut self, text: &str) -> u64 {
        self.token += 1;
        let command = Command::new(text);
        self.session.execute(self.token, &command, Params::NONE, Mode::default()).unwrap();
        self.token
    }

    pub fn batch(&mut self, text: &str, commands: &[&str]) -> u64 {
        self.token += 1;
        let (count, words) = batched(commands);
        let params = Params::parse(count, &words).unwrap();
        let mode = Mode { batch: true, ..Mode::default() };
        self.session.execute(self.token, &Command::new(text), params, mode).unwrap();
        self.token
    }

    pub fn receive(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        let mut words = Words(&mut self.told, self.stops);
        self.session.receive(bytes, &mut words)
    }

    /// What was told since the last time.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<String> {
        assert_eq!(self.receive(bytes), Ok(bytes.len()));
        std::mem::take(&mut self.told)
    }

    /// What was sent since the last time.
    pub fn sent(&mut self) -> String {
        shown(&self.session.outgoing().split())
    }
}

/// The parameters of a batch, each command's words at blanks.
pub fn batched(commands: &[&str]) -> (usize, Vec<i32>) {
    let (mut count, mut words) = (0, Vec::new());
    for command in commands {
        let parts: Vec<&str> = command.split(' ').collect();
        words.extend([tag::INT, parts.len() as i32]);
        for part in &parts {
            words.extend([tag::TEXT, part.len() as i32]);
            words.extend(part.as_bytes().chunks(4).map(|chunk| {
                let mut bytes = [0; 4];
                bytes[..chunk.len()].copy_from_slice(chunk);
                i32::from_le_bytes(bytes)
            }));
        }
        count += parts.len() + 1;
    }
    (count, words)
}
