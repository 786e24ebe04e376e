'use strict';
// typeCast: a function that makes the values, or none that does.

const { connect, execute, query, rows, track } = require('./connections.js');
const { mysqlConfig } = require('../../support/mysql.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

const TABLE = `create temporary table casts (
  id int not null, flag tinyint(1), name varchar(10), data varbinary(9), day date, place point)`;
const ROW = `insert into casts values
  (1, 1, 'Grüße', x'00ff', '2024-02-29', st_geomfromtext('POINT(1 2)'))`;

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  async function withTable(options) {
    const connection = await open(options);
    await query(connection, TABLE);
    await query(connection, ROW);
    return connection;
  }

  describe.each(SERVERS)('%s', (kind) => {
    test('sees each column of each row', async () => {
      const connection = await withTable({ kind });
      const seen = [];
      const typeCast = (field, next) => {
        const { type, name, table, db, length } = field;
        seen.push({ type, name, table, db, length });
        return next();
      };
      const [row] = await rows(connection, { sql: 'select * from casts c', typeCast });
      expect(row).toEqual({
        id: 1,
        flag: 1,
        name: 'Grüße',
        data: Buffer.from([0, 255]),
        day: new Date(2024, 1, 29),
        place: { x: 1, y: 2 },
      });
      const common = { table: 'c', db: 'polypool_test' };
      expect(seen).toEqual([
        { ...common, type: 'LONG', name: 'id', length: 11 },
        { ...common, type: 'TINY', name: 'flag', length: 1 },
        { ...common, type: 'VAR_STRING', name: 'name', length: 40 },
        { ...common, type: 'VAR_STRING', name: 'data', length: 9 },
        { ...common, type: 'DATE', name: 'day', length: 10 },
        { ...common, type: 'GEOMETRY', name: 'place', length: 4294967295 },
      ]);
    });
  });

  test('string, buffer, geometry', async () => {
    const connection = await withTable();
    const typeCast = (field, next) => {
      if (field.name === 'id') return `<${field.string()}>`;
      if (field.name === 'flag') return field.string() === '1';
      if (field.name === 'name') return field.buffer();
      if (field.type === 'GEOMETRY') return [field.geometry()];
      return field.name === 'day' ? field.string() : next();
    };
    expect(await rows(connection, { sql: 'select * from casts', typeCast })).toEqual([
      {
        id: '<1>',
        flag: true,
        name: Buffer.from('Grüße'),
        data: Buffer.from([0, 255]),
        day: '2024-02-29',
        place: [{ x: 1, y: 2 }],
      },
    ]);
  });

  test('nulls', async () => {
    const connection = await open();
    const typeCast = (field) => [field.name === 'a' ? field.string() : field.buffer()];
    expect(await rows(connection, { sql: 'select null as a, null as b', typeCast })).toEqual([
      { a: [null], b: [null] },
    ]);
    const next = (_field, go) => go();
    expect(await rows(connection, { sql: 'select null as a', typeCast: next })).toEqual([
      { a: null },
    ]);
  });

  test('of the connection, unless the query has its own', async () => {
    const connection = await open({ typeCast: (field) => `connection ${field.string()}` });
    expect(await rows(connection, 'select 1 as a')).toEqual([{ a: 'connection 1' }]);
    const own = (field) => `query ${field.string()}`;
    expect(await rows(connection, { sql: 'select 1 as a', typeCast: own })).toEqual([
      { a: 'query 1' },
    ]);
    expect(await rows(connection, 'select 2 as a')).toEqual([{ a: 'connection 2' }]);
  });

  test('of a pool', async () => {
    const typeCast = (field, next) => (field.type === 'LONG' ? Number(field.string()) + 1 : next());
    const pool = track(mysql().createPool(mysqlConfig({ typeCast })));
    expect(await rows(pool, "select 1 as a, 'x' as b")).toEqual([{ a: 2, b: 'x' }]);
  });

  test('with rows as arrays and tables nested', async () => {
    const connection = await open({ typeCast: (field) => `${field.name}=${field.string()}` });
    const sql = 'select t.a, 2 as b from (select 1 as a) t';
    expect(await rows(connection, { sql, rowsAsArray: true })).toEqual([['a=1', 'b=2']]);
    expect(await rows(connection, { sql, nestTables: true })).toEqual([
      { t: { a: 'a=1' }, '': { b: 'b=2' } },
    ]);
    expect(await rows(connection, { sql, nestTables: '_' })).toEqual([{ t_a: 'a=1', _b: 'b=2' }]);
  });

  test('with disableEval', async () => {
    const connection = await open({ disableEval: true });
    const typeCast = (field, next) => (field.name === 'a' ? field.string() : next());
    expect(await rows(connection, { sql: 'select 1 as a, 2 as b', typeCast })).toEqual([
      { a: '1', b: 2 },
    ]);
  });

  test('of statements', async () => {
    const connection = await withTable();
    const typeCast = (field, next) => {
      if (field.name === 'name') return field.buffer();
      if (field.name === 'data') return field.string('latin1');
      if (field.type === 'GEOMETRY') return [field.geometry()];
      return next();
    };
    expect((await execute(connection, { sql: 'select * from casts', typeCast }))[0]).toEqual([
      {
        id: 1,
        flag: 1,
        name: Buffer.from('Grüße'),
        data: '\0ÿ',
        day: new Date(2024, 1, 29),
        place: [{ x: 1, y: 2 }],
      },
    ]);
  });

  test('false: bytes as they came', async () => {
    const connection = await open();
    const sql = "select 1 as a, 'ü' as b, null as c, 1.5 as d";
    const expected = {
      a: Buffer.from('1'),
      b: Buffer.from('ü'),
      c: null,
      d: Buffer.from('1.5'),
    };
    expect(await rows(connection, { sql, typeCast: false })).toEqual([expected]);
    expect(await rows(await open({ typeCast: false }), sql)).toEqual([expected]);
  });

  test('many rows', async () => {
    const connection = await open();
    const typeCast = (field) => Number(field.string()) * 2;
    const all = await rows(connection, { sql: 'select seq as n from seq_1_to_5000', typeCast });
    expect(all.map(({ n }) => n)).toEqual(Array.from({ length: 5000 }, (_, i) => 2 * (i + 1)));
  });
});
