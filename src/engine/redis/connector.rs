//! A Redis server as one pool reaches it.

use super::adapter::{Cancel, Connection};
use super::cancel::cancel;
use super::config::Target;
use super::connect::{Connected, connect};
use super::login::Login;
use super::session::Session;
use super::statement::Command;
use crate::core::error::OptionError;
use crate::core::options::{Options, Value};
use crate::engine::error::EngineError;
use crate::engine::net::address::Peer;
use crate::engine::net::failure::ConnectError;
use crate::engine::net::hosts::Silence;
use crate::engine::net::tls::TlsRoots;
use crate::engine::pool::Surroundings;
use crate::engine::session as driver;
use crate::engine::settings::Settings;
use once_cell::sync::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

pub struct Redis {
    target: Target,
    silence: Silence,
    /// PEM texts, read at the first connect: a hundred certificates take a millisecond.
    pem: Arc<Vec<String>>,
    roots: OnceCell<TlsRoots>,
    settings: Settings,
    /// The caller logs in and steers the session.
    verbatim: bool,
}

impl Redis {
    pub fn new(
        entries: Vec<(String, Value)>,
        surroundings: &Surroundings,
        options: &Options,
    ) -> Result<Redis, OptionError> {
        let Surroundings { roots, startup, .. } = surroundings;
        let settings = match options.shared {
            true => Target::settings(entries.clone())?,
            false => Settings::default(),
        };
        let target = Target::parse(entries)?;
        let (silence, pem) = (Silence::of(&target.route), roots.clone());
        let verbatim = startup.is_some();
        Ok(Redis { target, silence, pem, roots: OnceCell::new(), settings, verbatim })
    }

    fn roots(&self) -> &TlsRoots {
        self.roots.get_or_init(|| TlsRoots::parse(&self.pem))
    }

    fn login(&self, answered: Option<String>) -> Option<Login> {
        if self.verbatim {
            return None;
        }
        let mut login = self.target.login.clone();
        login.password = login.password.or(answered);
        Some(login)
    }

    /// Stops what blocks a connection. A failure is no error: the caller has had its answer.
    fn canceler(self: Arc<Self>, peer: Peer, login: Login, id: i64) -> Cancel {
        Box::new(move || {
            let (me, peer, login) = (self.clone(), peer.clone(), login.clone());
            Box::pin(async move {
                let _ = cancel(&me.target, me.roots(), &login, &peer, id).await;
            })
        })
    }
}

impl driver::Connector for Redis {
    fn protocol(&self) -> driver::Protocol {
        driver::Protocol::Redis
    }

    fn connect(
        self: Arc<Self>,
        mut attempt: driver::Attempt,
    ) -> driver::LocalFuture<Result<driver::Opened, EngineError>> {
        Box::pin(async move {
            let mut login = self.login(attempt.password.take());
            let made =
                connect(&self.target, self.roots(), &self.silence, login.as_ref(), attempt).await;
            let failed = |error: ConnectError| error.to_engine();
            let Connected { stream, leftover, peer, id, resp3, .. } = made.map_err(failed)?;
            if let Some(login) = &mut login {
                login.has_reset = resp3 || !self.target.resp3;
            }
            let side = login.clone().unwrap_or_default();
            let session = Session::new(login, resp3, id);
            let cancel = self.canceler(peer.clone(), side, id);
            let session = Box::new(Connection::new(session, peer, cancel));
            Ok(driver::Opened { stream, session, leftover })
        })
    }

    fn is_local(&self) -> bool {
        self.target.route.is_local()
    }

    fn allows_read_only(&self) -> bool {
        self.verbatim
    }

    fn has_one_wire(&self) -> bool {
        true
    }

    /// Nothing is prepared here, so nothing has a name.
    fn statement(&self, _: u32, text: &str, _: Option<&str>) -> Rc<dyn driver::Statement> {
        Rc::new(Command::new(text))
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }
}
