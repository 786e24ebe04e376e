'use strict';
// query(): the forms in which it is asked, the order of what it tells, and what it gives back.

const { called, connect, failure, outcome, query, rows, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  describe('forms', () => {
    test('text and callback', async () => {
      const connection = await open();
      expect(await rows(connection, 'select 1 as a')).toEqual([{ a: 1 }]);
    });

    test('text, values and callback', async () => {
      const connection = await open();
      expect(await rows(connection, 'select ? as a, ? as b', [1, 'x'])).toEqual([{ a: 1, b: 'x' }]);
    });

    test('one value that is no array', async () => {
      const connection = await open();
      expect(await rows(connection, 'select ? as a', 5)).toEqual([{ a: 5 }]);
      expect(await rows(connection, 'select ? as a', 0)).toEqual([{ a: 0 }]);
      const error = await failure((done) => connection.query('select ? as a', null, done));
      expect(error).toMatchObject({ code: 'ER_PARSE_ERROR', sql: 'select ? as a' });
    });

    test('options', async () => {
      const connection = await open();
      expect(await rows(connection, { sql: 'select ? as a', values: [1] })).toEqual([{ a: 1 }]);
      expect(await rows(connection, { sql: 'select ? as a' }, [2])).toEqual([{ a: 2 }]);
      expect(await rows(connection, { sql: 'select ? as a', values: [1] }, [2])).toEqual([
        { a: 2 },
      ]);
      expect(await rows(connection, { sql: 'select 1', rowsAsArray: true })).toEqual([[1]]);
    });

    test('the options of the caller are left as they are', async () => {
      const connection = await open();
      const options = Object.freeze({ sql: 'select ? as a', values: Object.freeze([1]) });
      expect(await rows(connection, options)).toEqual([{ a: 1 }]);
    });

    test('marks without values, and values without marks', async () => {
      const connection = await open();
      expect((await failure((done) => connection.query('select ?', done))).code).toBe(
        'ER_PARSE_ERROR',
      );
      expect(await value(connection, 'select 1', [2, 3])).toBe(1);
      expect(await value(connection, "select '?'", [])).toBe('?');
    });
  });

  describe('what is given back', () => {
    test('the command, with its text and values', async () => {
      const connection = await open();
      await new Promise((resolve) => {
        const command = connection.query('select ? as a', ["it's"], resolve);
        expect(command.sql).toBe("select 'it\\'s' as a");
        expect(command.values).toEqual(["it's"]);
        expect(command.constructor.name).toBe('Query');
      });
    });

    test('is no promise', async () => {
      const log = jest.spyOn(console, 'log').mockImplementation(() => {});
      const connection = await open();
      let command;
      const done = called((callback) => (command = connection.query('select 1', callback)));
      for (const use of [() => command.then(() => {}), () => command.catch(() => {})]) {
        expect(use).toThrow(
          'You have tried to call .then(), .catch(), or invoked await on the result of query that ' +
            'is not a promise, which is a programming error. Try calling con.promise().query(), ' +
            "or require('mysql2/promise') instead of 'mysql2' for a promise-compatible version " +
            'of the query interface.',
        );
      }
      expect(log).toHaveBeenCalledTimes(2);
      log.mockRestore();
      expect((await done)[0]).toBeNull();
    });
  });

  describe('rows', () => {
    test('none', async () => {
      const connection = await open();
      const [result, fields] = await query(connection, 'select 1 as a from dual where 1 = 0');
      expect(result).toEqual([]);
      expect(fields.map(({ name }) => name)).toEqual(['a']);
    });

    test('the last of columns with the same name', async () => {
      const connection = await open();
      expect(await rows(connection, 'select 1 as a, 2 as a')).toEqual([{ a: 2 }]);
    });

    test('names of columns', async () => {
      const connection = await open();
      const names = ['a b', '', 'ü', "it's", 'a"b', 'a\\nb', '1', 'constructor', 'a`b'];
      for (const name of names.filter(Boolean)) {
        const [row] = await rows(connection, `select 5 as ${connection.escapeId(name, true)}`);
        expect(Object.keys(row)).toEqual([name]);
        expect(row[name]).toBe(5);
      }
    });

    test('many columns', async () => {
      const connection = await open();
      const list = Array.from({ length: 1000 }, (_, i) => `${i} as c${i}`);
      const [row] = await rows(connection, `select ${list.join(', ')}`);
      expect(Object.keys(row)).toHaveLength(1000);
      expect([row.c0, row.c250, row.c251, row.c999]).toEqual([0, 250, 251, 999]);
    });

    test('many rows', async () => {
      const connection = await open();
      const all = await rows(connection, 'select seq as n from seq_1_to_30000');
      expect(all).toHaveLength(30_000);
      expect(all.reduce((sum, { n }) => sum + n, 0)).toBe((30_000 * 30_001) / 2);
    });

    test('values of each length of a length', async () => {
      const connection = await open();
      for (const length of [0, 1, 250, 251, 252, 65_535, 65_536, 16_777_214]) {
        const text = await value(connection, `select repeat('x', ${length})`);
        expect(text.length).toBe(length);
      }
    });

    test('packets of 16 MiB and more, in both directions', async () => {
      const connection = await open();
      for (const length of [16_777_215 - 9, 16_777_215, 16_777_216, 34_000_000]) {
        const text = 'y'.repeat(length);
        expect((await value(connection, 'select ?', [text])) === text).toBe(true);
      }
    });
  });

  describe.each(SERVERS)('fields of %s', (kind) => {
    test('of a table', async () => {
      const connection = await open({ kind });
      await query(
        connection,
        `create temporary table fields_of_it (
          id int unsigned not null auto_increment primary key, name varchar(20) charset utf8mb4)`,
      );
      const [, fields] = await query(connection, 'select id, f.name as alias from fields_of_it f');
      expect(fields).toHaveLength(2);
      expect(fields[0]).toMatchObject({
        name: 'id',
        orgName: 'id',
        orgTable: 'fields_of_it',
        table: 'f',
        schema: 'polypool_test',
        db: 'polypool_test',
        catalog: 'def',
        columnType: 3,
        type: 3,
        characterSet: 63,
        encoding: 'binary',
        columnLength: 10,
        decimals: 0,
      });
      // Not null, primary key, unsigned, auto_increment, and what else a server says of such.
      expect(fields[0].flags & 0x223).toBe(0x223);
      expect(fields[1]).toMatchObject({
        name: 'alias',
        orgName: 'name',
        columnType: 253,
        encoding: 'utf8',
        columnLength: 80,
        flags: 0,
      });
    });
  });

  describe('order', () => {
    test('answers come in the order of the questions', async () => {
      const connection = await open();
      const seen = [];
      const asked = ['select 1 as n', 'select sleep(0.05) + 2 as n', 'select 3 as n'].map((sql) =>
        value(connection, sql).then((n) => seen.push(n)),
      );
      await Promise.all(asked);
      expect(seen).toEqual([1, 2, 3]);
    });

    test('an error concerns its query alone', async () => {
      const connection = await open();
      const all = await Promise.allSettled([
        value(connection, 'select 1'),
        value(connection, 'select nonsense'),
        value(connection, 'select 3'),
      ]);
      expect(all.map(({ status, value: got }) => got ?? status)).toEqual([1, 'rejected', 3]);
    });

    test('a query asked for in a callback', async () => {
      const connection = await open();
      const seen = [];
      await new Promise((resolve) => {
        connection.query('select 1', () => {
          seen.push('first');
          connection.query('select 3', () => resolve(seen.push('third')));
        });
        connection.query('select 2', () => seen.push('second'));
      });
      expect(seen).toEqual(['first', 'second', 'third']);
    });

    test('callbacks come in a later tick', async () => {
      const connection = await open();
      let late = false;
      const done = outcome((callback) =>
        connection.query('select 1', (...given) => {
          expect(late).toBe(true);
          callback(...given);
        }),
      );
      late = true;
      await done;
    });

    test('hundreds at once', async () => {
      const connection = await open();
      const numbers = Array.from({ length: 500 }, (_, i) => i);
      expect(await Promise.all(numbers.map((n) => value(connection, 'select ?', [n])))).toEqual(
        numbers,
      );
    });
  });

  describe('timeout', () => {
    const SLOW = { code: 'PROTOCOL_SEQUENCE_TIMEOUT', message: 'Query inactivity timeout' };

    test.each(['query', 'execute'])('of %s', async (method) => {
      const connection = await open();
      const asked = { sql: 'select sleep(0.3) as slept', timeout: 40 };
      expect(await failure((done) => connection[method](asked, done))).toMatchObject(SLOW);
      // The answer is still awaited: the connection stays in step.
      expect(await value(connection, 'select 5')).toBe(5);
    });

    test('as an event', async () => {
      const connection = await open();
      const command = connection.query({ sql: 'select sleep(0.2)', timeout: 30 });
      expect(await new Promise((resolve) => command.once('error', resolve))).toMatchObject(SLOW);
      expect(await value(connection, 'select 5')).toBe(5);
    });

    test('that is not reached', async () => {
      const connection = await open();
      expect(await value(connection, { sql: 'select 1', timeout: 10_000 })).toBe(1);
    });

    test('does not count the time in the queue', async () => {
      const connection = await open();
      const first = query(connection, 'select sleep(0.6)');
      expect(await value(connection, { sql: 'select 2', timeout: 500 })).toBe(2);
      await first;
    });
  });

  test('queries with nothing in them', async () => {
    const connection = await open();
    const error = await failure((done) => connection.query('', done));
    expect(error).toMatchObject({ code: 'ER_EMPTY_QUERY', errno: 1065, sqlState: '42000' });
    expect(error.message).toBe('Query was empty');
  });
});
