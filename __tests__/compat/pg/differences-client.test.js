'use strict';
// What pg suffers from and the drop-in does not: hangs, lost connects, sessions that stay behind.

const { to: copyTo } = require('pg-copy-streams');
const { printed, runProgram } = require('../../support/child.js');
const { observe, rejection, until } = require('../../support/pools.js');
const { url } = require('../../support/urls.js');
const { connect, ended, make, track, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer, WELCOME, say } = require('./scripted.js');

const [name, load] = IMPLEMENTATIONS.at(-1);
const open = (options) => connect(load(), options);

const sessions = (application) =>
  observe('select state from pg_stat_activity where application_name = $1', [application]);

/** A program in a process of its own; `show` prints a line of JSON. */
async function says(program) {
  const start = `const { Client, Query } = require('${name}');
    const show = (...given) => console.log(JSON.stringify(given));`;
  const env = { TEST_URL: url({ role: 'nopass' }) };
  const result = await runProgram(start + program, { env, timeoutMs: 20_000 });
  return { ...result, lines: printed(result) };
}

describe('query_timeout', () => {
  test.each([
    ['of a client', { query_timeout: 50 }, 'select pg_sleep(600)'],
    ['of a query', {}, { text: 'select pg_sleep(600)', query_timeout: 50 }],
    ['with values', { query_timeout: 50 }, { text: 'select pg_sleep($1)', values: [600] }],
  ])('%s cancels on the server, and the connection serves on', async (_whose, options, query) => {
    const client = await open(options);
    const error = await rejection(client.query(query));
    expect(error.message).toBe('Query read timeout');
    expect((await client.query({ text: 'select 1 as n', query_timeout: 20_000 })).rows).toEqual([
      { n: 1 },
    ]);
    const text = 'select query from pg_stat_activity where pid = $1';
    expect(await observe(text, [client.processID])).toEqual([{ query: 'select 1 as n' }]);
  });

  test('cancels that statement and no other', async () => {
    const client = await open();
    for (let i = 0; i < 20; i++) {
      const late = client.query({ text: 'select pg_sleep(0.01)', query_timeout: 10 }).catch(String);
      const behind = client.query('select $1::int as n', [i]);
      expect((await behind).rows).toEqual([{ n: i }]);
      await late;
    }
  });
});

describe('a login that fails', () => {
  const reasons = [
    [
      'a password function that throws',
      { user: 'app', password: () => Promise.reject(new Error('x')) },
    ],
    ['a password that is no string', { user: 'app', password: () => 5 }],
    ['an empty password', { user: 'app', password: () => '' }],
    ['too many iterations', { user: 'app', scramMaxIterations: 1 }],
  ];

  test.each(reasons)('%s leaves no session and no socket behind', async (why, options) => {
    const client = make(load(), { application_name: why, ...options });
    const over = ended(client);
    await rejection(client.connect());
    await over;
    await until(async () => (await sessions(why)).length === 0);
  });

  test('a process is over with it', async () => {
    const { lines, code } = await says(`
      const { hostname: host, port } = new URL(url);
      const client = new Client({ host, port, user: 'app', password: () => 5 });
      client.connect().catch((error) => show(error.message));`);
    expect(lines).toEqual([['Password must be a string']]);
    expect(code).toBe(0);
  });
});

describe('the connection timeout covers', () => {
  const expired = async (target) => {
    const client = track(new (load().Client)({ ...target, connectionTimeoutMillis: 100 }));
    const over = ended(client);
    const error = await rejection(client.connect());
    expect(error.message).toBe('timeout expired');
    await over;
  };

  test('the answer to the question for TLS', async () => {
    const server = await ScriptedServer.open(() => {});
    await expired({ ...server.target, ssl: true });
  });

  test('the handshake of TLS', async () => {
    const server = await ScriptedServer.open((_chunk, socket, n) => n === 0 && socket.write('S'));
    await expired({ ...server.target, ssl: true });
  });

  test('a password function', async () => {
    const server = await ScriptedServer.open((_chunk, socket) => {
      socket.write(say.authentication(3));
    });
    await expired({ ...server.target, password: () => new Promise(() => {}) });
  });

  test('the login', async () => {
    const server = await ScriptedServer.open((_chunk, socket, n) => {
      if (n === 0) socket.write(say.authentication(3));
    });
    await expired({ ...server.target, password: 'p' });
  });

  test('what comes after it', async () => {
    const server = await ScriptedServer.open((_chunk, socket) => {
      socket.write(say.authentication(0));
    });
    await expired(server.target);
  });
});

describe('a server that is none', () => {
  test.each([
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['SMTP', '220 mail.example ESMTP\r\n'],
    ['zeros', '\0'.repeat(64)],
    ['a length below its own', Buffer.from([82, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['a negative length', Buffer.from([69, 255, 255, 255, 255, 0, 0, 0, 0])],
    ['a login nobody knows', say.authentication(99)],
    ['an error without an end', say.message('E', 'SFATAL')],
  ])('%s: connect rejects and the socket is closed', async (_what, bytes) => {
    const server = await ScriptedServer.open((_chunk, socket, n) => n === 0 && socket.write(bytes));
    const client = track(new (load().Client)(server.target));
    const over = ended(client);
    expect(await rejection(client.connect())).toMatchObject({ message: expect.any(String) });
    await over;
  });

  test('one byte of the login is wrong: connect settles, whichever it is', async () => {
    for (let at = 0; at < WELCOME.length; at++) {
      const bytes = Buffer.from(WELCOME);
      bytes[at] ^= 0xff;
      const server = await ScriptedServer.open((_chunk, socket) => socket.end(bytes));
      const client = track(new (load().Client)(server.target));
      client.on('error', () => {});
      const over = ended(client);
      await client.connect().catch(() => {});
      await over;
      await server.close();
    }
  });

  test('MySQL: the socket is closed', async () => {
    const greet = (socket) => socket.write(Buffer.from('4a0000000a382e302e333000', 'hex'));
    const server = await ScriptedServer.open(() => {}, greet);
    const client = track(new (load().Client)(server.target));
    const over = ended(client);
    expect((await rejection(client.connect())).message).toContain('invalid response');
    await over;
  });
});

describe('connect', () => {
  test('called twice, the first call is answered', async () => {
    const client = make(load());
    const first = client.connect();
    const second = await rejection(client.connect());
    expect(second.message).toContain('Client has already been connected');
    expect(await first).toBe(client);
  });

  test('overtaken by end, it rejects', async () => {
    const client = make(load());
    const connecting = rejection(client.connect());
    await client.end();
    expect((await connecting).message).toBe('Connection terminated');
  });

  test('the stack of a failure shows the caller', async () => {
    async function connectSomewhere(options) {
      await make(load(), options).connect();
    }
    for (const options of [
      { port: 1 },
      { host: 'nowhere.invalid' },
      { database: 'no such database' },
      { user: 'app', password: 'wrong' },
    ]) {
      const error = await rejection(connectSomewhere(options));
      expect(error.stack).toContain('connectSomewhere');
    }
  });
});

describe('queries', () => {
  test('an error of a query with `rows` leaves the client usable', async () => {
    const client = await open();
    const text = 'select 1 / (5 - n) as n from generate_series(1, 10) n';
    expect((await rejection(client.query({ text, rows: 2 }))).code).toBe('22012');
    expect((await rejection(client.query({ text: 'select broken', rows: 2 }))).code).toBe('42703');
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('statements may have the names of what every object has', async () => {
    const client = await open();
    for (const each of ['__proto__', 'toString', 'constructor', 'hasOwnProperty']) {
      const query = { name: each, text: 'select $1::text as t', values: [each] };
      expect((await client.query(query)).rows).toEqual([{ t: each }]);
      expect((await client.query(query)).rows).toEqual([{ t: each }]);
    }
  });

  test('the types of values leave the parsers of results alone', async () => {
    const client = await open();
    const text = 'select pg_typeof($1)::text as type, 5 as n';
    expect((await client.query({ text, values: ['1'], types: [20] })).rows).toEqual([
      { type: 'bigint', n: 5 },
    ]);
  });

  test('dates of times when zones were not whole minutes off', async () => {
    const client = await open();
    for (const text of [
      '1883-06-01T00:00:00.000Z',
      '0099-01-02T12:00:00.000Z',
      '-000043-03-15T12:00:00.000Z',
    ]) {
      const date = new Date(text);
      expect(await value(client, 'select $1::timestamptz', [date])).toEqual(date);
      expect(await value(client, 'select $1::timestamptz[]', [[date]])).toEqual([date]);
    }
  });
});

const THROW = "throw new Error('thrown');";

test.each([
  ['an error callback', `client.query('select broken', () => { ${THROW} });`],
  ['a connect callback', THROW],
  ['a row listener', `client.query(new Query('select 1')).on('row', () => { ${THROW} });`],
  [
    'a notice listener',
    `client.once('notice', () => { ${THROW} });
     client.query('do $$ begin raise notice $a$x$a$; end $$');`,
  ],
  [
    'a notification listener',
    `client.once('notification', () => { ${THROW} });
     client.query('listen x; notify x');`,
  ],
])('an exception of %s is uncaught, and the queue goes on', async (_whose, statement) => {
  const { lines, code } = await says(`
    const client = new Client(url);
    process.on('uncaughtException', (error) => {
      show(error.message);
      client.query('select 5 as n', (_error, result) => {
        show(result.rows);
        client.end();
      });
    });
    client.connect(() => { ${statement} });`);
  expect(lines).toEqual([['thrown'], [[{ n: 5 }]]]);
  expect(code).toBe(0);
});

test('the death of an idle connection that nobody listens to warns, and does no more', async () => {
  const { lines, code, stderr } = await says(`
    const client = new Client(url);
    client.connect().then(async () => {
      const other = new Client(url);
      await other.connect();
      await other.query('select pg_terminate_backend($1, 10000)', [client.processID]);
      await other.end();
      show('done');
    });`);
  expect(lines).toEqual([['done']]);
  expect(code).toBe(0);
  expect(stderr.match(/Warning/g)).toHaveLength(1);
  expect(stderr).toContain('terminating connection due to administrator command');
});

describe.each(['deallocate all', 'discard all', 'deallocate named'])('after %s', (forget) => {
  const named = { name: 'named', text: 'select $1::int as n' };

  test.each([
    ['a named query', {}],
    ['one read in parts', { rows: 1 }],
    ['one by its name alone', { text: undefined }],
  ])('%s is parsed again', async (_what, options) => {
    const client = await open();
    for (const n of [1, 2]) {
      await client.query({ ...named, values: [n] });
      await client.query(forget);
      const { rows } = await client.query({ ...named, ...options, values: [n] });
      expect(rows).toEqual([{ n }]);
    }
  });

  test('in pipeline mode its name is known to be taken', async () => {
    const client = await open({ pipeline: true });
    await client.query({ ...named, values: [1] });
    const behind = [client.query(forget), client.query({ ...named, values: [2] })];
    expect((await Promise.all(behind))[1].rows).toEqual([{ n: 2 }]);
    const other = client.query({ name: named.name, text: 'select 3 as n' });
    await expect(other).rejects.toThrow('Prepared statements must be unique');
  });

  test('a COPY stream has its bytes alone', async () => {
    const client = await open();
    await client.query({ ...named, values: [1] });
    await client.query(forget);
    const stream = client.query(copyTo('copy (select 7) to stdout'));
    expect(Buffer.concat(await stream.toArray()).toString()).toBe('7\n');
    expect((await client.query({ ...named, values: [2] })).rows).toEqual([{ n: 2 }]);
  });
});
