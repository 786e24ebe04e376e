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

const query = Query.prototype;
const result = Result.prototype;
const connection = Connection.prototype;

const { submit, prepare, hasBeenParsed, _getRows, _checkForMultirow } = query;
const { handleRowDescription, handleDataRow, handlePortalSuspended } = query;
const { handleCommandComplete, handleEmptyQuery } = query;
const { addFields, addRow, addCommandComplete, parseRow, _parseRowAsArray } = result;
const { query: sendQuery, parse, bind, describe, execute, sync, _send } = connection;
const { prepareValue } = utils;

// Spelled out, these take a tenth of what a list of them takes.

const ofQuery = () =>
  query.submit === submit &&
  query.prepare === prepare &&
  query.hasBeenParsed === hasBeenParsed &&
  query._getRows === _getRows &&
  query._checkForMultirow === _checkForMultirow &&
  query.handleRowDescription === handleRowDescription &&
  query.handleDataRow === handleDataRow &&
  query.handlePortalSuspended === handlePortalSuspended &&
  query.handleCommandComplete === handleCommandComplete &&
  query.handleEmptyQuery === handleEmptyQuery;

const ofResult = () =>
  result.addFields === addFields &&
  result.addRow === addRow &&
  result.addCommandComplete === addCommandComplete &&
  result.parseRow === parseRow &&
  result._parseRowAsArray === _parseRowAsArray;

const ofConnection = () =>
  connection.query === sendQuery &&
  connection.parse === parse &&
  connection.bind === bind &&
  connection.describe === describe &&
  connection.execute === execute &&
  connection.sync === sync &&
  connection._send === _send;

const tick = new Tick();
let areIn = true;

/** Whether all of them are in place, as of the first time that somebody asks in a tick. */
function areOriginals() {
  if (tick.isNew()) {
    areIn = utils.prepareValue === prepareValue && ofQuery() && ofResult() && ofConnection();
  }
  return areIn;
}

module.exports = { areOriginals };
