'use strict';

/**
 * TLS by Node: for transports that JavaScript makes, and for fields of option `ssl` that the
 * engine's own TLS lacks. How strict it is the engine says, by the same rules as for its own.
 */

const { readFile } = require('node:fs/promises');
const net = require('node:net');
const tls = require('node:tls');
const { OptionError } = require('./errors');
const { nearest } = require('./options');

/** Fields of `ssl` that the engine's own TLS understands. */
const OWN = ['rejectUnauthorized', 'ca', 'cert', 'key', 'servername'];

/** Further ones of `tls.connect` and `tls.createSecureContext`. */
const NODE = [
  ...['ALPNProtocols', 'allowPartialTrustChain', 'checkServerIdentity', 'ciphers'],
  ...['clientCertEngine', 'crl', 'dhparam', 'ecdhCurve', 'enableTrace', 'honorCipherOrder'],
  ...['maxVersion', 'minDHSize', 'minVersion', 'passphrase', 'pfx', 'privateKeyEngine'],
  ...['privateKeyIdentifier', 'pskCallback', 'requestOCSP', 'secureContext', 'secureOptions'],
  ...['secureProtocol', 'session', 'sessionIdContext', 'sessionTimeout', 'sigalgs', 'ticketKeys'],
];

const FUNCTIONS = ['checkServerIdentity', 'pskCallback'];

/** Whether TLS as asked for takes Node, and what the engine and Node each need to know. */
function readSsl(ssl) {
  if (typeof ssl !== 'object' || ssl === null || Array.isArray(ssl)) {
    return { byNode: false, ssl, node: null };
  }
  const given = Object.keys(ssl).filter((key) => ssl[key] !== undefined && ssl[key] !== null);
  for (const key of given) {
    if (!OWN.includes(key) && !NODE.includes(key)) throw unknown(key);
  }
  const options = Object.fromEntries(given.map((key) => [key, ssl[key]]));
  const byNode = given.some((key) => NODE.includes(key));
  if (!byNode) return { byNode, ssl, node: options };
  for (const key of FUNCTIONS) {
    if (options[key] !== undefined && typeof options[key] !== 'function') {
      throw new OptionError(`option 'ssl.${key}' must be a function`, { option: `ssl.${key}` });
    }
  }
  // What can be wrong with keys and certificates is found now rather than at each connect.
  options.secureContext ??= contextOf(options);
  const { rejectUnauthorized, servername } = options;
  return { byNode, ssl: { rejectUnauthorized, servername }, node: options };
}

function unknown(key) {
  const near = nearest(key, [...OWN, ...NODE]);
  const hint = near === undefined ? '' : `; did you mean 'ssl.${near}'?`;
  return new OptionError(`Unknown option 'ssl.${key}'${hint}`, { option: `ssl.${key}` });
}

function contextOf(options) {
  try {
    return tls.createSecureContext(options);
  } catch (error) {
    // Node quotes the value, which may be a passphrase.
    const reason = String(error.message).replace(/ Received [^]*$/, '');
    throw new OptionError(`option 'ssl' is refused by Node: ${reason}`, { option: 'ssl' });
  }
}

/**
 * Prepares TLS over `raw`; resolves to what begins it and checks what was agreed. `node` are the fields of
 * option `ssl` or null, `verify` is 'full', 'ca' (any name) or 'none', `files` are libpq's.
 */
async function secure(raw, node, { host, verify, files, alpn }) {
  const options = { ...node };
  for (const field of Object.keys(files)) options[field] = await readFile(files[field]);
  options.secureContext ??= contextOf(options);
  if (options.servername === undefined && net.isIP(host) === 0) options.servername = host;
  if (verify === 'ca') options.checkServerIdentity ??= () => undefined;
  // Said in any case: NODE_TLS_REJECT_UNAUTHORIZED must not decide.
  options.rejectUnauthorized = verify !== 'none';
  if (alpn !== null) options.ALPNProtocols = [alpn];
  const begin = () => tls.connect({ ...options, host, socket: raw });
  // A server that ignores what it was asked to speak may be another than PostgreSQL's.
  const checkProtocol = (socket) => {
    if (alpn === null || socket.alpnProtocol === alpn) return;
    throw new Error("the server does not take TLS from the first byte (option 'sslnegotiation')");
  };
  return { begin, checkProtocol };
}

module.exports = { readSsl, secure };
