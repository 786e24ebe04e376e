'use strict';
// Short queries of a pool go over clients that other queries have, without anybody's being able to
// tell: the answers, the errors, the events and who waits for whom are as without it.

const { once } = require('node:events');
const net = require('node:net');
const { unique } = require('../../support/pools.js');
const { counters, openPool } = require('./pools.js');
const { ScriptedServer, WELCOME, messagesIn, say } = require('./scripted.js');

const load = () => require('../../../lib/compat/pg');
const open = (options) => openPool(load(), options);

const READ = 'select $1::int as n';
const WRITE = 'update t set n = $1';
const INSERT = 'insert into t (n) values ($1)';

const ROW = [say.bound(), say.fields('n'), say.row('1'), say.complete('SELECT 1'), say.ready()];

/** A server that keeps its answers to itself until it is told to give them. */
class SilentServer {
  #held = [];
  #isHolding = false;
  #tell = () => {};
  heard = 0;

  static async open() {
    const silent = new SilentServer();
    const server = await ScriptedServer.open((chunk, socket, n) => {
      if (n === 0) socket.write(WELCOME);
      else silent.#hear(messagesIn(chunk), socket);
    });
    silent.target = server.target;
    return silent;
  }

  #hear(messages, socket) {
    let answer = [];
    for (const [code] of messages) {
      if (code === 'P') answer.push(say.parsed());
      if (code !== 'S') continue;
      this.heard++;
      const bytes = Buffer.concat([...answer, ...ROW]);
      if (this.#isHolding) this.#held.push({ socket, bytes });
      else socket.write(bytes);
      answer = [];
    }
    this.#tell();
  }

  /** From now on. */
  hold() {
    this.#isHolding = true;
    this.heard = 0;
  }

  /** Resolves when it has heard so many queries since it holds its answers, and then no more. */
  async hears(count) {
    while (this.heard < count) await new Promise((resolve) => (this.#tell = resolve));
    await settle();
    expect(this.heard).toBe(count);
  }

  answer() {
    for (const { socket, bytes } of this.#held.splice(0)) socket.write(bytes);
  }

  release() {
    this.#isHolding = false;
    this.answer();
  }

  /** Ends the connection that brought the first of the queries that are not answered. */
  cut() {
    const [{ socket }] = this.#held;
    this.#held = this.#held.filter((other) => other.socket !== socket);
    socket.destroy();
  }
}

/** Whatever was to be sent has been sent then: a whole connection came and went. */
async function settle() {
  const probe = await ScriptedServer.open((_chunk, socket) => socket.end());
  const socket = net.connect(probe.target.port, '127.0.0.1', () => socket.write('x')).resume();
  await once(socket, 'close');
}

/** Often enough to be known as short, on a busy machine too; what may not share never is. */
async function warm(pool, query, values = [1]) {
  const { paceOf } = require('../../../lib/session');
  const { text = query, name } = query;
  const mayShare = /^(select \$1|select 12|insert|update)/.test(text);
  for (let i = 0; i < 3 || (mayShare && paceOf(text, name) === undefined); i++) {
    await pool.query(query, values);
  }
}

/** A pool whose server holds its answers, and which has run these texts before. */
async function silentPool(options, texts = [READ]) {
  const silent = await SilentServer.open();
  const pool = openPool(load(), {
    ...{ connectionString: undefined, ...silent.target, max: 1 },
    ...options,
  });
  for (const text of texts) await warm(pool, text);
  // All of its connections are there.
  await Promise.all(Array.from({ length: pool.options.max }, () => pool.query('select $1', [1])));
  silent.hold();
  return { pool, silent };
}

const ask = (pool, count, text = READ) =>
  Array.from({ length: count }, (_, n) => pool.query(text, [n]));

describe('sent before the query that has the client is answered', () => {
  test('are short reads', async () => {
    const { pool, silent } = await silentPool();
    const asked = ask(pool, 5);
    await silent.hears(5);
    expect(counters(pool)).toBe('total 1 idle 0 waiting 4 expired 0');
    silent.release();
    const results = await Promise.all(asked);
    expect(results.map(({ rows }) => rows)).toEqual(asked.map(() => [{ n: '1' }]));
    expect(counters(pool)).toBe('total 1 idle 1 waiting 0 expired 0');
  });

  test('are short reads behind a short write', async () => {
    const { pool, silent } = await silentPool({}, [READ, WRITE]);
    const asked = [...ask(pool, 1, WRITE), ...ask(pool, 2)];
    await silent.hears(3);
    silent.release();
    await Promise.all(asked);
  });

  test('are short INSERTs, and reads among them', async () => {
    const { pool, silent } = await silentPool({}, [READ, INSERT]);
    const asked = [...ask(pool, 2, INSERT), ...ask(pool, 2), ...ask(pool, 1, INSERT)];
    await silent.hears(5);
    silent.release();
    await Promise.all(asked);
  });

  test('are sixteen at most', async () => {
    const { pool, silent } = await silentPool();
    const asked = ask(pool, 30);
    await silent.hears(17);
    silent.release();
    await Promise.all(asked);
    expect(silent.heard).toBe(30);
  });

  test('are named ones, and those with a callback', async () => {
    const named = { name: 'own', text: READ };
    const { pool, silent } = await silentPool({}, [READ, named]);
    const called = new Promise((resolve) => {
      pool.query(READ, [0], () => pool.query(READ, [1], (...given) => resolve(given)));
    });
    const asked = [pool.query({ ...named, values: [2] }), ...ask(pool, 2)];
    await silent.hears(4);
    silent.release();
    await Promise.all(asked);
    expect((await called)[1].rows).toEqual([{ n: '1' }]);
  });
});

describe('not sent before', () => {
  const CONFIG = 'select set_config($1, $2, false)';
  test.each([
    ['is anything with `pipeline: false`', { pipeline: false }, READ],
    ['is a text that was not run yet', {}, 'select $1::int as fresh'],
    ['is an INSERT behind another write', {}, INSERT, WRITE],
    ['is an INSERT behind what may not run twice', {}, INSERT, 'select $1::int + own(1) as n'],
    ['is an INSERT of several rows', {}, 'insert into t values ($1), (2)'],
    ['is a call of what is not known', {}, 'select $1::int + own(1) as n'],
    ['is what has a query_timeout', {}, { text: READ, query_timeout: 60_000 }],
    ['is anything of a pool with a query_timeout', { query_timeout: 60_000 }, READ],
    ['is what changes the session', {}, CONFIG],
    ['is control of a transaction', {}, { text: 'begin', queryMode: 'extended' }],
    ['is a definition', {}, { text: 'create table x (n int)', queryMode: 'extended' }],
    ['is LISTEN', {}, { text: 'listen x', queryMode: 'extended' }],
  ])('%s', async (_name, options, query, first = READ) => {
    const text = query.text ?? query;
    const values = text === CONFIG ? ['a', 'b'] : text.includes('$1') ? [1] : [];
    const isFresh = text.includes('fresh');
    const { pool, silent } = await silentPool(options, isFresh ? [READ] : [first, text]);
    const asked = [
      pool.query(first, [1]),
      pool.query(query.text ? { ...query, values } : text, values),
    ];
    await silent.hears(1);
    silent.answer();
    await silent.hears(2);
    silent.release();
    await Promise.all(asked);
  });

  test('is anything past a `query` of somebody else’s', async () => {
    class Client extends load().Client {
      query(...given) {
        return super.query(...given);
      }
    }
    const { pool, silent } = await silentPool({ Client });
    const asked = ask(pool, 2);
    await silent.hears(1);
    silent.release();
    await Promise.all(asked);
  });

  test('is anything while somebody holds a client', async () => {
    const { pool, silent } = await silentPool({ max: 2 });
    const holder = await pool.connect();
    const asked = ask(pool, 3);
    await silent.hears(1);
    silent.release();
    await Promise.all(asked);
    holder.release();
  });
});

describe('whose client is lost', () => {
  test('a read is sent over another one', async () => {
    const { pool, silent } = await silentPool({ max: 2 });
    const asked = ask(pool, 8);
    await silent.hears(8);
    silent.cut();
    silent.release();
    const outcomes = await Promise.allSettled(asked);
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    expect(failed.map(({ reason }) => reason.message)).toEqual([
      'Connection terminated unexpectedly',
    ]);
    // Eight, and once more the three that were behind the one that failed.
    expect(silent.heard).toBe(11);
  });

  test('an INSERT rejects, and is never sent again', async () => {
    const { pool, silent } = await silentPool({ max: 2 }, [READ, INSERT]);
    const asked = ask(pool, 8, INSERT);
    await silent.hears(8);
    silent.cut();
    silent.release();
    const outcomes = await Promise.allSettled(asked);
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    expect(failed.map(({ reason }) => reason.message)).toEqual(
      failed.map(() => 'Connection terminated unexpectedly'),
    );
    expect(failed).toHaveLength(4);
    expect(silent.heard).toBe(8);
  });

  test('another write rejects, which no other one was behind', async () => {
    const { pool, silent } = await silentPool({ max: 2 }, [READ, WRITE]);
    const asked = ask(pool, 8, WRITE);
    await silent.hears(2);
    silent.cut();
    silent.release();
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(silent.heard).toBe(8);
  });
});

test('an error is that of its query alone', async () => {
  const pool = open({ max: 1 });
  const text = 'select 12 / $1::int as n';
  await warm(pool, text);
  const outcomes = await Promise.allSettled(ask(pool, 5, text));
  const seen = outcomes.map(({ value, reason }) => value?.rows[0].n ?? reason.code);
  expect(seen).toEqual(['22012', 12, 6, 4, 3]);
});

test('nothing waits behind a statement that takes long', async () => {
  const pool = open({ max: 2 });
  await warm(pool, READ);
  const order = [];
  await Promise.all([
    pool.query('select pg_sleep(1)').then(() => order.push('slow')),
    Promise.all(ask(pool, 50)).then(() => order.push('quick')),
  ]);
  expect(order).toEqual(['quick', 'slow']);
});

test('the owner of a lock never waits for a query behind one that waits for the lock', async () => {
  const pool = open({ max: 2 });
  const table = unique('locked');
  await pool.query(`create table ${table} (n int)`);
  try {
    const update = `update ${table} set n = n + $1`;
    await pool.query(`insert into ${table} values (0)`);
    await warm(pool, update);
    await warm(pool, READ);
    const owner = await pool.connect();
    await owner.query('begin');
    await owner.query(update, [1]);
    const blocked = pool.query(update, [1]);
    const waiting = pool.query(READ, [7]);
    await owner.query('commit');
    owner.release();
    expect((await waiting).rows).toEqual([{ n: 7 }]);
    await blocked;
  } finally {
    await pool.query(`drop table ${table}`);
  }
});

test('the end waits for those that were sent so', async () => {
  const { pool, silent } = await silentPool({ max: 2 });
  const asked = ask(pool, 20);
  await silent.hears(20);
  const ended = pool.end();
  silent.release();
  expect((await Promise.all(asked)).map(({ rows }) => rows[0].n)).toEqual(asked.map(() => '1'));
  await ended;
});
