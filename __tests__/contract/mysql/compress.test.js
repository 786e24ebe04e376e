'use strict';
// The compressed protocol of both servers, over sockets and TLS, in pieces and in bulk.

const { load, rejection } = require('../../support/pools.js');
const { KINDS, observe, openPool, options } = require('../../support/mysql-pools.js');
const { mysqlServer } = require('../../support/mysql.js');
const { Proxy } = require('../../support/proxy.js');

const ways = KINDS.flatMap((kind) =>
  ['zlib', 'zstd', true].filter((it) => kind === 'mysql' || it !== 'zstd').map((it) => [kind, it]),
);

describe.each(ways)('%s by %s', (kind, compress) => {
  const isOn = "show session status like 'Compression'";

  test('small and large, both ways, over TLS too', async () => {
    for (const ssl of [false, undefined]) {
      const pool = await openPool({ kind, compress, ssl, max: 2 });
      expect((await pool.query(isOn)).rows[0].Value).toBe('ON');
      for (const length of [0, 1, 49, 50, 51, 300_000, 5_000_000]) {
        const text = 'täxt '.repeat(length / 5).padEnd(length, 'x');
        const { rows } = await pool.query('select ? as text, 1 as one', [text]);
        expect(rows[0].text === text && rows[0].one === 1).toBe(true);
      }
    }
  });

  test('what cannot be compressed', async () => {
    const pool = await openPool({ kind, compress });
    const bytes = require('node:crypto').randomBytes(1_000_000);
    const { rows } = await pool.query('select cast(? as binary) as bytes', [bytes]);
    expect(Buffer.compare(Buffer.from(rows[0].bytes), bytes)).toBe(0);
  });

  test('many statements on one wire, and rows without end', async () => {
    const pool = await openPool({ kind, compress, max: 1 });
    const all = Array.from({ length: 200 }, (_, i) => pool.query('select ? as i', [i]));
    expect((await Promise.all(all)).map(({ rows }) => rows[0].i)).toEqual(all.map((_, i) => i));
    let count = 0;
    const text =
      'with recursive n (i) as (select 1 union all select i + 1 from n where i < 900) select i from n';
    for await (const { i } of pool.stream(text)) count += i;
    expect(count).toBe((900 * 901) / 2);
  });

  test('bytes that arrive one by one', async () => {
    const proxy = await Proxy.open(mysqlServer(kind));
    proxy.behave('drip', { bytes: 1 });
    const pool = await openPool({ kind, compress, port: proxy.port });
    const text = 'abc'.repeat(500);
    expect((await pool.query('select ? as text', [text])).rows).toEqual([{ text }]);
    await pool.close();
    await proxy.close();
  });

  test('bytes that were changed lose the connection', async () => {
    const proxy = await Proxy.open(mysqlServer(kind));
    const pool = await openPool({
      kind,
      compress,
      port: proxy.port,
      max: 1,
      connectTimeoutMs: 5000,
    });
    await pool.query('select 1');
    pool.clear();
    proxy.behave('corrupt', { at: 700, mask: 0x3f });
    const errors = [];
    for (let i = 0; i < 3; i++) {
      const text = 'corrupted '.repeat(400);
      await pool
        .query('select ? as text', [text], { timeoutMs: 2000 })
        .catch((error) => errors.push(error));
      proxy.behave('pass');
    }
    for (const { code } of errors) expect(code).toMatch(/^ERR_POLYPOOL_|^ER_/);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.close({ timeoutMs: 0 });
    await proxy.close();
  });
});

test('an algorithm that the server has not is asked for in vain', async () => {
  const error = await rejection(load().createPool(options({ kind: 'mariadb', compress: 'zstd' })));
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', errno: 'ERR_COMPRESSION' });
  expect(error.message).toContain("option 'compress'");
  expect(await observe('mariadb', 'select 1 as one')).toEqual([{ one: 1 }]);
});
