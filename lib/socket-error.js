'use strict';

/** What the engine's sockets fail with, as Node's own sockets would say it. */

const { getSystemErrorMap, getSystemErrorName } = require('node:util');

/** Of what the engine tells of a socket; null where the other side has ended, which is no error. */
function socketError({ syscall, os, address, port }, code) {
  if (os === null && syscall !== 'connect') return null;
  const [errno, name] = systemError(os, code);
  const place = port === undefined ? address : `${address}:${port}`;
  const error = new Error([syscall, name, place].filter(Boolean).join(' '));
  Object.assign(error, { errno, code: name, syscall });
  if (address !== undefined) error.address = address;
  if (port !== undefined) error.port = port;
  return error;
}

/** Node's number and name; Windows has numbers of its own, and our own patience has none. */
function systemError(os, code) {
  if (os !== null && process.platform !== 'win32') return [-os, getSystemErrorName(-os)];
  const known = [...getSystemErrorMap()].find(([, [name]]) => name === code);
  return [known?.[0] ?? -os, code];
}

module.exports = { socketError };
