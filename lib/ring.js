'use strict';

/**
 * The link to the engine: both rings.
 *
 * What is asked in one tick goes over in one native call; what the engine has to say comes in
 * bursts and is taken over for about a millisecond at a time. Promises, rows and errors are made
 * here. There is one link per load of lib/, rarely more; it opens when the first pool does.
 */

const { threadId } = require('node:worker_threads');
const binding = require('./binding');
const { writeParams } = require('./params');
const { Reader, Shape } = require('./rows');
const { PoolError, fromWire } = require('./errors');
const { onAbort } = require('./signal');

// Taken at load: test frameworks replace them.
const { nextTick } = process;
const later = setImmediate;
const clock = performance;

/** The numbers of `src/wire/record.rs`; `__tests__/boundary/records.test.js` compares them. */
const SUBMIT = {
  STATEMENT: 1,
  FORGET: 2,
  QUERY: 3,
  CANCEL: 4,
  RELEASE: 5,
  WARM: 6,
  CLOSE: 7,
  CREDIT: 8,
  HOOK: 9,
  TRANSPORT_DATA: 10,
  TRANSPORT_END: 11,
  TRANSPORT_CREDIT: 12,
  COPY_DATA: 13,
  COPY_END: 14,
  FETCH: 15,
};
const COMPLETE = {
  ROWS: 1,
  DONE: 2,
  FAIL: 3,
  SHAPE: 4,
  FORGET_SHAPES: 5,
  GRANT: 6,
  RESULT: 7,
  EVENT: 8,
  HOOK_CALL: 9,
  OK: 10,
  COMMAND: 11,
  BROKEN: 12,
  TRANSPORT_OPEN: 13,
  TRANSPORT_WRITE: 14,
  TRANSPORT_CLOSE: 15,
  TRANSPORT_GRANT: 16,
  COPY_READY: 17,
  COPY_OUT: 18,
  COPY_CREDIT: 19,
  NOTIFICATION: 20,
  SUSPENDED: 21,
};
const FLAG = {
  STREAM: 1,
  HOOK: 2,
  LEAD: 4,
  WITHIN: 8,
  COPY: 16,
  CURSOR: 32,
  PRIMARY: 64,
  REPLICA: 128,
};
const FATE = { RETURN: 0, DESTROY: 1, AWAIT: 2 };

/** Request numbers, and slots, stay below this (`NUMBERS` of the engine). */
const NUMBERS = 2 ** 20;

const RING_WORDS = 64 * 1024;
/** A drain hands control back to the event loop after so many milliseconds. */
const DRAIN_MS = 1;
/** Texts one link numbers; the engine forgets the others. */
const STATEMENTS_MAX = 2000;

/** Answers a transport that is asked for when this side of its pool has closed. */
const LEFT = JSON.stringify({
  message: 'the thread that makes the transports has left the pool',
});

/** Somebody who waits for an answer. */
class Request {
  constructor() {
    this.resolve = null;
    this.reject = null;
    this.pool = null;
    /** The lease it runs on, if any. */
    this.lease = null;
    this.rows = null;
    this.rowMode = undefined;
    this.results = null;
    /** What a row's converter threw: the rest of the result is read over. */
    this.failure = null;
    this.isStatement = false;
    /** The statement, for its errors; for a lease the stack of its acquire. */
    this.text = undefined;
    this.values = undefined;
    this.signal = undefined;
    this.onAbort = undefined;
    /** A stream or cursor that takes the rows instead of `rows`. */
    this.stream = null;
    /** A cursor that nobody is waiting for. */
    this.parked = false;
    /** Releases and closes: a broken link gives back and closes all there is, so they never fail. */
    this.alwaysDone = false;
    /** Those the engine had told of when it was submitted, and through them the later ones. */
    this.shapes = null;
    /** The caller's async context, for events; only while somebody listens to them. */
    this.context = null;
  }
}

/**
 * The shapes between one FORGET_SHAPES and the next. Numbers are never used again, and an answer
 * under way may name one of before: older ones live for as long as a request that may.
 */
class Shapes {
  known = new Map();
  next = null;

  find(id) {
    for (let shapes = this; shapes !== null; shapes = shapes.next) {
      const entry = shapes.known.get(id);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}

class Link {
  constructor() {
    this.native = binding.openLink(() => {
      if (!this.draining) this.drain();
    }, threadId);
    /** A drain goes on in the next turn of the event loop. */
    this.draining = false;
    this.id = this.native.id;
    this.reader = new Reader();
    this.pools = new Map();
    /** Transports made for the engine, by its numbers. */
    this.transports = new Map();
    /** Names of the shared pools among them. */
    this.shared = new Set();
    this.requests = [];
    this.free = [];
    this.pending = 0;
    this.broken = null;
    this.shapes = new Shapes();
    /** Contexts of requests that were settled in this drain: their notices come right after. */
    this.contexts = new Map();
    this.commands = [];
    this.statements = new Map();
    this.statementIds = [];
    this.statementCount = 0;
    this.lastText = null;
    this.lastStatement = null;
    this.useRing(new ArrayBuffer(RING_WORDS * 4));
    this.at = 0;
    this.start = 0;
    this.flushing = false;
    this.flush = this.flush.bind(this);
    this.drainLater = this.drain.bind(this);
  }

  // ---- Submission ----

  useRing(buffer) {
    this.i32 = new Int32Array(buffer);
    this.u8 = Buffer.from(buffer);
  }

  /** Makes room for so many bytes more in the record being written; may replace the views. */
  reserve(bytes) {
    if ((this.at << 2) + bytes + 64 > this.u8.length) this.makeRoom(bytes + 64);
  }

  makeRoom(bytes) {
    const { i32 } = this;
    if (this.start > 0) {
      this.native.submit(i32, this.start);
      i32.copyWithin(0, this.start, this.at);
      this.at -= this.start;
      this.start = 0;
    }
    const wanted = (this.at << 2) + bytes;
    if (wanted > this.u8.length) {
      const size = Math.max(wanted, this.u8.length * 2);
      this.useRing(new ArrayBuffer(Math.ceil(size / 8) * 8));
      this.i32.set(i32.subarray(0, this.at));
    }
  }

  /** Writes a record of plain words. */
  record(op, ...words) {
    this.reserve(words.length * 4 + 8);
    const { i32 } = this;
    i32[this.at++] = words.length + 2;
    i32[this.at++] = op;
    for (const word of words) i32[this.at++] = word;
    this.commit();
  }

  /** Writes a record of words and a text. Returns the bytes of the text. */
  recordWithText(op, text, ...words) {
    this.reserve(words.length * 4 + text.length * 3 + 16);
    const { i32, u8, start } = this;
    this.at++;
    i32[this.at++] = op;
    for (const word of words) i32[this.at++] = word;
    const length = u8.utf8Write(text, (this.at + 1) << 2);
    i32[this.at] = length;
    this.at += 1 + ((length + 3) >> 2);
    i32[start] = this.at - start;
    this.commit();
    return length;
  }

  /** Hands over what is complete without waiting for the end of the tick. */
  hurry() {
    if (this.start === 0) return;
    this.native.submit(this.i32, this.start);
    this.i32.copyWithin(0, this.start, this.at);
    this.at -= this.start;
    this.start = 0;
  }

  /** Writes a record of words and bytes. */
  recordWithBytes(op, bytes, ...words) {
    const { length } = bytes;
    this.reserve(words.length * 4 + length + 16);
    const { i32, start } = this;
    this.at++;
    i32[this.at++] = op;
    for (const word of words) i32[this.at++] = word;
    i32[this.at++] = length;
    this.u8.set(bytes, this.at << 2);
    this.at += (length + 3) >> 2;
    i32[start] = this.at - start;
    this.commit();
  }

  commit() {
    this.start = this.at;
    if (!this.flushing) {
      this.flushing = true;
      nextTick(this.flush);
    }
  }

  flush() {
    this.flushing = false;
    if (this.start === 0) return;
    this.native.submit(this.i32, this.start);
    this.at = 0;
    this.start = 0;
    if (this.i32.length > RING_WORDS) this.useRing(new ArrayBuffer(RING_WORDS * 4));
  }

  /** The number of a text, told to the engine when it is new. */
  statement(text) {
    if (text === this.lastText) return this.lastStatement.id;
    let entry = this.statements.get(text);
    if (entry === undefined) {
      if (this.statements.size >= STATEMENTS_MAX) this.forgetStatement();
      entry = { id: this.statementIds.pop() ?? this.statementCount++, used: false };
      this.recordWithText(SUBMIT.STATEMENT, text, entry.id);
      this.statements.set(text, entry);
    } else {
      entry.used = true;
    }
    this.lastText = text;
    this.lastStatement = entry;
    return entry.id;
  }

  /** Drops the oldest text that was not used again since it was last looked at. */
  forgetStatement() {
    for (const [text, entry] of this.statements) {
      this.statements.delete(text);
      if (entry.used) {
        entry.used = false;
        this.statements.set(text, entry);
        continue;
      }
      this.record(SUBMIT.FORGET, entry.id);
      this.statementIds.push(entry.id);
      if (text === this.lastText) this.lastText = null;
      return;
    }
  }

  /**
   * Submits a statement; throws what its parameters are refused with, then nothing was submitted.
   * `slot` is -1 for a statement of the pool itself.
   */
  query(number, pool, slot, generation, text, values, flags, timeoutMs, batch) {
    const statement = this.statement(text);
    const count = values ? values.length : 0;
    this.reserve(64);
    const { i32, start } = this;
    i32[start + 1] = SUBMIT.QUERY;
    i32[start + 2] = number;
    i32[start + 3] = pool;
    i32[start + 4] = slot;
    i32[start + 5] = generation;
    i32[start + 6] = statement;
    i32[start + 7] = flags;
    i32[start + 8] = timeoutMs;
    i32[start + 9] = batch;
    i32[start + 10] = count;
    this.at = start + 11;
    if (count > 0) {
      try {
        writeParams(this, values);
      } catch (error) {
        this.at = this.start;
        throw error;
      }
    }
    // `writeParams` may have moved the record.
    this.i32[this.start] = this.at - this.start;
    this.commit();
  }

  // ---- Requests ----

  /** A number for a request; the event loop stays alive until it is settled. */
  add(request) {
    if (this.broken !== null) throw this.broken;
    const number = this.free.length > 0 ? this.free.pop() : this.requests.length;
    if (number >= NUMBERS) {
      throw new PoolError('ERR_POLYPOOL_QUEUE_FULL', `more than ${NUMBERS} requests are pending`);
    }
    this.requests[number] = request;
    request.shapes = this.shapes;
    if (this.pending++ === 0) this.native.ref();
    return number;
  }

  /** Takes a settled request out. */
  remove(number) {
    const request = this.requests[number];
    this.requests[number] = undefined;
    this.free.push(number);
    this.pending--;
    if (request.onAbort !== undefined) {
      request.signal.removeEventListener('abort', request.onAbort);
    }
    if (request.context !== null && request.isStatement) this.contexts.set(number, request.context);
    return request;
  }

  /** For a request that ends without the ring. */
  settleUnused() {
    if (this.pending === 0) this.native.unref();
  }

  /** Asks a suspended cursor for so many rows more, or with 0 for its end. */
  fetch(number, rows, timeoutMs) {
    this.unpark(this.requests[number]);
    this.record(SUBMIT.FETCH, number, rows, timeoutMs);
  }

  /** Waited for by nobody, a request does not keep the event loop alive. */
  park(request) {
    request.parked = true;
    this.pending--;
  }

  unpark(request) {
    if (!request.parked) return;
    request.parked = false;
    this.hold();
  }

  /** Keeps the event loop alive until as many `unhold` follow. */
  hold() {
    if (this.pending++ === 0) this.native.ref();
  }

  unhold() {
    if (--this.pending === 0) this.native.unref();
  }

  /** The async context of a request's caller, if it was noted. */
  contextOf(number) {
    return this.requests[number]?.context ?? this.contexts.get(number) ?? null;
  }

  /** Ends the request early when the signal fires. */
  watch(number, request, signal) {
    request.signal = signal;
    request.onAbort = () => {
      // The number may be another's by now.
      if (this.requests[number] !== request) return;
      if (request.isStatement) this.record(SUBMIT.CANCEL, number);
      else request.pool.withdraw(number);
    };
    onAbort(signal, request.onAbort);
  }

  // ---- Completion ----

  drain() {
    const { native, reader } = this;
    if (this.broken !== null) this.discard();
    const until = clock.now() + DRAIN_MS;
    for (;;) {
      const count = reader.drain(native);
      if (count === 0) break;
      try {
        this.read(reader, count);
      } catch (cause) {
        this.breakDown('the answers of the engine could not be read', cause);
      }
      if (this.broken !== null) this.discard();
      if (clock.now() >= until) {
        this.draining = true;
        later(this.drainLater);
        return;
      }
    }
    this.draining = false;
    if (this.contexts.size > 0) this.contexts.clear();
    if (reader.grown) reader.shrink();
    if (this.pending === 0) native.unref();
  }

  /** Takes over what nobody can read, so that it does not pile up. */
  discard() {
    while (this.reader.drain(this.native) > 0);
  }

  read(reader, count) {
    const { ints } = reader;
    while (reader.i < count) {
      switch (ints[reader.i++]) {
        case COMPLETE.ROWS:
          this.readRows(reader, ints);
          break;
        case COMPLETE.DONE:
          this.readDone(reader, ints);
          break;
        case COMPLETE.FAIL:
          this.readFail(ints[reader.i++], JSON.parse(reader.payload()));
          break;
        case COMPLETE.SHAPE:
          this.shapes.known.set(ints[reader.i++], {
            columns: JSON.parse(reader.payload()),
            byInt8: {},
          });
          break;
        case COMPLETE.FORGET_SHAPES:
          this.shapes = this.shapes.next = new Shapes();
          break;
        case COMPLETE.GRANT: {
          const request = this.remove(ints[reader.i]);
          request.pool.granted(request, ints[reader.i + 1], ints[reader.i + 2] >>> 0);
          reader.i += 3;
          break;
        }
        case COMPLETE.RESULT:
          this.readResult(reader, ints);
          break;
        case COMPLETE.EVENT: {
          const pool = this.pools.get(ints[reader.i++]);
          const event = JSON.parse(reader.payload());
          pool?.handleEvent(event);
          break;
        }
        case COMPLETE.HOOK_CALL: {
          const pool = this.pools.get(ints[reader.i]);
          const { i } = reader;
          pool?.handleHook(ints[i + 1], ints[i + 2], ints[i + 3], ints[i + 4]);
          reader.i += 5;
          break;
        }
        case COMPLETE.OK:
          this.remove(ints[reader.i++]).resolve();
          break;
        case COMPLETE.TRANSPORT_OPEN: {
          const [id, pool, kind] = ints.subarray(reader.i, reader.i + 3);
          reader.i += 3;
          const target = JSON.parse(reader.payload());
          const owner = this.pools.get(pool);
          if (owner !== undefined) owner.handleTransport(kind, id, target);
          else this.recordWithText(SUBMIT.TRANSPORT_END, LEFT, id);
          break;
        }
        case COMPLETE.TRANSPORT_WRITE: {
          const transport = this.transports.get(ints[reader.i++]);
          const bytes = reader.blob();
          transport?.write(bytes);
          break;
        }
        case COMPLETE.TRANSPORT_CLOSE:
          this.transports.get(ints[reader.i])?.close(ints[reader.i + 1] === 1);
          reader.i += 2;
          break;
        case COMPLETE.TRANSPORT_GRANT:
          this.transports.get(ints[reader.i])?.grant(ints[reader.i + 1]);
          reader.i += 2;
          break;
        case COMPLETE.COPY_OUT: {
          const request = this.requests[ints[reader.i++]];
          request.stream.takeBytes(reader.blob());
          break;
        }
        case COMPLETE.COPY_READY:
        case COMPLETE.COPY_CREDIT:
          this.requests[ints[reader.i]].stream.grant(ints[reader.i + 1]);
          reader.i += 2;
          break;
        case COMPLETE.SUSPENDED: {
          const request = this.requests[ints[reader.i++]];
          this.park(request);
          request.stream.suspended();
          break;
        }
        case COMPLETE.NOTIFICATION: {
          const pool = this.pools.get(ints[reader.i]);
          const process = ints[reader.i + 1];
          reader.i += 2;
          pool?.handleNotification(process, reader.payload());
          break;
        }
        case COMPLETE.COMMAND:
          this.commands[ints[reader.i++]] = reader.payload() || null;
          break;
        default:
          this.breakDown(reader.payload());
          return;
      }
    }
  }

  readRows(reader, ints) {
    const request = this.requests[ints[reader.i]];
    const shape = this.shapeFor(ints[reader.i + 1], request);
    const count = ints[reader.i + 2];
    reader.i += 3;
    if (request.failure !== null) return shape.skip(reader, count);
    const rows = request.stream === null ? (request.rows ??= []) : [];
    try {
      shape.read(reader, count, rows, request.rowMode);
    } catch (error) {
      request.failure = error;
      // A stream may be endless.
      if (request.stream !== null) request.stream.halt();
      return undefined;
    }
    if (request.stream !== null) request.stream.take(rows, shape.fields);
    return undefined;
  }

  /** One shape may be read in two ways: pools differ in what an int8 becomes. */
  shapeFor(id, request) {
    const entry = this.shapes.known.get(id) ?? request.shapes.find(id);
    const { int8 } = request.pool;
    return (entry.byInt8[int8] ??= new Shape(entry.columns, { int8 }));
  }

  readDone(reader, ints) {
    const request = this.remove(ints[reader.i]);
    const result = this.result(request, reader, ints);
    if (request.lease !== null) request.lease.noteDone();
    if (request.failure !== null) {
      this.fail(request, request.failure);
    } else if (request.stream !== null) {
      request.stream.end(result.fields, result.rowCount);
    } else if (request.results !== null) {
      request.results.push(result);
      request.resolve(request.results);
    } else {
      request.resolve(result);
    }
  }

  readResult(reader, ints) {
    const request = this.requests[ints[reader.i]];
    (request.results ??= []).push(this.result(request, reader, ints));
  }

  /** `[request, shape, command, low, high]` and the rows collected so far. */
  result(request, reader, ints) {
    const shape = ints[reader.i + 1];
    const command = ints[reader.i + 2];
    const high = ints[reader.i + 4];
    const rowCount = high < 0 ? null : high * 2 ** 32 + (ints[reader.i + 3] >>> 0);
    reader.i += 5;
    const fields = shape < 0 ? [] : this.shapeFor(shape, request).fields;
    const rows = request.rows ?? [];
    request.rows = null;
    return { rows, fields, rowCount, command: command < 0 ? null : this.commands[command] };
  }

  readFail(number, wire) {
    this.unpark(this.requests[number]);
    const request = this.remove(number);
    const error = request.failure ?? request.pool.errorOf(wire, request);
    if (request.lease !== null) request.lease.noteFailed(wire, error);
    this.fail(request, error);
  }

  fail(request, error) {
    if (request.stream !== null) request.stream.fail(error);
    else if (request.alwaysDone) request.resolve();
    else request.reject(error);
  }

  /**
   * The two sides no longer understand each other: nothing that is pending can be answered, and
   * the numbers mean nothing any more. Pools of this link are lost; the next one opens a new link.
   */
  breakDown(message, cause) {
    if (this.broken !== null) return;
    this.broken = new PoolError('ERR_POLYPOOL_PROTOCOL', message, { cause });
    links = links.filter((link) => link !== this);
    this.transports.forEach((transport) => transport.fail(this.broken));
    this.transports.clear();
    this.requests.forEach((request, number) => {
      if (request === undefined) return;
      this.unpark(request);
      this.fail(this.remove(number), this.broken);
    });
  }
}

/** The links of this load of lib/. */
let links = [];

/**
 * One is enough, unless this load opens a shared pool twice: the engine tells who uses a pool by
 * its link.
 */
function link(shared) {
  let found = links.find((one) => shared === undefined || !one.shared.has(shared));
  if (found === undefined) {
    found = new Link();
    links.push(found);
  }
  return found;
}

module.exports = { COMPLETE, FATE, FLAG, NUMBERS, Request, SUBMIT, binding, fromWire, link };
