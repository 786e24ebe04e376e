//! A MySQL or MariaDB server as one pool reaches it.

use super::adapter::{Cancel, Connection};
use super::cancel::cancel;
use super::config::Target;
use super::connect::{Connected, connect, password_of};
use super::session::{Session, SessionOptions};
use super::statements::Statement;
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
use crate::engine::timed::Timed;
use once_cell::sync::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

pub struct MySql {
    target: Target,
    silence: Silence,
    options: SessionOptions,
    /// PEM texts, read at the first connect: a hundred certificates take a millisecond.
    pem: Arc<Vec<String>>,
    roots: OnceCell<TlsRoots>,
    settings: Settings,
    verbatim: bool,
}

impl MySql {
    pub fn new(
        entries: Vec<(String, Value)>,
        surroundings: &Surroundings,
        options: &Options,
    ) -> Result<MySql, OptionError> {
        let Surroundings { user, roots, startup, .. } = surroundings;
        let settings = match options.shared {
            true => Target::settings(entries.clone(), user.as_deref())?,
            false => Settings::default(),
        };
        let mut target = Target::parse(entries, user.as_deref())?;
        let verbatim = startup.is_some();
        if let Some(attributes) = startup {
            target.pins = None;
            target.exact = true;
            target.attributes.clone_from(attributes);
        }
        let options = SessionOptions {
            statement_cache: options.statement_cache as usize,
            int8: options.int8,
            database: target.database.clone(),
            setup: target.pins.clone().unwrap_or_default(),
            verbatim,
        };
        let (silence, pem) = (Silence::of(&target.route), roots.clone());
        let roots = OnceCell::new();
        Ok(MySql { target, silence, options, pem, roots, settings, verbatim })
    }

    fn roots(&self) -> &TlsRoots {
        self.roots.get_or_init(|| TlsRoots::parse(&self.pem))
    }

    /// Stops what a connection executes, as long as that has this number. A failure is no error:
    /// the caller has had its answer.
    fn canceler(self: Arc<Self>, peer: Peer, password: Option<String>, number: u32) -> Cancel {
        Box::new(move || {
            let (me, peer, password) = (self.clone(), peer.clone(), password.clone());
            Box::pin(async move {
                let password = password.as_deref();
                let _ = cancel(&me.target, me.roots(), password, &peer, number).await;
            })
        })
    }
}

impl driver::Connector for MySql {
    fn protocol(&self) -> driver::Protocol {
        driver::Protocol::MySql
    }

    fn connect(
        self: Arc<Self>,
        mut attempt: driver::Attempt,
    ) -> driver::LocalFuture<Result<driver::Opened, EngineError>> {
        Box::pin(async move {
            let failed = |error: ConnectError| error.to_engine();
            let password = password_of(&self.target, attempt.password.take()).map_err(failed)?;
            attempt.password.clone_from(&password);
            let connected = connect(&self.target, self.roots(), &self.silence, attempt).await;
            let Connected { stream, started, leftover, peer } = connected.map_err(failed)?;
            let number = started.connection_id;
            let session = Session::new(started, self.options.clone());
            let cancel = self.clone().canceler(peer.clone(), password, number);
            let stops = peer.is_near() && !self.target.defers_login;
            let session = Box::new(Connection::new(session, peer, cancel, stops));
            Ok(driver::Opened { stream, session, leftover })
        })
    }

    fn is_local(&self) -> bool {
        self.target.route.is_local()
    }

    fn allows_read_only(&self) -> bool {
        self.verbatim
    }

    /// Statements have numbers here, and no names.
    fn statement(&self, id: u32, text: &str, _: Option<&str>) -> Rc<dyn driver::Statement> {
        Rc::new(Timed::new(Statement::new(id, text)))
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }
}
