'use strict';

const { EventEmitter } = require('node:events');

const NOT_MADE =
  'polypool/ioredis connects to one server: it has no Redis Cluster. Use ioredis for it';

/** There for `instanceof`; a cluster is not made. */
class Cluster extends EventEmitter {
  constructor() {
    super();
    throw new Error(NOT_MADE);
  }
}

module.exports = { Cluster };
