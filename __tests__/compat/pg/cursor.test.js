'use strict';
// pg-cursor and pg-query-stream as they are published, over clients of each.

const { once } = require('node:events');
const { Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { observe, rejection } = require('../../support/pools.js');
const { called, connect, ended, make, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const SERIES = 'select n from generate_series(1, $1::int) n';
const FAILING = 'select 1 / (500 - n) as n from generate_series(1, $1::int) n';

const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => ({ n: from + i }));

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  describe('pg-cursor', () => {
    const cursorOf = (client, ...given) => client.query(new (require('pg-cursor'))(...given));

    test('reads in parts, until there is no more', async () => {
      const client = await open();
      const cursor = cursorOf(client, SERIES, [25]);
      expect(await cursor.read(10)).toEqual(numbers(1, 10));
      expect(await cursor.read(10)).toEqual(numbers(11, 20));
      expect(await cursor.read(10)).toEqual(numbers(21, 25));
      expect(await cursor.read(10)).toEqual([]);
      expect(await cursor.read(10)).toEqual([]);
      await cursor.close();
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('parts that end with the rows', async () => {
      const client = await open();
      const cursor = cursorOf(client, SERIES, [20]);
      expect(await cursor.read(10)).toHaveLength(10);
      expect(await cursor.read(10)).toHaveLength(10);
      expect(await cursor.read(10)).toEqual([]);
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('by callbacks, with the result', async () => {
      const client = await open();
      const cursor = cursorOf(client, SERIES, [15]);
      const [error, rows, result] = await called((done) => cursor.read(10, done));
      expect(error).toBeNull();
      expect(rows).toEqual(numbers(1, 10));
      expect(result.fields.map(({ name }) => name)).toEqual(['n']);
      const last = await called((done) => cursor.read(10, done));
      expect(last[1]).toEqual(numbers(11, 15));
      const none = await called((done) => cursor.read(10, done));
      expect(none[1]).toEqual([]);
      await called((done) => cursor.close(done));
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('events', async () => {
      const client = await open();
      const cursor = cursorOf(client, SERIES, [3]);
      const rows = [];
      cursor.on('row', (row, result) => rows.push([row, result.fields.length]));
      const over = once(cursor, 'end');
      await cursor.read(10);
      const [result] = await over;
      expect(rows).toEqual(numbers(1, 3).map((row) => [row, 1]));
      expect(result).toMatchObject({ command: 'SELECT', rowCount: 3 });
    });

    test('closed early, before the first read, and twice', async () => {
      const client = await open();
      const early = cursorOf(client, SERIES, [1000000]);
      await early.read(5);
      await early.close();
      expect(await early.read(5)).toEqual([]);
      await early.close();
      await cursorOf(client, SERIES, [10]).close();
      expect(await value(client, 'select 1')).toBe(1);
      const text = 'select count(*)::int as n from pg_cursors';
      expect((await client.query(text)).rows).toEqual([{ n: 0 }]);
    });

    test('errors of the statement, of a value and in the middle', async () => {
      const client = await open();
      expect((await rejection(cursorOf(client, 'select broken').read(1))).code).toBe('42703');
      expect((await rejection(cursorOf(client, SERIES, ['x']).read(1))).code).toBe('22P02');
      const cursor = cursorOf(client, FAILING, [1000]);
      expect(await cursor.read(400)).toHaveLength(400);
      expect((await rejection(cursor.read(400))).code).toBe('22012');
      // At once: later it would wait for an answer that has come already.
      await cursor.close();
      const failed = cursorOf(client, FAILING, [1000]);
      expect((await rejection(failed.read(1000))).code).toBe('22012');
      expect((await rejection(failed.read(1000))).code).toBe('22012');
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('ordinary queries before, between and behind', async () => {
      const client = await open();
      const before = client.query('select 1 as n');
      const cursor = cursorOf(client, SERIES, [3]);
      const between = client.query('select $1::int as n', [2]);
      const second = cursorOf(client, SERIES, [2]);
      const behind = client.query('select 3 as n');
      expect((await before).rows).toEqual([{ n: 1 }]);
      expect(await cursor.read(100)).toEqual(numbers(1, 3));
      expect((await between).rows).toEqual([{ n: 2 }]);
      expect(await second.read(1)).toEqual(numbers(1, 1));
      await second.close();
      expect((await behind).rows).toEqual([{ n: 3 }]);
    });

    test('a hundred of them', async () => {
      const client = await open();
      for (let i = 0; i < 100; i++) {
        const cursor = cursorOf(client, SERIES, [5]);
        expect(await cursor.read(i % 7)).toHaveLength(i % 7 === 0 ? 5 : Math.min(i % 7, 5));
        await cursor.close();
        expect((await client.query('select $1::int as n', [i])).rows).toEqual([{ n: i }]);
      }
    });

    test('statements without rows', async () => {
      const client = await open();
      await client.query('create temp table filled (n int)');
      expect(await cursorOf(client, 'insert into filled values ($1)', [1]).read(10)).toEqual([]);
      expect(await cursorOf(client, '').read(10)).toEqual([]);
      expect(await value(client, 'select count(*) from filled')).toBe('1');
    });

    test('rowMode and types', async () => {
      const client = await open();
      client.setTypeParser(23, (text) => `int ${text}`);
      expect(await cursorOf(client, SERIES, [1], { rowMode: 'array' }).read(5)).toEqual([
        ['int 1'],
      ]);
      const types = { getTypeParser: () => (text) => `<${text}>` };
      expect(await cursorOf(client, SERIES, [1], { types }).read(5)).toEqual([{ n: '<1>' }]);
    });

    test('in a transaction', async () => {
      const client = await open();
      await client.query('begin');
      const cursor = cursorOf(client, SERIES, [10]);
      await cursor.read(2);
      await cursor.close();
      expect(client.getTransactionStatus()).toBe('T');
      await client.query('commit');
    });

    test('before connect', async () => {
      const client = make(load());
      const cursor = cursorOf(client, SERIES, [2]);
      const read = cursor.read(5);
      await client.connect();
      expect(await read).toEqual(numbers(1, 2));
    });

    test('a lost connection', async () => {
      const client = await open();
      client.on('error', () => {});
      const over = ended(client);
      const cursor = cursorOf(client, SERIES, [1000000]);
      await cursor.read(5);
      await observe('select pg_terminate_backend($1, 10000)', [client.processID]);
      await over;
      expect((await rejection(cursor.read(5))).message).toMatch(
        /administrator command|Connection terminated/,
      );
    });

    test('the end of its client', async () => {
      const client = await open();
      const cursor = cursorOf(client, SERIES, [10]);
      await cursor.read(2);
      await client.end();
    });
  });

  describe('pg-query-stream', () => {
    const streamOf = (client, ...given) => client.query(new (require('pg-query-stream'))(...given));

    test('for await', async () => {
      const client = await open();
      const rows = [];
      for await (const row of streamOf(client, SERIES, [1000])) rows.push(row);
      expect(rows).toEqual(numbers(1, 1000));
      expect(await value(client, 'select 1')).toBe(1);
    });

    test.each([[1], [7], [100], [1000]])('in batches of %d', async (batchSize) => {
      const client = await open();
      const rows = await streamOf(client, SERIES, [100], { batchSize }).toArray();
      expect(rows).toEqual(numbers(1, 100));
    });

    test('several in a row, with queries between them', async () => {
      const client = await open();
      for (let i = 0; i < 10; i++) {
        const rows = await streamOf(client, SERIES, [i], { rowMode: 'array' }).toArray();
        expect(rows).toEqual(numbers(1, i).map(({ n }) => [n]));
        expect(await value(client, 'select $1::int', [i])).toBe(i);
      }
    });

    test('left early', async () => {
      const client = await open();
      for await (const { n } of streamOf(client, SERIES, [1000000])) if (n === 5) break;
      expect(await value(client, 'select 1')).toBe(1);
      const stream = streamOf(client, SERIES, [1000000]);
      await once(stream, 'readable');
      stream.destroy();
      await once(stream, 'close');
      expect(await value(client, 'select 2')).toBe(2);
    });

    test('destroyed with an error', async () => {
      const client = await open();
      const stream = streamOf(client, SERIES, [1000000]);
      stream.once('data', () => stream.destroy(new Error('enough')));
      const [error] = await once(stream, 'error');
      expect(error.message).toBe('enough');
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('errors at once and in the middle', async () => {
      const client = await open();
      expect((await rejection(streamOf(client, 'select broken').toArray())).code).toBe('42703');
      const seen = [];
      const reading = (async () => {
        for await (const row of streamOf(client, FAILING, [1000])) seen.push(row);
      })();
      expect((await rejection(reading)).code).toBe('22012');
      expect(seen.length).toBeLessThan(500);
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('a slow reader holds the server back', async () => {
      const client = await open();
      await client.query('begin');
      await client.query('create temp sequence pulled');
      const stream = streamOf(
        client,
        "select nextval('pulled')::int as n from generate_series(1, 100000)",
        [],
        {
          batchSize: 10,
        },
      );
      const [first] = await once(stream, 'data');
      stream.pause();
      expect(first).toEqual({ n: 1 });
      stream.destroy();
      await once(stream, 'close');
      expect(Number(await value(client, 'select last_value from pulled'))).toBeLessThan(1000);
      await client.query('rollback');
    });

    test('through a pipeline', async () => {
      const client = await open();
      let sum = 0;
      const adding = new Writable({
        objectMode: true,
        write({ n }, _encoding, done) {
          sum += n;
          setImmediate(done);
        },
      });
      await pipeline(streamOf(client, SERIES, [1000]), adding);
      expect(sum).toBe(500500);
    });

    test('types of the client hold', async () => {
      const client = await open();
      client.setTypeParser(23, (text) => `int ${text}`);
      expect(await streamOf(client, SERIES, [1]).toArray()).toEqual([{ n: 'int 1' }]);
    });
  });
});
