//! Which server a connection goes to: the hosts in their order, each address of each, until one
//! answers and is of the role wanted.

use super::address::{Address, Endpoint, addresses};
use super::failure::{ConnectError, Failed, Kind};
use super::far::Far;
use super::route::Route;
use crate::core::backoff::Random;
use crate::engine::bridge::Bridges;
use crate::engine::session::{Attempt, Place};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How a protocol connects to one address.
pub trait Dial {
    /// A connection that is ready.
    type Link;

    fn route(&self) -> &Route;

    /// All attempts at one address, and whether its server is of the role wanted.
    fn dial(
        &self,
        host: &str,
        address: Address,
    ) -> impl Future<Output = Result<(Self::Link, bool), ConnectError>>;

    /// What is wrong with a server of another role, where there are several.
    fn mismatch(&self, _: &Self::Link) -> ConnectError {
        ConnectError::new(Kind::Role, "EROLE", "the server is not of the role wanted")
    }

    /// The option, and its value, that asks for a role.
    fn demand(&self) -> String {
        String::new()
    }

    /// A server of another role will do when there is none of the right one.
    fn takes_second_best(&self) -> bool {
        false
    }

    /// A server that was not wanted need not log that its client vanished.
    fn part(&self, link: Self::Link) -> impl Future<Output = ()>;
}

/// What one round over the hosts depends on beside the target.
pub struct Round<'a> {
    pub seed: u64,
    pub now: u64,
    /// When the caller gives up; for an even share among several hosts.
    pub limit: Option<Duration>,
    pub bridges: Option<&'a Bridges>,
    pub place: &'a Place,
}

impl<'a> Round<'a> {
    pub fn of(attempt: &'a Attempt) -> Round<'a> {
        let Attempt { seed, now, limit, bridges, place, .. } = attempt;
        Round { seed: *seed, now: *now, limit: *limit, bridges: bridges.as_ref(), place }
    }
}

/// A host that did not answer in its time is tried after the others for so many microseconds:
/// otherwise each new connection would wait for a machine that is gone.
pub const SILENT_FOR: u64 = 30_000_000;

/// Until when each host comes last, since it was silent; as many as the target has hosts.
pub struct Silence(Vec<AtomicU64>);

impl Silence {
    pub fn of(route: &Route) -> Silence {
        Silence(route.endpoints.iter().map(|_| AtomicU64::new(0)).collect())
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
pub async fn connect<D: Dial>(
    dialer: &D,
    silence: &Silence,
    round: Round<'_>,
) -> Result<D::Link, ConnectError> {
    let route = dialer.route();
    let bridges = round.bridges.filter(|_| route.bridged);
    let mut random = Random::new(round.seed);
    let order = order(route, silence, round.now, &mut random);
    let several = order.len() > 1;
    // The last share ends before the pool's own bound, which knows nothing of hosts.
    let end = round.limit.filter(|_| several).map(|limit| Instant::now() + limit * 19 / 20);
    let mut failed = Vec::new();
    let mut second_best = None;
    for (tried, &host) in order.iter().enumerate() {
        let endpoint = &route.endpoints[host];
        let share = end.map(|end| share(end, order.len() - tried));
        let all = Tries { dialer, bridges, endpoint, share, place: round.place };
        match all.run(&mut random, &mut failed, &mut second_best).await {
            Ok(link) => {
                silence.note(host, 0);
                if let Some(other) = second_best.take() {
                    dialer.part(other).await;
                }
                return Ok(link);
            }
            Err(Some(fatal)) => return Err(fatal),
            Err(None) => {
                let silent = failed.last().is_some_and(|it: &Failed| it.error.is_silence());
                silence.note(host, if silent { round.now + SILENT_FOR } else { 0 });
            }
        }
    }
    second_best.ok_or_else(|| ConnectError::of_hosts(failed, &dialer.demand(), several))
}

/// Shuffled if so asked; hosts known to be silent come last.
fn order(route: &Route, silence: &Silence, now: u64, random: &mut Random) -> Vec<usize> {
    let mut order: Vec<usize> = (0..route.endpoints.len()).collect();
    if route.shuffles {
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

struct Tries<'a, D> {
    dialer: &'a D,
    bridges: Option<&'a Bridges>,
    endpoint: &'a Endpoint,
    /// Its end, when there are other hosts.
    share: Option<Instant>,
    place: &'a Place,
}

impl<D: Dial> Tries<'_, D> {
    /// `Err(None)`: try another host; why is among `failed`.
    async fn run(
        &self,
        random: &mut Random,
        failed: &mut Vec<Failed>,
        second_best: &mut Option<D::Link>,
    ) -> Result<D::Link, Option<ConnectError>> {
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
        if self.dialer.route().shuffles {
            shuffle(&mut addresses, random);
        }
        let count = addresses.len();
        for (tried, address) in addresses.into_iter().enumerate() {
            let end = self.share.map(|end| share(end, count - tried));
            self.place.note(address.to_string());
            match self.bounded(end, self.dialer.dial(&host, address)).await {
                Ok((link, true)) => return Ok(link),
                Ok((link, false)) => {
                    failed.push(fail(self.dialer.mismatch(&link)));
                    if self.dialer.takes_second_best() && second_best.is_none() {
                        *second_best = Some(link);
                    } else {
                        self.dialer.part(link).await;
                    }
                }
                Err(error) if error.fatal => return Err(Some(error)),
                Err(error) => failed.push(fail(error)),
            }
        }
        Err(None)
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
