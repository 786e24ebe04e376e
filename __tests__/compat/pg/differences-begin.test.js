'use strict';
// BEGIN is answered at once; the query that follows goes out with it, and tells how it went.

const { observe, rejection, unique, until } = require('../../support/pools.js');
const { connect, ended, make, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer, say } = require('./scripted.js');

const [, load] = IMPLEMENTATIONS.at(-1);
const open = (options) => connect(load(), options);

/** A client of a server that refuses every BEGIN, and what it has heard by the letters of messages. */
async function refused() {
  const heard = [];
  let isSkipping = false;
  const server = await ScriptedServer.welcoming((messages, socket) => {
    for (const [code, body] of messages) {
      heard.push(code);
      if (code === 'P' && body.includes('begin')) {
        isSkipping = true;
        socket.write(say.error('55000', 'not now'));
      }
      if (code === 'S') {
        socket.write(say.ready());
        isSkipping = false;
      }
      if (code === 'Q' && !isSkipping)
        socket.write(Buffer.concat([say.complete('SELECT 0'), say.ready()]));
    }
  });
  const client = make(load(), server.target);
  await client.connect();
  return { client, heard };
}

test('one flight: the server has heard nothing before the next query', async () => {
  const flights = [];
  const server = await ScriptedServer.welcoming((messages) => {
    flights.push(messages.map(([code]) => code).join(''));
  });
  const client = make(load(), server.target);
  await client.connect();
  await client.query('begin');
  expect(flights).toEqual([]);
  client.query('select $1', [1]).catch(() => {});
  await until(() => flights.length > 0);
  expect(flights).toEqual(['PBDEPBDES']);
  server.cut();
});

test('without a next query it is in effect soon', async () => {
  const client = await open();
  await client.query('begin');
  const text = 'select state from pg_stat_activity where pid = $1';
  await until(
    async () => (await observe(text, [client.processID]))[0].state === 'idle in transaction',
  );
});

test('all queries at once: one transaction', async () => {
  const client = await open();
  const name = unique('begin');
  await client.query(`create table ${name} (n int)`);
  const texts = [
    'begin',
    `insert into ${name} values (1)`,
    `insert into ${name} values (2)`,
    'rollback',
  ];
  const results = await Promise.all(texts.map((text) => client.query(text)));
  expect(results.map(({ command }) => command)).toEqual(['BEGIN', 'INSERT', 'INSERT', 'ROLLBACK']);
  expect(await value(client, `select count(*)::int from ${name}`)).toBe(0);
});

describe('a BEGIN that the server refuses', () => {
  test.each([
    ['with values, in the same flight', { text: 'insert', values: [1] }, 0],
    ['without values', { text: 'insert' }, 0],
    ['with values, later', { text: 'insert', values: [1] }, 1],
    ['without values, later', { text: 'insert' }, 1],
  ])('the next query %s is not run, and fails with its error', async (_what, query, turns) => {
    const { client, heard } = await refused();
    await client.query('begin');
    if (turns > 0) await until(() => heard.length > 0);
    expect(await rejection(client.query(query))).toMatchObject({
      code: '55000',
      message: 'not now',
    });
    expect(client.getTransactionStatus()).toBe('I');
    expect(heard).not.toContain('Q');
    expect((await client.query('rollback')).command).toBe('SELECT');
  });

  test('nor is one that speaks for itself', async () => {
    const { client, heard } = await refused();
    await client.query('begin');
    const { Query } = load();
    const query = client.query(new Query('insert'));
    const error = await new Promise((resolve) => query.once('error', resolve));
    expect(error).toMatchObject({ code: '55000' });
    expect(heard).not.toContain('Q');
    expect((await client.query('rollback')).command).toBe('SELECT');
  });
});

test('a connection that dies before: the next query is rejected, and nothing was written', async () => {
  const client = await open();
  const name = unique('begin');
  await observe(`create table ${name} (n int)`);
  client.on('error', () => {});
  const over = ended(client);
  await client.query('begin');
  observe('select pg_terminate_backend($1)', [client.processID]).catch(() => {});
  await over;
  await rejection(client.query(`insert into ${name} values (1)`));
  expect(await observe(`select * from ${name}`)).toEqual([]);
});

describe('as before, after the answer of the server', () => {
  test.each([
    ['with a time limit of its own', { text: 'begin', query_timeout: 60_000 }, () => {}],
    ['by the extended protocol', { text: 'begin', queryMode: 'extended' }, () => {}],
    ['where somebody listens to drain', 'begin', (client) => client.on('drain', () => {})],
    ['of a level that standbys refuse', 'begin isolation level serializable', () => {}],
    ['with pipeline: false', 'begin', () => {}, { pipeline: false }],
  ])('%s', async (_what, query, prepare, options = {}) => {
    const heard = [];
    const server = await ScriptedServer.welcoming((messages, socket) => {
      heard.push(messages[0][0]);
      socket.write(Buffer.concat([say.error('55000', 'not now'), say.ready()]));
    });
    const client = make(load(), { ...server.target, ...options });
    await client.connect();
    prepare(client);
    expect(await rejection(client.query(query))).toMatchObject({ code: '55000' });
    expect(heard).toHaveLength(1);
  });
});
