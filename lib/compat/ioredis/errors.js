'use strict';

/** Errors as ioredis has them: those of package redis-errors, and of Node's sockets. */

const { AbortError, RedisError, ReplyError } = require('redis-errors');
const { fromWire } = require('../../errors');
const { socketError } = require('../../socket-error');

const CLOSED = 'Connection is closed.';

class MaxRetriesPerRequestError extends AbortError {
  constructor(maxRetriesPerRequest) {
    super(
      `Reached the max retries per request limit (which is ${maxRetriesPerRequest}). ` +
        'Refer to "maxRetriesPerRequest" option for details.',
    );
    Error.captureStackTrace(this, this.constructor);
  }

  get name() {
    return this.constructor.name;
  }
}

class ClusterAllFailedError extends RedisError {
  static defaultMessage = 'Failed to refresh slots cache.';

  constructor(message, lastNodeError) {
    super(message);
    this.lastNodeError = lastNodeError;
    Error.captureStackTrace(this, this.constructor);
  }

  get name() {
    return this.constructor.name;
  }
}

const closedError = () => new Error(CLOSED);

/** Their arguments may be secrets: they can be read, and do not show. */
const SECRET = /^(auth|hello|acl|config|migrate)$/i;

function summary({ name, args }) {
  const told = { name, args };
  if (SECRET.test(name)) Object.defineProperty(told, 'args', { enumerable: false });
  return told;
}

/** What the server said to a command. */
function replyError(message, command) {
  const error = new ReplyError(message);
  error.command = summary(command);
  return error;
}

/** Of a command that must not be sent again, whose answer was not seen. */
function abortError(command) {
  const error = new AbortError('Command aborted due to connection close');
  error.command = summary(command);
  return error;
}

/** With the lines of the stack that led to the command, without those of this package. */
function withStack(error, stack) {
  const lines = stack.split('\n').slice(1);
  const from = lines.findIndex((line) => !line.includes(__dirname));
  if (error.stack) {
    const [head] = error.stack.split('\n', 1);
    error.stack = [head, ...(from === -1 ? [] : lines.slice(from))].join('\n');
  }
  return error;
}

/** Why it could not connect, as Node says it. */
function connectError(wire) {
  const { attempts, cause, errno, socket } = wire;
  if (attempts !== undefined) return attemptsError(attempts);
  if (cause?.transport !== undefined) return fromWire(wire).cause;
  if (socket !== undefined) {
    const error = socketError(socket, errno);
    if (error !== null) return error;
  }
  return Object.assign(new Error(wire.message), { code: errno ?? wire.code });
}

function attemptsError(attempts) {
  const isRefusal = ({ error }) => error.socket?.syscall === 'connect';
  const reached = attempts.find((attempt) => !isRefusal(attempt));
  if (reached !== undefined) return connectError(reached.error);
  const errors = attempts.map(({ error }) => connectError(error));
  if (errors.length === 1) return errors[0];
  return Object.assign(new AggregateError(errors), { code: errors[0].code });
}

/** What ended a connection; null where the server has closed it, which is no error. */
function lostError(wire) {
  if (wire === null) return null;
  const { cause, code, socket } = wire;
  if (cause?.transport !== undefined) return fromWire(wire).cause;
  if (code === 'ERR_POLYPOOL_PROTOCOL') return new Error(wire.message);
  return socket?.os == null ? null : socketError(socket, undefined);
}

module.exports = {
  CLOSED,
  ClusterAllFailedError,
  MaxRetriesPerRequestError,
  ReplyError,
  abortError,
  closedError,
  connectError,
  lostError,
  replyError,
  withStack,
};
