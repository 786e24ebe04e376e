'use strict';
// Several processes over one server: the warning when their pools together want more than it has.

const { observe } = require('../support/pools.js');
const { printed, runProgram } = require('../support/child.js');
const { siblings } = require('../../lib/budget.js');
const os = require('node:os');

const WATCH = `
  const warnings = [];
  process.on('warning', (warning) => warnings.push(warning));
  const print = (value) => console.log(JSON.stringify(value));
  const report = async (pool) => {
    await pool.query('select 1');
    await new Promise(setImmediate);
    while (pool.stats().inUse > 0) await new Promise(setImmediate);
    await pool.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    print(warnings.filter(({ code }) => code === 'POLYPOOL_MAX_CONNECTIONS').map(({ message }) => message));
  };`;

const PM2 = { NODE_APP_INSTANCE: '0', instances: '4' };

const available = async () => {
  const [row] = await observe(`select current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int as n`);
  return row.n;
};

test('a process alone is not asked', async () => {
  const run = await runProgram(
    `${WATCH} createPool(url, { max: 1000 }).then(async (pool) => {
       print(pool.stats().acquired);
       await report(pool);
     });`,
  );
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(printed(run)).toEqual([0, []]);
});

test('under PM2 the processes are those of its instances', async () => {
  const most = await available();
  const max = Math.floor(most / 4) + 1;
  const program = (limit) => `${WATCH}
    createPool(url, { name: 'web', max: ${limit} }).then(report)`;
  const over = await runProgram(program(max), { env: PM2 });
  expect(over.code).toBe(0);
  const [[message]] = printed(over);
  expect(message).toContain(`pool 'web': max (${max}) x 4 processes = ${max * 4}`);
  expect(message).toContain(`the server has ${most}`);
  expect(message).toContain(`Lower max to ${max - 1}`);
  expect(message).toContain("PM2's 'instances' (4)");
  const within = await runProgram(program(max - 1), { env: PM2 });
  expect(printed(within)).toEqual([[]]);
});

test('it warns once, for lazy pools too', async () => {
  const run = await runProgram(
    `${WATCH} (async () => {
       const first = new Pool(url, { max: 1000 });
       await first.query('select 1');
       await report(first);
       await report(await createPool(url, { max: 1000 }));
     })();`,
    { env: PM2 },
  );
  expect(run.code).toBe(0);
  expect(printed(run).map((messages) => messages.length)).toEqual([1, 1]);
});

test('a worker of cluster assumes one process for each processor', async () => {
  const program = `
    const cluster = require('node:cluster');
    if (cluster.isPrimary) {
      cluster.setupPrimary({ exec: process.env.WORKER, execArgv: [] });
      cluster.fork().on('exit', (code) => (process.exitCode = code));
    }`;
  const fs = require('node:fs');
  const path = require('node:path');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-cluster-'));
  const file = path.join(folder, 'worker.js');
  const entry = JSON.stringify(path.join(__dirname, '..', '..', 'index.js'));
  fs.writeFileSync(
    file,
    `const { createPool } = require(${entry}); const url = process.env.TEST_URL; ${WATCH}
     createPool(url, { max: 1000 }).then(report).then(() => process.disconnect());`,
  );
  try {
    const run = await runProgram(program, { env: { WORKER: file } });
    expect(run).toMatchObject({ code: 0 });
    const [[message]] = printed(run);
    const cores = os.availableParallelism();
    expect(message).toContain(`max (1000) x ${cores} processes`);
    expect(message).toContain(`one worker for each processor assumed (${cores})`);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('what tells how many processes there are', () => {
  const cores = os.availableParallelism();
  expect(siblings({}, false)).toBe(null);
  expect(siblings({}, true)).toMatchObject({ count: cores });
  const pm2 = (instances) => siblings({ NODE_APP_INSTANCE: '3', instances }, true).count;
  expect([pm2('8'), pm2('max'), pm2('0'), pm2(undefined)]).toEqual([8, cores, cores, cores]);
  expect(pm2('-1')).toBe(Math.max(1, cores - 1));
});
