'use strict';

/** MONITOR: what a server is asked by anybody, line by line. */

const { ConnectionLostError, abortError } = require('../errors');
const { NOTIFIED } = require('../listen');
const { offAbort, onAbort } = require('../signal');
const { Subscription } = require('../subscription');

/** `pool` has one connection, which the subscription is over. */
async function openMonitor(pool, link, { signal, timeoutMs, maxQueued }) {
  const owner = {
    leave: () => {
      if (signal !== undefined) offAbort(signal, abort);
      pool.removeAllListeners();
      return pool.close({ timeoutMs: 0 });
    },
    keep: (referenced) => link[referenced ? 'hold' : 'unhold'](),
  };
  link.hold();
  const subscription = new Subscription('MONITOR', owner, 'command', maxQueued);
  const abort = () => subscription.end(abortError(signal));
  if (signal !== undefined) onAbort(signal, abort);
  pool.on(NOTIFIED, (line) => subscription.take(String(line)));
  pool.on('remove', () => subscription.fail(new ConnectionLostError('the connection was lost')));
  try {
    const connection = await pool.acquire({ signal, timeoutMs });
    await connection.query('MONITOR', [], { signal });
  } catch (error) {
    await subscription.end(null);
    throw error;
  }
  return subscription;
}

module.exports = { openMonitor };
