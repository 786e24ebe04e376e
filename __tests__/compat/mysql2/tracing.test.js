'use strict';
// diagnostics_channel: what is told of queries, statements, connections and pools.

const { tracingChannel } = require('node:diagnostics_channel');
const { once } = require('node:events');
const { mysqlConfig, mysqlServer } = require('../../support/mysql.js');
const { connect, execute, failure, make, query, track, value } = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { take } = require('./pools.js');

const subscribed = [];

/** Everything that a channel tells from now on, as `[event, message]`. */
function listen(name) {
  const seen = [];
  const channel = tracingChannel(`mysql2:${name}`);
  const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
  const handlers = Object.fromEntries(
    events.map((event) => [event, (message) => seen.push([event, message])]),
  );
  channel.subscribe(handlers);
  subscribed.push(() => channel.unsubscribe(handlers));
  return seen;
}

afterEach(() => {
  for (const unsubscribe of subscribed.splice(0)) unsubscribe();
});

const names = (seen) => seen.map(([event]) => event);
const OF_CALLBACKS = ['start', 'end', 'asyncStart', 'asyncEnd'];

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const place = () => {
    const { host, port } = mysqlServer();
    return { database: 'polypool_test', serverAddress: host, serverPort: port };
  };

  test('query', async () => {
    const connection = await connect(mysql());
    const seen = listen('query');
    expect(await value(connection, 'select ? as a', [5])).toBe(5);
    expect(names(seen)).toEqual(OF_CALLBACKS);
    expect(seen[0][1]).toMatchObject({ ...place(), query: 'select 5 as a', values: [5] });
    expect(new Set(seen.map(([, message]) => message)).size).toBe(1);
  });

  test('execute', async () => {
    const connection = await connect(mysql());
    const seen = listen('execute');
    await execute(connection, 'select ? as a', [5]);
    expect(names(seen)).toEqual(OF_CALLBACKS);
    expect(seen[0][1]).toMatchObject({ ...place(), query: 'select ? as a', values: [5] });
  });

  test.each(['query', 'execute'])('an error of %s', async (method) => {
    const connection = await connect(mysql());
    const seen = listen(method);
    const error = await failure((done) => connection[method]('select nonsense', done));
    expect(names(seen).sort()).toEqual([...OF_CALLBACKS, 'error'].sort());
    expect(seen.find(([event]) => event === 'error')[1].error).toBe(error);
    expect(names(seen)[0]).toBe('start');
  });

  test.each(['query', 'execute'])('%s without a callback', async (method) => {
    const connection = await connect(mysql());
    const seen = listen(method);
    const command = connection[method]('select 1');
    await new Promise((resolve) => command.on('end', resolve));
    await new Promise(setImmediate);
    expect(names(seen)).toEqual(OF_CALLBACKS);
    const failed = listen(method);
    await new Promise((resolve) => connection[method]('selekt 1').on('error', resolve));
    await new Promise(setImmediate);
    expect(names(failed)).toContain('error');
  });

  test('connect', async () => {
    const seen = listen('connect');
    const connection = make(mysql());
    await once(connection, 'connect');
    await new Promise(setImmediate);
    expect(names(seen)).toEqual(OF_CALLBACKS);
    expect(seen[0][1]).toMatchObject({ ...place(), user: 'app' });
  });

  test('connect over a socket', async () => {
    const { socket } = mysqlServer();
    const seen = listen('connect');
    await connect(mysql(), { socketPath: socket });
    expect(seen[0][1]).toMatchObject({ serverAddress: socket, serverPort: undefined });
  });

  test('connect that fails', async () => {
    const seen = listen('connect');
    const connection = make(mysql(), { password: 'wrong' });
    const error = await failure((done) => connection.connect(done));
    await new Promise(setImmediate);
    expect(seen.find(([event]) => event === 'error')[1].error).toBe(error);
  });

  test('a connection of a pool', async () => {
    const pool = track(mysql().createPool(mysqlConfig({ connectionLimit: 1 })));
    const seen = listen('pool:connect');
    const connection = await take(pool);
    expect(names(seen)).toEqual(OF_CALLBACKS);
    expect(seen[0][1]).toMatchObject(place());
    connection.release();
    (await take(pool)).release();
    expect(names(seen)).toEqual([...OF_CALLBACKS, ...OF_CALLBACKS]);
  });

  test('a query of a pool', async () => {
    const pool = track(mysql().createPool(mysqlConfig({ connectionLimit: 1 })));
    const [queries, connects] = [listen('query'), listen('pool:connect')];
    await query(pool, 'select 1');
    expect(names(queries)).toEqual(OF_CALLBACKS);
    expect(names(connects)).toEqual(OF_CALLBACKS);
  });

  test('by promises', async () => {
    const connection = await promise().createConnection(mysqlConfig());
    track(connection);
    const seen = listen('query');
    await connection.query('select 1');
    expect(names(seen)).toEqual(OF_CALLBACKS);
  });

  test('nothing is told to those who left', async () => {
    const connection = await connect(mysql());
    const seen = listen('query');
    subscribed.pop()();
    await value(connection, 'select 1');
    expect(seen).toEqual([]);
  });
});
