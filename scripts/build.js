'use strict';
// `npm run build`: the release build of the add-on, put in place for lib/binding.js.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { file } = require('../lib/platform.js');

const root = path.join(__dirname, '..');

/** Runs cargo and returns the path of the library it made, wherever its configuration puts it. */
function compile() {
  const cargo = spawnSync(
    'cargo',
    ['build', '--release', '--lib', '--message-format=json-render-diagnostics'],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (cargo.error) throw new Error(`cargo does not start: ${cargo.error.message}`);
  if (cargo.status !== 0) throw new Error(`cargo build ended with ${cargo.status ?? cargo.signal}`);
  const library = cargo.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ reason, target }) => reason === 'compiler-artifact' && target.name === 'polypool')
    .flatMap(({ filenames }) => filenames)
    .find((name) => /\.(so|dylib|dll)$/.test(name));
  if (!library) throw new Error('cargo build made no shared library');
  return library;
}

/** Copies under another name first: a process that has the old add-on mapped keeps its own file. */
function install(library) {
  const place = path.join(root, file);
  const fresh = `${place}.${process.pid}.tmp`;
  fs.copyFileSync(library, fresh);
  fs.renameSync(fresh, place);
  return place;
}

function build() {
  const place = install(compile());
  const mib = fs.statSync(place).size / 1024 / 1024;
  console.log(`built ${path.relative(root, place)} (${mib.toFixed(2)} MiB)`);
}

module.exports = { build };

if (require.main === module) {
  try {
    build();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
