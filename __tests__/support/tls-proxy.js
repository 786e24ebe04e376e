'use strict';
// Ends the client's TLS with a certificate of its own and speaks to the server over another TLS
// connection: what a man in the middle does, and some poolers and load balancers too.

const { once } = require('node:events');
const net = require('node:net');
const tls = require('node:tls');

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const PLUS = Buffer.from('SCRAM-SHA-256-PLUS\0');

class TlsProxy {
  #server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
  #sockets = new Set();
  #target;
  #certificate;
  #withoutPlus;

  /** Per connection of a client: whether it asked for TLS, and whether it resumed a session. */
  clients = [];

  /** `withoutPlus` hides from clients that the server offers channel binding. */
  static async open(target, certificate, { withoutPlus = false } = {}) {
    const proxy = new TlsProxy();
    proxy.#target = target;
    // One context: it knows the tickets of the sessions that can be resumed.
    proxy.#certificate = { secureContext: tls.createSecureContext(certificate) };
    proxy.#withoutPlus = withoutPlus;
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port() {
    return this.#server.address().port;
  }

  #keep(socket) {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => this.#sockets.delete(socket));
    return socket;
  }

  async #accept(socket) {
    this.#keep(socket);
    const client = { asked: false, resumed: false };
    this.clients.push(client);
    try {
      const [first] = await once(socket, 'data');
      client.asked = first.equals(SSL_REQUEST);
      if (!client.asked) return socket.destroy();
      socket.write('S');
      const secure = new tls.TLSSocket(socket, { isServer: true, ...this.#certificate });
      this.#keep(secure);
      await once(secure, 'secure');
      client.resumed = secure.isSessionReused();
      this.#join(secure, await this.#connect());
    } catch {
      socket.destroy();
    }
  }

  async #connect() {
    const socket = this.#keep(net.connect(this.#target));
    socket.write(SSL_REQUEST);
    await once(socket, 'data');
    const secure = this.#keep(tls.connect({ socket, rejectUnauthorized: false }));
    await once(secure, 'secureConnect');
    return secure;
  }

  #join(client, server) {
    client.on('data', (chunk) => server.write(chunk)).on('close', () => server.destroy());
    server.on('data', (chunk) => client.write(this.#withoutPlus ? hide(chunk) : chunk));
    server.on('close', () => client.end());
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** The offer of mechanisms is one message in one chunk: its name comes out, its length shrinks. */
function hide(chunk) {
  const at = chunk.indexOf(PLUS);
  if (chunk[0] !== 'R'.charCodeAt(0) || at < 0) return chunk;
  const shorter = Buffer.concat([chunk.subarray(0, at), chunk.subarray(at + PLUS.length)]);
  shorter.writeInt32BE(shorter.readInt32BE(1) - PLUS.length, 1);
  return shorter;
}

module.exports = { TlsProxy };
