'use strict';

/** What programs for `pg` see of failures: Node's own errors, and those of its protocol package. */

const { DatabaseError } = require('pg-protocol');
const { NoticeMessage } = require('pg-protocol/dist/messages.js');
const { fromWire } = require('../../errors');
const { socketError } = require('../../socket-error');

/** How the engine says that the connection is not there any more. */
const LOST = new Set([
  'ERR_POLYPOOL_CONNECTION_LOST',
  'ERR_POLYPOOL_STALE_CONNECTION',
  'ERR_POLYPOOL_CLOSED',
]);

const isLost = ({ code }) => LOST.has(code);

/** Marks what the engine had stopped for those behind it on its wire. */
const STOPPED = Symbol('polypool.stopped');

/** In the order in which they show. */
const FIELDS = [
  ...['severity', 'code', 'detail', 'hint', 'position', 'internalPosition', 'internalQuery'],
  ...['where', 'schema', 'table', 'column', 'dataType', 'constraint', 'file', 'line', 'routine'],
];

/** An error of the server; fields that it did not send are there all the same. */
function databaseError(wire) {
  return withFields(new DatabaseError(wire.message, wire.length, 'error'), wire);
}

/** No Error: a notice is read, not thrown. */
function noticeOf(wire) {
  return withFields(new NoticeMessage(wire.length, wire.message), wire);
}

function withFields(message, wire) {
  for (const field of FIELDS) message[field] = wire[field];
  if (wire.localSeverity !== undefined) message.severity = wire.localSeverity;
  return message;
}

/** Messages of the server by their letters, as pg calls them. */
const NAMES = {
  ...{ 1: 'parseComplete', C: 'commandComplete', D: 'dataRow', G: 'copyInResponse' },
  ...{ I: 'emptyQuery', T: 'rowDescription', d: 'copyData', s: 'portalSuspended' },
};

const FIRST = 'SASL: SCRAM-SERVER-FIRST-MESSAGE:';

/** By the engine's code. */
const MESSAGES = {
  ERR_TLS_NOT_OFFERED: () => 'The server does not support SSL connections',
  ERR_TLS_ANSWER: () => 'There was an error establishing an SSL connection',
  ERR_AUTH_NO_PASSWORD: ({ password }) =>
    `${FIRST} client password must be a ${password === '' ? 'non-empty string' : 'string'}`,
  ERR_AUTH_MECHANISM: ({ enableChannelBinding }) =>
    `SASL: Only mechanism(s) ${enableChannelBinding ? 'SCRAM-SHA-256-PLUS and ' : ''}` +
    'SCRAM-SHA-256 are supported',
  ERR_AUTH_CHALLENGE: () => `${FIRST} the server's challenge is malformed`,
  ERR_AUTH_ITERATIONS: ({ scramMaxIterations }, { message }) =>
    `${FIRST} iteration count ${/\d+(?= iterations)/.exec(message)} exceeds scramMaxIterations ` +
    `of ${scramMaxIterations}`,
  ERR_AUTH_PROOF: () => 'SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match',
  ERR_AUTH_METHOD: () => 'Unknown authentication method: the server asks for one not supported',
};

/** Why `client` could not connect: an error of the engine, as it came or as one of its classes. */
function connectError(wire, client) {
  if (wire.kind === 'database') return databaseError(wire);
  const { attempts, cause, errno, socket, tag } = wire;
  if (attempts !== undefined) return attemptsError(attempts, client);
  // The server's own words, where the engine explained them.
  if (cause?.kind === 'database') return databaseError(cause);
  // What a Duplex of JavaScript's ended by, TLS of Node's among them.
  if (cause?.transport !== undefined) return fromWire(wire).cause;
  if (Object.hasOwn(MESSAGES, errno)) return new Error(MESSAGES[errno](client, wire));
  if (errno === 'ERR_POLYPOOL_PROTOCOL') return invalidResponse(wire, tag);
  if (socket !== undefined) return connectionError(socket, errno, client);
  return Object.assign(new Error(wire.message), { code: errno ?? wire.code });
}

function invalidResponse({ message }, tag) {
  const what = tag === undefined ? message : tag.toString(16);
  return new DatabaseError(`received invalid response: ${what}`, 0, 'error');
}

/** The first address that was reached has decided; else none was. */
function attemptsError(attempts, client) {
  const isRefusal = ({ error }) => error.socket?.syscall === 'connect';
  const reached = attempts.find((attempt) => !isRefusal(attempt));
  if (reached !== undefined) return connectError(reached.error, client);
  const errors = attempts.map(({ error }) => connectError(error, client));
  return errors.length === 1
    ? errors[0]
    : Object.assign(new AggregateError(errors), { code: errors[0].code });
}

function connectionError(socket, code, { host }) {
  if (socket.syscall === 'handshake') return unsecured(host);
  return socketError(socket, code) ?? new Error('Connection terminated unexpectedly');
}

function unsecured(host) {
  const message = 'Client network socket disconnected before secure TLS connection was established';
  return Object.assign(new Error(message), { code: 'ECONNRESET', host });
}

/** Why a query has failed, where its connection goes on or has spoken nonsense. */
function queryError(wire) {
  if (wire.kind === 'database') return databaseError(wire);
  if (wire.code === 'ERR_POLYPOOL_PROTOCOL') return nonsense(wire);
  return wire.code === 'ERR_POLYPOOL_PARAMETER' ? refusedValue(wire) : new Error(wire.message);
}

/** What the engine does not send: with the code that the server would give. */
function refusedValue({ message }) {
  const code = message.includes('NUL') ? '22021' : '08P01';
  return databaseError({ severity: 'ERROR', code, message, length: 0 });
}

/** A message that nothing had asked for, or that is none. */
function nonsense({ message, tag }) {
  const name = tag === undefined ? undefined : NAMES[String.fromCharCode(tag)];
  if (name === undefined) return invalidResponse({ message }, tag);
  return new Error(`Received unexpected ${name} message from backend.`);
}

/** What ended a session, before it is told to have ended; null where there is no more to say. */
function lostError(wire, client) {
  if (wire === null) return null;
  const { cause, code, socket } = wire;
  if (cause?.kind === 'database') return databaseError(cause);
  if (cause?.transport !== undefined) return fromWire(wire).cause;
  if (code === 'ERR_POLYPOOL_PROTOCOL') return nonsense(wire);
  return socket?.os == null ? null : connectionError(socket, undefined, client);
}

module.exports = { STOPPED, isLost, connectError, databaseError, lostError, noticeOf, queryError };
