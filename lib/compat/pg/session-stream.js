'use strict';

/**
 * The socket of a Connection, as far as programs see one: a Duplex over the bare wire of an engine
 * session. The wire is opened by the first byte that is written, and goes back to the session with
 * its next statement.
 */

const { AsyncResource } = require('node:async_hooks');
const { isIP } = require('node:net');
const { Duplex } = require('node:stream');
// Not the global: test frameworks replace it.
const { setImmediate: later } = require('node:timers');

class SessionStream extends Duplex {
  #session = null;
  /** Listeners run in the async context of the connect. */
  #resource = null;
  /** Bytes that came while nobody had room for them. */
  #owed = 0;
  #wire = null;
  /** Something was written since the event loop has last come round; what came since then. */
  #isTurnOfWrite = false;
  #held = [];

  constructor() {
    super({ autoDestroy: false });
    /** Under TLS, as a TLSSocket says it. */
    this.encrypted = false;
  }

  /** Where it goes from and to, as a socket says it. */
  locate({ local, remote }) {
    if (local !== null) Object.assign(this, { localAddress: local[0], localPort: local[1] });
    if (remote === null) return;
    const [remoteAddress, remotePort] = remote;
    Object.assign(this, { remoteAddress, remotePort, remoteFamily: `IPv${isIP(remoteAddress)}` });
  }

  /** The session that is behind it from now on. */
  attach(session) {
    this.#session = session;
    this.#resource = new AsyncResource('polypool.SessionStream');
  }

  /**
   * An answer never comes in the very turn of the event loop in which it was asked for, as none
   * does over a socket: pg-cursor takes the time until then to listen to it.
   */
  #receive = (bytes) => {
    if (this.#isTurnOfWrite) this.#held.push(bytes);
    else this.#deliver(bytes);
  };

  #endTurn = () => {
    if (this.#held.length === 0) this.#isTurnOfWrite = false;
    else later(() => this.flushHeld());
  };

  /** What has come is delivered now. */
  flushHeld() {
    this.#isTurnOfWrite = false;
    for (const bytes of this.#held.splice(0)) this.#deliver(bytes);
  }

  #deliver(bytes) {
    if (this.destroyed) return;
    const hasRoom = this.#resource.runInAsyncScope(this.push, this, bytes);
    if (hasRoom) this.#wire.take(bytes.length);
    else this.#owed += bytes.length;
  }

  _read() {
    if (this.#owed === 0) return;
    const owed = this.#owed;
    this.#owed = 0;
    this.#wire.take(owed);
  }

  _write(chunk, _encoding, callback) {
    if (this.#session === null || !this.#session.isOpen) {
      callback(Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' }));
      return;
    }
    if (!this.#isTurnOfWrite) {
      this.#isTurnOfWrite = true;
      later(this.#endTurn);
    }
    this.#wire = this.#session.wire(this.#receive);
    this.#wire.write(chunk, callback);
  }

  /** The goodbye, once all is written; then it closes. */
  _final(callback) {
    if (this.#session === null) {
      callback();
      return;
    }
    this.#session.close(false).then(() => {
      callback();
      this.destroy();
    });
  }

  _destroy(error, callback) {
    const closed = this.#session === null ? Promise.resolve() : this.#session.close(true);
    closed.then(() => callback(error));
  }

  ref() {
    this.#session?.ref();
    return this;
  }

  unref() {
    this.#session?.unref();
    return this;
  }

  /** The engine's sockets never delay what is small. */
  setNoDelay() {
    return this;
  }

  /** Set by options `keepAlive` and `keepAliveInitialDelayMillis`, before it connects. */
  setKeepAlive() {
    return this;
  }
}

module.exports = { SessionStream };
