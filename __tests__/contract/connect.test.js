'use strict';
// Ways to say where to connect, and ways to prove who one is.

const fs = require('node:fs');
const os = require('node:os');
const { ROLES, DATABASE, freePort } = require('../support/server.js');
const {
  load,
  observe,
  openConnection,
  openPool,
  rejection,
  track,
  unique,
  until,
} = require('../support/pools.js');
const { url, testServer } = require('../support/urls.js');

const identity = `select current_user as user, current_database() as database,
  current_setting('application_name') as application, inet_client_addr() is null as local,
  (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as ssl`;

async function identify(...args) {
  const connection = track(await load().connect(...args));
  return (await connection.query(identity)).rows[0];
}

const address = () => {
  const { host, port } = testServer();
  return { host, port, database: DATABASE, ssl: false };
};

test.each(['app', 'md5user', 'nopass'])('role %s logs in', async (role) => {
  const connection = await openConnection({}, { role });
  expect((await connection.query(identity)).rows[0].user).toBe(role);
});

test('a cleartext password goes over plain TCP only where that is allowed', async () => {
  const { connect } = load();
  const target = url({ role: 'clearuser' });
  const error = await rejection(connect(target));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'auth' });
  expect(error.message).toContain('allowCleartextPassword');
  expect((await identify(target, { allowCleartextPassword: true })).user).toBe('clearuser');
});

test('over TLS a cleartext password needs no permission', async () => {
  const state = await identify(url({ role: 'clearuser', sslmode: 'require' }));
  expect(state).toMatchObject({ user: 'clearuser', ssl: true });
});

test.each([
  ['disable', false],
  ['prefer', true],
  ['require', true],
])('sslmode %s', async (sslmode, ssl) => {
  expect((await identify(url({ sslmode }))).ssl).toBe(ssl);
});

test('ssl verifies authority and name, unless told not to', async () => {
  const ca = fs.readFileSync(testServer().caFile, 'utf8');
  const target = { ...address(), host: 'localhost', user: 'app', password: ROLES.app.password };
  const tls = (ssl) => identify({ ...target, ssl });
  expect((await tls({ ca })).ssl).toBe(true);
  expect((await tls({ ca: [ca], servername: 'localhost' })).ssl).toBe(true);
  expect((await tls({ rejectUnauthorized: false })).ssl).toBe(true);
  for (const ssl of [true, {}, { ca, servername: 'elsewhere.example' }]) {
    const error = await rejection(tls(ssl));
    expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
  }
});

test('sslmode with sslrootcert does as libpq', async () => {
  const { caFile } = testServer();
  const root = `sslrootcert=${encodeURIComponent(caFile)}`;
  const named = (host, sslmode) => `${url({ sslmode, host })}&${root}`;
  expect((await identify(named('localhost', 'verify-full'))).ssl).toBe(true);
  expect((await identify(named('127.0.0.1', 'verify-ca'))).ssl).toBe(true);
  const unknown = await rejection(load().connect(url({ sslmode: 'verify-ca' })));
  expect(unknown).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'tls' });
});

test('unix sockets, as an option and in a URL', async () => {
  const { socket, port } = testServer();
  const options = { host: socket, port, user: 'nopass', database: DATABASE };
  expect(await identify(options)).toMatchObject({ user: 'nopass', local: true, ssl: false });
  const encoded = `postgres://nopass@${encodeURIComponent(socket)}:${port}/${DATABASE}`;
  expect((await identify(encoded)).local).toBe(true);
  const asParameter = `postgres:///${DATABASE}?host=${encodeURIComponent(socket)}&port=${port}&user=nopass`;
  expect((await identify(asParameter)).local).toBe(true);
});

test('a URL object, the postgresql scheme and libpq names in the query', async () => {
  const target = new URL(url().replace('postgres:', 'postgresql:'));
  target.searchParams.set('application_name', 'käse und mehr');
  target.searchParams.set('options', '-c work_mem=7MB');
  target.searchParams.set('connect_timeout', '5');
  expect((await identify(target)).application).toMatch(/^k.* und mehr$/);
  const options = { url: target, applicationName: 'other' };
  expect((await identify(options)).application).toBe('other');
  const connection = track(await load().connect(target));
  const { rows } = await connection.query("select current_setting('work_mem') as work_mem");
  expect(rows).toEqual([{ work_mem: '7MB' }]);
});

test('options overrule the URL', async () => {
  const password = ROLES.md5user.password;
  const target = `${url()}&application_name=one`;
  const state = await identify(target, { user: 'md5user', password, applicationName: 'two' });
  expect(state).toMatchObject({ user: 'md5user', application: 'two' });
});

describe('the PG* environment', () => {
  const saved = { ...process.env };
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
    Object.assign(process.env, saved);
  });

  test('fills in what options and URL leave open', async () => {
    const { host, port } = testServer();
    Object.assign(process.env, {
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: 'app',
      PGPASSWORD: ROLES.app.password,
      PGDATABASE: DATABASE,
      PGAPPNAME: 'from-env',
      PGSSLMODE: 'disable',
    });
    expect(await identify({})).toMatchObject({
      user: 'app',
      database: DATABASE,
      application: 'from-env',
      ssl: false,
    });
    const password = ROLES.md5user.password;
    expect((await identify({ user: 'md5user', password })).user).toBe('md5user');
  });

  test('without a user the one of the system is asked for', async () => {
    delete process.env.PGUSER;
    const error = await rejection(load().connect({ ...address(), password: 'x' }));
    expect(error.message).toContain(os.userInfo().username);
  });
});

test('a password with every odd character logs in through a URL and as an option', async () => {
  const role = unique('odd');
  const password = 'p@ss:/?#[]%&= "\'\\ü🐘';
  await observe(`create role ${role} login password ${load().escapeLiteral(password)}`);
  // Unknown roles have no line of their own in pg_hba.conf: only the socket takes them.
  const { socket, port } = testServer();
  const at = `${encodeURIComponent(socket)}:${port}/${DATABASE}`;
  expect((await identify(`postgres://${role}:${encodeURIComponent(password)}@${at}`)).user).toBe(
    role,
  );
  expect(
    (await identify({ host: socket, port, user: role, password, database: DATABASE })).user,
  ).toBe(role);
});

test('several hosts are tried in order', async () => {
  const { port } = testServer();
  const dead = await freePort();
  const options = { ...address(), user: 'app', password: ROLES.app.password };
  const hosts = { ...options, host: '127.0.0.1,127.0.0.1' };
  expect((await identify({ ...hosts, port: `${dead},${port}` })).user).toBe('app');
  const list = url().replace(/@[^/]+\//, `@127.0.0.1:${dead},127.0.0.1:${port}/`);
  expect((await identify(list)).user).toBe('app');
  const both = await rejection(load().connect({ ...hosts, port: `${dead},${dead}` }));
  expect(both).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', errno: 'ECONNREFUSED' });
});

test('an unknown host is a ConnectError that names it', async () => {
  const error = await rejection(
    load().connect({ ...address(), host: 'no-such-host.invalid', user: 'app', password: 'x' }),
  );
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', reason: 'dns' });
  expect(error.message).toContain('no-such-host.invalid');
});

test('a full server says so', async () => {
  const database = unique('small');
  await observe(`create database ${database} connection limit 1`);
  const held = await openConnection({}, { database });
  const error = await rejection(load().createPool(url({ database })));
  expect(error.code).toBe('53300');
  await held.close();
  // The server counts a session for a moment longer than its socket is open.
  const pool = await until(() => openPool({ max: 1 }, { database }).catch(() => null), 'room');
  expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
});

test('a closed connection says so, whatever it is asked', async () => {
  const { ClosedError } = load();
  const connection = await openConnection();
  const { id, processId } = connection;
  expect((await rejection(connection.close({ timeout: 5 }))).code).toBe('ERR_POLYPOOL_OPTION');
  expect(connection.closed).toBe(false);
  expect(await connection.sql`select 1 as a`).toEqual([{ a: 1 }]);
  await connection.close();
  for (const late of [
    connection.query('select 1'),
    connection.sql`select 1`,
    connection.stream('select 1').toArray(),
    connection.transaction(() => {}),
  ]) {
    expect(await rejection(late)).toBeInstanceOf(ClosedError);
  }
  expect(connection).toMatchObject({ id, processId, closed: true });
  await connection.close();
});

test('connect() leaves nothing behind when its connection cannot be borrowed', async () => {
  const { Pool, connect } = load();
  const applicationName = unique('app');
  const acquire = jest.spyOn(Pool.prototype, 'acquire');
  acquire.mockRejectedValueOnce(new RangeError('lost on the way'));
  try {
    expect(await rejection(connect(url(), { applicationName }))).toBeInstanceOf(RangeError);
  } finally {
    acquire.mockRestore();
  }
  const text = 'select 1 from pg_stat_activity where application_name = $1';
  await until(async () => (await observe(text, [applicationName])).length === 0);
});
