'use strict';
// Projects as users have them: a folder each, with polypool in its node_modules and nothing else
// that the test does not bring. They are removed after each test.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { printed, runNode } = require('./child.js');

const root = path.join(__dirname, '..', '..');

const folders = [];

afterEach(() => {
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

/** Makes a project of texts by their path; returns its folder. */
function project(files) {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-project-')));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  fs.mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
  fs.symlinkSync(root, path.join(folder, 'node_modules', 'polypool'));
  return folder;
}

/** The files of a package in node_modules, by their path in the project. */
function installed(name, files) {
  const manifest = JSON.stringify({ name, version: '1.2.3' });
  const all = { 'package.json': manifest, 'index.js': 'exports.isReal = true;', ...files };
  return Object.fromEntries(
    Object.entries(all).map(([file, text]) => [`node_modules/${name}/${file}`, text]),
  );
}

/** Runs Node in a project of these files, or in the folder of one. */
function runIn(files, args, { env, ...options } = {}) {
  const cwd = typeof files === 'string' ? files : project(files);
  return runNode(args, { cwd, env: { POLYPOOL_REGISTER: '', ...env }, ...options });
}

/** What a program prints that has nothing to complain of. */
async function linesOf(files, args, options) {
  const result = await runIn(files, args, options);
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
  return printed(result);
}

module.exports = { root, project, installed, runIn, linesOf };
