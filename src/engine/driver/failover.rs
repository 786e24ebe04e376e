//! A server that says 'not here': the connection goes, and when it is certain that the server is
//! not the one to write to, all of its generation.

use super::Driver;
use crate::core::message::{ConnId, Input};
use crate::engine::error::EngineError;
use crate::engine::pool::Role;
use crate::engine::request::{Kind, Request};

/// What is known of a connection whose server refused to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doubt {
    #[default]
    None,
    /// Its transaction and what was sent behind must end before the server can be asked.
    Raised,
    Asked,
}

impl Driver {
    /// A statement was refused because of where it ran.
    pub fn note_not_here(&mut self, pool: u32, id: ConnId, error: &EngineError) {
        let Some(state) = self.pool(pool) else { return };
        let shared = &state.shared;
        let readers = matches!(shared.role, Role::Replicas);
        if error.elsewhere && (readers || shared.connector.allows_read_only()) {
            return; // as it should be
        }
        if !error.elsewhere {
            return self.tell(pool, Input::Retire { conn: id });
        }
        let Some(conn) = self.live(pool, id) else { return };
        // A hook's failure ends its connection anyway.
        if conn.doubt == Doubt::None && conn.hook.is_none() {
            conn.doubt = Doubt::Raised;
            self.ask_place(pool, id);
        }
    }

    /// Asks the server whether it is the place to write, if there is a doubt and as soon as the wire
    /// is free: a cursor or a COPY may take as long as its reader.
    pub fn ask_place(&mut self, pool: u32, id: ConnId) {
        let Some(conn) = self.live(pool, id) else { return };
        if conn.doubt != Doubt::Raised || conn.in_transaction {
            return;
        }
        let free = conn.flight.is_empty();
        if free {
            conn.doubt = Doubt::Asked;
        } else if self.is_lent(pool, id) {
            // It may yet begin a transaction, which only the reset would end: not held before.
            return;
        }
        // Nobody else gets it, and it stays open until the server has answered.
        self.tell(pool, Input::Hold { conn: id });
        if free {
            self.round_trip(pool, id, Kind::Place);
        }
    }

    fn is_lent(&mut self, pool: u32, id: ConnId) -> bool {
        let Some(state) = self.pool(pool) else { return false };
        let holder = state.shared.lock().core.holder_of(id.slot);
        holder.is_some_and(|holder| holder.conn == id)
    }

    /// The server has answered: a row says that it is not.
    pub fn place_known(&mut self, pool: u32, id: ConnId, answer: &Request) {
        let rows = answer.result.and_then(|result| result.count);
        if answer.error.is_none() && rows.is_some_and(|rows| rows > 0) {
            self.tell(pool, Input::Misplaced { conn: id });
        }
        self.tell(pool, Input::Retire { conn: id });
        self.tell(pool, Input::Settled { conn: id });
    }
}
