'use strict';
// What JavaScript values become in the text of a query, and how names are written.

const { mysqlConfig } = require('../../support/mysql.js');
const { connect, query, rows, track, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

const DATE = new Date('2024-02-29T12:34:56.789Z');

const ESCAPED = [
  [undefined, 'NULL'],
  [null, 'NULL'],
  [true, 'true'],
  [false, 'false'],
  [5, '5'],
  [-0.5, '-0.5'],
  [1e21, '1e+21'],
  [12345678901234567890n, '12345678901234567890'],
  ['', "''"],
  ["it's", "'it\\'s'"],
  ['a"b', "'a\\\"b'"],
  ['a\\b', "'a\\\\b'"],
  ['\0\b\t\n\r\x1a', "'\\0\\b\\t\\n\\r\\Z'"],
  ['ü東🐘', "'ü東🐘'"],
  [Buffer.from([0, 255, 0x27]), "X'00ff27'"],
  [[1, 'a', null], "1, 'a', NULL"],
  [[[1, 'a'], [2, 'b']], "(1, 'a'), (2, 'b')"], // prettier-ignore
  [{ toSqlString: () => 'now()' }, 'now()'],
];

const NAMES = [
  ['id', '`id`'],
  ['a`b', '`a``b`'],
  ['t.id', '`t`.`id`'],
  [['a', 'b.c'], '`a`, `b`.`c`'],
];

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  const open = (options) => connect(mysql(), options);

  test.each(ESCAPED)('escape %p', async (given, expected) => {
    expect(mysql().escape(given)).toBe(expected);
    expect(promise().escape(given)).toBe(expected);
    expect(mysql().format('?', [given])).toBe(expected);
    const connection = await open();
    expect(connection.escape(given)).toBe(expected);
    expect(connection.format('?', [given])).toBe(expected);
    const pool = track(mysql().createPool(mysqlConfig()));
    expect(pool.escape(given)).toBe(expected);
    expect(pool.format('?', [given])).toBe(expected);
  });

  test.each(NAMES)('escapeId %p', async (given, expected) => {
    expect(mysql().escapeId(given)).toBe(expected);
    expect(mysql().format('??', [given])).toBe(expected);
    const connection = await open();
    expect(connection.escapeId(given)).toBe(expected);
    expect(track(mysql().createPool(mysqlConfig())).escapeId(given)).toBe(expected);
  });

  test('escapeId without qualifiers', () => {
    expect(mysql().escapeId('t.id', true)).toBe('`t.id`');
  });

  test('objects are pairs, in a query only behind SET', () => {
    const { escape, format } = mysql();
    expect(escape({ a: 1, 'b c': 'x' })).toBe("`a` = 1, `b c` = 'x'");
    expect(escape({ a: { b: 1 } })).toBe("`a` = '[object Object]'");
    expect(escape({ a: 1 }, true)).toBe("'[object Object]'");
    expect(format('update t set ?', [{ a: 1, b: null }])).toBe('update t set `a` = 1, `b` = NULL');
    expect(format('select ?', [{ a: 1 }])).toBe("select '[object Object]'");
    expect(format('select * from t where password = ?', [{ password: 1 }])).toBe(
      "select * from t where password = '[object Object]'",
    );
  });

  test('raw', () => {
    const raw = mysql().raw('now()');
    expect(raw.toSqlString()).toBe('now()');
    expect(mysql().format('select ?, ?', [raw, 1])).toBe('select now(), 1');
  });

  test('format', () => {
    const { format } = mysql();
    expect(format('? ?? ?', [1, 'a', 'b'])).toBe("1 `a` 'b'");
    expect(format('? ?', [1])).toBe('1 ?');
    expect(format('?', [1, 2])).toBe('1');
    expect(format('?', 'x')).toBe("'x'");
    expect(format('?', undefined)).toBe('?');
    expect(format('? ???', [1, 2])).toBe('1 ???');
    expect(format('insert into t set ?', { a: 1 })).toBe('insert into t set `a` = 1');
    expect(format('?', [{ a: 1 }], true)).toBe("'[object Object]'");
  });

  describe('dates', () => {
    test('in the zone of the connection', async () => {
      const shown = async (timezone) => {
        const connection = await open(timezone && { timezone });
        return connection.escape(DATE);
      };
      // St. John's is 3:30 behind UTC.
      expect(await shown()).toBe("'2024-02-29 09:04:56.789'");
      expect(await shown('local')).toBe("'2024-02-29 09:04:56.789'");
      expect(await shown('Z')).toBe("'2024-02-29 12:34:56.789'");
      expect(await shown('+05:30')).toBe("'2024-02-29 18:04:56.789'");
      expect(await shown('-01:00')).toBe("'2024-02-29 11:34:56.789'");
    });

    test('by themselves', () => {
      expect(mysql().escape(DATE)).toBe("'2024-02-29 09:04:56.789'");
      expect(mysql().escape(DATE, false, 'Z')).toBe("'2024-02-29 12:34:56.789'");
      expect(mysql().format('?', [DATE], false, 'Z')).toBe("'2024-02-29 12:34:56.789'");
    });

    test('that are none', () => {
      expect(mysql().escape(new Date(NaN))).toBe('NULL');
    });
  });

  test('stringifyObjects', async () => {
    const connection = await open({ stringifyObjects: true });
    expect(connection.format('?', [{ a: 1 }])).toBe("'[object Object]'");
    expect(await value(connection, 'select ?', [{ toString: () => "it's" }])).toBe("it's");
    const pool = track(mysql().createPool(mysqlConfig({ stringifyObjects: true })));
    expect(pool.escape({ a: 1 })).toBe("'[object Object]'");
  });

  describe('queryFormat', () => {
    const queryFormat = function (sql, values, timezone) {
      expect(this.threadId).toEqual(expect.any(Number));
      expect(timezone).toBe('Z');
      return sql.replace(/:(\w+)/g, (_, name) => this.escape(values[name]));
    };

    test('decides on the text', async () => {
      const connection = await open({ queryFormat, timezone: 'Z' });
      expect(await rows(connection, 'select :a as a, :b as b', { a: 1, b: "it's" })).toEqual([
        { a: 1, b: "it's" },
      ]);
      expect(connection.format('x = :x', { x: 5 })).toBe('x = 5');
    });

    test('has no say in statements', async () => {
      const connection = await open({ queryFormat, timezone: 'Z' });
      const [all] = await new Promise((resolve, reject) =>
        connection.execute('select ? as a', [7], (error, ...given) =>
          error ? reject(error) : resolve(given),
        ),
      );
      expect(all).toEqual([{ a: 7 }]);
    });
  });

  describe.each(SERVERS)('what %s makes of them', (kind) => {
    test.each([
      ['it\'s \\ "all" \0\b\t\n\r\x1a fine; -- /* % _'],
      ['ü東🐘'],
      [''],
      ['x'.repeat(70_000)],
    ])('%p', async (text) => {
      const connection = await open({ kind });
      expect((await value(connection, 'select ?', [text])) === text).toBe(true);
    });

    test('bytes', async () => {
      const connection = await open({ kind });
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      expect(await value(connection, 'select ?', [bytes])).toEqual(bytes);
      expect(await value(connection, 'select ?', [Buffer.alloc(0)])).toEqual(Buffer.alloc(0));
    });

    test('lists and objects', async () => {
      const connection = await open({ kind });
      await query(connection, 'create temporary table lists (a int, b varchar(9))');
      await query(connection, 'insert into lists (a, b) values ?', [[[1, 'x'], [2, null]]]); // prettier-ignore
      await query(connection, 'insert into lists set ?', { a: 3, b: 'z' });
      expect(await rows(connection, 'select a, b from lists where a in (?) order by a', [[1, 2, 3]]))
        .toEqual([{ a: 1, b: 'x' }, { a: 2, b: null }, { a: 3, b: 'z' }]); // prettier-ignore
    });

    test('dates come back as they went, to the millisecond', async () => {
      for (const timezone of ['local', 'Z', '+05:30', '-11:00']) {
        const connection = await open({ kind, timezone });
        const sql = 'select cast(? as datetime(3))';
        expect(await value(connection, sql, [DATE])).toEqual(DATE);
      }
    });
  });
});
