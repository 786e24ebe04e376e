//! The submission ring on the engine's side: records in, requests and core inputs out.

use super::connection::Phase;
use super::copy::Copying;
use super::{Driver, WAITING_BYTES};
use crate::core::message::{ConnId, Effect, Input, Lease, Time, WaiterId, Want};
use crate::engine::clock::from_ms;
use crate::engine::error::EngineError;
use crate::engine::link::LinkStatement;
use crate::engine::replies::{COPY_WINDOW, talk};
use crate::engine::request::{Kind, Request, Stage, Token};
use crate::engine::session::{Cells, Direction, Dispatch, Mode, Statement};
use crate::wire::param::{Params, payload};
use crate::wire::record::{self, fate, flag};
use std::rc::Rc;

/// Statements that took longer on average have a wire to themselves.
const SHORT: Time = 1_500;

/// Request numbers and statement numbers of one link stay below this: JavaScript hands them out
/// densely, so a larger one is a malformed record.
pub const NUMBERS: i32 = 1 << 20;

pub struct Malformed;

pub type Parsed<T> = Result<T, Malformed>;

/// A QUERY record's fixed part.
struct Query<'a> {
    origin: (u32, i32),
    pool: u32,
    slot: i32,
    generation: u32,
    statement: i32,
    flags: i32,
    timeout_ms: i32,
    batch: i32,
    params: Params<'a>,
}

impl Driver {
    /// Takes the records of one tick. A malformed record ends it: nothing after it can be trusted.
    pub fn submit(&mut self, link: u32, words: &[i32]) {
        let mut rest = words;
        while !rest.is_empty() {
            let taken = split(rest).and_then(|(body, tail)| {
                self.take_record(link, body)?;
                Ok(tail)
            });
            match taken {
                Ok(tail) => rest = tail,
                Err(Malformed) => return self.refuse(link),
            }
        }
    }

    fn refuse(&mut self, id: u32) {
        if let Some(link) = self.links.get(id) {
            link.record_with_bytes(&[record::BROKEN], b"a malformed record was submitted");
            talk(link, &mut self.talking);
        }
    }

    fn take_record(&mut self, link: u32, body: &[i32]) -> Parsed<()> {
        let (op, fields) = (body[0], &body[1..]);
        match op {
            record::QUERY => {
                let query = parse_query(link, fields)?;
                self.query(query);
            }
            record::STATEMENT | record::NAMED => {
                self.statement(link, fields, op == record::NAMED)?;
            }
            record::FORGET => {
                let [id] = array(fields)?;
                self.forget(link, number(id)?);
            }
            record::CANCEL => {
                let [request] = array(fields)?;
                self.cancel(link, number(request)?);
            }
            record::INTERRUPT => {
                let [request] = array(fields)?;
                self.interrupt(link, number(request)?);
            }
            record::RELEASE => {
                let [request, pool, slot, generation, fate] = array(fields)?;
                let origin = (link, number(request)?);
                let lease = Lease { slot: index(slot)?, generation: generation as u32 };
                match fate {
                    fate::AWAIT => {
                        let slot = lease.slot;
                        self.await_slot(index(pool)?, slot, origin);
                    }
                    _ => self.release(index(pool)?, lease, fate == fate::DESTROY, origin),
                }
            }
            record::WARM => {
                let [request, pool] = array(fields)?;
                self.warm(index(pool)?, (link, number(request)?));
            }
            record::CLOSE => {
                let [request, pool, timeout] = array(fields)?;
                self.close_for(index(pool)?, (link, number(request)?), timeout);
            }
            record::CREDIT => {
                let [request, rows] = array(fields)?;
                self.credit(link, number(request)?, rows);
            }
            record::FETCH => {
                let [request, rows, timeout_ms] = array(fields)?;
                self.fetch(link, number(request)?, rows, timeout_ms);
            }
            record::STREAM_END => {
                let [request] = array(fields)?;
                self.end_stream(link, number(request)?);
            }
            record::HOOK => self.hook(fields)?,
            record::TRANSPORT_DATA => self.transport_data(link, fields)?,
            record::TRANSPORT_END => self.transport_end(link, fields)?,
            record::TRANSPORT_CREDIT => self.transport_credit(link, fields)?,
            record::COPY_DATA => {
                let (&[request], mut rest) = fields.split_first_chunk::<1>().ok_or(Malformed)?;
                let data = payload(&mut rest).ok_or(Malformed)?;
                self.copy_data(link, number(request)?, data);
            }
            record::COPY_END => {
                let (&[request, ok], mut rest) =
                    fields.split_first_chunk::<2>().ok_or(Malformed)?;
                let reason = String::from_utf8_lossy(payload(&mut rest).ok_or(Malformed)?);
                self.copy_end(link, number(request)?, (ok == 0).then_some(&*reason));
            }
            _ => return Err(Malformed),
        }
        self.perform_all();
        Ok(())
    }

    fn statement(&mut self, link: u32, fields: &[i32], named: bool) -> Parsed<()> {
        let (&[id], mut rest) = fields.split_first_chunk::<1>().ok_or(Malformed)?;
        let text = text_of(&mut rest)?;
        let name = if named { Some(text_of(&mut rest)?) } else { None };
        let at = number(id)? as usize;
        let Some(link) = self.links.get(link) else { return Ok(()) };
        if at >= link.statements.len() {
            link.statements.resize_with(at + 1, || None);
        }
        let (text, name) = (text.into(), name.map(Rc::from));
        link.statements[at] = Some(LinkStatement { text, name, statement: None });
        Ok(())
    }

    fn forget(&mut self, link: u32, id: i32) {
        if let Some(link) = self.links.get(link)
            && let Some(entry) = link.statements.get_mut(id as usize)
        {
            *entry = None;
        }
    }

    fn credit(&mut self, link: u32, request: i32, rows: i32) {
        let Some(token) = self.links.get(link).and_then(|link| link.token(request)) else { return };
        let Some(request) = self.requests.get(token) else { return };
        let Some(credit) = &mut request.credit else { return };
        *credit += i64::from(rows.max(0));
        let more = u32::try_from(*credit).unwrap_or(u32::MAX);
        let continues = more > 0 && std::mem::take(&mut request.suspended);
        let (pool, Some(id)) = (request.pool, request.conn) else { return };
        let Some(conn) = self.live(pool, id) else { return };
        if conn.paused {
            conn.resume();
        }
        if continues {
            conn.session.fetch(more);
            self.will_write(pool, id.slot);
        }
    }

    /// JavaScript asks only for what has told it that there may be more.
    fn fetch(&mut self, link: u32, request: i32, rows: i32, timeout_ms: i32) {
        let Some(token) = self.links.get(link).and_then(|link| link.token(request)) else { return };
        let now = self.now;
        let Some(request) = self.requests.get(token).filter(|it| it.suspended) else { return };
        request.suspended = false;
        request.started = now;
        let (pool, conn) = (request.pool, request.conn);
        if let Some(at) = request.deadline.take() {
            self.deadlines.remove(&(at, token));
        }
        if timeout_ms > 0 {
            self.limit(token, from_ms(timeout_ms as u64));
        }
        let Some(id) = conn else { return };
        let Some(conn) = self.live(pool, id) else { return };
        match u32::try_from(rows) {
            Ok(rows @ 1..) => conn.session.fetch(rows),
            _ => {
                conn.session.close_cursor();
            }
        }
        self.will_write(pool, id.slot);
    }

    fn hook(&mut self, fields: &[i32]) -> Parsed<()> {
        let (&[pool, slot, serial, ok], mut rest) =
            fields.split_first_chunk::<4>().ok_or(Malformed)?;
        let bytes = payload(&mut rest).ok_or(Malformed)?;
        let message = String::from_utf8_lossy(bytes);
        let id = ConnId { slot: index(slot)?, serial: serial as u32 };
        let pool = index(pool)?;
        if self.password_given(pool, id, ok != 0, &message) {
            return Ok(());
        }
        let failure = (ok == 0).then_some(&*message);
        self.hook_done(pool, id, failure);
        Ok(())
    }

    /// A lease given back by the direct call may still be on its way to idle.
    fn await_slot(&mut self, pool: u32, slot: u32, origin: (u32, i32)) {
        let serial = self.pool(pool).and_then(|state| state.slots.get(slot as usize));
        match serial.map(|slot| slot.serial) {
            Some(serial) => self.await_return(pool, ConnId { slot, serial }, origin),
            None => self.ok(origin),
        }
    }

    fn query(&mut self, query: Query<'_>) {
        let (link, number) = query.origin;
        let Some(link) = self.links.get(link) else { return };
        let known = link.statements.get_mut(query.statement as usize).and_then(Option::as_mut);
        let Some(entry) = known else {
            let error = EngineError::new("ERR_POLYPOOL_PROTOCOL", "the statement is not known");
            return self.fail((query.origin.0, number), &error);
        };
        let Some(state) = self.pools.get(&query.pool) else {
            return self.fail(query.origin, &super::closed());
        };
        let connector = &state.shared.connector;
        let protocol = connector.protocol();
        let statement = match &entry.statement {
            Some((known, statement)) if *known == protocol => statement.clone(),
            _ => {
                let (text, name) = (entry.text.clone(), entry.name.clone());
                let make = |id| connector.statement(id, &text, name.as_deref());
                let made = self.statements.get(protocol, &text, name.as_deref(), make);
                entry.statement = Some((protocol, made.clone()));
                made
            }
        };
        if query.slot < 0 {
            match self.route(query.pool, query.flags, &*statement) {
                None => self.pooled(query, statement, None),
                Some(replicas) => {
                    let fallback = Some(query.pool);
                    self.pooled(Query { pool: replicas, ..query }, statement, fallback);
                }
            }
        } else {
            self.held(query, statement);
        }
    }

    fn request(&mut self, kind: Kind, query: &Query<'_>, statement: Rc<dyn Statement>) -> Token {
        let mut request = Request::new(kind, query.pool, Some(query.origin), self.now);
        request.statement = Some(statement);
        let cursor = query.flags & flag::CURSOR != 0 && kind == Kind::Held;
        let fetch = if cursor { query.batch.max(1) as u32 } else { 0 };
        let ordered = kind == Kind::Held;
        let lead = query.flags & flag::LEAD != 0 && ordered;
        let within = query.flags & flag::WITHIN != 0;
        let wire = query.flags & flag::WIRE != 0 && ordered;
        request.mode = Mode {
            lead,
            guard: false,
            within,
            ordered,
            copy: copy(query),
            fetch,
            simple: query.flags & flag::SIMPLE != 0,
            cells: cells(query),
            wire,
            batch: query.flags & flag::BATCH != 0,
        };
        if query.flags & (flag::STREAM | flag::WIRE) != 0 {
            request.credit = Some(i64::from(query.batch.max(1)));
        }
        let token = self.requests.insert(request);
        if let Some(link) = self.links.get(query.origin.0) {
            link.bind(query.origin.1, token);
        }
        if query.timeout_ms > 0 {
            self.limit(token, from_ms(query.timeout_ms as u64));
        }
        token
    }

    /// A statement of the pool: the core chooses its connection.
    /// With a fallback, the pool that runs it when this one cannot.
    fn pooled(&mut self, query: Query<'_>, statement: Rc<dyn Statement>, fallback: Option<u32>) {
        let is_batch = query.flags & flag::BATCH != 0;
        if let Some(reason) = statement.refusal(query.params, is_batch) {
            let error = EngineError::new("ERR_POLYPOOL_UNSUPPORTED", reason);
            return self.fail(query.origin, &error);
        }
        let want = match statement.dispatch_of(query.params, is_batch) {
            Dispatch::Ordered => Want::Share { write: false },
            _ => want(&*statement, query.flags & flag::STREAM != 0),
        };
        let token = self.request(Kind::Pooled, &query, statement);
        if fallback.is_some()
            && let Some(request) = self.requests.get(token)
        {
            request.fallback = fallback;
            request.params.set(query.params);
        }
        let now = self.now;
        let Some(state) = self.pool(query.pool) else { return };
        let shared = state.shared.clone();
        let deadline = shared.options.acquire_timeout.map(|limit| now.saturating_add(limit));
        let waiter = WaiterId(token);
        let input = Input::Acquire { waiter, want, priority: 0, deadline };
        let mut effects = std::mem::take(&mut self.scratch);
        shared.handle(now, input, &mut effects);
        let mut granted = None;
        for effect in effects.drain(..) {
            match effect {
                Effect::GrantStatement { waiter: mine, conn, .. } if mine == waiter => {
                    granted = Some(conn);
                }
                other => self.effects.push_back((query.pool, other)),
            }
        }
        self.scratch = effects;
        match granted {
            Some(conn) => self.start(token, conn, Some(query.params)),
            None => self.keep_waiting(token, &query),
        }
    }

    /// It waits for a connection, with its parameters; with too many of them it does not.
    fn keep_waiting(&mut self, token: Token, query: &Query<'_>) {
        let Some(request) = self.requests.get(token) else { return };
        request.params.set(query.params);
        let Some(state) = self.pools.get_mut(&query.pool) else { return };
        state.waiting_bytes += query.params.size();
        if state.shared.options.one_wire && state.waiting_bytes > WAITING_BYTES {
            let text = "the commands that wait for a connection hold more than 64 MiB";
            self.cut_short(token, EngineError::new("ERR_POLYPOOL_QUEUE_FULL", text));
        }
    }

    /// A statement on a lease, or of a hook on the connection it was called for.
    fn held(&mut self, query: Query<'_>, statement: Rc<dyn Statement>) {
        let slot = query.slot as u32;
        let id = if query.flags & flag::HOOK != 0 {
            let id = ConnId { slot, serial: query.generation };
            self.live(query.pool, id).filter(|conn| conn.hook.is_some()).map(|conn| conn.id)
        } else {
            let lease = Lease { slot, generation: query.generation };
            self.lease_conn(query.pool, lease)
        };
        let Some(id) = id else {
            let text = "the connection was given back or taken away";
            let error = EngineError::new("ERR_POLYPOOL_STALE_CONNECTION", text);
            return self.fail(query.origin, &error);
        };
        if query.flags & flag::WITHIN != 0 && statement.bounds_transaction() {
            return self.fail(query.origin, &bounds_refused());
        }
        let streams = query.flags & (flag::STREAM | flag::COPY) == flag::STREAM;
        let in_parts = streams && statement.has_parts() && self.is_within(&query, id);
        self.tell_pace(&query, &*statement);
        let token = self.request(Kind::Held, &query, statement);
        if in_parts && let Some(request) = self.requests.get(token) {
            request.mode.fetch = query.batch.max(1) as u32;
        }
        self.start(token, id, Some(query.params));
    }

    /// Where the caller asks for it, and believes something else.
    fn tell_pace(&mut self, query: &Query<'_>, statement: &dyn Statement) {
        let (link, number) = query.origin;
        let (believed, pace) = (query.flags & flag::PACES, told_pace(statement));
        if believed != 0
            && believed != pace
            && let Some(link) = self.links.get(link)
        {
            link.record(&[record::PACE, number, pace]);
        }
    }

    /// Whether a cancel of the statement would fail a transaction. Executed in parts it can be left
    /// without one.
    fn is_within(&mut self, query: &Query<'_>, id: ConnId) -> bool {
        query.flags & flag::WITHIN != 0
            || self.live(query.pool, id).is_some_and(|conn| conn.in_transaction)
    }

    /// Puts a statement on its connection's wire, or in line for it.
    pub fn start(&mut self, token: Token, id: ConnId, params: Option<Params<'_>>) {
        let Some(request) = self.requests.get(token) else { return };
        let (pool, pooled) = (request.pool, request.kind == Kind::Pooled);
        if request.settled {
            self.forget_request(token);
            if pooled {
                self.tell(pool, Input::StatementDone { conn: id });
            }
            return;
        }
        request.conn = Some(id);
        let Some(state) = self.pools.get_mut(&pool) else { return self.lost(token) };
        let conn = match state.slots.get_mut(id.slot as usize) {
            Some(slot) if slot.serial == id.serial => match &mut slot.phase {
                Phase::Live(conn) => conn,
                _ => return self.lost(token),
            },
            _ => return self.lost(token),
        };
        let again = request.stage == Stage::Queued;
        if !conn.is_open() || (!again && !conn.queue.is_empty()) {
            if let Some(params) = params {
                request.params.set(params);
            }
            request.stage = Stage::Queued;
            conn.queue.push_back(token);
            return;
        }
        if conn.serial_wire && request.mode.lead {
            (request.mode.lead, request.mode.guard) = (false, true);
        }
        let Some(statement) = &request.statement else { return };
        let params = params.unwrap_or_else(|| request.params.get());
        match conn.session.execute(token, statement, params, request.mode) {
            Ok(()) => {
                request.stage = Stage::Sent;
                request.sent = self.now;
                conn.flight.push_back(token);
                conn.copying = Copying::of(token, request.mode);
                if request.mode.wire
                    && let Some((link, number)) = request.origin
                    && let Some(link) = self.links.get(link)
                {
                    link.record(&[record::COPY_READY, number, COPY_WINDOW as i32]);
                    talk(link, &mut self.talking);
                }
                if !conn.in_writing {
                    conn.in_writing = true;
                    self.writing.push_back((pool, id.slot));
                }
            }
            Err(error) => {
                request.stage = Stage::Waiting;
                self.settle_with(token, error);
                if pooled {
                    self.tell(pool, Input::StatementDone { conn: id });
                }
            }
        }
    }

    fn lost(&mut self, token: Token) {
        if let Some(request) = self.requests.get(token) {
            request.stage = Stage::Waiting;
        }
        self.settle_with(token, EngineError::lost("the connection was lost"));
    }
}

/// It would end the transaction, or begin another, behind the back of `transaction()`.
fn bounds_refused() -> EngineError {
    let text = "transaction() begins and ends the transaction itself: \
                return to commit, throw to roll back";
    EngineError::new("ERR_POLYPOOL_PARAMETER", text)
}

fn cells(query: &Query<'_>) -> Cells {
    match query.flags & (flag::TEXT | flag::BINARY) {
        0 => Cells::Values,
        flag::TEXT => Cells::Text,
        _ => Cells::Binary,
    }
}

fn copy(query: &Query<'_>) -> Option<Direction> {
    match query.flags & (flag::COPY | flag::STREAM) {
        flag::COPY => Some(Direction::In),
        both if both & flag::COPY != 0 => Some(Direction::Out),
        _ => None,
    }
}

/// What a statement asks of the core (DESIGN section 4, what may share).
pub fn want(statement: &dyn Statement, stream: bool) -> Want {
    match pace(statement) {
        flag::SHORT_READ if !stream => Want::Share { write: false },
        flag::SHORT_WRITE if !stream => Want::Share { write: true },
        _ => Want::Alone,
    }
}

/// Which of `flag::PACES` a statement is, by what it took so far.
fn pace(statement: &dyn Statement) -> i32 {
    let quick = statement.average().is_some_and(|average| average < SHORT);
    match statement.dispatch() {
        Dispatch::Read if quick => flag::SHORT_READ,
        Dispatch::Write if quick => flag::SHORT_WRITE,
        _ => flag::ALONE,
    }
}

/// The same as PACE tells it.
fn told_pace(statement: &dyn Statement) -> i32 {
    match pace(statement) {
        flag::ALONE => flag::ALONE,
        short if statement.is_plain() => short | flag::PLAIN,
        short => short,
    }
}

fn parse_query(link: u32, fields: &[i32]) -> Parsed<Query<'_>> {
    let (&[request, pool, slot, generation, statement, flags, timeout_ms, batch, count], rest) =
        fields.split_first_chunk::<9>().ok_or(Malformed)?;
    let count = usize::try_from(count).map_err(|_| Malformed)?;
    Ok(Query {
        origin: (link, number(request)?),
        pool: index(pool)?,
        slot,
        generation: generation as u32,
        statement: number(statement)?,
        flags,
        timeout_ms,
        batch,
        params: Params::parse(count, rest).ok_or(Malformed)?,
    })
}

/// The body of the first record and what follows it.
fn split(words: &[i32]) -> Parsed<(&[i32], &[i32])> {
    let length = usize::try_from(words[0]).map_err(|_| Malformed)?;
    if length < 2 || length > words.len() {
        return Err(Malformed);
    }
    Ok((&words[1..length], &words[length..]))
}

fn text_of<'a>(rest: &mut &'a [i32]) -> Parsed<&'a str> {
    std::str::from_utf8(payload(rest).ok_or(Malformed)?).map_err(|_| Malformed)
}

fn array<const N: usize>(fields: &[i32]) -> Parsed<[i32; N]> {
    fields.try_into().map_err(|_| Malformed)
}

pub fn index(word: i32) -> Parsed<u32> {
    u32::try_from(word).map_err(|_| Malformed)
}

fn number(word: i32) -> Parsed<i32> {
    if (0..NUMBERS).contains(&word) { Ok(word) } else { Err(Malformed) }
}
