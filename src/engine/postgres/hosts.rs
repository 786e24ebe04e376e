//! Which server a connection goes to: the hosts in their order, each address of each, until one
//! answers and is of the role wanted.

use super::config::{Endpoint, Target};
use super::connect::{Address, Connected, addresses, connect_address};
use super::failure::{ConnectError, Failed, Kind};
use super::far::Far;
use super::passwords::Passwords;
use super::role::{self, Wanted};
use super::tls::TlsRoots;
use crate::core::backoff::Random;
use crate::engine::bridge::Bridges;
use crate::engine::session::{Attempt, Place};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

/// A host that did not answer in its time is tried after the others for so many microseconds:
/// otherwise each new connection would wait for a machine that is gone.
const SILENT_FOR: u64 = 30_000_000;

/// Until when each host comes last, since it was silent; as many as the target has hosts.
pub struct Silence(Vec<AtomicU64>);

impl Silence {
    pub fn of(target: &Target) -> Silence {
        Silence(target.endpoints.iter().map(|_| AtomicU64::new(0)).collect())
    }

    fn holds(&self, host: usize, now: u64) -> bool {
        self.0.get(host).is_some_and(|until| until.load(Ordering::Relaxed) > now)
    }

    fn note(&self, host: usize, until: u64) {
        if let Some(noted) = self.0.get(host) {
            noted.store(until, Ordering::Relaxed);
        }
    }
}

/// Tries every host and every address in turn, and stops at the first that answers for good or
/// ill: a wrong password is not tried elsewhere.
pub async fn connect(
    target: &Target,
    roots: &TlsRoots,
    silence: &Silence,
    attempt: Attempt,
) -> Result<Connected, ConnectError> {
    let passwords = Passwords::gather(target, attempt.password).await?;
    let bridges = attempt.bridges.as_ref().filter(|_| target.bridged);
    let mut random = Random::new(attempt.seed);
    let order = order(target, silence, attempt.now, &mut random);
    let several = order.len() > 1;
    // The last share ends before the pool's own bound, which knows nothing of hosts.
    let end = attempt.limit.filter(|_| several).map(|limit| Instant::now() + limit * 19 / 20);
    let mut failed = Vec::new();
    let mut second_best = None;
    for (tried, &host) in order.iter().enumerate() {
        let endpoint = &target.endpoints[host];
        let share = end.map(|end| share(end, order.len() - tried));
        let (passwords, place) = (&passwords, &attempt.place);
        let all = Tries { target, roots, passwords, bridges, endpoint, share, place };
        match all.run(&mut random, &mut failed, &mut second_best).await {
            Ok(connected) => {
                silence.note(host, 0);
                if let Some(other) = second_best.take() {
                    say_goodbye(other).await;
                }
                return Ok(connected);
            }
            Err(Some(fatal)) => return Err(fatal),
            Err(None) => {
                let silent = failed.last().is_some_and(|it: &Failed| it.error.is_silence());
                silence.note(host, if silent { attempt.now + SILENT_FOR } else { 0 });
            }
        }
    }
    second_best.ok_or_else(|| ConnectError::of_hosts(failed, target.wanted, several))
}

/// Shuffled if so asked; hosts known to be silent come last.
fn order(target: &Target, silence: &Silence, now: u64, random: &mut Random) -> Vec<usize> {
    let mut order: Vec<usize> = (0..target.endpoints.len()).collect();
    if target.shuffles {
        shuffle(&mut order, random);
    }
    order.sort_by_key(|&host| silence.holds(host, now));
    order
}

fn shuffle<T>(list: &mut [T], random: &mut Random) {
    for last in (1..list.len()).rev() {
        list.swap(last, random.up_to(last as u64) as usize);
    }
}

/// When the next of so many must have answered, for the rest to have their turn.
fn share(end: Instant, left: usize) -> Instant {
    let now = Instant::now();
    now + end.saturating_duration_since(now) / u32::try_from(left.max(1)).unwrap_or(u32::MAX)
}

struct Tries<'a> {
    target: &'a Target,
    roots: &'a TlsRoots,
    passwords: &'a Passwords,
    bridges: Option<&'a Bridges>,
    endpoint: &'a Endpoint,
    /// Its end, when there are other hosts.
    share: Option<Instant>,
    place: &'a Place,
}

impl Tries<'_> {
    /// `Err(None)`: try another host; why is among `failed`.
    async fn run(
        &self,
        random: &mut Random,
        failed: &mut Vec<Failed>,
        second_best: &mut Option<Connected>,
    ) -> Result<Connected, Option<ConnectError>> {
        let fail = |error| Failed { host: self.endpoint.to_string(), error };
        self.place.note(self.endpoint.to_string());
        let found = match self.bridges {
            Some(bridges) => Ok(Far::addresses(bridges, self.endpoint)),
            None => self.bounded(self.share, addresses(self.endpoint)).await,
        };
        let (host, mut addresses) = match found {
            Ok(found) => found,
            Err(error) => {
                failed.push(fail(error));
                return Err(None);
            }
        };
        if self.target.shuffles {
            shuffle(&mut addresses, random);
        }
        let count = addresses.len();
        for (tried, address) in addresses.into_iter().enumerate() {
            let end = self.share.map(|end| share(end, count - tried));
            self.place.note(address.to_string());
            match self.bounded(end, self.one(&host, address)).await {
                Ok((connected, true)) => return Ok(connected),
                Ok((connected, false)) => {
                    let at = connected.peer.address.to_string();
                    failed.push(fail(role::refusal(self.target.wanted).at(&at)));
                    let keep = self.target.wanted == Wanted::PreferStandby && second_best.is_none();
                    if keep {
                        *second_best = Some(connected);
                    } else {
                        say_goodbye(connected).await;
                    }
                }
                Err(error) if error.fatal => return Err(Some(error)),
                Err(error) => failed.push(fail(error)),
            }
        }
        Err(None)
    }

    /// One address, and whether its server is of the role wanted.
    async fn one(&self, host: &str, address: Address) -> Result<(Connected, bool), ConnectError> {
        let mut connected =
            connect_address(self.target, self.roots, self.passwords, host, address).await?;
        let fits = role::fits(self.target, &mut connected).await?;
        Ok((connected, fits))
    }

    async fn bounded<T>(
        &self,
        end: Option<Instant>,
        work: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        let Some(end) = end else { return work.await };
        timeout_at(end, work).await.unwrap_or_else(|_| {
            let message = "no answer within its share of connectTimeoutMs";
            let error = ConnectError::new(Kind::Timeout, "ETIMEDOUT", message);
            Err(error.at(&self.endpoint.to_string()))
        })
    }
}

/// A server that was not wanted need not log that its client vanished.
async fn say_goodbye(mut connected: Connected) {
    const PATIENCE: Duration = Duration::from_millis(100);
    let goodbye = async {
        connected.stream.write_all(b"X\0\0\0\x04").await?;
        connected.stream.shutdown().await
    };
    let _ = tokio::time::timeout(PATIENCE, goodbye).await;
}

#[cfg(test)]
#[path = "tests/hosts.rs"]
mod tests;
