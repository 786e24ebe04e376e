'use strict';

/** Points, lines and what is made of them, from the form in which servers keep them. */

/** The number of the reference system, ahead of it all. */
const BEGIN = 4;

/** Null for nothing, and for what is cut off. */
function parseGeometry(bytes) {
  if (bytes === null || bytes.length === 0) return null;
  try {
    return new Geometry(bytes).read();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

class Geometry {
  #bytes;
  #at = BEGIN;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  read() {
    const little = this.#bytes.readUInt8(this.#at) === 1;
    this.#at += 1;
    const kind = this.#count(little);
    switch (kind) {
      case 1:
        return this.#point(little);
      case 2:
        return this.#list(little, () => this.#point(little));
      case 3:
        return this.#list(little, () => this.#list(little, () => this.#point(little)));
      case 4:
      case 5:
      case 6:
      case 7:
        return this.#list(little, () => this.read());
      default:
        return null;
    }
  }

  #count(little) {
    const at = this.#at;
    this.#at += 4;
    return little ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  #double(little) {
    const at = this.#at;
    this.#at += 8;
    return little ? this.#bytes.readDoubleLE(at) : this.#bytes.readDoubleBE(at);
  }

  #point(little) {
    return { x: this.#double(little), y: this.#double(little) };
  }

  #list(little, each) {
    const count = this.#count(little);
    const list = [];
    while (list.length < count) list.push(each());
    return list;
  }
}

module.exports = { parseGeometry };
