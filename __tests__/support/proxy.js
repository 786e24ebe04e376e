'use strict';
// A TCP proxy in front of a server that misbehaves on request. What it does to a connection is
// decided when the connection arrives (`behave`), except for freeze(), thaw() and cut().

const { EventEmitter, once } = require('node:events');
const net = require('node:net');

/**
 * Each takes the bytes of the server and says what reaches the client. `sent` is how many bytes of
 * this connection went through before.
 */
const BEHAVIOURS = {
  pass: () => (chunk, client) => client.write(chunk),

  /** n bytes per turn of the event loop: every message arrives in pieces. */
  drip: ({ bytes = 1 } = {}) => {
    let pending = Buffer.alloc(0);
    let running = false;
    const step = (client) => {
      running = pending.length > 0 && !client.destroyed;
      if (!running) return;
      client.write(pending.subarray(0, bytes));
      pending = pending.subarray(bytes);
      setImmediate(step, client);
    };
    return (chunk, client) => {
      pending = Buffer.concat([pending, chunk]);
      if (!running) step(client);
    };
  },

  /** The connection is reset after n bytes of the server. */
  cut: ({ after }) => limited(after, reset),

  /** The server's side is closed after n bytes while the client may still write. */
  halfClose: ({ after }) => limited(after, (client) => client.end()),

  /** Byte n of the server arrives changed. */
  corrupt: ({ at, mask = 0xff }) => {
    let sent = 0;
    return (chunk, client) => {
      if (at >= sent && at < sent + chunk.length) {
        chunk = Buffer.from(chunk);
        chunk[at - sent] ^= mask;
      }
      sent += chunk.length;
      client.write(chunk);
    };
  },

  /** Nothing is forwarded and nothing is answered. */
  blackHole: () => null,
};

function limited(after, finish) {
  let sent = 0;
  return (chunk, client) => {
    const rest = after - sent;
    if (rest < 0) return;
    sent += chunk.length;
    if (rest > 0) client.write(chunk.subarray(0, rest));
    if (sent >= after) {
      sent = after + 1;
      finish(client);
    }
  };
}

/**
 * Not by resetAndDestroy() while end() is under way: it fails with EINVAL, and the handle that Node
 * then forgets to close keeps the process from ever exiting.
 */
function reset(socket) {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

class Proxy extends EventEmitter {
  #target;
  #behaviour = { mode: 'pass' };
  #server = net.createServer({ allowHalfOpen: true, noDelay: true }, (s) => this.#accept(s));
  #pairs = new Set();
  #frozen = false;

  /** Connections accepted so far, and bytes that went from the server to clients. */
  accepted = 0;
  delivered = 0;

  static async open(target) {
    const proxy = new Proxy();
    proxy.#target = target;
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port() {
    return this.#server.address().port;
  }

  get connections() {
    return this.#pairs.size;
  }

  /** How connections that arrive from now on are treated, e.g. behave('cut', { after: 20 }). */
  behave(mode, options) {
    if (!BEHAVIOURS[mode]) throw new Error(`no such behaviour: ${mode}`);
    this.#behaviour = { mode, options };
  }

  #accept(client) {
    this.accepted += 1;
    const deliver = BEHAVIOURS[this.#behaviour.mode](this.#behaviour.options);
    const pair = { client, upstream: deliver && net.connect(this.#target), deliver };
    this.#pairs.add(pair);
    client.setNoDelay(true);
    const end = () => {
      client.destroy();
      pair.upstream?.destroy();
      if (this.#pairs.delete(pair)) this.emit('closed');
    };
    client.on('error', end).on('close', end);
    if (pair.upstream) this.#join(pair, end);
    else client.resume().on('end', end);
    this.emit('connection', client);
  }

  #join({ client, upstream, deliver }, end) {
    upstream.setNoDelay(true);
    upstream.on('error', end);
    upstream.on('data', (chunk) => {
      this.delivered += chunk.length;
      deliver(chunk, client);
      this.emit('delivered', chunk);
    });
    upstream.on('end', () => client.writable && client.end());
    client.on('data', (chunk) => upstream.write(chunk));
    client.on('end', () => upstream.end());
    if (this.#frozen) this.#hold(true);
  }

  #hold(frozen) {
    for (const { client, upstream } of this.#pairs) {
      client[frozen ? 'pause' : 'resume']();
      upstream?.[frozen ? 'pause' : 'resume']();
    }
  }

  /** Bytes stop in both directions while every socket stays open. */
  freeze() {
    this.#frozen = true;
    this.#hold(true);
  }

  thaw() {
    this.#frozen = false;
    this.#hold(false);
  }

  /** Every open connection is reset. */
  cut() {
    for (const { client, upstream } of this.#pairs) {
      reset(client);
      upstream?.destroy();
    }
  }

  close() {
    return new Promise((resolve) => {
      this.#server.close(resolve);
      this.cut();
    });
  }
}

module.exports = { Proxy };
