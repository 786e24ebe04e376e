'use strict';

/**
 * The completion ring: what the engine has to say comes in bursts and is taken over for about a
 * millisecond at a time. Rows and results are made here, and requests settled.
 */

// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { performance: clock } = require('node:perf_hooks');
const { setImmediate: later } = require('node:timers');
const { COMPLETE, SUBMIT } = require('./records');
const { afterRefusal, refuseAtCaller } = require('./failure');
const { readReply } = require('./reply');
const { Reader } = require('./rows');
const { Entry, Shapes } = require('./shapes');
const { asTick } = require('./tick');

// Not the global's: test frameworks replace it.
const { parse } = JSON;

/** A drain hands control back to the event loop after so many milliseconds. */
const DRAIN_MS = 1;

/** Nothing was generated, and there is nothing to be said of it. */
const NO_OUTCOME = { insertId: null, warnings: 0, info: '' };

/** It looks at the clock after so many records; an error that describes much takes some 30 us. */
const CLOCK_RECORDS = 16;

/** Answers a transport that is asked for when this side of its pool has closed. */
const LEFT = JSON.stringify({
  message: 'the thread that makes the transports has left the pool',
});

const asItComes = (given) => given;

/** For what nobody takes any more. */
const AS_THEY_COME = {
  ...{ map: asItComes, set: asItComes, push: asItComes, bool: asItComes },
  ...{ double: asItComes, big: asItComes, error: asItComes },
};

class Completion {
  constructor(link) {
    this.link = link;
    this.native = link.native;
    this.reader = new Reader();
    /** Words that were taken over, up to which the reader has to come. */
    this.count = 0;
    /** A drain goes on later, at the latest in the next turn of the event loop. */
    this.draining = false;
    /** When it has to leave the rest to that turn. */
    this.until = 0;
    this.shapes = new Shapes();
    this.commands = [];
    /** A statement was refused: what is answered behind it has to wait until its caller knows. */
    this.hasRefused = false;
    this.takeAll = this.takeAll.bind(this);
    this.drain = this.drain.bind(this);
    this.goOn = this.goOn.bind(this);
  }

  /** The engine has something to say. */
  wake() {
    if (!this.draining) this.drain();
  }

  drain() {
    this.until = clock.now() + DRAIN_MS;
    this.goOn();
  }

  goOn() {
    asTick(this.takeAll);
  }

  takeAll() {
    const { link, native, reader, until } = this;
    this.hasRefused = false;
    if (link.broken !== null) this.discard();
    for (;;) {
      if (reader.i >= this.count) this.count = reader.drain(native);
      if (this.count === 0) break;
      try {
        this.read(reader, this.count, until);
      } catch (cause) {
        link.breakDown('the answers of the engine could not be read', cause);
      }
      if (link.broken !== null) this.discard();
      const isOver = clock.now() >= until;
      if (isOver || this.hasRefused) {
        this.draining = true;
        if (isOver) later(this.drain);
        else afterRefusal(this.goOn);
        return;
      }
    }
    this.draining = false;
    if (reader.grown) reader.shrink();
    if (link.pending === 0) native.unref();
  }

  /** Takes over what nobody can read, so that it does not pile up. */
  discard() {
    this.count = 0;
    while (this.reader.drain(this.native) > 0);
  }

  /** The answers to requests, as far as time allows. */
  read(reader, count, until) {
    const { link } = this;
    const { ints } = reader;
    let left = CLOCK_RECORDS;
    while (reader.i < count && !this.hasRefused) {
      if (left-- === 0) {
        if (clock.now() >= until) return;
        left = CLOCK_RECORDS - 1;
      }
      switch (ints[reader.i++]) {
        case COMPLETE.ROWS:
          this.readRows(reader, ints);
          break;
        case COMPLETE.DONE:
          this.readDone(reader, ints);
          break;
        case COMPLETE.REPLY:
          this.readReply(reader, ints);
          break;
        case COMPLETE.FAIL:
          this.readFail(ints[reader.i++], parse(reader.payload()));
          break;
        case COMPLETE.SHAPE:
          this.shapes.known.set(ints[reader.i++], new Entry(parse(reader.payload())));
          break;
        case COMPLETE.FORGET_SHAPES:
          this.shapes = this.shapes.next = new Shapes();
          break;
        case COMPLETE.GRANT: {
          const request = link.remove(ints[reader.i]);
          request.pool.granted(request, ints[reader.i + 1], ints[reader.i + 2] >>> 0);
          reader.i += 3;
          break;
        }
        case COMPLETE.RESULT:
          this.readResult(reader, ints);
          break;
        case COMPLETE.OK:
          link.remove(ints[reader.i++]).resolve();
          break;
        case COMPLETE.COPY_OUT: {
          const request = link.requests[ints[reader.i++]];
          request.stream.takeBytes(reader.blob());
          break;
        }
        case COMPLETE.COPY_READY:
        case COMPLETE.COPY_CREDIT:
          link.requests[ints[reader.i]].stream.grant(ints[reader.i + 1]);
          reader.i += 2;
          break;
        case COMPLETE.SUSPENDED: {
          const request = link.requests[ints[reader.i++]];
          link.park(request);
          request.stream.suspended();
          break;
        }
        case COMPLETE.STATUS:
          link.requests[ints[reader.i]].pool.status = ints[reader.i + 1];
          reader.i += 2;
          break;
        case COMPLETE.PACE: {
          const { text, name } = link.requests[ints[reader.i]];
          link.setPace(text, name, ints[reader.i + 1]);
          reader.i += 2;
          break;
        }
        case COMPLETE.OUTCOME: {
          const { i } = reader;
          reader.i += 4;
          const id = this.generatedId(link.requests[ints[i]], ints[i + 1], ints[i + 2]);
          const outcome = { insertId: id, warnings: ints[i + 3], info: reader.payload() };
          link.requests[ints[i]].outcome = outcome;
          break;
        }
        case COMPLETE.COMMAND:
          this.commands[ints[reader.i++]] = reader.payload() || null;
          break;
        default:
          if (!this.readCall(ints[reader.i - 1], reader, ints)) return;
      }
    }
  }

  /** What the engine says of its own accord; false when it is not understood. */
  readCall(op, reader, ints) {
    const { link } = this;
    switch (op) {
      case COMPLETE.EVENT: {
        const pool = link.pools.get(ints[reader.i++]);
        const event = parse(reader.payload());
        pool?.handleEvent(event);
        break;
      }
      case COMPLETE.HOOK_CALL: {
        const pool = link.pools.get(ints[reader.i]);
        const { i } = reader;
        pool?.handleHook(ints[i + 1], ints[i + 2], ints[i + 3], ints[i + 4]);
        reader.i += 5;
        break;
      }
      case COMPLETE.TRANSPORT_OPEN: {
        const [id, pool, kind] = ints.subarray(reader.i, reader.i + 3);
        reader.i += 3;
        const target = parse(reader.payload());
        const owner = link.pools.get(pool);
        if (owner !== undefined) owner.handleTransport(kind, id, target);
        else link.recordWithText(SUBMIT.TRANSPORT_END, LEFT, id);
        break;
      }
      case COMPLETE.TRANSPORT_WRITE: {
        const transport = link.transports.get(ints[reader.i++]);
        const bytes = reader.blob();
        transport?.write(bytes);
        break;
      }
      case COMPLETE.TRANSPORT_CLOSE:
        link.transports.get(ints[reader.i])?.close(ints[reader.i + 1] === 1);
        reader.i += 2;
        break;
      case COMPLETE.TRANSPORT_GRANT:
        link.transports.get(ints[reader.i])?.grant(ints[reader.i + 1]);
        reader.i += 2;
        break;
      case COMPLETE.NOTIFICATION: {
        const pool = link.pools.get(ints[reader.i]);
        const process = ints[reader.i + 1];
        reader.i += 2;
        pool?.handleNotification(process, reader.payload());
        break;
      }
      case COMPLETE.PUSH:
        this.readPush(reader, ints);
        break;
      default:
        link.breakDown(reader.payload());
        return false;
    }
    return true;
  }

  readRows(reader, ints) {
    const request = this.link.requests[ints[reader.i]];
    const shape = this.shapeFor(ints[reader.i + 1], request);
    const count = ints[reader.i + 2];
    reader.i += 3;
    if (request.failure !== null) return shape.skip(reader, count);
    let rows = request.stream === null ? request.rows : null;
    try {
      rows = shape.read(reader, count, rows, request.rowMode);
    } catch (error) {
      request.failure = error ?? nothingThrown();
      // A stream may be endless.
      if (request.stream !== null) request.stream.halt();
      return undefined;
    }
    if (request.stream === null) request.rows = rows;
    else request.stream.take(rows ?? [], shape.fields);
    return undefined;
  }

  /** One shape may be read in several ways: its request's pool knows how. */
  shapeFor(id, request) {
    const entry = this.shapes.known.get(id) ?? request.shapes.find(id);
    try {
      return request.pool.shapeOf(entry, request);
    } catch (error) {
      // The caller's parsers could not be had: its statement fails, and its rows are read over.
      request.failure ??= error ?? nothingThrown();
      return entry.shape('number');
    }
  }

  readDone(reader, ints) {
    const request = this.link.remove(ints[reader.i]);
    const result = this.result(request, reader, ints);
    if (request.lease !== null) request.lease.noteDone();
    if (request.failure !== null) {
      request.fail(request.failure);
    } else if (request.stream !== null) {
      request.stream.end(result.fields, result.rowCount);
    } else if (request.results !== null) {
      request.results.push(result);
      request.resolve(request.results);
    } else {
      request.resolve(result);
    }
  }

  /** Refuses a statement, which takes its promise some turns: the drain goes on behind those. */
  refuse(request, error) {
    this.hasRefused = true;
    refuseAtCaller(request.resolve, error);
  }

  /** The whole answer to a command. */
  readReply(reader, ints) {
    const request = this.link.remove(ints[reader.i++]);
    if (request.lease !== null) request.lease.noteDone();
    let value;
    try {
      value = readReply(reader, request.replies ?? request.pool.replies);
    } catch (error) {
      request.fail(error);
      return;
    }
    request.resolve(value);
  }

  /** What nobody has asked for. */
  readPush(reader, ints) {
    const pool = this.link.pools.get(ints[reader.i++]);
    const value = readReply(reader, pool?.replies ?? AS_THEY_COME);
    pool?.handlePush?.(value);
  }

  readResult(reader, ints) {
    const request = this.link.requests[ints[reader.i]];
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
    const tag = command < 0 ? null : this.commands[command];
    const { outcome } = request;
    if (outcome === null && !request.pool.dialect?.tells) {
      return { rows, fields, rowCount, command: tag };
    }
    if (outcome !== null) request.outcome = null;
    const { insertId, warnings, info } = outcome ?? NO_OUTCOME;
    const affectedRows = shape < 0 ? rowCount : 0;
    // In one literal: what is copied together would be of another class each time.
    return { rows, fields, rowCount, command: tag, affectedRows, insertId, warnings, info };
  }

  /** A generated number as its pool has large integers; exact even where a number is not. */
  generatedId(request, low, high) {
    if (low === 0 && high === 0) return null;
    const { int8 } = request.pool;
    if (int8 !== 'bigint' && int8 !== 'string' && high >= 0 && high < 2 ** 21)
      return high * 2 ** 32 + (low >>> 0);
    const id = BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));
    return int8 === 'string' ? String(id) : id;
  }

  readFail(number, wire) {
    const request = this.link.remove(number);
    const error = request.failure ?? request.pool.errorOf(wire, request);
    if (request.lease !== null) request.lease.noteFailed(wire, error);
    request.fail(error);
  }
}

/** What a parser threw was null or undefined. */
function nothingThrown() {
  return new Error('a parser of the result has thrown nothing');
}

module.exports = { Completion };
