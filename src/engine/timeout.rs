//! The words and figures of an acquire timeout, whatever the pool is of.

use super::error::EngineError;
use crate::core::message::Time;
use crate::core::stats::Stats;

/// `thing` is what the pool lends; `attempt` says which step failed last, and how.
pub fn acquire_timeout(
    name: &str,
    thing: &str,
    waited: Time,
    stats: &Stats,
    attempt: Option<&str>,
) -> EngineError {
    let ms = waited / 1000;
    let load = load(stats);
    let told = attempt.map(|attempt| format!("; the last attempt to {attempt}"));
    let told = told.unwrap_or_default();
    let text = format!("pool '{name}': no {thing} became free within {ms} ms ({load}){told}");
    EngineError::new("ERR_POLYPOOL_ACQUIRE_TIMEOUT", text)
        .with("waitedMs", ms.into())
        .with("max", stats.max.into())
        .with("inUse", (stats.in_use + stats.shared).into())
        .with("idle", stats.idle.into())
        .with("connecting", stats.opening.into())
        .with("waiting", stats.waiting.into())
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
