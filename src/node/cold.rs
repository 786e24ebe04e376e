//! The calls that are made once per load, per pool or on request.

use super::hot;
use super::link::LocalLink;
use super::values::entries;
use crate::core::error::OptionError;
use crate::core::message::Input;
use crate::core::options::{Int8, Options, Reset, Validate, Value};
use crate::engine::pool::{Attached, Hooks, PoolShared, Role, Surroundings};
use crate::engine::registry::{self, Before};
use crate::engine::runtime::Message;
use crate::engine::session::{Connector, Protocol};
use napi::bindgen_prelude::{Function, JsObjectValue, Object};
use napi::{Env, JsValue};
use napi_derive::napi;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// Pools of the process so far; numbers are never used twice.
static POOLS: AtomicU32 = AtomicU32::new(0);

/// Opens a link: an object with its `id` and the hot functions. `onWake` is called from the event
/// loop when there is something to drain.
#[napi]
pub fn open_link(env: Env, on_wake: Function<'_, (), ()>, thread: u32) -> napi::Result<Object<'_>> {
    let link = LocalLink::open(env.raw(), on_wake.value().value, thread)?;
    let mut object = Object::new(&env)?;
    object.set_named_property("id", link.shared.id)?;
    hot::install(env.raw(), object.value().value, &link)?;
    Ok(object)
}

/// Waits until all that was handed over is written, as far as the sockets take it, or for so many
/// milliseconds.
#[napi]
pub fn write_out(link: u32, milliseconds: u32) -> napi::Result<()> {
    let (written, all) = mpsc::channel();
    find(link)?.runtime.send(Message::WriteOut(written));
    // That the other end is gone is the answer; nothing is ever sent.
    let _ = all.recv_timeout(Duration::from_millis(milliseconds.into()));
    Ok(())
}

/// Makes a pool. Returns JSON: `{ pool, options }` or `{ option, message }` for a refused option.
#[napi]
pub fn open_pool(
    link: u32,
    options: Object<'_>,
    environment: Object<'_>,
    user: Option<String>,
    roots: Vec<String>,
    startup: Option<Object<'_>>,
) -> napi::Result<String> {
    let link = find(link)?;
    let environment = texts(&environment)?.into_iter().collect::<BTreeMap<_, _>>();
    let startup = startup.map(|startup| texts(&startup)).transpose()?;
    let surroundings = Surroundings { environment, user, roots: Arc::new(roots), startup };
    let answer = match make_pool(&link, entries(&options)?, &surroundings) {
        Ok(pool) => pool,
        Err(OptionError { option, message }) => json!({ "option": option, "message": message }),
    };
    Ok(answer.to_string())
}

/// The properties that are texts, in order.
fn texts(object: &Object<'_>) -> napi::Result<Vec<(String, String)>> {
    let text = |(key, value)| match value {
        Value::Text(text) => Some((key, text)),
        _ => None,
    };
    Ok(entries(object)?.into_iter().filter_map(text).collect())
}

fn make_pool(
    link: &Rc<LocalLink>,
    entries: Vec<(String, Value)>,
    surroundings: &Surroundings,
) -> Result<Json, OptionError> {
    let given_reset = entries.iter().any(|(key, _)| key == "reset");
    let (protocol, entries) = Protocol::choose(entries)?;
    let (options, rest) = Options::parse(entries, &protocol.keys())?;
    if options.validate == Validate::Function {
        let expected = "'auto', 'always' or 'never' for a database";
        return Err(OptionError::bound("validate", expected, "a function"));
    }
    let is_function = |name: &str| rest.iter().any(|it| it.0 == name && it.1 == Value::Function);
    let (password, stream) = (is_function("password"), is_function("stream"));
    let (connector, replicas) = protocol.connectors(rest, surroundings, &options)?;
    let reset = options.reset == Reset::Function;
    let hooks = Hooks { on_connect: options.on_connect, reset, password, stream };
    let me = Attached { link: link.shared.id, thread: link.shared.thread, hooks };
    let opening = Opening { options, connector };
    let pool = match opening.options.name.clone().filter(|_| opening.options.shared) {
        None => opening.make(link, me, replicas, Before::default()),
        Some(name) => {
            let asked = opening.clone();
            let same = |pool: &PoolShared| asked.compare(pool, given_reset);
            let make = |me, before| opening.make(link, me, replicas, before);
            registry::attach(&name, me, same, make)?
        }
    };
    for pool in pool.replicas.iter().chain([&pool]) {
        link.add_pool(pool.clone());
    }
    let mut settings = settings_of(&pool, hooks);
    settings["engine"] = protocol.name().into();
    Ok(settings)
}

/// What a pool is made of.
#[derive(Clone)]
struct Opening {
    options: Options,
    connector: Arc<dyn Connector>,
}

impl Opening {
    /// The pool, and one of its replicas where there are any, announced to the engine.
    fn make(
        self,
        link: &Rc<LocalLink>,
        me: Attached,
        replicas: Option<Arc<dyn Connector>>,
        before: Before,
    ) -> Arc<PoolShared> {
        // Replicas first: a statement must find the pool that it is sent to.
        let replicas = replicas.map(|connector| {
            let name = self.options.name.as_ref().map(|name| format!("{name} (replicas)"));
            let options = Options { name, ..self.options.clone() };
            let opening = Opening { options, connector };
            opening.open(link, me, Role::Replicas, None, before.replicas)
        });
        let beside = replicas.as_ref().map(|pool| pool.id);
        let role = beside.map_or(Role::Alone, |replicas| Role::Primary { replicas });
        self.open(link, me, role, replicas, before.pool)
    }

    fn open(
        self,
        link: &Rc<LocalLink>,
        me: Attached,
        role: Role,
        replicas: Option<Arc<PoolShared>>,
        before: Option<u32>,
    ) -> Arc<PoolShared> {
        let id = POOLS.fetch_add(1, Ordering::Relaxed);
        // Jitter must differ between processes; nothing else depends on the seed.
        let seed = RandomState::new().hash_one(id);
        let Opening { options, connector } = self;
        let options = packed(options, &*connector);
        let clock = link.runtime.clock;
        let mut pool = PoolShared::new(id, me, options, connector, clock, seed, before);
        let own = Arc::get_mut(&mut pool).expect("nobody else has seen it");
        own.role = role;
        own.replicas = replicas;
        link.runtime.send(Message::OpenPool(pool.clone()));
        pool
    }

    /// Refuses to take a pool for another one: names the option in which the two differ, never the
    /// values. Functions stay with the thread that passed them; leaving one out asks for nothing
    /// else.
    fn compare(mut self, pool: &PoolShared, given_reset: bool) -> Result<(), OptionError> {
        self.options.on_connect |= pool.options.on_connect;
        if !given_reset && pool.options.reset == Reset::Function {
            self.options.reset = Reset::Function;
        }
        let target = || pool.connector.settings().difference(self.connector.settings());
        let differing = pool.options.difference(&self.options).or_else(target);
        let Some(option) = differing else { return Ok(()) };
        let name = pool.options.name.as_deref().unwrap_or_default();
        let message = format!(
            "option '{option}' differs from that of the shared pool '{name}': \
             threads that share a pool must give the same target and options"
        );
        Err(OptionError { option: option.to_owned(), message })
    }
}

/// What lib/ has to know of a pool's options.
fn settings_of(pool: &PoolShared, given: Hooks) -> Json {
    let options = &pool.options;
    let ms = |time: Option<u64>| time.map(|us| us / 1000);
    let left_out = [
        ("password", pool.hooks.password && !given.password),
        ("stream", pool.hooks.stream && !given.stream),
    ];
    let left_out = left_out.into_iter().find(|(_, missing)| *missing).map(|(name, _)| name);
    json!({
        "pool": pool.id,
        "replicas": pool.replicas.as_ref().map(|replicas| replicas.id),
        "reachable": pool.replicas.as_ref().is_some_and(|it| !it.away.load(Ordering::SeqCst)),
        "acquireTimeoutMs": ms(options.acquire_timeout),
        "queryTimeoutMs": ms(options.query_timeout),
        "closeTimeoutMs": ms(options.close_timeout),
        "leakDetectionMs": ms(options.leak_detection),
        // What a connection of this thread's own would lack.
        "leftOut": left_out,
        "lazy": options.lazy,
        "priorities": options.priorities,
        "name": options.name,
        "shared": options.shared,
        "max": options.max,
        "int8": match options.int8 {
            Int8::Number => "number",
            Int8::BigInt => "bigint",
            Int8::Text => "string",
        },
        "destroyOnQueryError": options.destroy_on_query_error,
    })
}

/// Commands on their way on one wire; others wait in line, where they can still be given up.
const WIRE_DEPTH: u32 = 64 * 1024;

/// The server shares our processors: beyond two busy connections for each, another one only adds
/// switches between them. Packing short statements gave 15 % more point selects with 65 workers
/// on two cores (`benches/node` row `point`). A server elsewhere may have any number.
fn packed(mut options: Options, connector: &dyn Connector) -> Options {
    if connector.has_one_wire() {
        options.one_wire = true;
        options.share_depth = WIRE_DEPTH;
        options.share_patience = u64::MAX;
    } else if connector.is_local() {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        options.share_width = cores.saturating_mul(2);
        options.share_depth = 32;
    }
    options
}

/// The pool's figures as JSON (`Pool.stats`).
#[napi]
pub fn pool_stats(link: u32, pool: u32) -> napi::Result<Option<String>> {
    let Some(pool) = find(link)?.pool(pool) else { return Ok(None) };
    let mut figures = pool.lock().figures(pool.options.name.as_deref());
    figures["threads"] = pool.threads().into();
    Ok(Some(figures.to_string()))
}

/// Replaces every connection, at the latest when it is given back.
#[napi]
pub fn pool_clear(link: u32, pool: u32) -> napi::Result<()> {
    tell(link, pool, Input::Clear)
}

/// Changes the bounds. Returns a message when they are refused.
#[napi]
pub fn pool_resize(link: u32, pool: u32, min: u32, max: u32) -> napi::Result<Option<String>> {
    if let Some(shared) = find(link)?.pool(pool) {
        let options = Options { min, max, ..shared.options.clone() };
        if let Err(error) = options.check() {
            return Ok(Some(error.message));
        }
        tell(link, pool, Input::Resize { min, max })?;
    }
    Ok(None)
}

/// Forgets a pool that has closed.
#[napi]
pub fn pool_forget(link: u32, pool: u32) -> napi::Result<()> {
    find(link)?.drop_pool(pool);
    Ok(())
}

/// The connection that a lease had: its number in the pool and the server's for it.
#[napi]
pub fn connection_identity(
    link: u32,
    pool: u32,
    slot: u32,
    generation: u32,
) -> napi::Result<Vec<i32>> {
    let pool = find(link)?.pool(pool);
    let identity = pool.and_then(|pool| pool.lock().identity(slot, generation));
    let (serial, process) = identity.unwrap_or_default();
    Ok(vec![serial as i32, process])
}

fn tell(link: u32, pool: u32, input: Input) -> napi::Result<()> {
    let link = find(link)?;
    let Some(shared) = link.pool(pool) else { return Ok(()) };
    let mut effects = Vec::new();
    shared.handle(shared.clock.now(), input, &mut effects);
    link.runtime.send(Message::Effects { pool, effects });
    Ok(())
}

fn find(link: u32) -> napi::Result<Rc<LocalLink>> {
    LocalLink::find(link).ok_or_else(|| napi::Error::from_reason("this link has ended"))
}
