'use strict';

/** How a hub subscribes to channels of Redis. A channel is known by the letter of its kind and its name. */

const { DatabaseError } = require('../errors');
const { wrong } = require('./words');

const KINDS = [
  { letter: 'c', message: 'message', verb: 'SUBSCRIBE', end: 'UNSUBSCRIBE' },
  { letter: 'p', message: 'pmessage', verb: 'PSUBSCRIBE', end: 'PUNSUBSCRIBE' },
  { letter: 's', message: 'smessage', verb: 'SSUBSCRIBE', end: 'SUNSUBSCRIBE' },
];

const BY_MESSAGE = new Map(KINDS.map((kind) => [kind.message, kind]));

/** The server is not ready yet: no word about the channel. */
const PASSING = new Set(['LOADING', 'MASTERDOWN', 'TRYAGAIN', 'CLUSTERDOWN']);

/** What a subscription asks for is known by; throws on what cannot be a channel. */
function keyOf(channel, { pattern = false, sharded = false }) {
  if (typeof channel !== 'string' || channel === '') {
    throw wrong('the channel must be a string that is not empty');
  }
  if (pattern && sharded) {
    throw wrong("options 'pattern' and 'sharded' exclude each other");
  }
  return `${pattern ? 'p' : sharded ? 's' : 'c'}${channel}`;
}

const SUBSCRIBING = {
  event: 'message',
  command: 'SUBSCRIBE',
  options: {},
  isRefusal: (error) => error instanceof DatabaseError && !PASSING.has(error.code),

  async agree(connection, wanted, unwanted, timeoutMs) {
    const asked = [];
    for (const { letter, verb, end } of KINDS) {
      const namesOf = (keys) => keys.filter((key) => key[0] === letter).map((key) => key.slice(1));
      for (const [command, names] of [
        [verb, namesOf(wanted)],
        [end, namesOf(unwanted)],
      ]) {
        if (names.length > 0) asked.push(connection.query(command, names, { timeoutMs }));
      }
    }
    await Promise.all(asked);
  },

  check: (connection, timeoutMs) => connection.query('PING', [], { timeoutMs }),

  /** A push: its kind, the pattern if it came by one, channel and message, all bytes. */
  read(push) {
    const kind = Array.isArray(push) ? BY_MESSAGE.get(String(push[0])) : undefined;
    if (kind === undefined) return undefined;
    const [by, channel, message] = push.length > 3 ? push.slice(1) : [push[1], ...push.slice(1)];
    const pattern = push.length > 3 ? String(by) : null;
    const told = { channel: String(channel), message, pattern };
    return { key: kind.letter + String(by), told };
  },

  present({ channel, message, pattern }, options) {
    return { channel, message: options?.buffers ? message : String(message), pattern };
  },
};

module.exports = { SUBSCRIBING, keyOf };
