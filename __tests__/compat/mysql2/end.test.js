'use strict';
// How a connection comes to its end by the will of the program, and what it then refuses.

const { once } = require('node:events');
const { mysqlConfig } = require('../../support/mysql.js');
const { until } = require('../../support/pools.js');
const {
  called,
  connect,
  failure,
  make,
  observe,
  query,
  record,
  track,
  value,
} = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer } = require('./scripted.js');

const CLOSED = "Can't add new command when connection is in closed state";

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = (options) => connect(mysql(), options);

  const isThere = async (id) => {
    const sql = 'select 1 from information_schema.processlist where id = ?';
    return (await observe('mariadb', sql, [id])).length === 1;
  };
  const gone = (id) => until(async () => !(await isThere(id)), `session ${id} is gone`);

  describe('end()', () => {
    test('says goodbye to the server', async () => {
      const server = await ScriptedServer.welcoming();
      const connection = track(mysql().createConnection(server.target));
      await once(connection, 'connect');
      const [error] = await called((done) => connection.end(done));
      expect(error).toBeUndefined();
      await until(() => server.heard.length > 1);
      expect(server.heard[1].payload).toEqual(Buffer.from([1]));
    });

    test('the session is gone, without an error', async () => {
      const connection = await open();
      const seen = record(connection, ['error', 'end']);
      const over = once(connection, 'end');
      await called((done) => connection.end(done));
      await over;
      await gone(connection.threadId);
      expect(seen).toEqual(['end']);
      expect(connection._closing).toBe(true);
    });

    test('waits for what was asked before', async () => {
      const connection = await open();
      const seen = [];
      const answers = [
        value(connection, 'select sleep(0.05) + 1').then((got) => seen.push(got)),
        value(connection, 'select 2').then((got) => seen.push(got)),
        called((done) => connection.end(done)).then(() => seen.push('end')),
      ];
      await Promise.all(answers);
      // mysql2 calls back when it sends its goodbye, before it hands the last answer on.
      expect(seen.filter((each) => each !== 'end')).toEqual([1, 2]);
      expect(seen.indexOf('end')).toBeGreaterThan(0);
    });

    test('before the connection is there', async () => {
      const connection = make(mysql());
      const answer = value(connection, 'select 1');
      const over = once(connection, 'end');
      connection.end();
      expect(await answer).toBe(1);
      await over;
      await gone(connection.threadId);
    });

    test('commands afterwards', async () => {
      const connection = await open();
      connection.end();
      for (const start of [
        (done) => connection.query('select 1', done),
        (done) => connection.execute('select 1', done),
        (done) => connection.ping(done),
        (done) => connection.beginTransaction(done),
        (done) => connection.prepare('select 1', done),
        (done) => connection.end(done),
      ]) {
        const error = await failure(start);
        expect(error.message).toBe(CLOSED);
        expect(error.fatal).toBe(true);
        expect(error.code).toBeUndefined();
      }
    });

    test('commands afterwards that have no callback', async () => {
      const connection = await open();
      connection.end();
      const seen = [];
      connection.on('error', (error) => seen.push(error.message));
      connection.query('select 1');
      connection.ping();
      expect(seen).toEqual([CLOSED, CLOSED]);
    });

    test('commands afterwards by promises', async () => {
      const connection = await promise().createConnection(mysqlConfig());
      await connection.end();
      await expect(connection.query('select 1')).rejects.toThrow(CLOSED);
      await expect(connection.execute('select 1')).rejects.toThrow(CLOSED);
      await expect(connection.ping()).rejects.toThrow(CLOSED);
    });
  });

  describe.each(['destroy', 'close'])('%s()', (method) => {
    test('the session is gone, without an error', async () => {
      const connection = await open();
      const seen = record(connection, ['error', 'end']);
      const over = once(connection, 'end');
      connection[method]();
      await over;
      await gone(connection.threadId);
      expect(seen).toEqual(['end']);
      expect(connection.state).toBe('disconnected');
    });

    test('commands afterwards', async () => {
      const connection = await open();
      connection[method]();
      const error = await failure((done) => connection.query('select 1', done));
      expect(error).toMatchObject({ message: CLOSED, fatal: true });
    });

    test('more than once', async () => {
      const connection = await open();
      const over = once(connection, 'end');
      connection[method]();
      connection[method]();
      await over;
      connection[method]();
    });

    test('amid a command, whose answer comes, unlike those of others', async () => {
      const connection = await open();
      const answer = value(connection, 'select sleep(0.05) + 7');
      const waits = ['query', 'execute'].map((ask) =>
        failure((done) => connection[ask]('select 1', done)),
      );
      connection[method]();
      expect(await answer).toBe(7);
      for (const error of await Promise.all(waits)) expect(error.fatal).toBe(true);
      await gone(connection.threadId);
    });

    test('says no goodbye', async () => {
      const server = await ScriptedServer.welcoming();
      const connection = track(mysql().createConnection(server.target));
      await once(connection, 'connect');
      connection[method]();
      await until(() => server.connections === 0);
      expect(server.heard).toHaveLength(1);
    });
  });

  test('another connection is none the worse', async () => {
    const [connection, other] = [await open(), await open()];
    connection.destroy();
    expect(await value(other, 'select 1')).toBe(1);
  });

  describe('by the language', () => {
    test('Symbol.dispose', async () => {
      const connection = await open();
      const over = once(connection, 'end');
      connection[Symbol.dispose]();
      await over;
      await gone(connection.threadId);
      connection[Symbol.dispose]();
    });

    test('Symbol.asyncDispose of the promises', async () => {
      const connection = await promise().createConnection(mysqlConfig());
      const { threadId } = connection;
      await connection[Symbol.asyncDispose]();
      await gone(threadId);
      await connection[Symbol.asyncDispose]();
    });

    test('Symbol.asyncDispose of a pooled connection gives it back', async () => {
      const pool = promise().createPool(mysqlConfig({ connectionLimit: 1 }));
      const connection = await pool.getConnection();
      await connection[Symbol.asyncDispose]();
      expect((await pool.query('select connection_id() as id'))[0]).toEqual([
        { id: connection.threadId },
      ]);
      await pool[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
      await expect(pool.query('select 1')).rejects.toThrow('Pool is closed.');
    });

    test('Symbol.dispose of a pool and of its connections', async () => {
      const pool = mysql().createPool(mysqlConfig({ connectionLimit: 1 }));
      const [, connection] = await called((done) => pool.getConnection(done));
      connection[Symbol.dispose]();
      expect(await value(pool, 'select connection_id()')).toBe(connection.threadId);
      pool[Symbol.dispose]();
      pool[Symbol.dispose]();
      await gone(connection.threadId);
      const error = await failure((done) => pool.query('select 1', done));
      expect(error.message).toBe('Pool is closed.');
    });
  });

  test('rows that nobody reads keep no connection from its end', async () => {
    const connection = await open();
    const answer = query(connection, 'select seq from seq_1_to_20000');
    const over = once(connection, 'end');
    connection.end();
    expect((await answer)[0]).toHaveLength(20_000);
    await over;
  });
});
