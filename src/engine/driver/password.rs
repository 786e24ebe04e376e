//! The password function of a pool: JavaScript is asked anew before each connect, so that a token
//! may be as young as its connection.

use super::connection::Phase;
use super::{Driver, PoolState};
use crate::core::message::{ConnId, Time};
use crate::engine::error::EngineError;
use crate::engine::replies::talk;
use crate::engine::session::{Attempt, Connector, Opened};
use crate::wire::record;
use serde_json::json;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot::{Receiver, Sender, channel};
use tokio::time::timeout;

type Answer = Result<String, EngineError>;

/// A link that was asked, and where its answer is put in.
pub struct Question {
    pub link: u32,
    answer: Sender<Answer>,
}

/// What was asked, and where the attempt that waits for the answer takes it out.
pub type Asked = (Option<Question>, Option<Receiver<Answer>>);

impl Driver {
    /// Asks the pool's owner, if the pool has a function.
    pub fn ask_password(&mut self, pool: u32, id: ConnId) -> Asked {
        let Some(state) = self.pool(pool) else { return (None, None) };
        if !state.shared.hooks.password {
            return (None, None);
        }
        let runner = state.shared.runner(record::hook::PASSWORD);
        let (answer, receiver) = channel();
        // Without its thread nobody answers: the dropped sender says so.
        let Some(link) = runner.and_then(|id| self.links.get(id)) else {
            return (None, Some(receiver));
        };
        let question = Question { link: link.shared.id, answer };
        let kind = record::hook::PASSWORD;
        let (slot, serial) = (id.slot as i32, id.serial as i32);
        link.record(&[record::HOOK_CALL, pool as i32, kind, slot, serial, 0]);
        talk(link, &mut self.talking);
        (Some(question), Some(receiver))
    }

    /// The answer to `ask_password`, if this is one: the password or why there is none.
    pub fn password_given(&mut self, pool: u32, id: ConnId, ok: bool, text: &str) -> bool {
        let Some(question) = self.pool(pool).and_then(|state| state.asked_password(id)) else {
            return false;
        };
        let answer = if ok { Ok(text.to_owned()) } else { Err(failed(id, text)) };
        // The attempt may have run out of time.
        let _ = question.answer.send(answer);
        true
    }
}

impl PoolState {
    fn asked_password(&mut self, id: ConnId) -> Option<Question> {
        let slot = self.slots.get_mut(id.slot as usize).filter(|slot| slot.serial == id.serial)?;
        match &mut slot.phase {
            Phase::Connecting { password, .. } => password.take(),
            _ => None,
        }
    }
}

/// One attempt, the wait for its password included, within `limit`.
pub async fn try_once(
    connector: Arc<dyn Connector>,
    answer: Option<Receiver<Answer>>,
    mut attempt: Attempt,
    limit: Time,
) -> Result<Opened, EngineError> {
    let asking = Cell::new(answer.is_some());
    let place = attempt.place.clone();
    let attempt = async {
        if let Some(answer) = answer {
            let answer = answer.await;
            attempt.password =
                Some(answer.map_err(|_| refusal("the thread that owns the pool has ended"))??);
            asking.set(false);
        }
        connector.connect(attempt).await
    };
    match timeout(Duration::from_micros(limit), attempt).await {
        Ok(result) => result,
        Err(_) if asking.get() => {
            let ms = limit / 1000;
            let text = format!("the function did not settle within connectTimeoutMs ({ms} ms)");
            Err(refusal(&text))
        }
        Err(_) => Err(connect_timeout(limit, place.noted())),
    }
}

/// The function threw. Its error stays with the thread that ran it, which knows it by the number of
/// the connection; others get its words.
fn failed(id: ConnId, message: &str) -> EngineError {
    refusal(&format!("the function failed: {message}"))
        .with("thrown", id.serial.into())
        .with("cause", json!({ "kind": "system", "message": message }))
}

/// Not for good: the next function call may do better.
fn refusal(why: &str) -> EngineError {
    let text = format!("option 'password': {why}");
    EngineError::new("ERR_POLYPOOL_CONNECT", text).with("reason", "auth".into())
}

/// Names the address first, as other failures to connect do.
fn connect_timeout(limit: Time, place: Option<String>) -> EngineError {
    let place = place.map_or_else(String::new, |place| format!("{place}: "));
    let ms = limit / 1000;
    let text = format!("{place}no connection was made within connectTimeoutMs ({ms} ms)");
    EngineError::new("ERR_POLYPOOL_CONNECT", text)
        .with("reason", "timeout".into())
        .with("errno", "ETIMEDOUT".into())
}
