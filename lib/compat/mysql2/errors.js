'use strict';

/** What programs for mysql2 see of failures. */

const { getSystemErrorMap } = require('node:util');
const { fromWire } = require('../../errors');
const { socketError } = require('../../socket-error');
const { decodeChars } = require('./charsets');
const { CLEAR, unknownPlugin } = require('./proofs');

/**
 * The server's own, whose message is in the `encoding` of the session. Numbers that have no name have
 * no code.
 */
function serverError(wire, encoding) {
  const { bare, code, errno, raw, sqlState } = wire;
  const message = raw === undefined ? wire.message : decodeChars(raw, encoding);
  const error = new Error(message);
  error.code = code === 'ER_UNKNOWN' ? undefined : code;
  error.errno = errno;
  error.sqlState = bare ? '' : sqlState;
  error.sqlMessage = message;
  return error;
}

const LOST = 'Connection lost: The server closed the connection.';
const LOST_CODE = 'PROTOCOL_CONNECTION_LOST';
const CLOSED_EARLY = 'The connection was closed before it was established';

function connectionLost() {
  return fatal(new Error(LOST), LOST_CODE);
}

function closedEarly() {
  return fatal(new Error(CLOSED_EARLY), LOST_CODE);
}

/** The program has ended its connection before all answers had come. */
function destroyed() {
  return fatal(new Error('The connection was destroyed before the answer came'), LOST_CODE);
}

function fatal(error, code) {
  error.fatal = true;
  if (code !== undefined) error.code = code;
  return error;
}

/** By the engine's code. */
const CONNECT = {
  ERR_TLS_NOT_OFFERED: () =>
    fatal(new Error('Server does not support secure connection'), 'HANDSHAKE_NO_SSL_SUPPORT'),
  ERR_AUTH_CLEARTEXT: () => fatal(new Error(CLEAR), 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED'),
  ERR_AUTH_METHOD: ({ message }) =>
    fatal(unknownPlugin(/'([^']*)'/.exec(message)?.[1]), 'AUTH_SWITCH_PLUGIN_ERROR'),
};

/** A login that the server has refused. mysql2 does not call it fatal. */
function loginError(wire) {
  return Object.assign(serverError(wire), { sql: undefined });
}

/** As Node's lookup has it. */
function notFound(hostname) {
  const [errno] = [...getSystemErrorMap()].find(([, [name]]) => name === 'EAI_NONAME');
  const code = 'ENOTFOUND';
  const error = new Error(`getaddrinfo ${code} ${hostname}`);
  return fatal(Object.assign(error, { errno, code, syscall: 'getaddrinfo', hostname }));
}

/** Why no connection came about. */
function connectError(wire, host) {
  if (wire.kind === 'database') return loginError(wire);
  if (wire.code === 'ERR_POLYPOOL_CLOSED') return closedEarly();
  const { attempts, cause, errno, socket } = wire;
  if (attempts !== undefined) return connectError(attempts[0].error, host);
  if (cause?.kind === 'database') return loginError(cause);
  const { reason } = wire;
  const code = reason === 'tls' ? 'HANDSHAKE_SSL_ERROR' : undefined;
  if (cause?.transport !== undefined) return fatal(fromWire(wire).cause, code);
  if (errno === 'ENOTFOUND') return notFound(host);
  if (Object.hasOwn(CONNECT, errno)) return CONNECT[errno](wire);
  if (reason === 'tls') return fatal(new Error(wire.message), code);
  if (socket !== undefined) return connectionError(socket, errno);
  return fatal(new Error(wire.message), errno ?? wire.code);
}

function connectionError(socket, code) {
  const error = socketError(socket, code);
  return error === null ? connectionLost() : fatal(error);
}

const UNASKED = 'Unexpected packet while no commands in the queue';

/** What has ended an open connection. `idle`: nothing was asked. */
function lostError(wire, idle) {
  if (wire === null) return connectionLost();
  const { cause, code, socket } = wire;
  if (cause?.kind === 'database') {
    const { message, code: name } = serverError(cause);
    return fatal(new Error(message), name ?? 'PROTOCOL_ERROR');
  }
  if (cause?.transport !== undefined) return fatal(fromWire(wire).cause);
  if (code === 'ERR_POLYPOOL_PROTOCOL') {
    return idle
      ? fatal(new Error(UNASKED), 'PROTOCOL_UNEXPECTED_PACKET')
      : fatal(new Error(wire.message), 'PROTOCOL_ERROR');
  }
  return socket?.os == null ? connectionLost() : connectionError(socket);
}

function closedError() {
  return fatal(new Error("Can't add new command when connection is in closed state"));
}

module.exports = {
  closedEarly,
  closedError,
  connectError,
  connectionLost,
  destroyed,
  fatal,
  loginError,
  lostError,
  serverError,
};
