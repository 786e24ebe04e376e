'use strict';

/**
 * The error classes, and how what the engine says on the wire becomes one of them.
 *
 * The engine sends errors as JSON (`fromWire`), because an Error must be made in the realm that
 * asked. Statement text and parameters are attached here, on the side that already has them; they
 * are non-enumerable, so that no log, inspect output or JSON shows them by accident.
 */

class PoolError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

class OptionError extends PoolError {
  constructor(message, fields, options) {
    super('ERR_POLYPOOL_OPTION', message, options);
    this.option = fields?.option ?? '';
  }
}

class AcquireTimeoutError extends PoolError {
  constructor(message, fields, options) {
    super('ERR_POLYPOOL_ACQUIRE_TIMEOUT', message, options);
    this.waitedMs = fields?.waitedMs ?? 0;
    this.max = fields?.max ?? 0;
    this.inUse = fields?.inUse ?? 0;
    this.idle = fields?.idle ?? 0;
    this.connecting = fields?.connecting ?? 0;
    this.waiting = fields?.waiting ?? 0;
    // The leases that are out, the longest first.
    this.holders = fields?.holders ?? [];
    this.longestHeldMs = fields?.longestHeldMs ?? this.holders[0]?.heldMs ?? null;
    this.holderStack = fields?.holderStack ?? this.holders[0]?.stack ?? null;
    this.nested = fields?.nested ?? false;
  }
}

class QueryTimeoutError extends PoolError {
  constructor(message, fields, options) {
    super('ERR_POLYPOOL_QUERY_TIMEOUT', message, options);
    this.timeoutMs = fields?.timeoutMs ?? 0;
  }
}

class AbortError extends PoolError {
  constructor(message, _fields, options) {
    super('ERR_POLYPOOL_ABORTED', message, options);
  }
}

class ClosedError extends PoolError {
  constructor(message, _fields, options) {
    super('ERR_POLYPOOL_CLOSED', message, options);
  }
}

class ConnectError extends PoolError {
  constructor(message, fields, options) {
    super('ERR_POLYPOOL_CONNECT', message, options);
    this.reason = fields?.reason ?? null;
    this.errno = fields?.errno ?? null;
    this.attempts = (fields?.attempts ?? []).map(({ host, error }) => ({
      host,
      error: error instanceof Error ? error : build(error),
    }));
  }
}

class ConnectionLostError extends PoolError {
  constructor(message, _fields, options) {
    super('ERR_POLYPOOL_CONNECTION_LOST', message, options);
  }
}

/** Fields that the protocol sends as decimal text. */
const NUMERIC_FIELDS = new Set(['position', 'internalPosition', 'line', 'errno']);

const TEXT_FIELDS = new Set([
  ...['severity', 'code', 'detail', 'hint', 'internalQuery', 'where', 'schema', 'table'],
  ...['column', 'dataType', 'constraint', 'file', 'routine', 'sqlState'],
]);

class DatabaseError extends Error {
  constructor(message, fields, options) {
    super(message, options);
    copyServerFields(this, fields ?? {});
  }
}

for (const type of [
  ...[PoolError, OptionError, AcquireTimeoutError, QueryTimeoutError, AbortError, ClosedError],
  ...[ConnectError, ConnectionLostError, DatabaseError],
]) {
  hide(type.prototype, 'name', type.name);
}

const CLASSES = new Map([
  ['ERR_POLYPOOL_OPTION', OptionError],
  ['ERR_POLYPOOL_ACQUIRE_TIMEOUT', AcquireTimeoutError],
  ['ERR_POLYPOOL_QUERY_TIMEOUT', QueryTimeoutError],
  ['ERR_POLYPOOL_ABORTED', AbortError],
  ['ERR_POLYPOOL_CLOSED', ClosedError],
  ['ERR_POLYPOOL_CONNECT', ConnectError],
  ['ERR_POLYPOOL_CONNECTION_LOST', ConnectionLostError],
]);

/** Copies what the server said about an error or notice; also used for the `notice` event. */
function copyServerFields(target, fields) {
  for (const key of Object.keys(fields)) {
    if (NUMERIC_FIELDS.has(key)) target[key] = Number(fields[key]);
    else if (TEXT_FIELDS.has(key)) target[key] = fields[key];
  }
  return target;
}

/** What ended transports of this thread, the latest ones, so that causes are the very errors. */
const causes = new Map();
const CAUSES_MAX = 64;

function keepCause(transport, error) {
  causes.set(transport, { error });
  if (causes.size > CAUSES_MAX) causes.delete(causes.keys().next().value);
}

/**
 * Makes the error that the engine described.
 *
 * `kind` is 'database' (the server's fields), 'pool' (code, message and the class's own fields) or
 * 'system' (code, syscall, address, port of a socket error). `cause` is of the same form.
 * The context adds what only this side knows of the request:
 * - `text` and `values` of the statement at fault,
 * - `signal`, whose reason becomes the cause of an AbortError,
 * - `fields` of the error's class (timeoutMs, holderStack, ...),
 * - `thrown`, which keeps what the password function threw, the cause by which a connect failed.
 */
function fromWire(wire, context) {
  const cause = wire.code === 'ERR_POLYPOOL_ABORTED' ? context?.signal?.reason : undefined;
  const error = build(wire, context?.fields, cause, context?.thrown);
  if (context?.text !== undefined) attachStatement(error, context.text, context.values);
  return error;
}

function build(wire, fields, reason, thrown) {
  const kept = causes.get(wire.transport);
  if (kept !== undefined) return kept.error;
  let cause = reason;
  if (wire.cause)
    cause = thrown?.find(wire.thrown) ?? build(wire.cause, undefined, undefined, thrown);
  const options = cause === undefined ? undefined : { cause };
  const { message } = wire;
  if (wire.kind === 'database') return new DatabaseError(message, wire, options);
  if (wire.kind === 'pool') return poolError(wire.code, message, { ...wire, ...fields }, options);
  const error = new Error(message, options);
  for (const key of ['code', 'syscall', 'address', 'port']) {
    if (wire[key] !== undefined) error[key] = wire[key];
  }
  return error;
}

/** The class that belongs to the code. */
function poolError(code, message, fields, options) {
  const Type = CLASSES.get(code);
  return Type ? new Type(message, fields, options) : new PoolError(code, message, options);
}

/** The words of anything that was thrown. */
function messageOf(error) {
  try {
    return String(error?.message ?? error);
  } catch {
    return 'what it threw has no text';
  }
}

function attachStatement(error, text, values) {
  hide(error, 'query', text);
  hide(error, 'parameters', values ?? []);
  return error;
}

function hide(target, name, value) {
  Object.defineProperty(target, name, {
    value,
    enumerable: false,
    writable: true,
    configurable: true,
  });
}

/**
 * Gives an error the stack of whoever awaits it. Errors are made when the ring is read, where no
 * caller is on the stack. As handler of the rejection that the caller awaits, V8 knows the async
 * functions above it.
 */
function atCaller(error, above = atCaller) {
  if (error instanceof Error) Error.captureStackTrace(error, above);
  throw error;
}

/** Where the caller of a method stands. */
function stackAbove(method) {
  const holder = {};
  Error.captureStackTrace(holder, method);
  return holder.stack.replace(/^.*\n/, '');
}

/** What a request rejects with when its signal was aborted. */
function abortError(signal) {
  return new AbortError('the operation was aborted', undefined, { cause: signal.reason });
}

module.exports = {
  PoolError,
  OptionError,
  AcquireTimeoutError,
  QueryTimeoutError,
  AbortError,
  ClosedError,
  ConnectError,
  ConnectionLostError,
  DatabaseError,
  abortError,
  atCaller,
  attachStatement,
  copyServerFields,
  fromWire,
  hide,
  keepCause,
  messageOf,
  poolError,
  stackAbove,
};
