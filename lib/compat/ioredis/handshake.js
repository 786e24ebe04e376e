'use strict';

/** What a connection says of itself before anything else: protocol, login, database, names. */

const { version } = require('../../../package.json');

const ignore = () => {};

/** By the connection's protocol. */
function* steps(redis) {
  const { condition, options } = redis;
  const { auth, protocol, select } = condition;
  const report = (error) => redis.silentEmit('error', error);
  if (protocol === 3) {
    const [user, password] = Array.isArray(auth) ? auth : ['default', auth];
    const words = auth ? [3, 'AUTH', user, password] : [3];
    yield { isHello: true, send: () => redis.hello(words), failed: loginFailed };
  } else if (auth) {
    yield { send: () => redis.auth(auth), failed: loginFailed };
  }
  if (select) yield { send: () => redis.select(select), failed: report };
  if (options.connectionName) {
    yield { send: () => redis.client('setname', options.connectionName), failed: ignore };
  }
  if (options.readOnly) yield { send: () => redis.readonly(), failed: ignore };
  if (options.disableClientInfo) return;
  const name = `polypool(${options.clientInfoTag || 'ioredis'})`;
  yield { send: () => redis.client('SETINFO', 'LIB-VER', version), failed: ignore };
  yield { send: () => redis.client('SETINFO', 'LIB-NAME', name), failed: ignore };
}

/** All at once: what HELLO is refused with matters more than what that does to the others. */
async function handshake(redis) {
  const sent = [...steps(redis)].map((step) => ({ step, promise: step.send() }));
  const results = await Promise.allSettled(sent.map(({ promise }) => promise));
  const failures = sent
    .map(({ step }, i) => ({ step, reason: results[i].reason }))
    .filter(({ reason }) => reason !== undefined);
  const refused = failures.find(({ step, reason }) => step.isHello && canDowngrade(reason));
  if (refused !== undefined) throw refused.reason;
  for (const { step, reason } of failures) step.failed(reason);
}

/** The server does not know HELLO, or not this protocol. */
function canDowngrade({ message }) {
  const text = String(message).toUpperCase();
  return text.includes('NOPROTO') || (text.includes('UNKNOWN COMMAND') && text.includes('HELLO'));
}

/** The login was not needed, or not in this form: by what the server says. */
const WARNINGS = [
  [
    'no password is set',
    '[WARN] Redis server does not require a password, but a password was supplied.',
  ],
  [
    'without any password configured for the default user',
    "[WARN] This Redis server's `default` user does not require a password, " +
      'but a password was supplied',
  ],
  [
    "wrong number of arguments for 'auth' command",
    `[ERROR] The server returned "wrong number of arguments for 'auth' command". ` +
      'You are probably passing both username and password to Redis version 5 or below. ' +
      "You should only pass the 'password' option for Redis version 5 and under.",
  ],
];

function loginFailed(error) {
  const known = WARNINGS.find(([said]) => error.message?.includes(said));
  if (known === undefined) throw error;
  console.warn(known[1]);
}

module.exports = { canDowngrade, handshake };
