'use strict';

/**
 * Option `ssl`: a server is checked by its authority, and by its name with `verifyIdentity`. The
 * engine's own TLS is the faster one and takes the usual fields. Whatever it has no field for goes
 * to Node's, and so does the last word where it refuses a server: Node's errors are what programs
 * know.
 */

const tls = require('node:tls');

/** Of these the engine can do with texts and bytes. */
const OWN = ['ca', 'cert', 'key'];

/** What only Node does. Fields of neither list are ignored. */
const NODE = ['ciphers', 'passphrase', 'minVersion', 'maxVersion'];

/** The engine's options. */
function sslOf(given, byNode) {
  if (!given) return { ssl: false };
  const { rejectUnauthorized, verifyIdentity } = given;
  const fields = {};
  for (const key of [...OWN, ...NODE]) if (given[key]) fields[key] = given[key];
  if (byNode || NODE.some((key) => fields[key] !== undefined)) {
    const check = verifyIdentity ? {} : { checkServerIdentity: () => undefined };
    const secureContext = tls.createSecureContext(fields);
    return { ssl: { ...fields, rejectUnauthorized, secureContext, ...check } };
  }
  const checked = verifyIdentity ? 'verify_identity' : 'verify_ca';
  return { ssl: fields, sslmode: rejectUnauthorized === false ? 'required' : checked };
}

/** Whether Node should try where the engine has failed. */
function asksNode({ code, option, reason, errno, cause }) {
  if (code === 'ERR_POLYPOOL_OPTION') return /^ssl/.test(option);
  return reason === 'tls' && cause?.transport === undefined && errno !== 'ERR_TLS_NOT_OFFERED';
}

module.exports = { asksNode, sslOf };
