'use strict';

/**
 * Queries of a pool that wait for a client may go over one that another query has, as the next ones
 * on its wire. With pg's option `pipeline` all of them; by default those which nobody can tell it of,
 * where they are known to be short: plain reads, and INSERTs of a row. What was sent cannot be taken
 * back, but a plain read can run once more, on a client of its own, and an INSERT that the server has
 * stopped has done nothing: then nobody waits for the locks of a statement that his own has nothing to
 * do with. Reads go behind any short statement, INSERTs only where all could be stopped.
 */

const { paceOf } = require('../../session');
const { REPEATS, repeatsOf } = require('../../sharing/ahead');
const { AHEAD_MAX, chooseWire } = require('../../sharing/wires');
const { SHARE } = require('./queries');

class Sharing {
  #always;

  constructor({ pipeline, verify }) {
    this.#always = Boolean(pipeline) && !verify;
    this.isOff = Boolean(verify) || (!pipeline && pipeline !== undefined && pipeline !== null);
  }

  get isAlways() {
    return this.#always;
  }

  /** What is known of a query of the pool. */
  examine(request) {
    const pace = this.#paceOf(request.text);
    if (pace === undefined) return;
    request.pace = pace;
    request.repeats = repeatsOf(pace);
  }

  /** Where it is short and its client does not matter. */
  #paceOf(config) {
    if (this.#always || this.isOff) return undefined;
    if (typeof config === 'string') return paceOf(config);
    if (typeof config !== 'object' || config === null) return undefined;
    const { text, name, submit, callback, rows, portal, query_timeout: limit } = config;
    if (typeof text !== 'string' || submit || callback || rows || portal || limit) return undefined;
    return paceOf(text, name || undefined);
  }

  /** Sends a query that waits over one of the clients that others' queries have, if it may. */
  send(request, members) {
    if (this.#always) this.#sendAnyhow(request, members);
    else if (request.repeats !== REPEATS.NEVER) this.#sendShort(request, members);
  }

  #sendAnyhow(request, members) {
    let fewest = AHEAD_MAX;
    let best = null;
    for (const { client } of members) {
      if (!client.pipeline || !client._queryable || client._ending) continue;
      const sent = client._sentQueryQueue.length;
      if (sent < fewest) [fewest, best] = [sent, client];
    }
    if (best !== null) request.sendAhead(best, 'query');
  }

  #sendShort(request, members) {
    const best = chooseWire(members, request.repeats === REPEATS.STOPPED);
    if (best !== null) request.sendAhead(best.client, SHARE);
  }
}

module.exports = { Sharing };
