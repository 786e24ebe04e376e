'use strict';
// ioredis and its drop-in: the same tests run over both. The names are what programs require.

const IMPLEMENTATIONS = [
  ['ioredis', () => require('ioredis')],
  ['polypool/ioredis', () => require('polypool/ioredis')],
];

module.exports = { IMPLEMENTATIONS };
