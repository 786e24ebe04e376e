'use strict';
// Times in the zone of the connection, and texts in its character set.

const { connect, execute, executed, query, rows, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

const ZONES = [
  [undefined, '2024-02-29T16:04:56.789Z'],
  ['local', '2024-02-29T16:04:56.789Z'],
  ['Z', '2024-02-29T12:34:56.789Z'],
  ['+00:00', '2024-02-29T12:34:56.789Z'],
  ['+05:30', '2024-02-29T07:04:56.789Z'],
  ['-11:00', '2024-02-29T23:34:56.789Z'],
];
const SQL = `select cast('2024-02-29 12:34:56.789' as datetime(3)) as t,
  cast('2024-02-29' as date) as d, cast('12:34:56' as time) as h`;

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  describe.each(SERVERS)('%s', (kind) => {
    test.each(ZONES)('timezone %s', async (timezone, expected) => {
      const connection = await open({ kind, timezone });
      const midnight = new Date(Date.parse(expected) - 45_296_789);
      const wanted = [{ t: new Date(expected), d: midnight, h: '12:34:56' }];
      expect((await query(connection, SQL))[0]).toEqual(wanted);
      expect((await execute(connection, SQL))[0]).toEqual(wanted);
      expect((await query(connection, { sql: SQL, disableEval: true }))[0]).toEqual(wanted);
    });

    test('of one query', async () => {
      const connection = await open({ kind });
      const [[row]] = await query(connection, { sql: SQL, timezone: 'Z' });
      expect(row.t).toEqual(new Date('2024-02-29T12:34:56.789Z'));
    });

    test('the zone of the session is left as it is', async () => {
      const connection = await open({ kind, timezone: '+05:30' });
      expect(await value(connection, 'select @@session.time_zone')).toBe('+00:00');
      await query(connection, "set time_zone = '+05:30'");
      await query(connection, 'create temporary table zones (a timestamp null)');
      const date = new Date('2024-02-29T12:00:00Z');
      await query(connection, 'insert into zones values (?)', [date]);
      expect(await rows(connection, 'select a, unix_timestamp(a) as n from zones')).toEqual([
        { a: date, n: date.getTime() / 1000 },
      ]);
    });

    test.each([
      ['utf8mb4', 'utf8mb4', 'ü東🐘'],
      ['UTF8MB4_GENERAL_CI', 'utf8mb4', 'ü東🐘'],
      ['latin1', 'latin1', 'Grüße'],
    ])('charset %s', async (charset, expected, text) => {
      const connection = await open({ kind, charset });
      const sql = 'select @@character_set_client as c, @@character_set_results as r';
      expect(await rows(connection, sql)).toEqual([{ c: expected, r: expected }]);
      expect(await value(connection, `select '${text}'`)).toBe(text);
      expect(await value(connection, 'select ?', [text])).toBe(text);
      expect(await executed(connection, 'select ?', [text])).toBe(text);
      expect(await value(connection, 'select char_length(?)', [text])).toBe([...text].length);
    });

    test('the character set by default', async () => {
      const connection = await open({ kind });
      const sql = 'select @@character_set_client as c, @@collation_connection as o';
      expect(await rows(connection, sql)).toEqual([{ c: 'utf8mb4', o: 'utf8mb4_unicode_ci' }]);
    });

    test('another one by SET NAMES', async () => {
      const connection = await open({ kind });
      await query(connection, 'set names latin1');
      expect(await value(connection, "select 'Grüße'")).toBe('Grüße');
      expect(await value(connection, "select hex('ü')")).toBe('FC');
      await query(connection, 'set names utf8mb4');
      expect(await value(connection, "select '東🐘'")).toBe('東🐘');
      expect(await value(connection, "select hex('ü')")).toBe('C3BC');
    });

    test('names of columns and messages', async () => {
      const connection = await open({ kind });
      expect(await rows(connection, 'select 1 as `größe 東`')).toEqual([{ 'größe 東': 1 }]);
      const [error] = await new Promise((resolve) =>
        connection.query('select `größe`', (...given) => resolve(given)),
      );
      expect(error.message).toContain("'größe'");
    });
  });

  test('dates of a statement in their zone', async () => {
    for (const timezone of ['local', 'Z', '+05:30']) {
      const connection = await open({ timezone });
      const date = new Date('2024-07-01T00:30:00.125Z');
      await query(connection, 'create temporary table zones (a datetime(3), b date)');
      await execute(connection, 'insert into zones values (?, ?)', [date, date]);
      expect((await execute(connection, 'select a from zones'))[0]).toEqual([{ a: date }]);
      const day = { local: '2024-06-30', Z: '2024-07-01', '+05:30': '2024-07-01' }[timezone];
      expect(await value(connection, 'select cast(b as char) from zones')).toBe(day);
    }
  });
});
