'use strict';

/** From a client's configuration to an open session of the engine. */

const { connectError } = require('./errors');
const { targetOf } = require('./target');
const { asksNode, isAcceptedByNode, noteAcceptedByNode } = require('./tls');

/**
 * Opens a session that `open()` makes; rejects with pg's error. What the engine's TLS refuses,
 * Node's own has the last word on: it knows older certificates.
 */
async function connectSession(client, config, open) {
  const byNode = isAcceptedByNode(client);
  const refused = await attempt(client, config, open, byNode);
  if (refused === null) return;
  if (byNode || !asksNode(refused, client)) throw connectError(refused, client);
  const again = await attempt(client, config, open, true);
  if (again !== null) throw connectError(again, client);
  noteAcceptedByNode(client);
}

/** Null when it is open, or nobody waits for it any more; else what the engine says. */
async function attempt(client, config, open, byNode) {
  const { startup, ...target } = await targetOf(client, config, { byNode });
  const session = open();
  if (session === null) return null;
  // An empty name is for the server to refuse.
  const user = target.user || 'nobody';
  return new Promise((resolve) => {
    try {
      session.open({ ...target, user }, Object.fromEntries(startup), resolve);
    } catch (error) {
      // What the engine makes of the options.
      resolve(error);
    }
  });
}

module.exports = { connectSession };
