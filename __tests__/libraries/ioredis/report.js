'use strict';
// How the programs here tell what they observed: as those over pg do.

const { failure, report } = require('../pg/report.js');

/** Where the program finds its server. */
function place() {
  const { hostname, port } = new URL(process.env.DATABASE_URL);
  return { host: hostname, port: Number(port) };
}

module.exports = { failure, place, report };
