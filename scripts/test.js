'use strict';
// `npm test`: builds what is out of date, starts the database servers, runs every suite once and
// ends with the line "N passed, N failed", summed from what the runners themselves report.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { build } = require('./build.js');
const { checkExamples } = require('./check-examples.js');
const { prepareDev } = require('./prepare-dev.js');
const { startServers } = require('../__tests__/support/servers.js');

const root = path.join(__dirname, '..');
const jestBinary = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');

const tscBinary = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** Projects of the type tests; `replaced` compiles the same code against a drop-in. */
const TYPES = [
  'tsconfig.json',
  'pg/tsconfig.json',
  'pg/replaced.json',
  'mysql2/tsconfig.json',
  'mysql2/replaced.json',
];

/** Runs a command, shows what it prints and resolves to its exit status and standard output. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      process.stdout.write(text);
    });
    child.on('error', (error) => resolve({ status: error.message, output }));
    child.on('close', (code, signal) => resolve({ status: code ?? signal, output }));
  });
}

/** A runner that failed without naming a failed test counts as one. */
function outcome(status, passed, failed) {
  const broken = status !== 0 || passed + failed === 0;
  return { passed, failed: broken ? Math.max(failed, 1) : failed };
}

async function cargo() {
  const { status, output } = await run('cargo', ['test', '--no-fail-fast']);
  const results = [...output.matchAll(/^test result: .*? (\d+) passed; (\d+) failed;/gm)];
  const total = (group) => results.reduce((sum, match) => sum + Number(match[group]), 0);
  return outcome(status, total(1), total(2));
}

async function jest() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-jest-'));
  const report = path.join(folder, 'report.json');
  try {
    const args = [jestBinary, '--json', `--outputFile=${report}`];
    const { status } = await run(process.execPath, args);
    const result = JSON.parse(fs.readFileSync(report, 'utf8'));
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = result;
    return outcome(status, numPassedTests, numFailedTests + numRuntimeErrorTestSuites);
  } catch (error) {
    return outcome(error.message, 0, 0);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Each file of the type tests is one test: it passes when the compiler has nothing to say. */
async function types() {
  const total = { passed: 0, failed: 0 };
  for (const project of TYPES) {
    const result = await typesOf(path.join('__tests__', 'types', project));
    total.passed += result.passed;
    total.failed += result.failed;
  }
  return total;
}

async function typesOf(project) {
  const args = [tscBinary, '--noEmit', '--pretty', 'false', '-p', project];
  const { status, output } = await run(process.execPath, args);
  const wrong = new Set(
    [...output.matchAll(/^(\S+?)\(\d+,\d+\): error/gm)].map(([, file]) => file),
  );
  return outcome(status, Math.max(filesOf(project).length - wrong.size, 0), wrong.size);
}

/** Those that a project names, or all in its folder. */
function filesOf(project) {
  const { include } = JSON.parse(fs.readFileSync(path.join(root, project), 'utf8'));
  if (!include.includes('*.ts')) return include;
  const names = fs.readdirSync(path.join(root, path.dirname(project)));
  return names.filter((name) => /\.m?ts$/.test(name));
}

async function examples() {
  const { passed, failed } = await checkExamples();
  return outcome(failed, passed, failed);
}

async function suite(name, start) {
  console.log(`\n=== ${name}`);
  const result = await start();
  return { name, ...result };
}

async function withServers(start) {
  const stop = await startServers();
  try {
    return await start();
  } finally {
    await stop();
  }
}

async function main() {
  prepareDev();
  build();
  const results = [await suite('cargo test', cargo), await suite('types', types)];
  await withServers(async () => {
    results.push(await suite('jest', jest));
    results.push(await suite('examples', examples));
  });
  console.log('');
  for (const { name, passed, failed } of results) {
    console.log(`${name}: ${passed} passed, ${failed} failed`);
  }
  return results;
}

function close(results) {
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
  process.exitCode = total('failed') === 0 ? 0 : 1;
  console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
}

main().then(close, (error) => {
  console.error(error);
  close([{ passed: 0, failed: 1 }]);
});
