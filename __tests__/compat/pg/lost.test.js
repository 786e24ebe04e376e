'use strict';
// Connections that are lost: what the queries and the client hear, and what a client is then.

const { once } = require('node:events');
const { setImmediate: turn } = require('node:timers/promises');
const { observe, rejection, until } = require('../../support/pools.js');
const { Proxy } = require('../../support/proxy.js');
const { testServer } = require('../../support/urls.js');
const { DRAINED, called, connect, ended, track, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer, say } = require('./scripted.js');

const NOT_QUERYABLE = 'Client has encountered a connection error and is not queryable';

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  const terminate = ({ processID }) =>
    observe('select pg_terminate_backend($1, 10000)', [processID]);

  /** Everything a client says from now on, errors by their code or message. */
  function listen(client) {
    const seen = [];
    client.on('drain', () => seen.push('drain'));
    client.on('error', ({ code, message }) => seen.push(code ?? message));
    client.on('end', () => seen.push('end'));
    return seen;
  }

  const running = (client) =>
    until(async () => {
      const text = "select 1 from pg_stat_activity where pid = $1 and state = 'active'";
      return (await observe(text, [client.processID])).length === 1;
    });

  /** A client of a server that does as it is told. */
  async function scripted(answer) {
    const server = await ScriptedServer.welcoming(answer);
    const client = track(new (load().Client)(server.target));
    await client.connect();
    return { server, client };
  }

  test('the server ends an idle session: its word, the loss, the end', async () => {
    const client = await open();
    const seen = listen(client);
    const first = new Promise((resolve) => client.once('error', resolve));
    const over = ended(client);
    await terminate(client);
    expect(await first).toBeInstanceOf(load().DatabaseError);
    expect(await first).toMatchObject({
      code: '57P01',
      severity: 'FATAL',
      message: 'terminating connection due to administrator command',
    });
    await over;
    expect(seen).toEqual(['57P01', 'Connection terminated unexpectedly', 'end']);
  });

  test('the connection of an idle client is reset', async () => {
    const { host, port } = testServer();
    const proxy = await Proxy.open({ host, port });
    const client = await open({ port: proxy.port });
    const seen = listen(client);
    const over = ended(client);
    proxy.cut();
    await over;
    expect(seen.at(-1)).toBe('end');
    expect(seen.slice(0, -1).filter((what) => what !== 'ECONNRESET')).toEqual([
      'Connection terminated unexpectedly',
    ]);
    await proxy.close();
  });

  test('the server closes an idle connection', async () => {
    const { server, client } = await scripted();
    const seen = listen(client);
    const over = ended(client);
    server.cut();
    await over;
    expect(seen).toEqual(['Connection terminated unexpectedly', 'end']);
  });

  test('a query that runs fails with what the server said, those behind it with the loss', async () => {
    const client = await open();
    const seen = listen(client);
    const over = ended(client);
    const hit = rejection(client.query('select pg_sleep(600)'));
    const behind = called((done) => client.query('select 1', done));
    await running(client);
    await terminate(client);
    expect(await hit).toMatchObject({ code: '57P01' });
    expect((await behind)[0].message).toBe('Connection terminated unexpectedly');
    await over;
    expect(seen).toEqual(['Connection terminated unexpectedly', 'end']);
  });

  test('a query that runs fails when the connection is cut', async () => {
    const { server, client } = await scripted(([[code]]) => code === 'Q' && server.cut());
    const seen = listen(client);
    const over = ended(client);
    const waiting = client.query('select 1').then(null, ({ message }) => seen.push(message));
    const next = client.query('select 2').then(null, ({ message }) => seen.push(message));
    await Promise.all([over, waiting, next]);
    const loss = 'Connection terminated unexpectedly';
    expect(seen).toHaveLength(4);
    expect(seen[0]).toBe(loss);
    expect([...seen].sort()).toEqual([loss, loss, loss, 'end'].sort());
  });

  test('rows that came before the loss', async () => {
    const { server, client } = await scripted(([[code]], socket) => {
      if (code === 'Q') socket.write(Buffer.concat([say.fields('a'), say.row('x')]));
    });
    const { Query } = load();
    const seen = listen(client);
    const query = new Query('select');
    query.on('row', (row) => {
      seen.push(row);
      server.cut();
    });
    client.query(query);
    const [error] = await once(query, 'error');
    expect(error.message).toBe('Connection terminated unexpectedly');
    expect(seen[0]).toEqual({ a: 'x' });
  });

  test('queries afterwards are refused, in a later tick', async () => {
    const client = await open();
    listen(client);
    const over = ended(client);
    await terminate(client);
    await over;
    for (const query of ['select 1', { text: 'select $1', values: [1] }]) {
      const error = await rejection(client.query(query));
      expect(error.constructor).toBe(Error);
      expect(error.message).toBe(NOT_QUERYABLE);
    }
    let answered = false;
    const done = called((callback) =>
      client.query('select 1', (...given) => {
        answered = true;
        callback(...given);
      }),
    );
    expect(answered).toBe(false);
    expect((await done)[0].message).toBe(NOT_QUERYABLE);
    await client.end();
    expect((await rejection(client.query('select 1'))).message).toBe(NOT_QUERYABLE);
  });

  test('queries after the word of the server and before the loss', async () => {
    const client = await open();
    client.on('error', () => {});
    const asked = new Promise((resolve) => {
      client.once('error', () => resolve(rejection(client.query('select 1'))));
    });
    const over = ended(client);
    await terminate(client);
    expect((await asked).message).toBe(NOT_QUERYABLE);
    await over;
  });

  test('end() of a client that is lost', async () => {
    const client = await open();
    const seen = listen(client);
    const over = ended(client);
    client.once('error', () => client.end().then(() => seen.push('ended')));
    await terminate(client);
    await over;
    await turn();
    expect(seen).toEqual(['57P01', 'end', 'ended']);
  });

  test('another client is none the worse', async () => {
    const [client, other] = [await open(), await open()];
    listen(client);
    const over = ended(client);
    await terminate(client);
    await over;
    expect(await value(other, 'select 1')).toBe(1);
  });

  test('the administrator cancels a query', async () => {
    const client = await open();
    const hit = rejection(client.query('select pg_sleep(600)'));
    await running(client);
    await observe('select pg_cancel_backend($1)', [client.processID]);
    expect(await hit).toMatchObject({
      code: '57014',
      message: 'canceling statement due to user request',
    });
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('idle_in_transaction_session_timeout', async () => {
    const client = await open({ idle_in_transaction_session_timeout: 20 });
    const seen = listen(client);
    const over = ended(client);
    await client.query('begin');
    await over;
    expect(seen).toEqual(['drain', '25P03', 'Connection terminated unexpectedly', 'end']);
  });

  describe('nonsense after the login', () => {
    test.each([
      ['a row', say.row('x'), 'Received unexpected dataRow message from backend.'],
      ['fields', say.fields('a'), 'Received unexpected rowDescription message from backend.'],
      [
        'an end',
        say.complete('SELECT 1'),
        'Received unexpected commandComplete message from backend.',
      ],
      ['an empty end', say.message('I'), 'Received unexpected emptyQuery message from backend.'],
      ['a page', say.message('s'), 'Received unexpected portalSuspended message from backend.'],
      ['a parse', say.parsed(), 'Received unexpected parseComplete message from backend.'],
      ['data', say.message('d', 'x'), 'Received unexpected copyData message from backend.'],
      ['an error', say.error('XX000', 'out of the blue'), 'out of the blue'],
      ['a message of no kind', say.message('y', 'x'), 'received invalid response: 79'],
    ])('%s while nothing was asked', async (_what, bytes, message) => {
      const { server, client } = await scripted(([[code]], socket) => {
        if (code === 'Q') socket.write(Buffer.concat([say.complete('SET'), say.ready(), bytes]));
      });
      const first = new Promise((resolve) => client.once('error', resolve));
      client.on('error', () => {});
      await client.query('set x = 1');
      expect((await first).message).toBe(message);
      expect((await rejection(client.query('select 1'))).message).toBe(NOT_QUERYABLE);
      await client.end();
      await server.close();
    });

    test('a message of no kind fails the query that runs', async () => {
      const { client } = await scripted(([[code]], socket) => {
        if (code === 'Q') socket.write(say.message('y', 'x'));
      });
      client.on('error', () => {});
      const error = await rejection(client.query('select 1'));
      expect(error.message).toContain('invalid response');
      client.connection.stream.destroy();
    });

    test('an answer in pieces of one byte', async () => {
      const answer = Buffer.concat([
        say.fields('a', 'b'),
        say.row('x', 'ü'),
        say.row('', 'y'),
        say.complete('SELECT 2'),
        say.ready(),
      ]);
      const { client } = await scripted(async ([[code]], socket) => {
        if (code !== 'Q') return;
        for (const byte of answer) {
          socket.write(Buffer.from([byte]));
          await turn();
        }
      });
      const { rows, rowCount } = await client.query('select');
      expect(rows).toEqual([{ a: 'x', b: 'ü' }, { a: '', b: 'y' }]); // prettier-ignore
      expect(rowCount).toBe(2);
    });

    test('the connection is cut at any byte of an answer', async () => {
      const answer = Buffer.concat([
        say.fields('a'),
        say.row('x'),
        say.complete('SELECT 1'),
        say.ready(),
      ]);
      for (let after = 0; after < answer.length; after++) {
        const { server, client } = await scripted(([[code]], socket) => {
          if (code === 'Q') socket.end(answer.subarray(0, after));
        });
        listen(client);
        const error = await rejection(client.query('select'));
        expect(error.message).toBe('Connection terminated unexpectedly');
        await server.close();
      }
    });
  });
});
