'use strict';

/** LISTEN and NOTIFY: what they take, refused here, where the message can say why; how to listen. */

const { DatabaseError, PoolError } = require('./errors');
const { escapeIdentifier } = require('./escape');

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

const isRefusal = (error) => error instanceof DatabaseError && error.severity === 'ERROR';

/** LISTEN: what a channel is known by is its name. */
const LISTENING = {
  event: 'notification',
  command: 'LISTEN',
  // A standby takes no LISTEN, and notifications are sent at the primary.
  options: { replicas: undefined, target_session_attrs: 'primary' },
  isRefusal,
  agree(connection, wanted, unwanted, timeoutMs) {
    const commands = [
      ...wanted.map((channel) => `LISTEN ${escapeIdentifier(channel)}`),
      ...unwanted.map((channel) => `UNLISTEN ${escapeIdentifier(channel)}`),
    ];
    return connection.query(commands.join('; '), undefined, { timeoutMs });
  },
  check: (connection, timeoutMs) => connection.query('select 1', undefined, { timeoutMs }),
  /** `text`: channel, NUL, payload. */
  read(processId, text) {
    const cut = text.indexOf('\0');
    const [channel, payload] = [text.slice(0, cut), text.slice(cut + 1)];
    return { key: channel, told: { channel, payload, processId } };
  },
  present: (told) => ({ ...told }),
};

module.exports = { LISTENING, readChannel, readPayload };
