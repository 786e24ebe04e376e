'use strict';
// mysql2 and its drop-in: the same tests run over both. The names are what programs require.

const IMPLEMENTATIONS = [
  ['mysql2', { mysql: () => require('mysql2'), promise: () => require('mysql2/promise') }],
  [
    'polypool/mysql2',
    {
      mysql: () => require('../../../lib/compat/mysql2'),
      promise: () => require('../../../lib/compat/mysql2/promise'),
    },
  ],
];

/** The kinds of server, for tests of what depends on them. */
const SERVERS = [['mariadb'], ['mysql']];

module.exports = { IMPLEMENTATIONS, SERVERS };
