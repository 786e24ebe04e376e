'use strict';

/** What diagnostics_channel is told, under mysql2's names. Where nobody listens it costs one look. */

const { tracingChannel } = require('node:diagnostics_channel');

const CHANNELS = {
  query: tracingChannel('mysql2:query'),
  execute: tracingChannel('mysql2:execute'),
  connect: tracingChannel('mysql2:connect'),
  poolConnect: tracingChannel('mysql2:pool:connect'),
};

/** The aggregated getter is younger than Node 20.0. */
const isHeard = (channel) => channel.hasSubscribers ?? channel.start.hasSubscribers;

/** The database and the server that a configuration means. */
function placeOf({ database, socketPath, host, port }) {
  return {
    database: database || '',
    serverAddress: socketPath || host || 'localhost',
    serverPort: socketPath ? undefined : port || 3306,
  };
}

/** Calls `start(callback)`, with a callback that tells the channel where somebody listens. */
function traceCallback(channel, start, callback, describe) {
  if (isHeard(channel)) channel.traceCallback(start, 0, describe(), null, callback);
  else start(callback);
}

module.exports = { CHANNELS, isHeard, placeOf, traceCallback };
