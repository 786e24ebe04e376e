'use strict';
// What goes over the wire, and in how many pieces: poolers, proxies and mock servers depend on it.

const { ROLES } = require('../../support/server.js');
const { rejection, until } = require('../../support/pools.js');
const { track } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer, WELCOME, messagesIn, say, settingsOf } = require('./scripted.js');

const ROW = [say.fields('a'), say.row('x'), say.complete('SELECT 1'), say.ready()];
const ANSWERS = {
  Q: Buffer.concat(ROW),
  P: Buffer.concat([say.parsed(), say.bound(), ...ROW]),
  B: Buffer.concat([say.bound(), ...ROW]),
};

/** Until the Sync of a flight that was cut in pieces: nothing may be answered before. */
const isWhole = (codes) => codes === 'Q' || codes.endsWith('S');

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  /** A client, and the codes of each flight that its server gets. */
  async function watched(options) {
    const flights = [];
    const server = await ScriptedServer.welcoming((messages, socket) => {
      const codes = messages.map(([code]) => code).join('');
      flights.push([codes, messages]);
      if (isWhole(codes)) socket.write(ANSWERS[codes[0]]);
    });
    const client = track(new (load().Client)({ ...server.target, ...options }));
    await client.connect();
    return { client, flights, server };
  }

  const codes = (flights) => flights.map(([letters]) => letters);

  test('a query without values is one simple Query', async () => {
    const { client, flights } = await watched();
    expect((await client.query('select 1')).rows).toEqual([{ a: 'x' }]);
    await client.query('select 2', []);
    await client.query({ text: 'select 3' });
    expect(codes(flights)).toEqual(['Q', 'Q', 'Q']);
    expect(flights.map(([, [[, body]]]) => body.toString())).toEqual([
      'select 1\0',
      'select 2\0',
      'select 3\0',
    ]);
  });

  test('Parse, Bind, Describe, Execute and Sync go out in one flight', async () => {
    const { client, flights } = await watched();
    expect((await client.query('select $1', ['ü'])).rows).toEqual([{ a: 'x' }]);
    await client.query({ text: 'select 1', queryMode: 'extended' });
    expect(codes(flights)).toEqual(['PBDES', 'PBDES']);
    const [, [parse, bind, describe, execute, sync]] = flights[0];
    expect(parse[1].toString()).toBe('\0select $1\0\0\0');
    // No portal, no statement, one text format, one value of two bytes, text results.
    expect(bind[1]).toEqual(
      Buffer.from('000000010000000100000002c3bc00010000'.padStart(36, '0'), 'hex'),
    );
    expect(describe[1].toString()).toBe('P\0');
    expect(execute[1]).toEqual(Buffer.from('0000000000', 'hex'));
    expect(sync[1]).toHaveLength(0);
  });

  test('a named statement is parsed once', async () => {
    const { client, flights } = await watched();
    const config = { name: 'one', text: 'select $1', values: ['a'] };
    await client.query(config);
    await client.query(config);
    expect(codes(flights)).toEqual(['PBDES', 'BDES']);
    expect(flights[0][1][0][1].toString()).toBe('one\0select $1\0\0\0');
    expect(flights[1][1][0][1].toString()).toContain('\0one\0');
  });

  test('a query waits for the answer to the one before it', async () => {
    const seen = [];
    const server = await ScriptedServer.welcoming(([[first], ...rest], socket) => {
      seen.push(first + rest.map(([code]) => code).join(''));
      const answer = () => seen.push('answered') && socket.write(ANSWERS[first]);
      if (first in ANSWERS) setImmediate(answer);
    });
    const client = track(new (load().Client)(server.target));
    await client.connect();
    await Promise.all([client.query('select 1'), client.query('select $1', [2])]);
    expect(seen).toEqual(['Q', 'answered', 'PBDES', 'answered']);
  });

  test.each([
    ['formats of values', ['a', null, Buffer.from([1, 2]), 5], [0, 0, 1, 0]],
    ['a typed array', [new Uint8Array([1])], [1]],
  ])('%s', async (_what, values, formats) => {
    const { client, flights } = await watched();
    await client.query('select', values);
    const bind = flights[0][1][1][1];
    expect(bind.readInt16BE(2)).toBe(values.length);
    expect(values.map((_, i) => bind.readInt16BE(4 + 2 * i))).toEqual(formats);
  });

  test('binary results are asked for in Bind', async () => {
    const { client, flights } = await watched();
    await client.query({ text: 'select', values: [1], binary: true });
    expect(flights[0][1][1][1].subarray(-4)).toEqual(Buffer.from([0, 1, 0, 1]));
  });

  test('types are told in Parse', async () => {
    const { client, flights } = await watched();
    const types = Object.assign([23, 4294967295], { getTypeParser: () => String });
    await client.query({ text: 'select', values: [1, 2], types });
    expect(flights[0][1][0][1]).toEqual(
      Buffer.concat([Buffer.from('\0select\0'), Buffer.from('000200000017ffffffff', 'hex')]),
    );
  });

  test('a long flight arrives whole', async () => {
    const flights = [];
    let pending = Buffer.alloc(0);
    const server = await ScriptedServer.open((chunk, socket, n) => {
      if (n === 0) return socket.write(WELCOME);
      pending = Buffer.concat([pending, chunk]);
      // Sync is the last message, and a value that looks like one is not what this test sends.
      if (!pending.subarray(-5).equals(Buffer.from([83, 0, 0, 0, 4]))) return;
      flights.push(messagesIn(pending).map(([code, body]) => [code, body.length]));
      pending = Buffer.alloc(0);
      socket.write(ANSWERS.P);
    });
    const client = track(new (load().Client)(server.target));
    await client.connect();
    await client.query('select $1', ['x'.repeat(3_000_000)]);
    expect(flights).toHaveLength(1);
    expect(flights[0].map(([code]) => code).join('')).toBe('PBDES');
    expect(flights[0][1][1]).toBe(3_000_000 + 16);
  });

  test('end says Terminate', async () => {
    const { client, server } = await watched();
    await client.end();
    // The client need not wait until the server, in the same process, has read it.
    await until(() => server.chunks.length > 1);
    expect(server.chunks.at(-1)).toEqual(Buffer.from([88, 0, 0, 0, 4]));
  });

  describe('the first message', () => {
    /** The settings of the start-up packet that a client with these options sends. */
    async function startup(options) {
      const server = await ScriptedServer.welcoming();
      const client = track(new (load().Client)({ ...server.target, ...options }));
      await client.connect();
      const [first] = server.chunks;
      expect(first.readInt32BE(0)).toBe(first.length);
      expect(first.readInt32BE(4)).toBe(3 << 16);
      return settingsOf(first);
    }

    const least = { user: 'u', database: 'd', client_encoding: 'UTF8' };

    test.each([
      [{}, {}],
      [{ application_name: 'a' }, { application_name: 'a' }],
      [{ fallback_application_name: 'f' }, { application_name: 'f' }],
      [{ application_name: 'ü' }, { application_name: 'ü' }],
      [{ replication: 'database' }, { replication: 'database' }],
      [{ replication: true }, { replication: 'true' }],
      [{ statement_timeout: 5.7 }, { statement_timeout: '5' }],
      [{ statement_timeout: '60' }, { statement_timeout: '60' }],
      [{ lock_timeout: 7 }, { lock_timeout: '7' }],
      [{ idle_in_transaction_session_timeout: 8 }, { idle_in_transaction_session_timeout: '8' }],
      [{ options: '-c a=b' }, { options: '-c a=b' }],
      [{ query_timeout: 5, keepAlive: true, binary: true }, {}],
      [{ client_encoding: 'latin1' }, {}],
    ])('with %j', async (options, settings) => {
      expect(await startup(options)).toEqual({ ...least, ...settings });
    });

    test('the database is that of the user, unless it is named', async () => {
      expect(await startup({ database: undefined, user: 'me' })).toMatchObject({ database: 'me' });
    });

    test('asks for TLS where that is wanted', async () => {
      const server = await ScriptedServer.open((_chunk, socket) => socket.end('N'));
      const client = track(new (load().Client)({ ...server.target, ssl: true }));
      await rejection(client.connect());
      expect(server.chunks).toEqual([SSL_REQUEST]);
    });

    test('is TLS itself with sslnegotiation direct', async () => {
      const server = await ScriptedServer.open((_chunk, socket) => socket.end());
      const target = { ...server.target, ssl: true, sslnegotiation: 'direct' };
      await rejection(track(new (load().Client)(target)).connect());
      const [hello] = server.chunks;
      expect([...hello.subarray(0, 2)]).toEqual([22, 3]);
      expect(hello.includes('postgresql')).toBe(true);
    });
  });

  test.each([
    ['in clear', [3], (given) => expect(given).toBe(`${ROLES.app.password}\0`)],
    ['by MD5', [5, Buffer.from('salt')], (given) => expect(given).toMatch(/^md5[0-9a-f]{32}\0$/)],
  ])('a password %s', async (_how, [kind, ...rest], check) => {
    const given = [];
    const server = await ScriptedServer.open((chunk, socket, n) => {
      if (n === 0) return socket.write(say.authentication(kind, ...rest));
      const [[code, body]] = messagesIn(chunk);
      given.push([code, body.toString()]);
      return socket.write(WELCOME);
    });
    const { password } = ROLES.app;
    await track(new (load().Client)({ ...server.target, password })).connect();
    expect(given).toHaveLength(1);
    expect(given[0][0]).toBe('p');
    check(given[0][1]);
  });
});
