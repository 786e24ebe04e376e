'use strict';

/** What LISTEN and NOTIFY take: refused here, where the message can say why. */

const { PoolError } = require('./errors');

/** NAMEDATALEN less its NUL: LISTEN cuts longer names off in silence. */
const CHANNEL_BYTES = 63;
const PAYLOAD_BYTES = 7999;

/** Throws on what cannot be a channel's name. */
function readChannel(channel) {
  const wrong = (what) => new PoolError('ERR_POLYPOOL_PARAMETER', `the channel ${what}`);
  if (typeof channel !== 'string') throw wrong(`must be a string, not ${typeof channel}`);
  if (channel === '') throw wrong('must not be empty');
  if (channel.includes('\0')) throw wrong('cannot contain a NUL character');
  if (!channel.isWellFormed()) throw wrong('contains half a surrogate pair');
  const bytes = Buffer.byteLength(channel);
  if (bytes > CHANNEL_BYTES) {
    throw wrong(`has ${bytes} bytes, more than the ${CHANNEL_BYTES} that PostgreSQL tells apart`);
  }
  return channel;
}

/** The payload as text; throws on what the server would refuse. */
function readPayload(payload = '') {
  const wrong = (what) => new PoolError('ERR_POLYPOOL_PARAMETER', `the payload ${what}`);
  if (typeof payload !== 'string') throw wrong(`must be a string, not ${typeof payload}`);
  if (payload.includes('\0')) throw wrong('cannot contain a NUL character');
  const bytes = Buffer.byteLength(payload);
  if (bytes > PAYLOAD_BYTES) {
    throw wrong(`has ${bytes} bytes, PostgreSQL takes at most ${PAYLOAD_BYTES}: send a reference`);
  }
  return payload;
}

module.exports = { readChannel, readPayload };
