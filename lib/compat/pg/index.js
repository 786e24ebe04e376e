'use strict';

/** What `require('pg')` is. */

const { DatabaseError } = require('pg-protocol');
const types = require('pg-types');
const Client = require('./client');
const Connection = require('./connection');
const defaults = require('./defaults');
const Pool = require('./pool');
const Query = require('./query');
const Result = require('./result');
const TypeOverrides = require('./type-overrides');
const utils = require('./values');

/** Of this module: whoever is given another Client gets it through option `Client`. */
class BoundPool extends Pool {
  constructor(options) {
    super(options, Client);
  }
}

exports.Client = Client;
exports.Connection = Connection;
exports.DatabaseError = DatabaseError;
exports.Pool = BoundPool;
exports.Query = Query;
exports.Result = Result;
exports.TypeOverrides = TypeOverrides;
exports.defaults = defaults;
exports.escapeIdentifier = utils.escapeIdentifier;
exports.escapeLiteral = utils.escapeLiteral;
exports.types = types;
exports.utils = utils;

/** The binding to libpq, which nobody needs here. */
Object.defineProperty(exports, 'native', { configurable: true, enumerable: false, get: () => null });
