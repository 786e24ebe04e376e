'use strict';

/**
 * Transports that JavaScript makes for the engine: the Duplexes of option `stream`, and TLS with
 * options that the engine's own TLS lacks.
 *
 * Bytes go both ways in records of the ring, against credit (`src/engine/bridge.rs`): the engine
 * sends no more than the Duplex has taken, the Duplex is paused while the engine has enough.
 */

const net = require('node:net');
const { begin, checkDuplex, codeOf, textOf, whenOpen } = require('./duplex');
const { OptionError, keepCause } = require('./errors');
const { SUBMIT } = require('./records');
const { readSsl, secure } = require('./transport-tls');

/** Bytes the engine may send ahead of the Duplex. */
const WINDOW = 256 * 1024;
/** Bytes of one record: the submission ring has room for four. */
const PIECE = 64 * 1024;

const NOTHING = Buffer.alloc(0);

const ignore = () => {};

/** What of a pool's options is for the engine, and what for its transports. */
function readTransport({ stream, ssl, ...rest }) {
  const { byNode, ssl: own, node } = readSsl(ssl);
  const engine = { ...rest, ssl: own, stream: stream ?? (byNode ? net.connect : undefined) };
  return { engine, recipe: { stream: stream ?? null, ssl: node } };
}

/** In the words of the engine's own options. */
const WORDS = {
  postgres: { authority: 'sslrootcert', anyName: 'verify-ca' },
  mysql: { authority: 'ssl-ca', anyName: 'verify_ca' },
};

const UNTRUSTED = ({ authority }) =>
  '; name the authority (or the certificate itself where it is self-signed) with option ' +
  `'ssl.ca' or '${authority}'`;

/** What Node's TLS found wrong, and the option that would change it; as `tls_failure.rs` says it. */
const HINTS = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', UNTRUSTED],
  ['SELF_SIGNED_CERT_IN_CHAIN', UNTRUSTED],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNTRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNTRUSTED],
  [
    'CERT_HAS_EXPIRED',
    () => '; it has to be renewed, or ssl.rejectUnauthorized: false takes it unchecked',
  ],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    ({ anyName }) =>
      "; if this is the right server, say which name to expect with option 'ssl.servername', or " +
      `check none with sslmode '${anyName}'`,
  ],
]);

/** Makes the transports of one pool. `stream` is the caller's function or null. */
class Transports {
  #link;
  #engine;
  #stream;
  #ssl;
  #resource;

  constructor(link, { stream, ssl }, resource, engine = 'postgres') {
    this.#link = link;
    this.#engine = engine;
    this.#stream = stream;
    this.#ssl = ssl;
    this.#resource = resource;
  }

  /** The engine wants a transport to `target`; answered with credit or an end. */
  open(id, target) {
    const transport = new Transport(this.#link, id, this.#resource, WORDS[this.#engine]);
    this.#link.transports.set(id, transport);
    transport.open(() => this.#make(target), target);
  }

  secure(id, how) {
    this.#link.transports.get(id)?.secure((raw) => secure(raw, this.#ssl, how));
  }

  #make({ host, port, path, keepAliveMs }) {
    // Where a socket's name holds no port, it is its path that tells.
    if (this.#stream !== null) return this.#stream(port === null ? { path } : { host, port });
    if (path !== undefined) return net.connect({ path });
    const keepAlive = keepAliveMs !== null;
    return net.connect({ host, port, keepAlive, keepAliveInitialDelay: keepAliveMs ?? 0 });
  }
}

class Transport {
  #link;
  #id;
  #resource;
  #words;
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

  /** `words` name the options that would help. */
  constructor(link, id, resource, words) {
    this.#link = link;
    this.#id = id;
    this.#resource = resource;
    this.#words = words;
  }

  // ---- From the engine ----

  async open(make, target) {
    try {
      const made = this.#resource.runInAsyncScope(make);
      // A socket may fail before anything that waits for it goes on.
      if (typeof made?.on === 'function') made.on('error', this.#listeners.error);
      const duplex = await made;
      checkDuplex(duplex);
      if (this.#closed || this.#ended) {
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

  /** Puts TLS on the Duplex: `prepare(raw)` resolves to the function that begins it. */
  secure(prepare) {
    if (!this.#ended && !this.#closed) this.#guard(() => this.#secure(prepare));
  }

  #secure(prepare) {
    this.#phase = 1;
    const raw = this.#duplex;
    if (this.#held !== null || raw.readableLength > 0) {
      throw new Error('the server sent bytes in clear after it had agreed to TLS');
    }
    for (const name of ['data', 'end', 'close']) raw.removeListener(name, this.#listeners[name]);
    raw.pause();
    this.#raw = raw;
    this.#taken = 0;
    this.#resource
      .runInAsyncScope(prepare, null, raw)
      .then((connect) => this.#startTls(connect))
      .catch((error) => this.fail(error, { tls: true, fatal: error instanceof OptionError }));
  }

  #startTls(connect) {
    const { checkProtocol } = connect;
    if (this.#closed || this.#ended) return;
    let standing = false;
    let socket;
    try {
      socket = this.#resource.runInAsyncScope(connect.begin);
    } catch (error) {
      // An option that Node refuses: it will do so again.
      this.fail(error, { tls: true, fatal: true });
      return;
    }
    this.#attach(socket);
    socket.removeListener('error', this.#listeners.error);
    socket.on('error', (error) => {
      // Set by Node when it refuses the certificate: no other try will fare better.
      this.fail(error, { tls: !standing, fatal: socket.authorizationError != null });
    });
    socket.once('secureConnect', () => {
      standing = true;
      this.#guard(() => {
        checkProtocol(socket);
        this.#tellReady(socket.getPeerCertificate().raw);
      });
    });
  }

  /** The bytes are the caller's to keep. */
  write(bytes) {
    const { length } = bytes;
    const taken = (error) => {
      if (error == null) this.#take(length);
    };
    this.#guard(() =>
      this.#resource.runInAsyncScope(this.#duplex.write, this.#duplex, bytes, taken),
    );
  }

  /** What the caller's Duplex throws ends its transport, and never the reading of the ring. */
  #guard(act) {
    try {
      act();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The engine takes so many bytes more. */
  grant(bytes) {
    this.#credit += bytes;
    if (this.#duplex !== null && !this.#ended) this.#guard(() => this.#deliver());
  }

  /** Ends the Duplex when all is written, or destroys it now. */
  close(graceful) {
    const duplex = this.#duplex;
    if (graceful && duplex !== null && !this.#ended) {
      this.#leaving = true;
      this.#held = null;
      this.#guard(() => {
        duplex.once('finish', () => this.#discard(duplex));
        this.#resource.runInAsyncScope(duplex.end, duplex);
      });
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

  /** `certificate` is what the server has shown, in DER. */
  #tellReady(certificate = NOTHING) {
    if (!this.#closed && !this.#ended) this.#tellCredit(WINDOW, certificate);
  }

  #tellCredit(bytes, certificate) {
    const words = [this.#id, this.#phase, bytes];
    this.#link.recordWithBytes(SUBMIT.TRANSPORT_CREDIT, certificate, ...words);
  }

  #take(bytes) {
    this.#taken += bytes;
    if (this.#taken < WINDOW / 4 || this.#ended || this.#closed) return;
    this.#tellCredit(this.#taken, NOTHING);
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
    const code = codeOf(error);
    const hint = (tls && HINTS.get(code)?.(this.#words)) || '';
    this.#finish(JSON.stringify({ message: textOf(error) + hint, code, tls, fatal }));
    this.#discardAll();
  }

  #discardAll() {
    for (const duplex of [this.#duplex, this.#raw]) if (duplex !== null) this.#discard(duplex);
  }

  /** Errors of a Duplex that is no longer used are nobody's business. */
  #discard(duplex) {
    try {
      duplex.on('error', ignore);
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

module.exports = { Transports, readTransport };
