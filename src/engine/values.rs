//! Values of protocols that have no rows: what settles a request, and what nobody asked for.

use super::driver::lease_origin;
use super::error::EngineError;
use super::pool::PoolShared;
use super::replies::{Finished, Flow, Replies, settle, talk};
use super::request::{Outcome, Token};
use crate::core::message::ConnId;
use crate::wire::chunk::Chunk;
use crate::wire::record;

/// Whose connection it is that is told something.
pub struct Pushes<'a> {
    pub pool: Option<&'a PoolShared>,
    pub conn: ConnId,
}

impl Pushes<'_> {
    /// The link that holds it, else the first one that uses the pool; and the pool's number.
    fn listener(&self) -> Option<(u32, u32)> {
        let pool = self.pool?;
        let holder = pool.lock().core.holder_of(self.conn.slot);
        let holder = holder.filter(|holder| holder.conn == self.conn);
        let link = holder.and_then(|holder| lease_origin(holder.waiter)).map(|(link, _)| link);
        Some((link.or_else(|| pool.links().first().copied())?, pool.id))
    }
}

impl Replies<'_> {
    /// The whole answer to a request; `write` appends its value.
    #[inline]
    pub fn value(&mut self, token: Token, dirties: bool, write: impl FnOnce(&mut Chunk)) -> Flow {
        self.finished.push(Finished { token, in_transaction: false, dirties });
        let Some(request) = self.requests.get(token) else { return Flow::Go };
        if request.settled {
            return Flow::Go;
        }
        request.settled = true;
        let Some((id, number)) = request.origin else { return Flow::Go };
        let Some(link) = self.links.get(id) else { return Flow::Go };
        link.unbind(number);
        link.record(&[record::REPLY, number]);
        write(&mut link.chunk);
        link.relieve();
        let full = link.is_full();
        talk(link, self.talking);
        self.stall(id, full)
    }

    /// The request was refused, and that is all.
    pub fn failed(&mut self, token: Token, error: EngineError, dirties: bool) {
        self.finished.push(Finished { token, in_transaction: false, dirties });
        let Some(request) = self.requests.get(token) else { return };
        request.error.get_or_insert(error);
        if !request.settled {
            settle(request, self.links, self.talking);
        }
    }

    /// One of the driver's own requests is over; its result would have so many rows.
    pub fn done(&mut self, token: Token, rows: u64, error: Option<EngineError>) {
        self.finished.push(Finished { token, in_transaction: false, dirties: false });
        if let Some(request) = self.requests.get(token) {
            request.error = error;
            request.result = Some(Outcome { shape: -1, command: -1, count: Some(rows) });
        }
    }

    /// What nobody has asked for, in its place among the answers.
    pub fn push(&mut self, write: impl FnOnce(&mut Chunk)) -> Flow {
        let Some((id, pool)) = self.pushes.listener() else { return Flow::Go };
        let Some(link) = self.links.get(id) else { return Flow::Go };
        link.record(&[record::PUSH, pool as i32]);
        write(&mut link.chunk);
        link.relieve();
        let full = link.is_full();
        talk(link, self.talking);
        self.stall(id, full)
    }

    /// A link that is far behind has the connection wait.
    fn stall(&mut self, link: u32, full: bool) -> Flow {
        if !full {
            return Flow::Go;
        }
        self.stalled_by = Some(link);
        self.stop = true;
        Flow::Stop
    }
}
