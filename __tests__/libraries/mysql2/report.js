'use strict';
// How the programs here tell what they observed: as those over pg do, with the fields of errors that
// mysql2 gives.

const { count, failure, report } = require('../pg/report.js');

/** What the server said, wherever a library keeps its error. */
async function refusal(promise, sourceOf = (error) => error) {
  const { code, errno, sqlState } = sourceOf(await failure(promise));
  return { code, errno, sqlState };
}

module.exports = { count, failure, refusal, report };
