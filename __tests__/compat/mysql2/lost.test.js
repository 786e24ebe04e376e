'use strict';
// Connections that are lost: what the queries and the connection hear, and what it is then.

const { once } = require('node:events');
const { mysqlConfig, mysqlServer } = require('../../support/mysql.js');
const { Proxy } = require('../../support/proxy.js');
const { until } = require('../../support/pools.js');
const { called, connect, failure, observe, record, track, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');
const { ScriptedServer, packet, packets, say } = require('./scripted.js');

const LOST = {
  code: 'PROTOCOL_CONNECTION_LOST',
  message: 'Connection lost: The server closed the connection.',
  fatal: true,
};
const CLOSED = "Can't add new command when connection is in closed state";

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = (options) => connect(mysql(), options);

  /** A connection to a server that does as it is told. */
  async function scripted(answer) {
    const server = await ScriptedServer.welcoming(answer);
    const connection = track(mysql().createConnection(server.target));
    await once(connection, 'connect');
    return { server, connection };
  }

  describe.each(SERVERS)('%s', (kind) => {
    const running = (connection) =>
      until(async () => {
        const sql = `select 1 from information_schema.processlist
          where id = ? and info like '%sleep(600)%' and command <> 'Sleep'`;
        return (await observe(kind, sql, [connection.threadId])).length === 1;
      });

    test('an execute in line, without a callback, hears of it once and ends', async () => {
      const connection = await open({ kind });
      connection.on('error', () => {});
      const first = failure((done) => connection.query('select sleep(600)', done));
      const seen = record(connection.execute('select ? as n', [1]), ['error', 'end']);
      await running(connection);
      await observe(kind, 'kill ?', [connection.threadId]);
      await first;
      await until(() => seen.length > 1);
      expect(seen).toEqual(['error', 'end']);
    });

    test.each(['destroy', 'emit'])('its stream fails by the program: %s', async (method) => {
      const connection = await open({ kind });
      const told = failure((done) => connection.query('select sleep(600)', done));
      await running(connection);
      const error = new Error('of the program');
      if (method === 'destroy') connection.stream.destroy(error);
      else connection.stream.emit('error', error);
      expect(await told).toBe(error);
      expect(error.fatal).toBe(true);
    });

    test('an idle session is killed', async () => {
      const connection = await open({ kind });
      const heard = once(connection, 'error');
      await observe(kind, 'kill ?', [connection.threadId]);
      const [error] = await heard;
      expect(error.fatal).toBe(true);
      expect(connection.state).toBe('error');
      const after = await failure((done) => connection.query('select 1', done));
      expect(after.message).toBe(CLOSED);
    });

    test('a session is killed while it works: its query and those behind it fail', async () => {
      const connection = await open({ kind });
      connection.on('error', () => {});
      const hit = failure((done) => connection.query('select sleep(600)', done));
      const behind = failure((done) => connection.query('select 1', done));
      await running(connection);
      await observe(kind, 'kill ?', [connection.threadId]);
      for (const error of await Promise.all([hit, behind])) {
        expect(error.message).not.toBe('');
        expect(error.code).toEqual(expect.any(String));
      }
    });

    test('a query alone is killed', async () => {
      const connection = await open({ kind });
      // A sleep that is the last thing a query does may end it without an error.
      const sql = 'select sleep(600) from (select 1 union select 2 union select 3) as many';
      const hit = failure((done) => connection.query(sql, done));
      await running(connection);
      await observe(kind, 'kill query ?', [connection.threadId]);
      expect(await hit).toMatchObject({
        code: 'ER_QUERY_INTERRUPTED',
        errno: 1317,
        sqlState: '70100',
        message: 'Query execution was interrupted',
      });
      expect(await value(connection, 'select 1')).toBe(1);
    });
  });

  test('the server closes an idle connection', async () => {
    const { server, connection } = await scripted();
    const heard = once(connection, 'error');
    server.cut();
    expect((await heard)[0]).toMatchObject(LOST);
    expect(connection.state).toBe('error');
  });

  test('the connection is reset', async () => {
    const { host, port } = mysqlServer();
    const proxy = await Proxy.open({ host, port });
    const connection = await open({ port: proxy.port });
    const heard = once(connection, 'error');
    proxy.cut();
    const [error] = await heard;
    expect(['ECONNRESET', LOST.code]).toContain(error.code);
    expect(error.fatal).toBe(true);
    await proxy.close();
  });

  test('everybody who waits hears of it, in order, and the connection does not', async () => {
    const { connection } = await scripted((command, _text, socket) => {
      if (command === 'query') socket.destroy();
    });
    const seen = record(connection, ['error']);
    const order = [];
    const errors = await Promise.all([
      failure((done) => connection.query('select 1', done)).then((e) => (order.push(1), e)),
      failure((done) => connection.execute('select 2', done)).then((e) => (order.push(2), e)),
      failure((done) => connection.ping(done)).then((e) => (order.push(3), e)),
    ]);
    for (const error of errors) expect(error).toMatchObject(LOST);
    expect(order).toEqual([1, 2, 3]);
    expect(seen).toEqual([]);
  });

  test('a query without a callback leaves it to the connection', async () => {
    const { connection } = await scripted((command, _text, socket) => {
      if (command === 'query') socket.destroy();
    });
    const heard = once(connection, 'error');
    connection.query('select 1');
    expect((await heard)[0]).toMatchObject(LOST);
  });

  test('by promises', async () => {
    const server = await ScriptedServer.welcoming((command, _text, socket) => {
      if (command === 'query') socket.destroy();
    });
    const connection = await promise().createConnection(server.target);
    await expect(connection.query('select 1')).rejects.toMatchObject(LOST);
    await expect(connection.query('select 1')).rejects.toMatchObject({ message: CLOSED });
  });

  test('rows that came before the loss', async () => {
    const { server, connection } = await scripted((command, _text, socket) => {
      const head = [say.count(1), say.column('a'), say.eof(), say.row('x')];
      if (command === 'query') socket.write(packets(1, ...head));
    });
    const heard = once(connection, 'error');
    const seen = [];
    connection.query('select').on('result', (row) => {
      seen.push(row);
      server.cut();
    });
    expect((await heard)[0]).toMatchObject(LOST);
    expect(seen).toEqual([{ a: 'x' }]);
  });

  test('the server says why it hangs up', async () => {
    const { connection, server } = await scripted();
    const heard = once(connection, 'error');
    await until(() => server.connections === 1);
    const text = 'The client was disconnected by the server because of inactivity.';
    server.say(packet(0, say.error(4031, 'HY000', text)));
    const [error] = await heard;
    expect(error.message).toBe(text);
    expect(error.fatal).toBe(true);
  });

  test('something that nobody asked for', async () => {
    const { connection, server } = await scripted();
    const heard = once(connection, 'error');
    server.say(packet(0, say.ok()));
    const [error] = await heard;
    expect(error).toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_PACKET',
      message: 'Unexpected packet while no commands in the queue',
      fatal: true,
    });
    await until(() => server.connections === 0);
  });

  test('another connection is none the worse', async () => {
    const [connection, other] = [await open(), await open()];
    const heard = once(connection, 'error');
    await observe('mariadb', 'kill ?', [connection.threadId]);
    await heard;
    expect(await value(other, 'select 1')).toBe(1);
  });

  test('end() of a connection that is lost', async () => {
    const { connection, server } = await scripted();
    const heard = once(connection, 'error');
    server.cut();
    await heard;
    const [error] = await called((done) => connection.end(done));
    expect(error?.message).toBe(CLOSED);
  });

  test('the server is restarted: new connections are served', async () => {
    const { MySqlServer } = require('../../support/mysql-server.js');
    const server = await MySqlServer.start('mariadb');
    try {
      const options = mysqlConfig({ server: server.describe() });
      const connection = track(mysql().createConnection(options));
      await once(connection, 'connect');
      const heard = once(connection, 'error');
      await server.stop('immediate');
      expect((await heard)[0].fatal).toBe(true);
      const refused = track(mysql().createConnection(options));
      expect(await failure((done) => refused.connect(done))).toMatchObject({
        code: 'ECONNREFUSED',
      });
      await server.start();
      const again = track(mysql().createConnection(options)).on('error', () => {});
      expect(await value(again, 'select 1')).toBe(1);
    } finally {
      await server.destroy();
    }
  });
});
