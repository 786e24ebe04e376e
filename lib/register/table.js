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
  pg: {
    '.': 'polypool/pg',
    './lib/client.js': 'polypool/pg/lib/client',
    './lib/connection.js': 'polypool/pg/lib/connection',
    './lib/connection-parameters.js': 'polypool/pg/lib/connection-parameters',
    './lib/defaults.js': 'polypool/pg/lib/defaults',
    './lib/query.js': 'polypool/pg/lib/query',
    './lib/result.js': 'polypool/pg/lib/result',
    './lib/type-overrides.js': 'polypool/pg/lib/type-overrides',
    './lib/utils.js': 'polypool/pg/lib/utils',
  },
  'pg-pool': { '.': 'polypool/pg-pool' },
  mysql2: {
    '.': 'polypool/mysql2',
    './promise.js': 'polypool/mysql2/promise',
  },
  ioredis: {
    '.': 'polypool/ioredis',
    './built/index.js': 'polypool/ioredis',
    './built/utils': 'polypool/ioredis/built/utils',
    './built/utils/index.js': 'polypool/ioredis/built/utils',
  },
};
