'use strict';

/**
 * Transports that JavaScript makes for the engine: the Duplexes of option `stream`, and TLS with
 * options that the engine's own TLS lacks.
 *
 * Bytes go both ways in records of the ring, against credit (`src/engine/bridge.rs`): the engine
 * sends no more than the Duplex has taken, the Duplex is paused while the engine has enough.
 */

const net = require('node:net');
const { OptionError, keepCause } = require('./errors');
const { SUBMIT } = require('./ring');
const { readSsl, secure } = require('./transport-tls');

/** Bytes the engine may send ahead of the Duplex. */
const WINDOW = 256 * 1024;
/** Bytes of one record: the submission ring has room for four. */
const PIECE = 64 * 1024;

/** Duplexes that serve a connection, or did: each connection needs its own. */
const used = new WeakSet();

const ignore = () => {};

/** What of a pool's options is for the engine, and what for its transports. */
function readTransport({ stream, ssl, ...rest }) {
  const { byNode, ssl: own, node } = readSsl(ssl);
  const engine = { ...rest, ssl: own, stream: stream ?? (byNode ? net.connect : undefined) };
  return { engine, recipe: { stream: stream ?? null, ssl: node } };
}

/** Makes the transports of one pool. `stream` is the caller's function or null. */
class Transports {
  #link;
  #stream;
  #ssl;
  #resource;

  constructor(link, { stream, ssl }, resource) {
    this.#link = link;
    this.#stream = stream;
    this.#ssl = ssl;
    this.#resource = resource;
  }

  /** The engine wants a transport to `target`; answered with credit or an end. */
  open(id, target) {
    const transport = new Transport(this.#link, id, this.#resource);
    this.#link.transports.set(id, transport);
    transport.open(() => this.#make(target), target);
  }

  secure(id, how) {
    this.#link.transports.get(id)?.secure((raw) => secure(raw, this.#ssl, how));
  }

  #make({ host, port, path, keepAliveMs }) {
    if (this.#stream !== null) return this.#stream({ host, port });
    if (path !== undefined) return net.connect({ path });
    const keepAlive = keepAliveMs !== null;
    return net.connect({ host, port, keepAlive, keepAliveInitialDelay: keepAliveMs ?? 0 });
  }
}

class Transport {
  #link;
  #id;
  #resource;
  /** What bytes go through; under TLS that of the caller is `#raw`. */
  #duplex = null;
  #raw = null;
  /** 0 at first, 1 from the moment TLS is asked for. */
  #phase = 0;
  /** Bytes the engine still takes. */
  #credit = 0;
  /** What came and waits for credit. */
  #held = null;
  /** Bytes the Duplex took since the engine was last told. */
  #taken = 0;
  /** The peer has closed; what is held comes first. */
  #over = false;
  /** The engine was told so, or of a failure. */
  #ended = false;
  /** The engine has said goodbye: what still comes is of no use. */
  #leaving = false;
  #closed = false;
  #listeners = {
    data: (chunk) => this.#receive(chunk),
    end: () => this.#end(),
    close: () => this.#end(),
    error: (error) => this.fail(error),
  };

  constructor(link, id, resource) {
    this.#link = link;
    this.#id = id;
    this.#resource = resource;
  }

  // ---- From the engine ----

  async open(make, target) {
    try {
      const duplex = await this.#resource.runInAsyncScope(make);
      checkDuplex(duplex);
      used.add(duplex);
      if (this.#closed) {
        this.#discard(duplex);
        return;
      }
      this.#attach(duplex);
      this.#resource.runInAsyncScope(begin, null, duplex, target);
      whenOpen(duplex, () => this.#tellReady());
    } catch (error) {
      this.fail(error, { fatal: error instanceof OptionError });
    }
  }

  /** `wrap` puts TLS on the Duplex and calls back when it stands. */
  secure(wrap) {
    this.#phase = 1;
    const raw = this.#duplex;
    if (this.#ended || this.#closed) return;
    if (this.#held !== null || raw.readableLength > 0) {
      this.fail(new Error('the server sent bytes in clear after it had agreed to TLS'), {
        tls: true,
      });
      return;
    }
    for (const name of ['data', 'end', 'close']) raw.removeListener(name, this.#listeners[name]);
    raw.pause();
    this.#raw = raw;
    this.#taken = 0;
    const failed = (error, fatal) => this.fail(error, { tls: true, fatal });
    this.#resource
      .runInAsyncScope(wrap, null, raw)
      .then((wrapped) => this.#startTls(wrapped, failed))
      .catch((error) => failed(error, error instanceof OptionError));
  }

  #startTls(connectTls, failed) {
    if (this.#closed || this.#ended) return;
    let socket;
    try {
      socket = this.#resource.runInAsyncScope(connectTls);
    } catch (error) {
      // An option that Node refuses: it will do so again.
      failed(error, true);
      return;
    }
    this.#attach(socket);
    socket.removeListener('error', this.#listeners.error);
    socket.on('error', (error) => {
      // Set by Node when it refuses the certificate: no other try will fare better.
      failed(error, socket.authorizationError != null);
    });
    socket.once('secureConnect', () => this.#tellReady());
  }

  /** The bytes are the caller's to keep. */
  write(bytes) {
    const { length } = bytes;
    const taken = (error) => {
      if (error == null) this.#take(length);
    };
    try {
      this.#resource.runInAsyncScope(this.#duplex.write, this.#duplex, bytes, taken);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The engine takes so many bytes more. */
  grant(bytes) {
    this.#credit += bytes;
    if (this.#duplex !== null && !this.#ended) this.#deliver();
  }

  /** Ends the Duplex when all is written, or destroys it now. */
  close(graceful) {
    const duplex = this.#duplex;
    if (graceful && duplex !== null && !this.#ended) {
      this.#leaving = true;
      this.#held = null;
      duplex.once('finish', () => this.#discard(duplex));
      this.#resource.runInAsyncScope(duplex.end, duplex);
      return;
    }
    this.#closed = true;
    this.#link.transports.delete(this.#id);
    this.#discardAll();
  }

  // ---- From the Duplex ----

  #attach(duplex) {
    this.#duplex = duplex;
    for (const name of Object.keys(this.#listeners)) duplex.on(name, this.#listeners[name]);
    // The engine keeps the process alive while requests are pending, and only then.
    duplex.unref?.();
    // Whoever made it may have paused it, to lose nothing.
    if (this.#credit === 0) duplex.pause();
    else duplex.resume();
  }

  #tellReady() {
    if (this.#closed || this.#ended) return;
    this.#link.record(SUBMIT.TRANSPORT_CREDIT, this.#id, this.#phase, WINDOW);
  }

  #take(bytes) {
    this.#taken += bytes;
    if (this.#taken < WINDOW / 4 || this.#ended || this.#closed) return;
    this.#link.record(SUBMIT.TRANSPORT_CREDIT, this.#id, this.#phase, this.#taken);
    this.#taken = 0;
  }

  #receive(chunk) {
    if (this.#ended || this.#closed || this.#leaving) return;
    if (!ArrayBuffer.isView(chunk) || chunk.BYTES_PER_ELEMENT !== 1) {
      const message = "the Duplex of option 'stream' must deliver Buffers, no texts or objects";
      this.fail(new OptionError(message, { option: 'stream' }), { fatal: true });
      return;
    }
    // Only a Duplex that goes on while it is paused has something held already.
    this.#held = this.#held === null ? chunk : Buffer.concat([this.#held, chunk]);
    this.#deliver();
  }

  #deliver() {
    let chunk = this.#held;
    let at = 0;
    while (chunk !== null && this.#credit > 0) {
      const size = Math.min(chunk.length - at, this.#credit, PIECE);
      const piece = chunk.subarray(at, at + size);
      this.#link.recordWithBytes(SUBMIT.TRANSPORT_DATA, piece, this.#id, this.#phase);
      this.#credit -= size;
      at += size;
      if (at === chunk.length) chunk = null;
    }
    this.#held = chunk === null || at === 0 ? chunk : chunk.subarray(at);
    if (this.#over && this.#held === null) this.#finish('');
    else if (this.#credit === 0) this.#duplex.pause();
    else if (this.#duplex.isPaused()) this.#resource.runInAsyncScope(resume, null, this.#duplex);
  }

  #end() {
    this.#over = true;
    if (this.#held === null) this.#finish('');
  }

  /** Ends the connection with what went wrong. */
  fail(error, { tls = false, fatal = false } = {}) {
    if (this.#ended || this.#closed) return;
    keepCause(this.#id, error);
    this.#finish(JSON.stringify({ message: textOf(error), code: codeOf(error), tls, fatal }));
    this.#discardAll();
  }

  #discardAll() {
    for (const duplex of [this.#duplex, this.#raw]) if (duplex !== null) this.#discard(duplex);
  }

  /** Errors of a Duplex that is no longer used are nobody's business. */
  #discard(duplex) {
    duplex.on('error', ignore);
    try {
      this.#resource.runInAsyncScope(duplex.destroy, duplex);
    } catch {
      // It is gone as far as we are concerned.
    }
  }

  #finish(failure) {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    this.#link.recordWithText(SUBMIT.TRANSPORT_END, failure, this.#id);
  }
}

function resume(duplex) {
  duplex.resume();
}

function checkDuplex(given) {
  const refuse = (what) => {
    const message = `option 'stream' must return a Duplex for each connection, got ${what}`;
    return new OptionError(message, { option: 'stream' });
  };
  if (typeof given !== 'object' || given === null) {
    throw refuse(given === null ? 'null' : typeof given);
  }
  for (const method of ['read', 'write', 'on', 'pause', 'resume', 'end', 'destroy']) {
    if (typeof given[method] !== 'function') throw refuse(`an object without ${method}()`);
  }
  if (used.has(given)) throw refuse('one that it had returned before');
  if (given.destroyed || given.readableEnded || given.writableEnded) {
    throw new Error("the Duplex that option 'stream' returned is closed already");
  }
}

/** As pg does: a socket that was only made is connected, and sends without delay. */
function begin(duplex, { host, port, path }) {
  duplex.setNoDelay?.(true);
  if (duplex.pending !== true || duplex.connecting !== false) return;
  if (typeof duplex.connect !== 'function') return;
  if (path === undefined) duplex.connect(port, host);
  else duplex.connect(path);
}

/** Nothing is written before a socket is connected, or before its certificate was accepted. */
function whenOpen(duplex, ready) {
  // Node's own verification listens to 'secure' too, and destroys what it refuses.
  if (duplex.secureConnecting === true) duplex.once('secure', () => duplex.destroyed || ready());
  else if (duplex.connecting === true) duplex.once('connect', ready);
  else ready();
}

function textOf(error) {
  try {
    return String(error?.message || error);
  } catch {
    return 'what was thrown has no text';
  }
}

function codeOf(error) {
  const code = error?.code;
  return typeof code === 'string' ? code : '';
}

module.exports = { Transports, readTransport };
