'use strict';

/** What a pool says: pg-pool's words, and of what pg-pool does not tell the core's. */

const { REJECTED } = require('../../resources');

const ENDED = 'Cannot use a pool after calling end on the pool';
const ENDED_TWICE = 'Called end on pool more than once';
const RELEASED_TWICE = 'Release called on client which has already been released to the pool.';
const NO_CLIENT = 'timeout exceeded when trying to connect';
const NOT_A_QUERY = 'Passing a function as the first parameter to pool.query is not supported';

/** Why somebody gets no client; `lastError`: what the last one was that could not be made. */
function refusalOf(why, lastError) {
  if (why === REJECTED.TIMEOUT) return new Error(NO_CLIENT);
  if (why !== REJECTED.CREATE) return new Error(ENDED);
  const { thrown } = lastError;
  return thrown || new Error('The client could not be connected', { cause: thrown });
}

function warnOfLoss(error) {
  process.emitWarning(
    `An idle client was lost: ${error?.message}. The pool goes on; ` +
      "to hear of the next one, add a listener with pool.on('error', listener)",
    { type: 'PolypoolWarning', code: 'POLYPOOL_IDLE_CLIENT_LOST' },
  );
}

module.exports = {
  ENDED,
  ENDED_TWICE,
  NOT_A_QUERY,
  RELEASED_TWICE,
  refusalOf,
  warnOfLoss,
};
