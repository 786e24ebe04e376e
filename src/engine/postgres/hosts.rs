//! Which server a connection goes to: the first that answers and is of the role wanted.

use super::config::Target;
use super::connect::{Connected, connect_address};
use super::passwords::Passwords;
use super::role::{self, Wanted};
use crate::engine::net::address::Address;
use crate::engine::net::connected::say_goodbye;
use crate::engine::net::failure::ConnectError;
use crate::engine::net::hosts::{self, Dial, Round, Silence};
use crate::engine::net::route::Route;
use crate::engine::net::tls::TlsRoots;
use crate::engine::session::Attempt;

pub async fn connect(
    target: &Target,
    roots: &TlsRoots,
    silence: &Silence,
    mut attempt: Attempt,
) -> Result<Connected, ConnectError> {
    let passwords = &Passwords::gather(target, attempt.password.take()).await?;
    hosts::connect(&Dialer { target, roots, passwords }, silence, Round::of(&attempt)).await
}

struct Dialer<'a> {
    target: &'a Target,
    roots: &'a TlsRoots,
    passwords: &'a Passwords,
}

impl Dial for Dialer<'_> {
    type Link = Connected;

    fn route(&self) -> &Route {
        &self.target.route
    }

    async fn dial(&self, host: &str, address: Address) -> Result<(Connected, bool), ConnectError> {
        let mut connected =
            connect_address(self.target, self.roots, self.passwords, host, address).await?;
        let fits = role::fits(self.target, &mut connected).await?;
        Ok((connected, fits))
    }

    fn mismatch(&self, connected: &Connected) -> ConnectError {
        role::refusal(self.target.wanted).at(&connected.peer.address.to_string())
    }

    fn demand(&self) -> String {
        format!("target_session_attrs={}", self.target.wanted.name())
    }

    fn takes_second_best(&self) -> bool {
        self.target.wanted == Wanted::PreferStandby
    }

    async fn part(&self, mut connected: Connected) {
        say_goodbye(&mut connected.stream, b"X\0\0\0\x04").await;
    }
}

#[cfg(test)]
#[path = "tests/hosts.rs"]
mod tests;
