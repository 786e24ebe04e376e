'use strict';

/** The keys that SCAN and its kind find, as a stream of arrays. */

const { Readable } = require('node:stream');

class ScanStream extends Readable {
  #cursor = '0';
  #isOver = false;

  constructor(options) {
    super(options);
    this.opt = options;
  }

  #words() {
    const { key, match, type, count, noValues } = this.opt;
    const words = key ? [key, this.#cursor] : [this.#cursor];
    if (match) words.push('MATCH', match);
    if (type) words.push('TYPE', type);
    if (count) words.push('COUNT', String(count));
    if (noValues) words.push('NOVALUES');
    return words;
  }

  _read() {
    if (this.#isOver) {
      this.push(null);
      return;
    }
    this.opt.redis[this.opt.command](this.#words(), (error, reply) => {
      if (error) {
        this.destroy(error);
        return;
      }
      this.#cursor = reply[0].toString();
      if (this.#cursor === '0') this.#isOver = true;
      this.push(reply[1]);
    });
  }

  close() {
    this.#isOver = true;
  }
}

module.exports = { ScanStream };
