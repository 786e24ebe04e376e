'use strict';

/** The connection that pools are made of, and what else of the package is not about pools. */

const authPlugins = require('./auth-plugins');
const { CharsetToEncoding, Charsets } = require('./charsets');
const { Connection, ConnectionConfig } = require('./connection');
const { factories } = require('./typed-parameter');
const { Types } = require('./types');

/** Decoders are kept with the shapes of results; there is no cache to bound. */
const ignore = () => {};

module.exports = {
  CharsetToEncoding,
  Charsets,
  Connection,
  ConnectionConfig,
  TypedParameter: factories,
  Types,
  authPlugins,
  clearParserCache: ignore,
  setMaxParserCache: ignore,
};
