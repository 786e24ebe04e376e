'use strict';

/** What a client is made with, as the fields in which programs find it. */

const defaults = require('./defaults');
const { hide } = require('./hide');
const ConnectionParameters = require('./parameters');
const TypeOverrides = require('./type-overrides');

/** How many rounds of the key derivation a server may ask for. */
const SCRAM_ITERATIONS = 100_000;

function configure(client, config) {
  const given = config || {};
  const parameters = new ConnectionParameters(config);
  client.connectionParameters = parameters;
  client.user = parameters.user;
  client.database = parameters.database;
  client.port = parameters.port;
  client.host = parameters.host;
  hide(client, 'password', parameters.password);
  client.replication = parameters.replication;
  client._Promise = given.Promise || global.Promise;
  client._types = new TypeOverrides(given.types);
  setState(client);
  client.enableChannelBinding = Boolean(given.enableChannelBinding);
  client.scramMaxIterations = numberOr(given.scramMaxIterations, SCRAM_ITERATIONS);
  client.pipeline = Boolean(given.pipeline);
  client.binary = given.binary || defaults.binary;
  client.processID = null;
  client.secretKey = null;
  client.ssl = parameters.ssl || false;
  client.sslNegotiation = parameters.sslnegotiation || 'postgres';
  client._connectionTimeoutMillis = given.connectionTimeoutMillis || 0;
}

/** As it is before anything has happened. */
function setState(client) {
  client._ending = false;
  client._ended = false;
  client._connecting = false;
  client._connected = false;
  client._connectionError = false;
  client._queryable = true;
  client._activeQuery = null;
  client._txStatus = null;
  client._queryQueue = [];
  client._sentQueryQueue = [];
  client.readyForQuery = false;
  client.hasExecuted = false;
}

function numberOr(value, fallback) {
  const isText = typeof value === 'string' && value.trim() !== '';
  const number = isText ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : fallback;
}

module.exports = { configure };
