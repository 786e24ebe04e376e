'use strict';
// LOAD DATA LOCAL INFILE: only from what the program gives, never from a file that the server names.

const { PassThrough, Readable } = require('node:stream');
const { mysqlConfig } = require('../../support/mysql.js');
const { connect, failure, query, rows, track, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

const LOAD = "load data local infile '/some/file' into table loaded fields terminated by ','";

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  async function withTable(options) {
    const connection = await connect(mysql(), options);
    await query(connection, 'create temporary table loaded (a int, b varchar(99))');
    return connection;
  }

  const from = (text) => () => Readable.from([Buffer.from(text)]);

  describe.each(SERVERS)('%s', (kind) => {
    test('from a stream', async () => {
      const connection = await withTable({ kind });
      const asked = [];
      const infileStreamFactory = (path) => {
        asked.push(path);
        return from('1,one\n2,zwölf\n')();
      };
      const [result] = await query(connection, { sql: LOAD, infileStreamFactory });
      expect(result).toMatchObject({ affectedRows: 2 });
      expect(result.info).toContain('Records: 2  Deleted: 0  Skipped: 0  Warnings: 0');
      expect(asked).toEqual(['/some/file']);
      expect(await rows(connection, 'select * from loaded order by a')).toEqual([
        { a: 1, b: 'one' },
        { a: 2, b: 'zwölf' },
      ]);
    });

    test('without a stream: an error, and the connection goes on', async () => {
      const connection = await withTable({ kind });
      const error = await failure((done) => connection.query(LOAD, done));
      expect(error.message).toBe(
        'As a result of LOCAL INFILE command server wants to read /some/file file, but as of v2.0 ' +
          'you must provide streamFactory option returning ReadStream.',
      );
      expect(await value(connection, 'select count(*) from loaded')).toBe(0);
    });

    test('of the connection', async () => {
      const connection = await withTable({ kind, infileStreamFactory: from('5,five\n') });
      await query(connection, LOAD);
      expect(await rows(connection, 'select * from loaded')).toEqual([{ a: 5, b: 'five' }]);
    });

    test('a stream that fails', async () => {
      const connection = await withTable({ kind });
      const infileStreamFactory = () => {
        const stream = new PassThrough();
        process.nextTick(() => stream.destroy(new Error('the disk is gone')));
        return stream;
      };
      const error = await failure((done) =>
        connection.query({ sql: LOAD, infileStreamFactory }, done),
      );
      expect(error.message).toBe('the disk is gone');
      expect(await value(connection, 'select 5')).toBe(5);
    });

    test('much, in many pieces', async () => {
      const connection = await withTable({ kind });
      function* lines() {
        for (let i = 0; i < 400; i++) {
          yield Buffer.from(`${i},${'x'.repeat(90)}\n`.repeat(50));
        }
      }
      const infileStreamFactory = () => Readable.from(lines());
      const [result] = await query(connection, { sql: LOAD, infileStreamFactory });
      expect(result.affectedRows).toBe(20_000);
      expect(await value(connection, 'select count(distinct a) from loaded')).toBe(400);
    });

    test('nothing', async () => {
      const connection = await withTable({ kind });
      const infileStreamFactory = () => Readable.from([]);
      const [result] = await query(connection, { sql: LOAD, infileStreamFactory });
      expect(result.affectedRows).toBe(0);
    });

    test('refused by the server before anything is asked for', async () => {
      const connection = await connect(mysql(), { kind });
      const infileStreamFactory = jest.fn();
      const sql = "load data local infile 'x' into table nowhere";
      const error = await failure((done) => connection.query({ sql, infileStreamFactory }, done));
      expect(error.code).toBe('ER_NO_SUCH_TABLE');
      expect(infileStreamFactory).not.toHaveBeenCalled();
    });
  });

  test('queries behind it wait for it', async () => {
    const connection = await withTable();
    const stream = new PassThrough();
    const loading = query(connection, { sql: LOAD, infileStreamFactory: () => stream });
    const counted = value(connection, 'select count(*) from loaded');
    stream.write('1,one\n');
    setImmediate(() => stream.end('2,two\n'));
    expect((await loading)[0].affectedRows).toBe(2);
    expect(await counted).toBe(2);
  });

  test('between several statements', async () => {
    const connection = await withTable({ multipleStatements: true });
    const infileStreamFactory = from('1,one\n');
    const sql = `select 1 as n; ${LOAD}; select a from loaded`;
    const [results] = await query(connection, { sql, infileStreamFactory });
    expect(results[0]).toEqual([{ n: 1 }]);
    expect(results[1]).toMatchObject({ affectedRows: 1 });
    expect(results[2]).toEqual([{ a: 1 }]);
  });

  test('by a pool', async () => {
    const pool = track(mysql().createPool(mysqlConfig({ connectionLimit: 1 })));
    await query(pool, 'create temporary table loaded (a int, b varchar(99))');
    const [result] = await query(pool, { sql: LOAD, infileStreamFactory: from('1,one\n') });
    expect(result.affectedRows).toBe(1);
  });
});
