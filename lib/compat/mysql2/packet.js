'use strict';

/** The servers' packets: read from one end to the other, and numbers and texts for those to them. */

const { decode, decodeChars } = require('./charsets');

const NULL = 0xfb;
const WORDS = { 0xfc: 2, 0xfd: 3, 0xfe: 8 };
/** A number is exact below this high word. */
const HIGH_MAX = 2 ** 21;

class Packet {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Bytes that came as one character each. */
  static of(text) {
    return new Packet(Buffer.from(text, 'latin1'));
  }

  get isOver() {
    return this.at >= this.bytes.length;
  }

  int(size) {
    if (size === 1 && this.at < this.bytes.length) return this.bytes[this.at++];
    const value = this.bytes.readUIntLE(this.at, size);
    this.at += size;
    return value;
  }

  /** A number of as many bytes as it needs; null for NULL. What is not exact is a BigInt. */
  length(signed = false) {
    const first = this.int(1);
    if (first < NULL) return first;
    if (first === NULL) return null;
    const size = WORDS[first];
    if (size < 8) return this.int(size);
    const [low, high] = [this.int(4), this.int(4)];
    if (high < HIGH_MAX) return high * 2 ** 32 + low;
    const value = (BigInt(high) << 32n) | BigInt(low);
    return signed ? BigInt.asIntN(64, value) : value;
  }

  take(size) {
    const bytes = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return bytes;
  }

  /** Bytes behind their length; null for NULL. */
  sized() {
    const size = this.length();
    return size === null ? null : this.take(size);
  }

  text(encoding) {
    const bytes = this.sized();
    return bytes === null ? null : decode(bytes, encoding);
  }

  untilNul() {
    const end = this.bytes.indexOf(0, this.at);
    const bytes = this.bytes.subarray(this.at, end < 0 ? this.bytes.length : end);
    this.at += bytes.length + 1;
    return bytes;
  }
}

/** A packet that came as one character for each byte, of which most is never wanted as bytes. */
class CharPacket extends Packet {
  int(size) {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < size; i++) {
      value += this.bytes.charCodeAt(this.at++) * unit;
      unit *= 256;
    }
    if (Number.isNaN(value)) throw new RangeError('The packet ends amid a number');
    return value;
  }

  take(size) {
    return Buffer.from(this.#cut(size), 'latin1');
  }

  text(encoding) {
    const size = this.length();
    return size === null ? null : decodeChars(this.#cut(size), encoding);
  }

  restText(encoding) {
    return decodeChars(this.#cut(this.bytes.length), encoding);
  }

  #cut(size) {
    const start = this.at;
    this.at += size;
    return this.bytes.slice(start, this.at);
  }
}

/** A number in as many bytes as it needs. */
function lengthOf(count) {
  if (count < NULL) return Buffer.from([count]);
  const code = count < 2 ** 16 ? 0xfc : count < 2 ** 24 ? 0xfd : 0xfe;
  const bytes = Buffer.alloc(1 + WORDS[code]);
  bytes[0] = code;
  bytes.writeUIntLE(count, 1, Math.min(WORDS[code], 6));
  return bytes;
}

/** Bytes behind their length. */
const sized = (bytes) => Buffer.concat([lengthOf(bytes.length), bytes]);

module.exports = { CharPacket, Packet, lengthOf, sized };
