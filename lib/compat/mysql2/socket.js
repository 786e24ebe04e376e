'use strict';

/** The socket of a connection, as far as programs see one: its session's end, and addresses. */

const { EventEmitter } = require('node:events');
const { isIP } = require('node:net');

class SessionSocket extends EventEmitter {
  destroyed = false;
  encrypted = false;
  writable = true;
  readable = true;
  #session = null;
  #owner;

  /** `owner` is told with `closed()` when the socket is gone by the program's will. */
  constructor(owner) {
    super();
    this.#owner = owner;
  }

  attach(session) {
    this.#session = session;
  }

  /** Where it goes from and to. */
  locate({ local, remote, started }) {
    this.encrypted = started.encrypted;
    if (local !== null) Object.assign(this, { localAddress: local[0], localPort: local[1] });
    if (remote === null) return;
    const [remoteAddress, remotePort] = remote;
    Object.assign(this, { remoteAddress, remotePort, remoteFamily: `IPv${isIP(remoteAddress)}` });
  }

  /** With a goodbye where it is `polite`. */
  close(polite) {
    if (this.destroyed) return this;
    this.writable = this.readable = false;
    this.destroyed = true;
    const closed = this.#session === null ? Promise.resolve() : this.#session.close(!polite);
    closed.then(() => this.#owner.closed());
    return this;
  }

  /** The other side has ended it. */
  lost() {
    this.destroyed = true;
    this.writable = this.readable = false;
  }

  end() {
    return this.close(false);
  }

  destroy(error) {
    if (error) this.emit('error', error);
    return this.close(false);
  }

  ref() {
    this.#session?.ref();
    return this;
  }

  unref() {
    this.#session?.unref();
    return this;
  }

  pause() {
    return this;
  }

  resume() {
    return this;
  }

  /** The engine's sockets never delay what is small. */
  setNoDelay() {
    return this;
  }

  /** As options `enableKeepAlive` and `keepAliveInitialDelay` have it. */
  setKeepAlive() {
    return this;
  }
}

module.exports = { SessionSocket };
