'use strict';
// TLS from the first byte, with a server that has it (PostgreSQL 17 and later).

const { ROLES, DATABASE, Server } = require('../support/server.js');
const { load, rejection, track, until } = require('../support/pools.js');
const { url } = require('../support/urls.js');

let server;

beforeAll(async () => {
  server = await Server.start({}, { newest: true });
});

afterAll(() => server.destroy());

const options = (more) => ({
  host: 'localhost',
  port: server.port,
  user: 'app',
  password: ROLES.app.password,
  database: DATABASE,
  sslnegotiation: 'direct',
  ...more,
});

const SSL = `select ssl, current_setting('server_version_num')::int >= 170000 as recent
  from pg_stat_ssl where pid = pg_backend_pid()`;

const expected = [{ ssl: true, recent: true }];

test('with each mode that is sure of TLS, and bound to the channel', async () => {
  const ca = server.authority.read('ca.crt');
  const sslrootcert = server.authority.file('ca.crt');
  for (const more of [
    { sslmode: 'require' },
    { sslmode: 'verify-ca', sslrootcert },
    { sslmode: 'verify-full', sslrootcert },
    { ssl: { ca } },
    { sslmode: 'require', channel_binding: 'require' },
  ]) {
    const connection = track(await load().connect(options(more)));
    expect((await connection.query(SSL)).rows).toEqual(expected);
  }
});

test('in a URL and in the environment', async () => {
  const target = url({ port: server.port, sslmode: 'require' });
  const direct = track(await load().connect(`${target}&sslnegotiation=direct`));
  expect((await direct.query(SSL)).rows).toEqual(expected);
  process.env.PGSSLNEGOTIATION = 'direct';
  try {
    const weak = await rejection(load().connect(url({ port: server.port, sslmode: 'prefer' })));
    expect(weak).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'sslnegotiation' });
  } finally {
    delete process.env.PGSSLNEGOTIATION;
  }
});

test.each(['disable', 'allow', 'prefer', undefined])(
  'is refused with sslmode %s, which may do without TLS',
  async (sslmode) => {
    const error = await rejection(load().createPool(options({ sslmode })));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'sslnegotiation' });
    expect(error.message).toContain("'sslmode'");
  },
);

test('certificates are checked as ever', async () => {
  const error = await rejection(load().createPool(options({ ssl: true })));
  expect(error).toMatchObject({ reason: 'tls', errno: 'ERR_TLS_CERTIFICATE' });
});

test('a cancel goes the same way', async () => {
  const pool = track(await load().createPool(options({ sslmode: 'require', max: 1 })));
  const { processId } = await pool.use(({ processId }) => ({ processId }));
  const controller = new AbortController();
  const sleeping = rejection(pool.query('select pg_sleep(60)', [], controller));
  const watcher = track(await load().connect(options({ sslmode: 'require' })));
  const active = `select 1 from pg_stat_activity
    where pid = $1 and state = 'active' and wait_event = 'PgSleep'`;
  await until(async () => (await watcher.query(active, [processId])).rowCount === 1, 'sleeping');
  controller.abort();
  expect((await sleeping).name).toBe('AbortError');
  const { rows } = await pool.query('select pg_backend_pid() as pid');
  expect(rows).toEqual([{ pid: processId }]);
});

test('a server without TLS is not taken for one with it', async () => {
  await server.reconfigure({ ssl: 'off' });
  const error = await rejection(load().createPool(options({ sslmode: 'require' })));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
  expect(error.message).toContain("'sslnegotiation'");
});
