'use strict';
// pg and its drop-in: the same tests run over both. The names are what programs require.

const IMPLEMENTATIONS = [
  ['pg', () => require('pg')],
  ['polypool/pg', () => require('../../../lib/compat/pg')],
];

module.exports = { IMPLEMENTATIONS };
