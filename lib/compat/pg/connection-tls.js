'use strict';

/** TLS over the socket of a Connection that connects by itself. */

const net = require('node:net');
const tls = require('node:tls');

/** By what the server answers to the question for TLS. */
const REFUSALS = new Map([
  ['N', 'The server does not support SSL connections'],
  ['', 'There was an error establishing an SSL connection'],
]);

/** Has `take(stream)` called as soon as there is a TLS socket; what it finds wrong is an error. */
function secure(connection, host, take) {
  const { stream } = connection;
  const begin = () => {
    try {
      take(tls.connect(optionsOf(connection, host)));
    } catch (error) {
      connection.emit('error', error);
    }
  };
  if (connection.sslNegotiation === 'direct') {
    stream.once('connect', begin);
    return;
  }
  // More than the one letter is not of the server, or not for a client that has asked for TLS.
  stream.once('data', (answer) => {
    const text = String(answer);
    if (text === 'S') {
      begin();
      return;
    }
    stream.end();
    connection.emit('error', new Error(REFUSALS.get(text) ?? REFUSALS.get('')));
  });
}

function optionsOf({ ssl, sslNegotiation, stream }, host) {
  const options = { host, ...(ssl !== true && ssl), socket: stream };
  // A client hides it.
  if (ssl.key) options.key = ssl.key;
  if (sslNegotiation === 'direct') options.ALPNProtocols = ['postgresql'];
  if (net.isIP(host) === 0) options.servername = host;
  return options;
}

module.exports = { secure };
