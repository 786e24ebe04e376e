//! What somebody is told who waited in vain: what the pool was busy with, and who holds longest.

use super::{Driver, lease_origin};
use crate::core::message::Time;
use crate::core::pool::Holder;
use crate::engine::error::EngineError;
use crate::engine::timeout::acquire_timeout;
use serde_json::{Value, json};

/// Holders that an error lists.
const HOLDERS: usize = 5;

impl Driver {
    pub fn timed_out(&mut self, pool: u32, waited: Time) -> EngineError {
        let now = self.now;
        let Some(state) = self.pool(pool) else { return super::closed() };
        let last = state.last_error.clone();
        let name = state.shared.options.name.clone().unwrap_or_default();
        let (stats, holders) = {
            let locked = state.shared.lock();
            (locked.core.stats(), locked.core.holders())
        };
        let idle: Vec<Time> = holders.iter().map(|holder| self.idle_since(pool, holder)).collect();
        // All are lent, and none of them was used for as long as this one waited.
        let began = now.saturating_sub(waited);
        let unused = holders.len() >= stats.max as usize && idle.iter().all(|at| *at <= began);
        let told: Vec<Value> = holders
            .iter()
            .zip(&idle)
            .take(HOLDERS)
            .map(|(holder, idle)| {
                let origin = lease_origin(holder.waiter);
                let link = origin.and_then(|(link, _)| self.links.get(link));
                json!({ "slot": holder.lease.slot, "generation": holder.lease.generation,
                    "heldMs": now.saturating_sub(holder.since) / 1000,
                    "idleMs": now.saturating_sub(*idle) / 1000,
                    "thread": link.map(|link| link.shared.thread) })
            })
            .collect();
        let cause = last.as_ref().and_then(|error| error.json["message"].as_str());
        let attempt = cause.map(|cause| format!("connect: {cause}"));
        acquire_timeout(&name, "connection", waited, &stats, attempt.as_deref())
            .with("holders", told.into())
            .with("unused", unused.into())
            .with("pool", pool.into())
            .caused_by(last.as_ref())
    }

    /// Since when nothing has run on a lent connection: now, while something does.
    fn idle_since(&mut self, pool: u32, holder: &Holder) -> Time {
        let now = self.now;
        match self.live(pool, holder.conn) {
            Some(conn) if !conn.is_quiet() => now,
            Some(conn) => conn.last_end.max(holder.since),
            None => holder.since,
        }
    }
}
