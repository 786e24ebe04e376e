'use strict';

/** How statements get into the ring: on a lease, or on whatever connection the core chooses. */

const { failedCopy, prepareCopy } = require('./copy');
const { HeldSource, PooledSource, failedCursor } = require('./cursor');
const { OptionError, abortError } = require('./errors');
const calls = require('./options');
const { FLAG, SUBMIT } = require('./records');
const { Request } = require('./request');
const { sendStatement } = require('./send');
const { isFragment, textFor } = require('./sql');
const { checkStatement, notValues, readStatement } = require('./statement');
const { RowStream, failedStream } = require('./stream');

const { checkOptions, configOptions } = calls;

/** Rows a stream asks for at once. */
const BATCH = 1000;

class Statements {
  #pool;
  #link;
  #settings;
  #dialect;

  constructor(pool) {
    this.#pool = pool;
    this.#link = pool.link;
    this.#settings = pool.settings;
    this.#dialect = pool.dialect;
  }

  /** A statement with its result; `options` are those of `query()`. */
  submit(lease, text, values, options, flags = 0) {
    const request = new Request();
    // A lead is bounded by what follows it.
    let timeoutMs = flags === FLAG.LEAD ? 0 : (this.#settings.queryTimeoutMs ?? 0);
    try {
      if (typeof text !== 'string') {
        checkStatement(text, values);
        if (!isFragment(text)) options = configOptions(calls.QUERY_CONFIG, text, options);
        values = text.values;
        text = isFragment(text) ? textFor(text, this.#dialect) : text.text;
      }
      if (values != null && !Array.isArray(values)) throw notValues();
      if (this.#pool.closing !== null && lease === null) throw this.#pool.refusal();
      if (options !== undefined) {
        checkOptions(calls.QUERY, options);
        if (options.timeoutMs !== undefined) timeoutMs = Math.ceil(options.timeoutMs);
        request.rowMode = options.rowMode;
        if (options.signal?.aborted) throw abortError(options.signal);
        if (options.target !== undefined) flags |= targetFlag(options.target, lease);
      }
      this.#describe(request, lease, text, values);
      return sendStatement(this.#pool, request, options?.signal, flags, timeoutMs, 0);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Makes a request one of a statement: on a lease, or wherever the core says. */
  #describe(request, lease, text, values) {
    request.pool = this.#pool;
    request.lease = lease;
    request.text = text;
    request.isStatement = true;
    request.values = values;
    return request;
  }

  /** Never throws: what is wrong ends the stream. */
  openStream(lease, text, values, options, flags = 0) {
    try {
      return this.#startStream(lease, text, values, options, flags);
    } catch (error) {
      return failedStream(error);
    }
  }

  #startStream(lease, text, values, options, flags) {
    const { STREAM, STREAM_CONFIG } = calls;
    const dialect = this.#dialect;
    const given = readStatement(STREAM, STREAM_CONFIG, text, values, options, dialect);
    ({ text, values, options } = given);
    if (this.#pool.closing !== null && lease === null) throw this.#pool.refusal();
    const { signal, timeoutMs, rowMode, batchSize = BATCH, target } = options ?? {};
    if (target !== undefined) flags |= targetFlag(target, lease);
    if (signal?.aborted) throw abortError(signal);
    const stream = new RowStream(batchSize);
    const request = this.#describe(new Request(), lease, text, values);
    request.stream = stream;
    request.rowMode = rowMode;
    const bound = Math.ceil(timeoutMs ?? this.#settings.queryTimeoutMs ?? 0);
    // At once: statements of a lease run in the order of their calls.
    const number = sendStatement(
      this.#pool,
      request,
      signal,
      FLAG.STREAM | flags,
      bound,
      batchSize,
    );
    stream.begin({
      credit: (rows) => this.#link.record(SUBMIT.CREDIT, number, rows),
      end: () => this.#link.record(SUBMIT.STREAM_END, number),
      cut: () => this.#link.record(SUBMIT.CANCEL, number),
    });
    lease?.track(stream);
    return stream;
  }

  /** Never throws: what is wrong ends the stream. */
  openCopy(lease, Stream, statement, options, within = 0) {
    try {
      const { stream, handle, text, flags, batch } = prepareCopy(
        Stream,
        statement,
        options,
        this.#dialect,
      );
      if (this.#pool.closing !== null && lease === null) throw this.#pool.refusal();
      const { signal, timeoutMs } = options ?? {};
      if (signal?.aborted) throw abortError(signal);
      const request = this.#describe(new Request(), lease, text, undefined);
      request.stream = handle;
      const bound = Math.ceil(timeoutMs ?? this.#settings.queryTimeoutMs ?? 0);
      handle.begin(
        this.#link,
        sendStatement(this.#pool, request, signal, flags | within, bound, batch),
      );
      lease?.track(stream);
      return stream;
    } catch (error) {
      return failedCopy(Stream, error);
    }
  }

  /** Never throws: what is wrong rejects the first read. */
  openCursor(lease, text, values, options, flags = 0, before = undefined) {
    try {
      if (lease !== null && lease.isBarred()) throw lease.refusal();
      const { CURSOR, CURSOR_CONFIG } = calls;
      const statement = readStatement(CURSOR, CURSOR_CONFIG, text, values, options, this.#dialect);
      const { timeoutMs = this.#settings.queryTimeoutMs ?? 0, ...own } = statement.options ?? {};
      const cursor = { ...own, timeoutMs, flags, text: statement.text, values: statement.values };
      if (lease === null) {
        const { leases, facade } = this.#pool;
        return new PooledSource(this.#pool, cursor, leases.stackAbove(facade.cursor)).cursor;
      }
      return new HeldSource(lease, cursor, before).cursor;
    } catch (error) {
      return failedCursor(error);
    }
  }

  /** Submits a cursor with its first read; what it returns asks for more. */
  startCursor(lease, cursor, { text, values, rowMode, signal, flags }, rows, timeoutMs) {
    const request = this.#describe(new Request(), lease, text, values);
    request.stream = cursor;
    request.rowMode = rowMode;
    const number = sendStatement(this.#pool, request, signal, FLAG.CURSOR | flags, timeoutMs, rows);
    return (more, boundMs) => this.#link.fetch(number, more, boundMs);
  }
}

function targetFlag(target, lease) {
  if (lease !== null) {
    throw new OptionError("option 'target' is for statements of a pool, not of a connection", {
      option: 'target',
    });
  }
  return target === 'primary' ? FLAG.PRIMARY : FLAG.REPLICA;
}

module.exports = { Statements };
