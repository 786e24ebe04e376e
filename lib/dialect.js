'use strict';

/** What the databases behind pools differ in, as far as JavaScript has to know. */

const { DatabaseError } = require('./errors');
const { quoteIdentifier, quoteIdentifierMySql } = require('./escape');

const POSTGRES = {
  name: 'postgres',
  /** LISTEN and NOTIFY. */
  listens: true,
  placeholder: (number) => `$${number}`,
  quote: quoteIdentifier,
  deferrable: true,
  /** Results tell of generated numbers, rows and warnings. */
  tells: false,
  begin(isolation, readOnly, deferrable) {
    const modes = [];
    if (isolation !== undefined) modes.push(`ISOLATION LEVEL ${isolation.toUpperCase()}`);
    if (readOnly !== undefined) modes.push(readOnly ? 'READ ONLY' : 'READ WRITE');
    if (deferrable !== undefined) modes.push(deferrable ? 'DEFERRABLE' : 'NOT DEFERRABLE');
    return [modes.length === 0 ? 'BEGIN' : `BEGIN ${modes.join(' ')}`];
  },
  /** Serialization failure and deadlock: the whole transaction may be run again. */
  isRetryable: ({ code }) => code === '40001' || code === '40P01',
  /** Whether an error has undone the transaction it came in, so that what follows is in none. */
  undoes: () => false,
  /** A server that ends the session (FATAL, PANIC) may have committed before. */
  isVerdict: (error) => error instanceof DatabaseError && error.severity === 'ERROR',
};

/** The session ends, or a COMMIT was broken off: it may have taken effect. */
const UNDECIDED = new Set([1053, 1317, 1927, 3024, 3169, 4031]);

const MYSQL = {
  name: 'mysql',
  listens: false,
  placeholder: () => '?',
  quote: quoteIdentifierMySql,
  deferrable: false,
  tells: true,
  /** The isolation is that of the next transaction only; the last text begins it. */
  begin(isolation, readOnly) {
    const start = ['START TRANSACTION'];
    if (readOnly !== undefined) start.push(readOnly ? 'READ ONLY' : 'READ WRITE');
    const texts = [start.join(' ')];
    if (isolation === undefined) return texts;
    return [`SET TRANSACTION ISOLATION LEVEL ${isolation.toUpperCase()}`, ...texts];
  },
  /** Deadlock, and a lock that was waited for too long. */
  isRetryable: ({ errno }) => errno === 1213 || errno === 1205,
  undoes: ({ errno }) => errno === 1213,
  isVerdict: (error) => error instanceof DatabaseError && !UNDECIDED.has(error.errno),
};

/** Commands and replies: nothing of SQL. */
const REDIS = { name: 'redis', tells: false, undoes: () => false };

/** Those that have placeholders, names and transactions. */
const SQL_DIALECTS = [POSTGRES, MYSQL];

const DIALECTS = { postgres: POSTGRES, mysql: MYSQL, redis: REDIS };

module.exports = { DIALECTS, POSTGRES, SQL_DIALECTS };
