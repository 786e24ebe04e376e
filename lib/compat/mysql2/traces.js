'use strict';

/** What diagnostics_channel hears of a connection and of what it is asked. */

const { CHANNELS, isHeard, placeOf, traceCallback } = require('./tracing');

/** Calls `start(promise's resolve, reject)` under the channel; what fails is told elsewhere, too. */
function tracePromise(channel, start, context) {
  channel.tracePromise(() => new Promise(start), context).catch(() => {});
}

function describe({ sql: query, values }, config) {
  const { database, serverAddress, serverPort } = placeOf(config);
  return { query, values, database, serverAddress, serverPort };
}

function traceConnect(connection) {
  if (!isHeard(CHANNELS.connect)) return;
  const { database, serverAddress, serverPort } = placeOf(connection.config);
  const context = { database, serverAddress, serverPort, user: connection.config.user || '' };
  const start = (resolve, reject) => {
    const failed = (error) => {
      connection.removeListener('connect', connected);
      reject(error);
    };
    const connected = (hello) => {
      connection.removeListener('error', failed);
      resolve(hello);
    };
    connection.once('connect', connected);
    connection.once('error', failed);
  };
  tracePromise(CHANNELS.connect, start, context);
}

/** `begin` hands the command to its connection. */
function trace(channel, command, begin, context) {
  if (command.onResult) {
    const start = (callback) => {
      command.onResult = callback;
      begin();
    };
    traceCallback(channel, start, command.onResult, context);
  } else if (isHeard(channel)) {
    const start = (resolve, reject) => {
      command.once('error', reject);
      command.once('end', () => resolve());
      begin();
    };
    tracePromise(channel, start, context());
  } else {
    begin();
  }
  return command;
}

function traceQuery(connection, command) {
  const begin = () => connection.addCommand(command);
  return trace(CHANNELS.query, command, begin, () => describe(command, connection.config));
}

/** `begin` prepares and runs it. */
function traceExecute(connection, command, begin) {
  const context = () => describe(command._options, connection.config);
  return trace(CHANNELS.execute, command, begin, context);
}

module.exports = { traceConnect, traceExecute, traceQuery };
