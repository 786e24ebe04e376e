'use strict';
// From the second on, a connection's BEGIN is answered at once and sent with what follows it.

const { once } = require('node:events');
const { tracingChannel } = require('node:diagnostics_channel');
const { setImmediate: turn } = require('node:timers/promises');
const { until } = require('../../support/pools.js');
const { failure, outcome, query, track } = require('./connections.js');
const { take } = require('./pools.js');
const { ScriptedServer, packet, packets, result, say } = require('./scripted.js');

const mysql = require('../../../lib/compat/mysql2');

const OPEN = packet(1, say.ok({ status: 3 }));
const DONE = packet(1, say.ok());
const REFUSED = packet(1, say.error(1317, '70100', 'Query execution was interrupted'));

const begin = (connection) => outcome((done) => connection.query('BEGIN', done));

/** A server that answers when it is told to, and what it has heard. */
class Server {
  heard = [];
  #socket = null;

  static async open() {
    const server = new Server();
    server.scripted = await ScriptedServer.welcoming((command, text, socket) => {
      server.#socket = socket;
      server.heard.push(command === 'query' ? text : command);
    });
    return server;
  }

  /** Resolves once it has heard so much since the last answer, which it then gives. */
  async answer(heard, ...answers) {
    await until(() => this.heard.length >= heard.length);
    expect(this.heard).toEqual(heard);
    this.heard = [];
    this.#socket.write(Buffer.concat(answers));
  }

  /** It hears no more for now. */
  async hears(heard) {
    await until(() => this.heard.length >= heard.length);
    for (let i = 0; i < 3; i++) await turn();
    expect(this.heard).toEqual(heard);
  }

  /** Goes through a transaction, so that it is known what BEGIN is answered. */
  async begun(connection) {
    for (const [text, answer] of [
      ['BEGIN', OPEN],
      ['COMMIT', DONE],
    ]) {
      const asked = query(connection, text);
      await this.answer([text], answer);
      await asked;
    }
  }
}

async function scripted(options = {}) {
  const server = await Server.open();
  const connection = track(mysql.createConnection({ ...server.scripted.target, ...options }));
  await once(connection, 'connect');
  await server.begun(connection);
  return { server, connection };
}

async function pooled(options) {
  const server = await Server.open();
  const target = { ...server.scripted.target, connectionLimit: 1, ...options };
  const pool = track(mysql.createPool(target));
  const connection = await take(pool);
  await server.begun(connection);
  return { server, pool, connection };
}

const INSERT = 'insert into t values (1)';
const SELECT = 'select a from t where b in (1, 2)';
const rows = result(['a'], [['7']], 1, 3);

test('a statement is held until the server has begun', async () => {
  const { server, connection } = await scripted();
  const [header, fields] = await begin(connection);
  expect(header).toMatchObject({ affectedRows: 0, serverStatus: 3 });
  expect(fields).toBeUndefined();
  const inserted = query(connection, INSERT);
  await server.hears(['BEGIN']);
  await server.answer(['BEGIN'], OPEN);
  await server.answer([INSERT], packet(1, say.ok({ affected: 1, status: 3 })));
  expect((await inserted)[0].affectedRows).toBe(1);
});

test('a read that changes nothing is sent in the same flight', async () => {
  const { server, connection } = await scripted();
  await begin(connection);
  const read = query(connection, SELECT);
  await server.answer(['BEGIN', SELECT], OPEN, rows);
  expect((await read)[0]).toEqual([{ a: '7' }]);
  const other = query(connection, 'select f(1)');
  await server.answer(['select f(1)'], rows);
  await other;
  const committed = query(connection, 'COMMIT');
  await server.answer(['COMMIT'], DONE);
  await committed;
  await begin(connection);
  query(connection, 'select f(1)').catch(() => {});
  await server.hears(['BEGIN']);
});

test('also a prepared one', async () => {
  const { server, connection } = await scripted();
  const prepared = packets(1, Buffer.from([0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
  const executed = outcome((done) => connection.execute(SELECT, done));
  await server.answer(['prepare'], prepared);
  await server.answer(['execute'], DONE);
  await executed;
  await begin(connection);
  const again = outcome((done) => connection.execute(SELECT, done));
  await server.answer(['BEGIN', 'execute'], OPEN, packet(1, say.ok({ status: 3 })));
  await again;
});

test.each([
  ['a statement is not run', INSERT, [REFUSED], 'ping'],
  ['a read has no rows', SELECT, [REFUSED, rows], null],
])('where the server refuses to begin, %s', async (_name, text, answers, then) => {
  const { server, connection } = await scripted();
  await begin(connection);
  const failed = failure((done) => connection.query(text, done));
  await server.answer(then === null ? ['BEGIN', text] : ['BEGIN'], ...answers);
  if (then !== null) await server.answer([then], DONE);
  const error = await failed;
  expect(error).toMatchObject({ errno: 1317, code: 'ER_QUERY_INTERRUPTED', sql: 'BEGIN' });
  const later = query(connection, INSERT);
  await server.answer([INSERT], packet(1, say.ok({ affected: 1 })));
  expect((await later)[0].affectedRows).toBe(1);
  await server.begun(connection);
});

test('what is prepared for it has its error as well', async () => {
  const { server, connection } = await scripted();
  await begin(connection);
  const failed = failure((done) => connection.execute(INSERT, done));
  await server.answer(['BEGIN'], REFUSED);
  await server.answer(['ping'], DONE);
  expect(await failed).toMatchObject({ errno: 1317, sql: 'BEGIN' });
});

test('where nothing follows it is sent alone', async () => {
  const { server, connection } = await scripted();
  await begin(connection);
  await server.answer(['BEGIN'], OPEN);
  const inserted = query(connection, INSERT);
  await server.answer([INSERT], DONE);
  await inserted;
});

test('its error is that of the statement that comes later', async () => {
  const { server, connection } = await scripted();
  await begin(connection);
  await server.answer(['BEGIN'], REFUSED);
  // A ping is no part of the transaction; when it is answered, that was.
  const pinged = outcome((done) => connection.ping(done)).catch(() => {});
  await server.answer(['ping'], DONE);
  await pinged;
  const failed = failure((done) => connection.query(INSERT, done));
  expect(await failed).toMatchObject({ errno: 1317, sql: 'BEGIN' });
  const later = query(connection, INSERT);
  await server.answer([INSERT], DONE);
  await later;
});

test('what comes ahead of a statement is sent behind it', async () => {
  const { server, connection } = await scripted();
  await begin(connection);
  const reset = outcome((done) => connection.reset(done));
  await server.answer(['BEGIN'], OPEN);
  await server.answer(['reset'], DONE);
  await reset;
  // Nothing is known of the new session.
  await server.begun(connection);
});

test('who gets the connection next does not hear of its error', async () => {
  const { server, pool, connection } = await pooled();
  await begin(connection);
  connection.release();
  await server.answer(['BEGIN'], REFUSED);
  const next = await take(pool);
  const inserted = query(next, INSERT);
  await server.answer([INSERT], DONE);
  await inserted;
});

test('nor who gets it while it is on its way', async () => {
  const { server, pool, connection } = await pooled();
  await begin(connection);
  connection.release();
  const inserted = query(pool, INSERT);
  await server.answer(['BEGIN'], REFUSED);
  await server.answer([INSERT], DONE);
  await inserted;
});

test('a connection that dies before it has begun: as one that is idle', async () => {
  const { server, connection } = await scripted();
  const heard = once(connection, 'error');
  await begin(connection);
  await server.hears(['BEGIN']);
  server.scripted.cut();
  expect((await heard)[0].code).toBe('PROTOCOL_CONNECTION_LOST');
  const error = await failure((done) => connection.query(INSERT, done));
  expect(error.message).toMatch(/closed state/);
});

test('a connection that is ended while it is on its way', async () => {
  const { server, connection } = await scripted();
  await begin(connection);
  await server.hears(['BEGIN']);
  await outcome((done) => connection.end(done));
  const error = await failure((done) => connection.query(INSERT, done));
  expect(error.message).toMatch(/closed state/);
});

test('a connection that dies together with the statement', async () => {
  const { server, connection } = await scripted();
  connection.on('error', () => {});
  await begin(connection);
  const failed = failure((done) => connection.query(INSERT, done));
  await server.hears(['BEGIN']);
  server.scripted.cut();
  expect((await failed).code).toBe('PROTOCOL_CONNECTION_LOST');
});

describe('it waits for its answer', () => {
  async function waits(server, connection, given = 'BEGIN') {
    let isTold = false;
    const told = outcome((done) => connection.query(given, done)).then(() => (isTold = true));
    await server.hears(['BEGIN']);
    expect(isTold).toBe(false);
    await server.answer(['BEGIN'], OPEN);
    await told;
  }

  test('with a timeout', async () => {
    const { server, connection } = await scripted();
    await waits(server, connection, { sql: 'BEGIN', timeout: 60_000 });
  });

  test.each([scripted, pooled])('without pipelining', async (open) => {
    const { server, connection } = await open({ pipeline: false });
    await waits(server, connection);
  });

  test('where a method is replaced', async () => {
    const { server, connection } = await scripted();
    const { query: own } = connection;
    connection.query = (...given) => own.apply(connection, given);
    await waits(server, connection);
  });

  test('where somebody listens to queries', async () => {
    const { server, connection } = await scripted();
    const channel = tracingChannel('mysql2:query');
    const listener = { start() {}, end() {}, asyncStart() {}, asyncEnd() {}, error() {} };
    channel.subscribe(listener);
    try {
      await waits(server, connection);
    } finally {
      channel.unsubscribe(listener);
    }
  });

  test('in a transaction', async () => {
    const { server, connection } = await scripted();
    await begin(connection);
    await server.answer(['BEGIN'], OPEN);
    await waits(server, connection);
  });

  test('once the session is another', async () => {
    const { server, connection } = await scripted();
    const set = query(connection, 'set autocommit = 0');
    await server.answer(['set autocommit = 0'], packet(1, say.ok({ status: 0 })));
    await set;
    await waits(server, connection);
  });
});
