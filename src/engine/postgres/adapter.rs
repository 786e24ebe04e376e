//! The PostgreSQL session as the driver wants it.

use super::cancel::cancel;
use super::config::Target;
use super::connect::Connected;
use super::copy::refusal;
use super::error::ServerError;
use super::hosts::connect;
use super::params::EncodeError;
use super::replicas;
use super::role::Wanted;
use super::session::{Broken, Execute, Flow, Session, SessionOptions, Sink};
use super::statements::Statement;
use super::types::{self, Columns, Decoding, TypeOptions};
use crate::core::error::OptionError;
use crate::core::options::{Options, Value};
use crate::engine::error::EngineError;
use crate::engine::net::address::Peer;
use crate::engine::net::hosts::Silence;
use crate::engine::net::tls::TlsRoots;
use crate::engine::pool::Surroundings;
use crate::engine::replies::Replies;
use crate::engine::session as driver;
use crate::engine::settings::Settings;
use crate::engine::timed::Timed;
use crate::wire::chunk::Chunk;
use crate::wire::param::Params;
use bytes::BytesMut;
use once_cell::sync::OnceCell;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;

/// A PostgreSQL server as one pool reaches it.
pub struct Postgres {
    target: Target,
    silence: Silence,
    options: SessionOptions,
    /// PEM texts, read at the first connect: a hundred certificates take a millisecond.
    pem: Arc<Vec<String>>,
    roots: OnceCell<TlsRoots>,
    settings: Settings,
}

impl Postgres {
    /// The target, and that of its replicas if there are any.
    pub fn new(
        entries: Vec<(String, Value)>,
        surroundings: &Surroundings,
        options: &Options,
    ) -> Result<(Postgres, Option<Postgres>), OptionError> {
        let Surroundings { environment, user, roots, startup } = surroundings;
        let settings = match options.shared {
            true => Target::settings(entries.clone(), environment, user.as_deref())?,
            false => Settings::default(),
        };
        let (mut target, replicas) = replicas::split(entries, environment, user.as_deref())?;
        target.startup.clone_from(startup);
        let replicas = replicas.map(|it| Postgres::of(it, roots, options, Settings::default()));
        Ok((Postgres::of(target, roots, options, settings), replicas))
    }

    fn of(
        target: Target,
        pem: &Arc<Vec<String>>,
        options: &Options,
        settings: Settings,
    ) -> Postgres {
        let statement_cache = options.statement_cache as usize;
        let verbatim = target.startup.is_some();
        let decoding = if verbatim { Decoding::Peer } else { Decoding::Native };
        let types = TypeOptions { int8: options.int8, decoding };
        let options = SessionOptions { statement_cache, types, verbatim };
        let silence = Silence::of(&target.route);
        let roots = OnceCell::new();
        Postgres { target, silence, options, pem: pem.clone(), roots, settings }
    }

    fn roots(&self) -> &TlsRoots {
        self.roots.get_or_init(|| TlsRoots::parse(&self.pem))
    }
}

impl driver::Connector for Postgres {
    fn protocol(&self) -> driver::Protocol {
        driver::Protocol::Postgres
    }

    fn connect(
        self: Arc<Self>,
        attempt: driver::Attempt,
    ) -> driver::LocalFuture<Result<driver::Opened, EngineError>> {
        Box::pin(async move {
            let connected = connect(&self.target, self.roots(), &self.silence, attempt).await;
            let Connected { stream, started, leftover, peer } =
                connected.map_err(|error| error.to_engine())?;
            let prefix =
                format!("p{:08x}_", RandomState::new().hash_one(started.process_id) as u32);
            let session = Session::new(started, self.options, &prefix);
            let told = session.transaction();
            let session = Box::new(Connection { session, origin: self, peer, told });
            Ok(driver::Opened { stream, session, leftover })
        })
    }

    fn is_local(&self) -> bool {
        self.target.route.is_local()
    }

    fn allows_read_only(&self) -> bool {
        self.options.verbatim || self.target.wanted.allows_read_only()
    }

    fn statement(&self, id: u32, text: &str, name: Option<&str>) -> Rc<dyn driver::Statement> {
        Rc::new(Timed::new(Statement::new(id, text).named(name)))
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// A session with what a cancel needs to know.
pub struct Connection {
    session: Session,
    origin: Arc<Postgres>,
    peer: Peer,
    /// How the session stands, as far as JavaScript was told; 0 for not at all.
    told: u8,
}

impl driver::Session for Connection {
    fn execute(
        &mut self,
        token: u64,
        statement: &Rc<dyn driver::Statement>,
        params: Params<'_>,
        mode: driver::Mode,
    ) -> Result<(), EngineError> {
        let statement = Timed::<Statement>::text_of(statement)?;
        let verbatim = self.origin.options.verbatim;
        if let Some(reason) = refusal(statement, mode.copy).filter(|_| !verbatim) {
            return Err(EngineError::new("ERR_POLYPOOL_PARAMETER", reason));
        }
        self.session.keep_order(mode.ordered);
        self.session
            .execute(Execute { token, statement, params, mode })
            .map_err(|error| parameter_error(&error))
    }

    fn settle_lead(&mut self) {
        self.session.settle_lead();
    }

    fn copy_data(&mut self, token: u64, data: &[u8]) -> bool {
        self.session.copy_data(token, data)
    }

    fn copy_end(&mut self, token: u64, failure: Option<&str>) -> bool {
        self.session.copy_end(token, failure)
    }

    fn fetch(&mut self, rows: u32) {
        self.session.fetch(rows);
    }

    fn close_cursor(&mut self) -> bool {
        self.session.close_cursor()
    }

    fn check(&mut self, token: u64) {
        self.session.sync(token);
    }

    fn check_place(&mut self, token: u64) {
        self.session.check_place(token);
    }

    fn reset(&mut self, token: u64) {
        self.session.reset(token);
    }

    fn outgoing(&mut self) -> &mut BytesMut {
        self.session.outgoing()
    }

    fn receive(&mut self, input: &[u8], replies: &mut Replies<'_>) -> Result<usize, EngineError> {
        let (wanted, verbatim) = (self.origin.target.wanted, self.origin.options.verbatim);
        let told = verbatim.then_some(self.told);
        let mut sink = Replying { replies, wanted, told };
        let taken = self.session.receive(input, &mut sink).map_err(|broken| lost(&broken))?;
        if let Some(told) = sink.told {
            self.told = told;
        }
        Ok(taken)
    }

    fn needed(&self, input: &[u8]) -> usize {
        self.session.needed(input)
    }

    fn terminate(&mut self, _cut_off: bool) {
        self.session.terminate();
    }

    fn process_id(&self) -> i32 {
        self.session.started().process_id
    }

    fn announce(&self) -> Option<serde_json::Value> {
        let started = self.session.started();
        let announced = || {
            let [local, remote] = self.peer.ends();
            serde_json::json!({ "secretKey": started.secret_key, "parameters": started.parameters,
                "transaction": char::from(started.transaction).to_string(),
                "stops": self.peer.is_near() && started.process_id != 0,
                "local": local, "remote": remote })
        };
        self.origin.options.verbatim.then(announced)
    }

    fn cancel(&self) -> driver::LocalFuture<()> {
        let (origin, peer) = (self.origin.clone(), self.peer.clone());
        let (process, key) = (self.session.started().process_id, self.session.started().secret_key);
        Box::pin(async move {
            // A cancel that does not arrive is no error: the caller has had its answer.
            let _ = cancel(&origin.target, origin.roots(), &peer, process, key).await;
        })
    }
}

/// Passes the session's events on to the requests they are for.
struct Replying<'a, 'b> {
    replies: &'a mut Replies<'b>,
    wanted: Wanted,
    /// Of an unpooled session, which hears of changes: how it stands, as it was told.
    told: Option<u8>,
}

impl Sink for Replying<'_, '_> {
    fn row(&mut self, token: u64, columns: &Rc<Columns>, binary: bool, body: &[u8]) -> Flow {
        let write = |chunk: &mut Chunk| types::write_row(chunk, columns, binary, body);
        self.replies.row(token, &**columns, write)
    }

    fn complete(&mut self, token: u64, tag: &str, columns: Option<&Rc<Columns>>) {
        let (command, count) = read_tag(tag);
        self.replies.complete(token, columns.map(|columns| &**columns), command, count);
    }

    fn suspended(&mut self, token: u64) -> Option<u32> {
        self.replies.suspended(token)
    }

    fn error(&mut self, token: u64, error: &ServerError) {
        self.replies.error(token, server_error(error));
    }

    fn refused(&mut self, token: u64, error: &EncodeError) {
        self.replies.error(token, parameter_error(error));
    }

    fn ready(&mut self, token: u64, transaction: u8) {
        if let Some(told) = &mut self.told
            && *told != transaction
        {
            *told = transaction;
            self.replies.status(token, transaction);
        }
        self.replies.ready(token, transaction != b'I');
    }

    fn copy_ready(&mut self, token: u64) -> bool {
        self.replies.copy_ready(token)
    }

    fn copy_data(&mut self, token: u64, data: &[u8]) -> Flow {
        self.replies.copy_data(token, data)
    }

    fn notice(&mut self, token: Option<u64>, notice: &ServerError) {
        self.replies.notice(token, server_error(notice));
    }

    fn notification(&mut self, token: Option<u64>, process: i32, channel: &str, payload: &str) {
        self.replies.notification(token, process, channel, payload);
    }

    fn parameter(&mut self, name: &str, value: &str) {
        self.replies.retire |= self.wanted.is_ended_by(name, value);
        if self.told.is_some() {
            self.replies.parameters.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// Splits a command tag such as `INSERT 0 5` into its words and its count of rows.
fn read_tag(tag: &str) -> (&str, Option<u64>) {
    let Some((head, last)) = tag.rsplit_once(' ') else { return (tag, None) };
    let Ok(count) = last.parse() else { return (tag, None) };
    // INSERT names an object id, zero for a long time now, before its count.
    (head.strip_suffix(" 0").unwrap_or(head), Some(count))
}

pub fn server_error(error: &ServerError) -> EngineError {
    let mut json = error.to_json();
    json["kind"] = "database".into();
    let elsewhere = error.is_read_only();
    EngineError { json, not_here: error.is_not_here(), elsewhere, fatal: error.is_auth() }
}

fn parameter_error(error: &EncodeError) -> EngineError {
    // Position 0 is the statement as a whole.
    let text = if error.position == 0 { error.message.clone() } else { error.to_string() };
    EngineError::new("ERR_POLYPOOL_PARAMETER", text).with("position", error.position.into())
}

fn lost(broken: &Broken) -> EngineError {
    match broken {
        Broken::Protocol(_) => EngineError::nonsense(broken),
        Broken::Unexpected(tag) => EngineError::nonsense(broken).with("tag", (*tag).into()),
        Broken::Server(error) => {
            let mut lost = EngineError::closed(&server_error(error));
            lost.not_here = error.is_crash();
            lost
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_give_command_and_count() {
        assert_eq!(read_tag("INSERT 0 5"), ("INSERT", Some(5)));
        assert_eq!(read_tag("SELECT 1000"), ("SELECT", Some(1000)));
        assert_eq!(read_tag("CREATE TABLE"), ("CREATE TABLE", None));
        assert_eq!(read_tag(""), ("", None));
    }
}
