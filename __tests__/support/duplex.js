'use strict';
// Duplexes as programs write them: tunnels around a socket, with manners of their own.

const net = require('node:net');
const { Duplex } = require('node:stream');

/**
 * A tunnel to a port of this machine. `delay` turns of the event loop pass before each piece of at
 * most `piece` bytes goes on; what is written waits meanwhile, as in any Duplex. It notes the most
 * bytes that ever waited.
 */
class Tunnel extends Duplex {
  #socket;
  #delay;
  #piece;
  /** Most bytes that waited to be written. */
  waiting = 0;

  constructor(port, { delay = 0, piece = Infinity, ...options } = {}) {
    super(options);
    this.#delay = delay;
    this.#piece = piece;
    this.#socket = net.connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => this.push(chunk) || this.#socket.pause());
    this.#socket.on('end', () => this.push(null));
    this.#socket.on('error', (error) => this.destroy(error));
    this.#socket.on('close', () => this.destroy());
  }

  _read() {
    this.#socket.resume();
  }

  _write(chunk, encoding, callback) {
    this.waiting = Math.max(this.waiting, this.writableLength);
    this.#pass(chunk, callback);
  }

  async #pass(chunk, callback) {
    for (let at = 0; at < chunk.length; at += this.#piece) {
      for (let turn = 0; turn < this.#delay; turn++) await new Promise(setImmediate);
      this.#socket.write(chunk.subarray(at, at + this.#piece));
    }
    callback();
  }

  _final(callback) {
    this.#socket.end(callback);
  }

  _destroy(error, callback) {
    this.#socket.destroy();
    callback(error);
  }

  unref() {
    this.#socket.unref();
  }
}

module.exports = { Tunnel };
