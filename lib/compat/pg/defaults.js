'use strict';

/** What holds where neither a configuration nor the environment says anything; users change it. */

const types = require('pg-types');

const INT8 = 20;
const INT8_ARRAY = 1016;
const INT4 = 23;
const INT4_ARRAY = 1007;

const parseText = (oid) => types.getTypeParser(oid, 'text');

/** As they were before anybody changed them. */
const original = new Map([INT8, INT8_ARRAY].map((oid) => [oid, parseText(oid)]));

module.exports = {
  host: 'localhost',
  user: userName(),
  // As the user is called.
  database: undefined,
  password: null,
  connectionString: undefined,
  port: 5432,
  // How many rows a portal gives at a time; 0 is all.
  rows: 0,
  binary: false,
  max: 10,
  idleTimeoutMillis: 30000,
  client_encoding: '',
  ssl: false,
  sslnegotiation: undefined,
  application_name: undefined,
  fallback_application_name: undefined,
  options: undefined,
  parseInputDatesAsUTC: false,
  // Of the four, false is "no bound"; milliseconds otherwise.
  statement_timeout: false,
  lock_timeout: false,
  idle_in_transaction_session_timeout: false,
  query_timeout: false,
  connect_timeout: 0,
  keepalives: 1,
  keepalives_idle: 0,

  /** Integers of 64 bits as numbers rather than texts, in the whole process. */
  set parseInt8(wanted) {
    types.setTypeParser(INT8, 'text', wanted ? parseText(INT4) : original.get(INT8));
    types.setTypeParser(
      INT8_ARRAY,
      'text',
      wanted ? parseText(INT4_ARRAY) : original.get(INT8_ARRAY),
    );
  },
};

function userName() {
  const { platform, env } = process;
  return platform === 'win32' ? env.USERNAME : env.USER;
}
