'use strict';

/** The tracing channels of ioredis, for those who subscribe to them. */

const { tracingChannel } = require('node:diagnostics_channel');

const PARTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];

const channels = {
  command: tracingChannel('ioredis:command'),
  batch: tracingChannel('ioredis:batch'),
  connect: tracingChannel('ioredis:connect'),
};

/** Older versions of Node say it of the parts alone. */
function isHeard(channel) {
  return channel.hasSubscribers ?? PARTS.some((part) => channel[part].hasSubscribers);
}

const ignore = () => {};

function trace(channel, act, contextOf) {
  if (!isHeard(channel)) return act();
  const traced = channel.tracePromise(act, contextOf());
  // Whoever waits hears of failures; nobody may.
  traced.catch(ignore);
  return traced;
}

const isCommandTraced = () => isHeard(channels.command);
const traceCommand = (act, contextOf) => trace(channels.command, act, contextOf);
const traceBatch = (act, contextOf) => trace(channels.batch, act, contextOf);
const traceConnect = (act, contextOf) => trace(channels.connect, act, contextOf);

/** How many arguments may be shown, by how a command begins; the others are data or secrets. */
const SHOWN = [
  [0, ['echo']],
  [1, ['getset', 'lpush', 'mset', 'pfa', 'psetex', 'publish', 'rpush', 'sadd', 'set', 'spublish']],
  [1, ['xadd', 'zadd']],
  [2, ['hset', 'hmset', 'lset', 'linsert']],
  [Infinity, ['acl', 'bit', 'bl', 'br', 'bz', 'client', 'cluster', 'config', 'command', 'decr']],
  [Infinity, ['del', 'eval', 'ex', 'function', 'geo', 'get', 'hincr', 'hmget', 'hscan', 'incr']],
  [Infinity, ['lt', 'lr', 'll', 'lm', 'memory', 'pe', 'pf', 'pi', 'ps', 'pt', 'pu', 'rpop']],
  [Infinity, ['sc', 'sd', 'si', 'sm', 'so', 'sr', 'ss', 'su', 'xack', 'xc', 'xd', 'xg', 'xi']],
  [Infinity, ['xl', 'xp', 'xr', 'xt', 'zc', 'zd', 'zi', 'zl', 'zm', 'zp', 'zr', 'zs']],
];

function shownArguments(name, args) {
  const lower = name.toLowerCase();
  const rule = SHOWN.find(([, starts]) => starts.some((start) => lower.startsWith(start)));
  const [shown] = rule ?? [0];
  return args.map((word, i) => (i < shown ? String(word) : '?'));
}

module.exports = { isCommandTraced, shownArguments, traceBatch, traceCommand, traceConnect };
