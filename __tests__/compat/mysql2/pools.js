'use strict';
// What the tests of pools need: pools on the test server that are ended after each test, and a record
// of what a pool told and showed.

const { setImmediate: turn } = require('node:timers/promises');
const { mysqlConfig } = require('../../support/mysql.js');
const { called, outcome, track } = require('./connections.js');

const openPool = (mysql, options = {}) => track(mysql.createPool(mysqlConfig(options)));

const take = async (pool) => (await outcome((done) => pool.getConnection(done)))[0];

const counters = ({ _allConnections, _freeConnections, _connectionQueue }) =>
  `all ${_allConnections.length} free ${_freeConnections.length} queue ${_connectionQueue.length}`;

const EVENTS = ['connection', 'acquire', 'enqueue', 'release'];

/** What a pool tells, by the names of its connections, and its counters at that moment. */
class Trace {
  lines = [];
  #names = new Map();
  #pool;

  constructor(pool) {
    this.#pool = pool;
    for (const event of EVENTS) {
      pool.on(event, (connection) => this.note(event, connection));
    }
  }

  /** Connections are named in the order in which they are told of. */
  #show(connection) {
    if (!this.#names.has(connection)) this.#names.set(connection, this.#names.size + 1);
    return this.#names.get(connection);
  }

  note(what, connection) {
    const shown = connection ? `${what} ${this.#show(connection)}` : what;
    this.lines.push(`${shown} | ${counters(this.#pool)}`);
  }
}

/** Lets everything run that waits for nothing but the event loop. */
async function quiet() {
  for (let i = 0; i < 4; i++) await turn();
}

module.exports = { Trace, called, counters, openPool, quiet, take };
