'use strict';
// Rows as a stream: what it gives, that it waits for its reader, and how it ends before its time.

const { Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { mysqlConfig } = require('../../support/mysql.js');
const { connect, query, rows, track, value } = require('./connections.js');
const { until } = require('../../support/pools.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { ScriptedServer, packets, say } = require('./scripted.js');

const numbers = (n) => `select seq as n from seq_1_to_${n}`;

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  async function collect(stream) {
    const all = [];
    for await (const row of stream) all.push(row);
    return all;
  }

  describe.each(['query', 'execute'])('%s', (method) => {
    test('all rows', async () => {
      const connection = await open();
      const all = await collect(connection[method](numbers(5000)).stream());
      expect(all).toHaveLength(5000);
      expect([all[0], all[4999]]).toEqual([{ n: 1 }, { n: 5000 }]);
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('no rows', async () => {
      const connection = await open();
      expect(await collect(connection[method]('select 1 from dual where 1 = 0').stream())).toEqual(
        [],
      );
    });

    test('with values and options', async () => {
      const connection = await open();
      const asked = { sql: 'select ? as a, ? as b', values: [1, 'x'], rowsAsArray: true };
      expect(await collect(connection[method](asked).stream())).toEqual([[1, 'x']]);
    });

    test('an error', async () => {
      const connection = await open();
      const stream = connection[method]('select nonsense').stream();
      await expect(collect(stream)).rejects.toMatchObject({
        code: 'ER_BAD_FIELD_ERROR',
        sql: 'select nonsense',
      });
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('left in the middle: the rest is read and forgotten', async () => {
      const connection = await open();
      const seen = [];
      for await (const { n } of connection[method](numbers(20_000)).stream()) {
        seen.push(n);
        if (n === 3) break;
      }
      expect(seen).toEqual([1, 2, 3]);
      expect(await value(connection, 'select 5')).toBe(5);
    });

    test('destroyed with an error', async () => {
      const connection = await open();
      const stream = connection[method](numbers(20_000)).stream();
      const seen = new Promise((resolve) => stream.once('error', resolve));
      stream.once('data', () => stream.destroy(new Error('enough')));
      expect((await seen).message).toBe('enough');
      expect(await value(connection, 'select 5')).toBe(5);
    });
  });

  test('fields and rows as events of the stream', async () => {
    const connection = await open();
    const stream = connection.query(numbers(2)).stream();
    const seen = [];
    stream.on('fields', ([field]) => seen.push(`fields ${field.name}`));
    stream.on('result', (row, index) => seen.push(`result ${row.n} ${index}`));
    stream.on('data', ({ n }) => seen.push(`data ${n}`));
    stream.on('end', () => seen.push('end'));
    await new Promise((resolve) => stream.on('close', resolve));
    expect(seen.filter((each) => !each.startsWith('data'))).toEqual([
      'fields n',
      'result 1 0',
      'result 2 0',
      'end',
    ]);
    expect(seen.filter((each) => each.startsWith('data'))).toEqual(['data 1', 'data 2']);
  });

  test('several results', async () => {
    const connection = await open({ multipleStatements: true });
    const all = await collect(connection.query('select 1 as a; select 2 as b').stream());
    expect(all).toEqual([{ a: 1 }, { b: 2 }]);
  });

  test('into another stream', async () => {
    const connection = await open();
    let sum = 0;
    const slow = new Writable({
      objectMode: true,
      highWaterMark: 2,
      write({ n }, _encoding, done) {
        sum += n;
        setImmediate(done);
      },
    });
    await pipeline(connection.query(numbers(2000)).stream({ highWaterMark: 4 }), slow);
    expect(sum).toBe((2000 * 2001) / 2);
  });

  test('highWaterMark', async () => {
    const connection = await open();
    const stream = connection.query(numbers(10)).stream({ highWaterMark: 3 });
    expect(stream.readableHighWaterMark).toBe(3);
    expect(stream.readableObjectMode).toBe(true);
    expect(await collect(stream)).toHaveLength(10);
  });

  test('a reader that does not read stops the server', async () => {
    const text = 'x'.repeat(200);
    const batch = packets(0, ...Array.from({ length: 256 }, () => say.row(text)));
    const [LIMIT, END] = [256 * 1024 * 1024, say.eof()];
    let sent = 0;
    let blocked = false;
    const server = await ScriptedServer.welcoming((command, _text, socket) => {
      if (command !== 'query') return;
      socket.write(packets(1, say.count(1), say.column('a'), say.eof()));
      // The sequence of the batch starts anew at 0 after 256 packets; the head took 1 to 3.
      socket.write(packets(4, ...Array.from({ length: 252 }, () => say.row(text))));
      const pump = () => {
        while (sent < LIMIT) {
          sent += batch.length;
          if (!socket.write(batch)) {
            blocked = true;
            socket.once('drain', () => ((blocked = false), pump()));
            return;
          }
        }
        socket.end(packets(0, END));
      };
      pump();
    });
    const connection = track(mysql().createConnection(server.target));
    const stream = connection.query('select much').stream();
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('readable', resolve));
    let before = -1;
    await until(async () => {
      const rests = blocked && sent === before;
      before = sent;
      return rests;
    }, 'the server has to wait');
    expect(sent).toBeLessThan(LIMIT / 4);
    expect(stream.read().a).toHaveLength(200);
    connection.destroy();
    server.cut();
  });

  test('of a pool: the connection is back when the stream is over', async () => {
    const pool = track(mysql().createPool(mysqlConfig({ connectionLimit: 1 })));
    expect(await collect(pool.query(numbers(1000)).stream())).toHaveLength(1000);
    for await (const { n } of pool.query(numbers(5000)).stream()) if (n === 2) break;
    expect(await value(pool, 'select 5')).toBe(5);
  });

  test('two one behind the other', async () => {
    const connection = await open();
    const streams = [connection.query(numbers(3)).stream(), connection.query(numbers(2)).stream()];
    const [first, second] = await Promise.all(streams.map(collect));
    expect([first.length, second.length]).toEqual([3, 2]);
  });

  describe('pause and resume of the connection', () => {
    test('rows wait', async () => {
      const connection = await open();
      const command = connection.query(numbers(1000));
      let seen = 0;
      const over = new Promise((resolve) => command.on('end', resolve));
      const resting = new Promise((resolve) => {
        command.on('result', ({ n }) => {
          seen += 1;
          if (n !== 10) return;
          connection.pause();
          resolve();
        });
      });
      await resting;
      for (let i = 0; i < 20; i++) await new Promise(setImmediate);
      expect(seen).toBe(10);
      connection.resume();
      await over;
      expect(seen).toBe(1000);
      expect(await rows(connection, 'select 1 as a')).toEqual([{ a: 1 }]);
    });

    test('paused again and again', async () => {
      const connection = await open();
      const command = connection.query(numbers(50));
      const seen = [];
      command.on('result', ({ n }) => {
        seen.push(n);
        connection.pause();
        setImmediate(() => connection.resume());
      });
      await new Promise((resolve) => command.on('end', resolve));
      expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
      expect((await query(connection, 'select 1 as a'))[0]).toEqual([{ a: 1 }]);
    });
  });
});
