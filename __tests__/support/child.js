'use strict';
// Programs in a process of their own: what they do to it must not reach the test runner.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { url } = require('./urls.js');

const root = path.join(__dirname, '..', '..');

/** What every program of `runProgram` starts with. */
const PREAMBLE = `
const polypool = require('./index.js');
const { createPool, Pool, connect } = polypool;
const url = process.env.TEST_URL;
`;

/**
 * Runs Node. `onOutput(text, child)` sees its standard output as it comes. A program that does not
 * end is killed: its signal is then SIGKILL.
 */
async function runNode(args, { cwd = root, env = {}, onOutput, timeoutMs = 50_000 } = {}) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const result = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      result[stream] += text;
      if (stream === 'stdout') onOutput?.(result.stdout, child);
    });
  }
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  return { ...result, code, signal };
}

/** Runs a CommonJS program from the root of the repository. */
function runProgram(program, { flags = [], env = {}, ...options } = {}) {
  const args = [...flags, '-e', PREAMBLE + program];
  return runNode(args, { env: { TEST_URL: url(), ...env }, ...options });
}

/** The lines that a program printed as JSON. */
const printed = ({ stdout }) =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

module.exports = { runNode, runProgram, printed };
