'use strict';
// Answers that come in masses: they are taken over a little at a time, and numbers run out.

const { runProgram, printed } = require('../support/child.js');

test('very many errors at once leave the event loop its turns, and stay in order', async () => {
  const count = 20_000;
  const run = await runProgram(`
    (async () => {
      const pool = await createPool(url, { max: 1 });
      const connection = await pool.acquire();
      let turn = 0;
      const settledIn = [];
      const next = () => { turn += 1; pending = setImmediate(next); };
      let pending = setImmediate(next);
      const settled = [];
      await Promise.all(Array.from({ length: ${count} }, (_, i) =>
        pool.acquire({ timeoutMs: 500 }).catch(() => {
          settled.push(i);
          settledIn[turn] = (settledIn[turn] ?? 0) + 1;
        })));
      clearImmediate(pending);
      const most = settledIn.reduce((one, other) => Math.max(one, other), 0);
      const inOrder = settled.every((number, i) => number === i);
      console.log(JSON.stringify({ count: settled.length, inOrder, most }));
      await connection.release();
      await pool.close();
    })();`);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const [{ most, ...others }] = printed(run);
  expect(others).toEqual({ count, inOrder: true });
  // Measured: 100 at most, and 11,000 when the clock is not looked at within a chunk.
  expect(most).toBeLessThan(1000);
});

test('release and close work when no further request is possible', async () => {
  const run = await runProgram(`
    const { link } = require('./lib/ring.js');
    const { Request } = require('./lib/request.js');
    const show = (value) => console.log(JSON.stringify(value));
    (async () => {
      const pool = await createPool(url, { max: 2 });
      const connections = await Promise.all([pool.acquire(), pool.acquire()]);
      const asleep = connections.map((one) => one.query('select pg_sleep(0.1)'));
      const ring = link();
      const numbers = [];
      const fill = () => {
        try { for (;;) numbers.push(ring.add(new Request())); }
        catch ({ code }) { return code; }
      };
      show(fill());
      // A number that was kept for them is not given away when it is free again.
      await connections[0].release();
      show(fill());
      await connections[1].release();
      fill(); // with the number of what slept there, if that ended last
      show(await pool.query('select 1').catch(({ code }) => code));
      const closed = pool.close();
      await Promise.all([...asleep, closed]);
      numbers.forEach((number) => ring.remove(number));
      ring.settleUnused();
      const later = await createPool(url);
      show((await later.query('select 1 as a')).rows);
      await later.close();
    })();`);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const full = 'ERR_POLYPOOL_QUEUE_FULL';
  expect(printed(run)).toEqual([full, full, full, [{ a: 1 }]]);
});
