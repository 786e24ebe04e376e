'use strict';
// Programs that come in Debian packages: found, or installed where that is allowed.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const isRoot = process.getuid?.() === 0;

function onPath(command) {
  return process.env.PATH.split(path.delimiter).some((dir) =>
    fs.existsSync(path.join(dir, command)),
  );
}

function install(packages) {
  const options = {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  execFileSync('apt-get', ['update', '-q'], options);
  execFileSync('apt-get', ['install', '-qy', '--no-install-recommends', ...packages], options);
}

module.exports = { install, isRoot, onPath };
