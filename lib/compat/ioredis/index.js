'use strict';

/** What package ioredis exports: the class, with everything else as its properties. */

const { Cluster } = require('./cluster');
const { Command } = require('./command');
const { AbstractConnector } = require('./connectors');
const { ReplyError } = require('./errors');
const { Pipeline } = require('./pipeline');
const { Redis } = require('./redis');
const { ScanStream } = require('./scan-stream');
const { SentinelConnector, SentinelIterator } = require('./sentinel');

exports = module.exports = Redis;

exports.default = Redis;
exports.Redis = Redis;
exports.Cluster = Cluster;
exports.Command = Command;
exports.ScanStream = ScanStream;
exports.Pipeline = Pipeline;
exports.AbstractConnector = AbstractConnector;
exports.SentinelConnector = SentinelConnector;
exports.SentinelIterator = SentinelIterator;
exports.ReplyError = ReplyError;
exports.print = print;

Object.defineProperty(exports, '__esModule', { value: true });
Object.defineProperty(exports, 'Promise', {
  configurable: true,
  get: () => warn() ?? Promise,
  set: warn,
});

function warn() {
  console.warn(
    'ioredis v5 does not support plugging third-party Promise library anymore. ' +
      'Native Promise will be used.',
  );
}

/** A callback that tells the console. */
function print(error, reply) {
  console.log(error ? `Error: ${error}` : `Reply: ${reply}`);
}
