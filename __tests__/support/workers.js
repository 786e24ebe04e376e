'use strict';
// Programs of several worker threads, in a process of their own.

const { runProgram } = require('./child.js');

/** Runs `worker` in threads of a program; `main` has start(data) and a pool of its own. */
function runWorkers(main, worker, env, timeoutMs) {
  const source = `
    const { workerData, parentPort } = require('node:worker_threads');
    const { createPool, Pool } = require(workerData.entry);
    const url = process.env.TEST_URL;
    const report = (value) => parentPort.postMessage(value);
    ${worker}`;
  const program = `
    const { Worker } = require('node:worker_threads');
    const { once } = require('node:events');
    const entry = require.resolve('./index.js');
    const source = ${JSON.stringify(source)};
    const start = (data) => new Worker(source, { eval: true, workerData: { entry, ...data } });
    const print = (value) => console.log(JSON.stringify(value));
    (async () => { ${main} })();`;
  return runProgram(program, { env, timeoutMs });
}

module.exports = { runWorkers };
