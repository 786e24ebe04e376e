'use strict';

/**
 * Option `ssl` as `pg` means it: anything truthy is TLS for certain, objects are options of
 * `tls.connect`. The engine's own TLS is the faster one and takes the usual fields. Whatever it
 * has no field for goes to Node's, and so does the last word where it refuses a server: Node's
 * errors are what programs know, and certificates may be older than the engine likes.
 */

const net = require('node:net');
const tls = require('node:tls');

/** Of these the engine can do with texts and bytes. */
const OWN = ['ca', 'cert', 'key'];

/** What only Node does. Fields of neither list were ignored by Node too. */
const NODE = [
  ...['ALPNProtocols', 'allowPartialTrustChain', 'checkServerIdentity', 'ciphers'],
  ...['clientCertEngine', 'crl', 'dhparam', 'ecdhCurve', 'enableTrace', 'honorCipherOrder'],
  ...['maxVersion', 'minDHSize', 'minVersion', 'passphrase', 'pfx', 'privateKeyEngine'],
  ...['privateKeyIdentifier', 'pskCallback', 'requestOCSP', 'secureContext', 'secureOptions'],
  ...['secureProtocol', 'session', 'sessionIdContext', 'sessionTimeout', 'sigalgs', 'ticketKeys'],
];

/** Servers whose TLS the engine refused and Node accepted. */
const acceptedByNode = new Set();

/** False, or the engine's option `ssl`. Throws what Node says of keys and certificates. */
function readSsl(ssl, host, byNode) {
  if (!ssl) return false;
  const given = typeof ssl === 'object' ? ssl : {};
  const options = { rejectUnauthorized: verifies(given) };
  for (const key of [...OWN, ...NODE]) {
    if (given[key] !== undefined && given[key] !== null) options[key] = given[key];
  }
  // The name of the server is stronger than the one given; an address has none.
  if (net.isIP(host) !== 0 && given.servername) options.servername = given.servername;
  if (byNode || !isPlain(options)) options.secureContext ??= tls.createSecureContext(given);
  return options;
}

/** As `tls.connect`: only false counts, and the environment where the field is not there. */
function verifies(given) {
  if ('rejectUnauthorized' in given) return given.rejectUnauthorized !== false;
  return process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0';
}

function isPlain(options) {
  const { ca, cert, key } = options;
  if (NODE.some((name) => options[name] !== undefined)) return false;
  if ((cert === undefined) !== (key === undefined)) return false;
  const authorities = ca === undefined ? [] : [ca].flat();
  if (ca !== undefined && authorities.length === 0) return false;
  return [...authorities, cert ?? PEM, key ?? PEM].every(isPem);
}

const PEM = '-----BEGIN';

function isPem(given) {
  const text = given instanceof Uint8Array ? Buffer.from(given).toString('latin1') : given;
  return typeof text === 'string' && text.includes(PEM);
}

/**
 * Whether Node's TLS should try where the engine has failed, with `targetOf(..., { byNode: true })`:
 * the engine's TLS refused, or could not use the options.
 */
function asksNode({ code, option, reason, errno, cause }, { sslNegotiation }) {
  if (code === 'ERR_POLYPOOL_OPTION') return /^ssl\b/.test(option);
  if (reason !== 'tls' || cause?.transport !== undefined) return false;
  return errno !== 'ERR_TLS_NOT_OFFERED' || sslNegotiation === 'direct';
}

const nameOf = ({ host, port }) => `${host}:${port}`;

/** The engine need not be asked again. */
function noteAcceptedByNode(client) {
  acceptedByNode.add(nameOf(client));
}

function isAcceptedByNode(client) {
  return acceptedByNode.has(nameOf(client));
}

module.exports = { asksNode, isAcceptedByNode, noteAcceptedByNode, readSsl };
