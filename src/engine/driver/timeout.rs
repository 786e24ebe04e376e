//! What somebody is told who waited in vain: what the pool was busy with, and who holds longest.

use super::{Driver, lease_origin};
use crate::core::message::Time;
use crate::core::pool::Holder;
use crate::core::stats::Stats;
use crate::engine::error::EngineError;
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
        let ms = waited / 1000;
        let load = load(&stats);
        let cause = last.as_ref().and_then(|error| error.json["message"].as_str());
        let attempt = match cause {
            Some(cause) => format!("; the last attempt to connect: {cause}"),
            None => String::new(),
        };
        let text =
            format!("pool '{name}': no connection became free within {ms} ms ({load}){attempt}");
        EngineError::new("ERR_POLYPOOL_ACQUIRE_TIMEOUT", text)
            .with("waitedMs", ms.into())
            .with("max", stats.max.into())
            .with("inUse", (stats.in_use + stats.shared).into())
            .with("idle", stats.idle.into())
            .with("connecting", stats.opening.into())
            .with("waiting", stats.waiting.into())
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

pub fn load(stats: &Stats) -> String {
    format!(
        "inUse={}, idle={}, connecting={}, waiting={}, max={}",
        stats.in_use + stats.shared,
        stats.idle,
        stats.opening,
        stats.waiting,
        stats.max
    )
}
