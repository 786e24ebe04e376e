'use strict';

/**
 * What is replaced: an entry for each package, as in the `exports` of its package.json, with what
 * polypool exports instead. A subpath counts with and without its `.js`; those that are not listed
 * stay with the package.
 */

module.exports = {
  'generic-pool': {
    '.': 'polypool/generic-pool',
    './lib/errors.js': 'polypool/generic-pool/lib/errors',
  },
  'async-pool': { '.': 'polypool/async-pool' },
};
