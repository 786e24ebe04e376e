'use strict';
// The engine's thread looks for work for a moment before it sleeps, as POLYPOOL_SPIN_US says.

const { runProgram } = require('../support/child.js');

/** Some queries one after the other, then the share of a processor that an idle second takes. */
const BUSY_THEN_IDLE = `
  createPool(url).then(async (pool) => {
    for (let i = 0; i < 500; i++) await pool.query('select 1');
    const before = process.cpuUsage();
    const begun = process.hrtime.bigint();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { user, system } = process.cpuUsage(before);
    const elapsed = Number(process.hrtime.bigint() - begun) / 1000;
    console.log(JSON.stringify((user + system) / elapsed));
    await pool.close();
  });`;

test.each(['', '0', '10000'])('an idle pool takes no processor with %j', async (limit) => {
  const env = { POLYPOOL_SPIN_US: limit };
  const { code, stdout, stderr } = await runProgram(BUSY_THEN_IDLE, { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toBeLessThan(0.5);
});

test.each(['soon', '-1', '10001', '1.5'])('%j is refused by name', async (limit) => {
  const program = `createPool(url).catch((error) => console.log(error.message));`;
  const { stdout } = await runProgram(program, { env: { POLYPOOL_SPIN_US: limit } });
  expect(stdout).toMatch(/POLYPOOL_SPIN_US has to be a number from 0 to 10000/);
});
