'use strict';
// compress: everything works as it does without, and there is less on the wire.

const { mysqlConfig, mysqlServer } = require('../../support/mysql.js');
const { Proxy } = require('../../support/proxy.js');
const { connect, execute, executed, failure, query, rows, value } = require('./connections.js');
const { IMPLEMENTATIONS, SERVERS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql, promise }) => {
  describe.each(SERVERS)('%s', (kind) => {
    const open = (options) => connect(mysql(), { kind, compress: true, ...options });

    test('is agreed upon', async () => {
      const [{ Value }] = await rows(await open(), "show session status like 'Compression'");
      expect(Value).toBe('ON');
      const without = await open({ compress: false });
      const [other] = await rows(without, "show session status like 'Compression'");
      expect(other.Value).toBe('OFF');
    });

    test('short and long texts, in both directions', async () => {
      const connection = await open();
      for (const length of [0, 1, 40, 50, 51, 1000, 70_000, 5_000_000]) {
        const text = 'zebra '.repeat(length / 6 + 1).slice(0, length);
        expect((await value(connection, 'select ?', [text])) === text).toBe(true);
        expect((await executed(connection, 'select ?', [text])) === text).toBe(true);
      }
    });

    test('what cannot be compressed', async () => {
      const connection = await open();
      const bytes = require('node:crypto').randomBytes(300_000);
      expect((await value(connection, 'select ?', [bytes])).equals(bytes)).toBe(true);
    });

    test('packets of more than 16 MiB', async () => {
      // mysql2 loses count of the packets, says so, and goes on.
      const complain = jest.spyOn(console, 'error').mockImplementation(() => {});
      const connection = await open();
      const text = 'y'.repeat(17_000_000);
      expect((await value(connection, 'select ?', [text])) === text).toBe(true);
      complain.mockRestore();
    });

    test('many queries at once', async () => {
      const connection = await open();
      const numbers = Array.from({ length: 200 }, (_, i) => i);
      const all = numbers.map((n) =>
        n % 2 ? value(connection, 'select ?', [n]) : executed(connection, 'select ?', [n]),
      );
      expect(await Promise.all(all)).toEqual(numbers);
    });

    test('errors', async () => {
      const connection = await open();
      const error = await failure((done) => connection.query('select nonsense', done));
      expect(error.code).toBe('ER_BAD_FIELD_ERROR');
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('with TLS', async () => {
      const connection = await open({ ssl: { rejectUnauthorized: false } });
      const text = 'zebra '.repeat(100_000);
      expect((await value(connection, 'select ?', [text])) === text).toBe(true);
    });

    test('less is on the wire', async () => {
      const { host, port } = mysqlServer(kind);
      const sent = async (compress) => {
        const proxy = await Proxy.open({ host, port });
        const connection = await open({ port: proxy.port, compress });
        expect((await value(connection, "select repeat('x', 1000000)")).length).toBe(1_000_000);
        connection.destroy();
        const { delivered } = proxy;
        await proxy.close();
        return delivered;
      };
      expect(await sent(false)).toBeGreaterThan(1_000_000);
      expect(await sent(true)).toBeLessThan(50_000);
    });

    test('many rows', async () => {
      const connection = await open();
      const sql = `with recursive n(i) as (select 1 union all select i + 1 from n where i < 900)
        select a.i as a, b.i as b from n a, n b limit 20000`;
      expect(await rows(connection, sql)).toHaveLength(20_000);
      expect((await execute(connection, sql))[0]).toHaveLength(20_000);
    });

    test('by a pool', async () => {
      const pool = promise().createPool(mysqlConfig({ kind, compress: true }));
      const text = 'zebra '.repeat(10_000);
      const all = await Promise.all([1, 2, 3].map(() => pool.query('select ? as a', [text])));
      expect(all.every(([[{ a }]]) => a === text)).toBe(true);
      await pool.end();
    });

    test('another user on the way', async () => {
      const connection = await open();
      await new Promise((resolve) => connection.changeUser({}, resolve));
      expect((await query(connection, 'select 1 as a'))[0]).toEqual([{ a: 1 }]);
    });
  });
});
