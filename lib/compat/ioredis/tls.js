'use strict';

/**
 * Option `tls`: anything truthy is TLS from the first byte. The engine's own is the faster one and
 * takes the usual fields; with any other field Node does it, and Node has the last word where the
 * engine refuses a server: programs know its errors, and it takes older certificates.
 */

const net = require('node:net');
const tls = require('node:tls');

/** What the engine can do. */
const OWN = ['ca', 'cert', 'key', 'rejectUnauthorized', 'servername'];
/** Said elsewhere. */
const PLACE = ['host', 'port', 'path', 'family'];

const PEM = '-----BEGIN';

/** Servers that the engine refused and Node accepted. */
const acceptedByNode = new Set();

const nameOf = ({ host, port, path }) => path ?? `${host}:${port}`;

function isPem(given) {
  return (typeof given === 'string' || given instanceof Uint8Array) && String(given).includes(PEM);
}

function isPlain(given) {
  const { ca, cert, key } = given;
  const names = Object.keys(given).filter((name) => given[name] !== undefined);
  if (names.some((name) => !OWN.includes(name) && !PLACE.includes(name))) return false;
  if ((cert === undefined) !== (key === undefined)) return false;
  return [ca ?? PEM, cert ?? PEM, key ?? PEM].flat().every(isPemText);
}

const isPemText = (given) =>
  given === PEM || (given instanceof Uint8Array ? isPem(Buffer.from(given)) : isPem(given));

/** What the engine is told: its own options, or a function that makes the socket. */
function tlsTarget(given, place) {
  const options = typeof given === 'object' ? given : {};
  if (acceptedByNode.has(nameOf(place)) || !isPlain(options)) return byNode(options, place);
  const ssl = { rejectUnauthorized: verifies(options) };
  for (const name of ['ca', 'cert', 'key']) if (options[name]) ssl[name] = options[name];
  const servername = options.servername || place.host;
  if (servername && net.isIP(servername) === 0) ssl.servername = servername;
  return { ssl };
}

const verifies = (options) =>
  'rejectUnauthorized' in options
    ? options.rejectUnauthorized !== false
    : process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0';

function byNode(options, place) {
  return { stream: () => tls.connect({ ...place, ...options }) };
}

/** Whether Node should try where the engine has failed. */
function asksNode({ code, option, reason, cause }) {
  if (code === 'ERR_POLYPOOL_OPTION') return /^ssl/.test(option);
  return reason === 'tls' && cause?.transport === undefined;
}

const noteAcceptedByNode = (place) => acceptedByNode.add(nameOf(place));

module.exports = { asksNode, byNode, noteAcceptedByNode, tlsTarget };
