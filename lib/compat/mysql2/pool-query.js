'use strict';

/**
 * The statements of pools by the methods of their connections, which a program may have replaced:
 * each borrows a connection, runs, and gives it back.
 */

const { surface } = require('../../surface');
const { Connection } = require('./connection');
const { CHANNELS, isHeard } = require('./tracing');

/**
 * ER_OPTION_PREVENTS_STATEMENT, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_READ_ONLY_MODE: after a
 * failover the server takes no writes, and a new connection may find the one that does.
 */
const READ_ONLY = new Set([1290, 1792, 1836]);

const isReadOnly = (error) => error !== null && READ_ONLY.has(error?.errno);

const PLAIN = { query: Connection.prototype.query, execute: Connection.prototype.execute };

/** Nobody has replaced the method, or listens to what it tells. */
const isPlain = (connection, method) =>
  connection[method] === PLAIN[method] && !isHeard(CHANNELS[method]);

function failQuery(command, error) {
  if (typeof command.onResult === 'function') command.onResult(error);
  else command.emit('error', error);
}

/** Runs a command that `createQuery` has made. */
function runQuery(pool, command) {
  pool.getConnection((error, connection) => {
    if (error) {
      failQuery(command, error);
      return;
    }
    try {
      startQuery(connection, command);
    } catch (thrown) {
      connection.release();
      failQuery(command, thrown);
    }
  });
}

function startQuery(connection, command) {
  const failure = watch(command);
  connection.query(command).once('end', () => {
    if (isReadOnly(failure.error)) connection.destroy();
    else connection.release();
  });
}

/** `{ error }` of a command once it has failed; its callback hears of that first. */
function watch(command) {
  const failure = { error: null };
  const { onResult } = command;
  if (onResult) {
    command.onResult = (error, rows, fields) => {
      failure.error = error;
      onResult(error, rows, fields);
    };
  } else {
    command.once('error', (error) => (failure.error = error));
  }
  return failure;
}

function runExecute(pool, sql, values, callback = unheard) {
  pool.getConnection((error, connection) => {
    if (error) {
      callback(error);
      return;
    }
    try {
      startExecute(connection, sql, values, callback);
    } catch (thrown) {
      connection.release();
      callback(thrown);
    }
  });
}

function startExecute(connection, sql, values, callback) {
  const command = connection.execute(sql, values, (failure, rows, fields) => {
    if (isReadOnly(failure)) connection.destroy();
    callback(failure, rows, fields);
  });
  command.once('end', () => connection.release());
}

/** Where no callback is given. mysql2 throws then in any case. */
function unheard(error) {
  if (error) surface(error);
}

module.exports = {
  failQuery,
  isPlain,
  isReadOnly,
  runExecute,
  runQuery,
  startExecute,
  startQuery,
  unheard,
};
