'use strict';
// Where to connect: URLs, options, hosts, sockets; what is said when that does not work.

const net = require('node:net');
const { once } = require('node:events');
const { load, rejection, track } = require('../../support/pools.js');
const { KINDS, observe, openPool, options } = require('../../support/mysql-pools.js');
const { mysqlServer, mysqlUrl } = require('../../support/mysql.js');
const { MySqlServer } = require('../../support/mysql-server.js');
const { Proxy } = require('../../support/proxy.js');

/** Resolves to a server that says `greeting` to everybody and its port. */
async function stranger(greeting) {
  const server = net.createServer((socket) => socket.on('error', () => {}).write(greeting));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, close: () => new Promise((end) => server.close(end)) };
}

const refused = (given) => rejection(load().createPool(given));

describe.each(KINDS)('%s', (kind) => {
  const only = 'select 1 as one';

  async function answers(target, more) {
    const pool = track(await load().createPool(target, more));
    return (await pool.query(only)).rows[0].one;
  }

  test('by URL, whatever its scheme', async () => {
    const url = mysqlUrl({ kind, query: 'ssl-mode=REQUIRED' });
    expect(await answers(url)).toBe(1);
    expect(await answers(new URL(url.replace('mysql:', 'mariadb:')))).toBe(1);
  });

  test('by a unix socket', async () => {
    const { socket } = mysqlServer(kind);
    const given = options({ kind, host: undefined, port: undefined, ssl: undefined });
    expect(await answers({ ...given, socketPath: socket })).toBe(1);
    expect(await answers({ ...given, host: socket })).toBe(1);
    const url = new URL(mysqlUrl({ kind }));
    url.searchParams.set('socketPath', socket);
    expect(await answers(url)).toBe(1);
  });

  test('the next host when one is not there', async () => {
    const { port } = mysqlServer(kind);
    const gone = await stranger('');
    await gone.close();
    expect(
      await answers(options({ kind, host: '127.0.0.1,127.0.0.1', port: `${gone.port},${port}` })),
    ).toBe(1);
  });

  test('a session speaks utf8mb4 and UTC, and so does one that was reset', async () => {
    const pool = await openPool({ kind, max: 1, reset: 'always', collation: 'utf8mb4_unicode_ci' });
    const text =
      'select @@time_zone as zone, @@character_set_client as client, ' +
      '@@character_set_results as results, @@collation_connection as collation';
    const expected = {
      zone: '+00:00',
      client: 'utf8mb4',
      results: 'utf8mb4',
      collation: 'utf8mb4_unicode_ci',
    };
    for (let time = 0; time < 2; time++) {
      await pool.use(async (connection) => {
        expect((await connection.query(text)).rows).toEqual([expected]);
        await connection.query("set names latin1, time_zone = '+05:00'");
      });
    }
  });

  test('several statements in one text only where that is asked for', async () => {
    const text = 'select 1 as a; select 2 as b';
    const pool = await openPool({ kind });
    await expect(pool.query(text)).rejects.toMatchObject({ errno: 1064 });
    const several = await openPool({ kind, multipleStatements: true });
    const results = await several.query(text);
    expect(results.map(({ rows }) => rows)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
  });

  test('the server knows the connection by its number', async () => {
    const pool = await openPool({ kind });
    await pool.use(async (connection) => {
      const { rows } = await connection.query('select connection_id() as id');
      expect(rows).toEqual([{ id: connection.processId }]);
    });
  });

  test('a handshake that arrives byte by byte', async () => {
    const proxy = track(await Proxy.open(mysqlServer(kind)));
    proxy.behave('drip', { bytes: 1 });
    const { port } = proxy;
    expect(await answers(options({ kind, port }))).toBe(1);
    expect(await answers(options({ kind, port, ssl: undefined }))).toBe(1);
  });

  test.each([5, 40, 78, 90])('a handshake that is cut after %i bytes', async (after) => {
    const proxy = track(await Proxy.open(mysqlServer(kind)));
    proxy.behave('cut', { after });
    const error = await refused(options({ kind, port: proxy.port }));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', errno: 'ECONNRESET' });
  });

  test('an unknown database is refused for good', async () => {
    const error = await refused(options({ kind, database: 'polypool_nowhere' }));
    expect(error).toMatchObject({ code: 'ER_BAD_DB_ERROR', errno: 1049, sqlState: '42000' });
    const other = await refused(options({ kind, database: 'nowhere' }));
    expect(other).toMatchObject({ code: 'ER_DBACCESS_DENIED_ERROR', errno: 1044 });
  });

  test('too many connections pass', async () => {
    // Nobody else is to run into it.
    const server = await MySqlServer.start(kind, { 'max-connections': 10 });
    try {
      const pool = await openPool({ kind, server, max: 1 });
      const held = [];
      let error = null;
      while (error === null) {
        await load()
          .connect(options({ kind, server }))
          .then(
            (it) => held.push(track(it)),
            (it) => (error = it),
          );
      }
      expect(error).toMatchObject({ code: 'ER_CON_COUNT_ERROR', errno: 1040 });
      pool.clear();
      const later = pool.query(only);
      setTimeout(() => held.pop().close(), 50);
      expect((await later).rows).toEqual([{ one: 1 }]);
      await Promise.all([pool, ...held].map((it) => it.close()));
    } finally {
      await server.destroy();
    }
  });
});

test('connection attributes tell who it is', async () => {
  const attributes = { team: 'payments', _client_name: 'mine' };
  const given = { kind: 'mysql', applicationName: 'shop', connectAttributes: attributes };
  const pool = await openPool(given);
  await pool.use(async ({ processId }) => {
    const text =
      'select ATTR_NAME as name, ATTR_VALUE as value from ' +
      'performance_schema.session_account_connect_attrs where PROCESSLIST_ID = ?';
    const rows = await observe('mysql', text, [processId]);
    const told = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    // The servers of the tests keep no statistics.
    if (rows.length > 0) expect(told).toMatchObject({ ...attributes, program_name: 'shop' });
  });
});

test('a port where nobody listens', async () => {
  const gone = await stranger('');
  await gone.close();
  const error = await refused(options({ port: gone.port }));
  expect(error).toMatchObject({
    code: 'ERR_POLYPOOL_CONNECT',
    reason: 'refused',
    errno: 'ECONNREFUSED',
  });
  expect(error.message).toContain(`127.0.0.1:${gone.port}`);
  const nowhere = await refused(options({ host: undefined, socketPath: '/nowhere/sql.sock' }));
  expect(nowhere).toMatchObject({ reason: 'refused', errno: 'ENOENT' });
});

test.each(['HTTP/1.1 400 Bad Request\r\n', 'SSH-2.0-OpenSSH_9.2\r\n', '-ERR unknown\r\n'])(
  'what is no MySQL is told at once: %j',
  async (greeting) => {
    const server = await stranger(greeting);
    const error = await refused(options({ port: server.port }));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'protocol' });
    expect(error.message).toMatch(/does not answer as MySQL does/);
    await server.close();
  },
);

test.each([
  [{ multipleStatement: true }, 'multipleStatement', "did you mean 'multipleStatements'?"],
  [{ passwd: 'x' }, 'passwd', "did you mean 'password'?"],
  [{ channel_binding: 'require' }, 'channel_binding', 'Unknown option'],
  [{ compress: 'brotli' }, 'compress', "'zlib' or 'zstd'"],
  [{ charset: 'latin1' }, 'charset', "'utf8mb4'"],
  [{ collation: "x'; drop" }, 'collation', 'a collation of utf8mb4'],
  [{ sslmode: 'verify-full', ssl: undefined }, 'sslmode', "'verify_identity'"],
  [{ port: 70000 }, 'port', '1 to 65535'],
  [{ engine: 'oracle' }, 'engine', "'mariadb' or 'redis'"],
  [{ engine: 'postgres', url: 'mysql://db' }, 'engine', 'the scheme of the URL'],
  [{ connectAttributes: { team: 1 } }, 'connectAttributes.team', 'a text'],
  [{ url: 'mysql://u:p#w@db/x' }, 'connectionString', 'mysql://user@host:3306/database'],
  [{ url: 'mysql://db/x?sslmod=required' }, 'sslmod', "did you mean 'sslmode'?"],
  [{ connectAttributes: 'x' }, 'connectAttributes', 'an object of texts'],
])('options are checked: %j', async (wrong, option, words) => {
  const error = await refused(options(wrong));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option });
  expect(error.message).toContain(words);
});

test('what MySQL has not is refused in words', async () => {
  const pool = await openPool({ kind: 'mariadb' });
  const unsupported = { code: 'ERR_POLYPOOL_UNSUPPORTED' };
  await expect(pool.listen('news')).rejects.toMatchObject(unsupported);
  await expect(pool.notify('news', 'x')).rejects.toMatchObject(unsupported);
  const copy = pool.copyTo('select 1');
  const [error] = await once(copy, 'error');
  expect(error.message).toContain('stream()');
});
