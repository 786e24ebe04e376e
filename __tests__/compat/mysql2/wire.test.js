'use strict';
// What goes over the wire: packets cut anywhere, servers that hang up anywhere or talk nonsense, and
// what a client sends and when.

const { once } = require('node:events');
const { setImmediate: turn } = require('node:timers/promises');
const { until } = require('../../support/pools.js');
const { execute, failure, query, track, value } = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { OFFERED, ScriptedServer, packet, packets, result, say } = require('./scripted.js');

const ROWS = result(
  ['a', 'b'],
  [
    ['x', 'ü'],
    ['', null],
  ],
);
const WANTED = [
  { a: 'x', b: 'ü' },
  { a: '', b: null },
];

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const connectTo = (server, options) =>
    track(mysql().createConnection({ ...server.target, ...options }));

  /** A connection to a server that answers queries. */
  async function scripted(answer) {
    const server = await ScriptedServer.welcoming((command, text, socket) => {
      if (command === 'query') answer(text, socket);
    });
    const connection = connectTo(server);
    await once(connection, 'connect');
    return { server, connection };
  }

  /** What the server has heard, texts of queries as they are. */
  const texts = (server) => server.heard.slice(1).map(({ payload }) => payload.toString());

  describe('packets in pieces', () => {
    test('one byte at a time', async () => {
      const { connection } = await scripted(async (_text, socket) => {
        for (const byte of ROWS) {
          socket.write(Buffer.from([byte]));
          await turn();
        }
      });
      expect((await query(connection, 'select'))[0]).toEqual(WANTED);
    });

    test('cut at any byte', async () => {
      let at = 0;
      const { connection } = await scripted(async (_text, socket) => {
        socket.write(ROWS.subarray(0, at));
        await turn();
        socket.write(ROWS.subarray(at));
      });
      for (at = 1; at < ROWS.length; at++) {
        expect((await query(connection, 'select'))[0]).toEqual(WANTED);
      }
    });

    test('the greeting and the login, one byte at a time', async () => {
      const drip = async (socket, bytes) => {
        for (const byte of bytes) {
          socket.write(Buffer.from([byte]));
          await turn();
        }
      };
      const server = await ScriptedServer.open(
        ({ sequence }, socket) => drip(socket, packet(sequence + 1, say.ok())),
        (socket) => drip(socket, packet(0, say.hello())),
      );
      const connection = connectTo(server);
      await once(connection, 'connect');
      expect(connection.threadId).toBe(4711);
    });

    test('an error in pieces', async () => {
      const answer = packet(1, say.error(1054, '42S22', 'Unknown ü'));
      const { connection } = await scripted(async (_text, socket) => {
        for (const byte of answer) {
          socket.write(Buffer.from([byte]));
          await turn();
        }
      });
      expect(await failure((done) => connection.query('select', done))).toMatchObject({
        code: 'ER_BAD_FIELD_ERROR',
        message: 'Unknown ü',
      });
    });

    test('many answers in one piece', async () => {
      const asked = [];
      const { connection } = await scripted((text, socket) => {
        asked.push(text);
        socket.write(result(['a'], [[text]]));
      });
      const all = await Promise.all([1, 2, 3].map((n) => value(connection, `select ${n}`)));
      expect(all).toEqual(['select 1', 'select 2', 'select 3']);
      expect(asked).toEqual(all);
    });
  });

  describe('the server hangs up', () => {
    test('at any byte of an answer', async () => {
      for (let after = 0; after < ROWS.length; after++) {
        const { server, connection } = await scripted((_text, socket) =>
          socket.end(ROWS.subarray(0, after)),
        );
        const error = await failure((done) => connection.query('select', done));
        expect(error).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
        await server.close();
      }
    });

    test('at any byte of the greeting', async () => {
      const hello = packet(0, say.hello());
      for (let after = 0; after < hello.length; after++) {
        const server = await ScriptedServer.open(
          () => {},
          (socket) => socket.end(hello.subarray(0, after)),
        );
        const connection = connectTo(server);
        const error = await failure((done) => connection.query('select', done));
        expect(error).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
        await server.close();
      }
    });
  });

  describe('what is sent', () => {
    test('the text of the query as the first packet after the login', async () => {
      const { server, connection } = await scripted((_text, socket) => socket.write(ROWS));
      await query(connection, 'select ? as ü', ["it's"]);
      expect(texts(server)).toEqual(["\x03select 'it\\'s' as ü"]);
      expect(server.heard[1].sequence).toBe(0);
    });

    test('one query at a time', async () => {
      const waiting = [];
      const { server, connection } = await scripted((_text, socket) => waiting.push(socket));
      const all = [1, 2].map((n) => query(connection, `select ${n}`));
      await until(() => waiting.length === 1);
      for (let i = 0; i < 10; i++) await turn();
      expect(texts(server)).toEqual(['\x03select 1']);
      waiting[0].write(ROWS);
      await until(() => waiting.length === 2);
      waiting[1].write(ROWS);
      await Promise.all(all);
      expect(texts(server)).toEqual(['\x03select 1', '\x03select 2']);
    });

    test('a statement: prepared, and run with its parameters', async () => {
      const server = await ScriptedServer.welcoming((command, _text, socket) => {
        if (command === 'prepare') {
          const head = Buffer.from([0, 7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
          socket.write(packets(1, head, say.column('?'), say.eof()));
        }
        if (command === 'execute') socket.write(packet(1, say.ok({ affected: 3, insertId: 9 })));
      });
      const connection = connectTo(server);
      const [header] = await execute(connection, 'update t set a = ?', ['x']);
      expect(header).toMatchObject({ affectedRows: 3, insertId: 9 });
      const [prepare, run] = server.heard.slice(1).map(({ payload }) => payload);
      expect(prepare.toString()).toBe('\x16update t set a = ?');
      // Statement 7, no cursor, once; no NULL; types are sent: a text.
      expect(run.toString('hex')).toBe('1707000000000100000000' + '01' + 'fd00' + '0178');
    });

    test('a ping, a reset, a goodbye', async () => {
      const server = await ScriptedServer.welcoming((command, _text, socket) => {
        if (command !== 'quit') socket.write(packet(1, say.ok()));
      });
      const connection = connectTo(server);
      await new Promise((resolve) => connection.ping(resolve));
      await new Promise((resolve) => connection.reset(resolve));
      connection.end();
      await until(() => server.heard.length === 4);
      expect(server.heard.slice(1).map(({ payload }) => [...payload])).toEqual([[14], [31], [1]]);
    });

    test('a text of more than 16 MiB in several packets', async () => {
      const { server, connection } = await scripted(() => {});
      const text = `select '${'x'.repeat(17_000_000)}'`;
      connection.on('error', () => {});
      connection.query(text, () => {});
      await until(() => server.heard.length === 3);
      const [head, rest] = server.heard.slice(1);
      expect([head.payload.length, head.sequence, rest.sequence]).toEqual([0xffffff, 0, 1]);
      const sent = Buffer.concat([head.payload, rest.payload]).toString('latin1', 1);
      expect(sent === text).toBe(true);
    });
  });

  describe('what a server may say', () => {
    test('numbers of results that are not ours to judge', async () => {
      const { connection } = await scripted((_text, socket) =>
        socket.write(
          packet(1, say.ok({ affected: 2, insertId: 3, warnings: 4, info: 'Rows matched: 5  Changed: 1' })),
        ),
      ); // prettier-ignore
      expect((await query(connection, 'update'))[0]).toMatchObject({
        affectedRows: 2,
        insertId: 3,
        warningStatus: 4,
        info: 'Rows matched: 5  Changed: 1',
        changedRows: 1,
      });
    });

    test('several results without being asked', async () => {
      const MORE = 8 | 2;
      const { connection } = await scripted((_text, socket) => {
        const first = result(['a'], [['x']], 1, MORE);
        const second = result(['b'], [['y']], 6);
        socket.write(Buffer.concat([first, second]));
      });
      expect((await query(connection, 'call'))[0]).toEqual([[{ a: 'x' }], [{ b: 'y' }]]);
    });

    test.each([60_000, 65_535])('an error that nobody has a name for: %d', async (errno) => {
      const { connection } = await scripted((_text, socket) =>
        socket.write(packet(1, say.error(errno, 'XX000', 'something'))),
      );
      const error = await failure((done) => connection.query('select', done));
      expect(error).toMatchObject({ errno, sqlState: 'XX000', message: 'something' });
      expect(error.code).toBeUndefined();
    });

    test('a change of the session that makes no sense', async () => {
      const TRACKED = 0x4000;
      const server = await ScriptedServer.welcoming(
        (command, _text, socket) => {
          // A system variable of 200 bytes, of which there is one.
          const info = Buffer.concat([Buffer.from('\x01x\x03\x00'), Buffer.from([200, 1])]);
          if (command === 'query') socket.write(packet(1, say.ok({ status: 2 | TRACKED, info })));
        },
        { flags: OFFERED | 0x80_0000 },
      );
      const connection = connectTo(server);
      connection.on('error', () => {});
      await once(connection, 'connect');
      const error = await failure((done) => connection.query('set', done));
      expect(error.fatal).toBe(true);
      expect(connection.state).toBe('error');
    });

    test('an error among the rows', async () => {
      const { connection } = await scripted((_text, socket) =>
        socket.write(
          packets(
            1,
            say.count(1),
            say.column('a'),
            say.eof(),
            say.row('x'),
            say.error(1317, '70100', 'Query execution was interrupted'),
          ),
        ),
      );
      const error = await failure((done) => connection.query('select', done));
      expect(error).toMatchObject({ code: 'ER_QUERY_INTERRUPTED', errno: 1317 });
      expect(connection.state).toBe('authenticated');
    });

    test('a request for a file that nobody loads', async () => {
      const { server, connection } = await scripted((text, socket) => {
        if (text === 'select 1') socket.write(packet(1, Buffer.from('\xfb/etc/passwd', 'latin1')));
      });
      const failed = failure((done) => connection.query('select 1', done));
      await until(() => server.heard.length === 3);
      expect(server.heard[2]).toEqual({ sequence: 2, payload: Buffer.alloc(0) });
      server.say(packet(3, say.ok()));
      expect((await failed).message).toContain('/etc/passwd');
    });
  });
});
