'use strict';
// Loads the add-on: the one built in this checkout if there is one, else the platform package that
// npm chose by its `os` and `cpu`. Nothing is downloaded or compiled here.

const { existsSync } = require('node:fs');
const path = require('node:path');
const target = require('./platform.js');

const built = path.join(__dirname, '..', target.file);

function load() {
  try {
    return existsSync(built) ? require(built) : require(target.package);
  } catch (cause) {
    throw new Error(
      `polypool has no usable add-on for ${target.platform}: install the optional dependency ` +
        `${target.package}, or run "npm run build" in a checkout (${cause.message.split('\n')[0]})`,
      { cause },
    );
  }
}

module.exports = load();
