'use strict';
// Connecting by every kind of configuration, and what the server sees of it.

const net = require('node:net');
const Bluebird = require('bluebird');
const { DATABASE, ROLES } = require('../../support/server.js');
const { testServer, url } = require('../../support/urls.js');
const { config, connect, make, track, value, withEnvironment } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const from = (variables, given) => withEnvironment(variables, () => new (load().Client)(given));

  test('by a URL, as text and in an object', async () => {
    const { Client } = load();
    for (const given of [url(), { connectionString: url() }]) {
      const one = track(new Client(given));
      await one.connect();
      expect(await value(one, 'select current_user')).toBe('app');
      expect(one).toMatchObject({ user: 'app', database: DATABASE, port: testServer().port });
      expect(one.processID).toBe(await value(one, 'select pg_backend_pid()'));
    }
  });

  test('by the environment', async () => {
    const { host, port } = testServer();
    const one = track(
      from({
        PGHOST: host,
        PGPORT: String(port),
        PGUSER: 'app',
        PGPASSWORD: ROLES.app.password,
        PGDATABASE: DATABASE,
        PGAPPNAME: 'from the environment',
      }),
    );
    await one.connect();
    expect(await value(one, 'show application_name')).toBe('from the environment');
    expect(await value(one, 'select current_user')).toBe('app');
  });

  test('over the unix socket', async () => {
    const { socket, port } = testServer();
    const { Client } = load();
    const targets = [
      { host: socket, port, user: 'nopass', database: DATABASE },
      `postgres://nopass@${encodeURIComponent(socket)}:${port}/${DATABASE}`,
    ];
    for (const target of targets) {
      const one = track(new Client(target));
      await one.connect();
      expect(await value(one, 'select inet_client_addr()')).toBeNull();
      expect(one.host).toBe(socket);
    }
  });

  test.each([
    ['statement_timeout', 1500, '1500ms'],
    ['statement_timeout', '1500', '1500ms'],
    ['statement_timeout', 1500.9, '1500ms'],
    ['lock_timeout', 2500, '2500ms'],
    ['idle_in_transaction_session_timeout', '3500.5', '3500ms'],
    ['application_name', 'it is "me", \'ü\'', 'it is "me", \'??\''],
    ['fallback_application_name', 'the other', 'the other'],
  ])('%s: %j', async (name, given, shown) => {
    const one = await connect(load(), { [name]: given });
    const setting = name.replace('fallback_', '');
    const asked = await value(one, `show ${setting}`);
    expect(asked).toBe(shown);
  });

  test.each([
    ['statement_timeout', 0],
    ['statement_timeout', false],
    ['lock_timeout', undefined],
    ['idle_in_transaction_session_timeout', null],
  ])('%s: %j sends nothing', async (name, given) => {
    const one = await connect(load(), { [name]: given });
    expect(await value(one, `show ${name}`)).toBe('0');
  });

  test('application_name goes before fallback_application_name', async () => {
    const names = { application_name: 'a', fallback_application_name: 'f' };
    expect(await value(await connect(load(), names), 'show application_name')).toBe('a');
  });

  test('options', async () => {
    const options = '-c search_path=elsewhere,public -c work_mem=12345kB';
    const one = await connect(load(), { options });
    expect(await value(one, 'show search_path')).toBe('elsewhere,public');
    expect(await value(one, 'show work_mem')).toBe('12345kB');
  });

  test.each([[true], [false]])('keepAlive: %p', async (keepAlive) => {
    const one = await connect(load(), { keepAlive, keepAliveInitialDelayMillis: 10000 });
    expect(await value(one, 'select 1')).toBe(1);
  });

  test('Promise', async () => {
    const one = make(load(), { Promise: Bluebird });
    const connecting = one.connect();
    expect(connecting).toBeInstanceOf(Bluebird);
    await connecting;
    const asked = one.query('select 1 as n');
    expect(asked).toBeInstanceOf(Bluebird);
    expect(await asked.get('rows')).toEqual([{ n: 1 }]);
    const failing = one.query('select broken');
    expect(failing).toBeInstanceOf(Bluebird);
    expect(await failing.catch((error) => error.code)).toBe('42703');
    const ending = one.end();
    expect(ending).toBeInstanceOf(Bluebird);
    await ending;
  });

  test('a stream of its own', async () => {
    const given = new net.Socket();
    const one = await connect(load(), { stream: given });
    expect(await value(one, 'select 1')).toBe(1);
    expect(given.remotePort).toBe(config().port);
    const made = [];
    const other = await connect(load(), { stream: () => made[made.push(new net.Socket()) - 1] });
    expect(await value(other, 'select 1')).toBe(1);
    expect(made).toHaveLength(1);
    expect(made[0].remotePort).toBe(config().port);
  });
});
