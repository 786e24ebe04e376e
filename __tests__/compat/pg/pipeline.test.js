'use strict';
// Pipeline mode: queries go out at once and are answered in order, each with errors of its own.

const { once } = require('node:events');
const Cursor = require('pg-cursor');
const { rejection, unique } = require('../../support/pools.js');
const { DRAINED, called, connect, ended, make, record, track, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer, say } = require('./scripted.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), { pipeline: true, ...options });

  test('is a property of the client', async () => {
    expect((await open()).pipeline).toBe(true);
    expect((await connect(load())).pipeline).toBe(false);
    expect(make(load(), { pipeline: 1 }).pipeline).toBe(true);
  });

  test('answers come in order', async () => {
    const client = await open();
    const order = [];
    await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const text =
          n % 3 === 0 ? `select ${n} as n` : { text: 'select $1::int as n', values: [n] };
        expect((await client.query(text)).rows).toEqual([{ n }]);
        order.push(n);
      }),
    );
    expect(order).toEqual(Array.from({ length: 300 }, (_, n) => n));
  });

  test('rows as events, between queries that are answered at once', async () => {
    const client = await open();
    const seen = [];
    const before = client.query('select 1 as n');
    const query = client.query(new (load().Query)('select n from generate_series(2, 4) n'));
    query.on('row', ({ n }) => seen.push(n));
    const end = once(query, 'end');
    const behind = client.query('select $1::int as n', [5]);
    expect((await before).rows).toEqual([{ n: 1 }]);
    await end;
    expect(seen).toEqual([2, 3, 4]);
    expect((await behind).rows).toEqual([{ n: 5 }]);
  });

  test('what fails while its messages are listened to keeps its answer to itself', async () => {
    const client = await open();
    client.connection.on('dataRow', () => {});
    for (let n = 0; n < 30; n++) {
      await rejection(client.query('select broken'));
      expect((await client.query(`select ${n} as n`)).rows).toEqual([{ n }]);
    }
  });

  test('is entered while a query is under way, and left', async () => {
    const client = await connect(load());
    const order = [];
    const ask = async (n) => {
      const { rows } = await client.query('select $1::int as n', [n]);
      order.push(rows[0].n);
    };
    const asked = [ask(1)];
    client.pipeline = true;
    asked.push(ask(2), ask(3));
    await Promise.all(asked);
    client.pipeline = false;
    await Promise.all([ask(4), ask(5)]);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  test('errors are isolated', async () => {
    const client = await open();
    const table = unique('piped');
    const outcomes = await Promise.allSettled([
      client.query(`create temp table ${table} (n int primary key)`),
      client.query(`insert into ${table} values ($1)`, [1]),
      client.query(`insert into ${table} values ($1)`, [1]),
      client.query('select broken'),
      client.query(`insert into ${table} values ($1)`, [2]),
      client.query({}),
      client.query('select $1::int', 'no array'),
      client.query(`select count(*)::int as n from ${table}`),
    ]);
    expect(
      outcomes.map(({ value, reason }) => reason?.code ?? reason?.message ?? value.command),
    ).toEqual([
      'CREATE',
      'INSERT',
      '23505',
      '42703',
      'INSERT',
      'A query must have either text or a name. Supplying neither is unsupported.',
      'Query values must be an array',
      'SELECT',
    ]);
    expect(outcomes.at(-1).value.rows).toEqual([{ n: 2 }]);
  });

  test('queries before connect', async () => {
    const client = make(load(), { pipeline: true });
    const early = [client.query('select 1 as n'), client.query('select $1::int as n', [2])];
    await client.connect();
    expect((await Promise.all(early)).map(({ rows }) => rows[0].n)).toEqual([1, 2]);
  });

  test('named statements', async () => {
    const client = await open();
    const config = { name: 'one', text: 'select $1::int as n' };
    const all = await Promise.allSettled([
      client.query({ ...config, values: [1] }),
      client.query({ ...config, values: [2] }),
      client.query({ name: 'one', text: 'select 3' }),
      client.query({ ...config, values: [4] }),
    ]);
    expect(all.map(({ value, reason }) => reason?.message ?? value.rows[0].n)).toEqual([
      1,
      2,
      "Prepared statements must be unique - 'one' was used for a different statement",
      4,
    ]);
    const text = 'select count(*)::int as n from pg_prepared_statements';
    expect((await client.query(text)).rows).toEqual([{ n: 1 }]);
  });

  test('all of them are sent before the first is answered', async () => {
    const answers = [];
    const server = await ScriptedServer.welcoming((messages, socket) => {
      for (const [code] of messages) {
        if (code === 'Q') answers.push(socket);
      }
      if (answers.length < 3) return;
      for (const [i] of answers.entries()) {
        socket.write(
          Buffer.concat([say.fields('n'), say.row(`${i}`), say.complete('SELECT 1'), say.ready()]),
        );
      }
    });
    const client = track(new (load().Client)({ ...server.target, pipeline: true }));
    await client.connect();
    const texts = ['a', 'b', 'c'];
    const results = await Promise.all(texts.map((text) => client.query(text)));
    expect(results.map(({ rows }) => rows)).toEqual([[{ n: '0' }], [{ n: '1' }], [{ n: '2' }]]);
  });

  test('the order of events', async () => {
    const client = await open();
    const seen = record(client, DRAINED);
    const asked = client.query('select 1').then(() => seen.push('promise'));
    client.query('select 2', () => seen.push('callback'));
    client.query('select broken', (error) => seen.push(error.code));
    await once(client, 'drain');
    await asked;
    expect(seen.filter((what) => what !== 'promise')).toEqual(['callback', '42703', 'drain']);
  });

  test('end waits for what was asked', async () => {
    const client = await open();
    const over = ended(client);
    const asked = [
      client.query('select pg_sleep(0.05), 1 as n'),
      client.query('select $1::int as n', [2]),
      rejection(client.query('select broken')),
    ];
    const ending = client.end();
    const refused = rejection(client.query('select 3'));
    expect((await refused).message).toBe('Client was closed and is not queryable');
    expect((await asked[0]).rows[0].n).toBe(1);
    expect((await asked[1]).rows[0].n).toBe(2);
    expect((await asked[2]).code).toBe('42703');
    await ending;
    await over;
  });

  test('end with nothing asked', async () => {
    const client = await open();
    await client.end();
  });

  test('query_timeout on a sent query destroys the connection', async () => {
    const client = await open();
    client.on('error', () => {});
    const over = ended(client);
    const late = rejection(client.query({ text: 'select pg_sleep(600)', query_timeout: 20 }));
    const behind = rejection(client.query('select 1'));
    expect((await late).message).toBe('Query read timeout');
    expect((await behind).message).toBe('Connection terminated unexpectedly');
    await over;
  });

  test('query_timeout in time', async () => {
    const client = await open({ query_timeout: 30000 });
    const all = await Promise.all([client.query('select 1 as n'), client.query('select 2 as n')]);
    expect(all.map(({ rows }) => rows[0].n)).toEqual([1, 2]);
  });

  test('rows and Submittables are refused', async () => {
    const client = await open();
    const paged = await rejection(client.query({ text: 'select 1', rows: 1 }));
    expect(paged.message).toBe('The `rows` option is not supported in pipeline mode');
    const cursor = client.query(new Cursor('select 1'));
    const message =
      'Custom query classes such as pg-cursor and pg-query-stream are not supported in pipeline mode';
    const refused = new Promise((resolve) => {
      client.query({ submit() {}, handleError: resolve });
    });
    expect((await refused).message).toBe(message);
    cursor.removeAllListeners();
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('a Query object is none of those', async () => {
    const client = await open();
    const query = client.query(new (load().Query)('select 1 as n'));
    const [result] = await once(query, 'end');
    expect(result.rows).toEqual([{ n: 1 }]);
  });

  test('transactions', async () => {
    const client = await open();
    const results = await Promise.allSettled([
      client.query('begin'),
      client.query('select broken'),
      client.query('select 1'),
      client.query('rollback'),
      client.query('select 2 as n'),
    ]);
    expect(results.map(({ value, reason }) => reason?.code ?? value.command)).toEqual([
      'BEGIN',
      '42703',
      '25P02',
      'ROLLBACK',
      'SELECT',
    ]);
    expect(client.getTransactionStatus()).toBe('I');
  });

  test('several statements in one text', async () => {
    const client = await open();
    const [two, one] = await Promise.all([
      client.query('select 1 as a; select 2 as b'),
      client.query('select 3 as c'),
    ]);
    expect(two.map(({ rows }) => rows)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    expect(one.rows).toEqual([{ c: 3 }]);
  });

  test('a lost connection fails them all', async () => {
    const server = await ScriptedServer.welcoming((messages) => {
      if (messages.some(([code]) => code === 'Q')) server.cut();
    });
    const client = track(new (load().Client)({ ...server.target, pipeline: true }));
    await client.connect();
    client.on('error', () => {});
    const failures = await Promise.all([
      rejection(client.query('a')),
      rejection(client.query('b')),
      called((done) => client.query('c', done)).then(([error]) => error),
    ]);
    const loss = 'Connection terminated unexpectedly';
    expect(failures.map(({ message }) => message)).toEqual([loss, loss, loss]);
  });
});
