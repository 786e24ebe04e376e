'use strict';

/**
 * The methods that a query has when it speaks with the server itself, message by message. Programs
 * replace them; a statement of the engine would go past theirs.
 */

const { Tick } = require('../../tick');
const Connection = require('./connection');
const Query = require('./query');
const Result = require('./result');
const utils = require('./values');

/** Each with an object, its key, and what stands there. */
const ORIGINALS = [
  [Query.prototype, 'submit', 'prepare', 'hasBeenParsed', '_getRows', '_checkForMultirow'],
  [Query.prototype, 'handleRowDescription', 'handleDataRow', 'handlePortalSuspended'],
  [Query.prototype, 'handleCommandComplete', 'handleEmptyQuery'],
  [Result.prototype, 'addFields', 'addRow', 'addCommandComplete', 'parseRow', '_parseRowAsArray'],
  [Connection.prototype, 'query', 'parse', 'bind', 'describe', 'execute', 'sync', '_send'],
  [utils, 'prepareValue'],
].flatMap(([object, ...keys]) => keys.map((key) => ({ object, key, original: object[key] })));

const tick = new Tick();
let areIn = true;

/** Whether all of them are in place, as of the first time that somebody asks in a tick. */
function areOriginals() {
  if (tick.isNew())
    areIn = ORIGINALS.every(({ object, key, original }) => object[key] === original);
  return areIn;
}

module.exports = { areOriginals };
