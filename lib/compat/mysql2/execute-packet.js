'use strict';

/**
 * The command that runs a statement. What parameters mostly are is written where it goes; the others
 * are made into bytes of their own before (`parameters.js`).
 */

const { CharsetToEncoding } = require('./charsets');
const { UNSIGNED } = require('./fields');
const { FLAGS } = require('./flags');
const { attributedPacket, parameterOf } = require('./parameters');
const { Types } = require('./types');

const { DATETIME, DOUBLE, LONG, LONGLONG, NULL, SHORT, TINY, VAR_STRING } = Types;

const EXECUTE = 23;
/** With attributes the count of parameters is said. */
const COUNTED = 8;
const HEAD = 10;
/** So many characters are less than 251 bytes, whose length is one more. */
const BRIEF = 83;
/** What a value of fixed size takes at most. */
const ROOM = 16;
const SIZE = 4 * 1024;
const KEPT_MAX = 64 * 1024;
const UNSIGNED_TYPE = 0x80;

/** By its type, the least and the most that an integer may be, and the most without a sign. */
const RANGES = new Map([
  [TINY, [-(2 ** 7), 2 ** 7 - 1, 2 ** 8 - 1]],
  [SHORT, [-(2 ** 15), 2 ** 15 - 1, 2 ** 16 - 1]],
  [LONG, [-(2 ** 31), 2 ** 31 - 1, 2 ** 32 - 1]],
  [LONGLONG, [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]],
]);

/** Written over by the next command. Null while one is being written: values may run code. */
let kept = Buffer.allocUnsafeSlow(SIZE);

class Writer {
  bytes = kept ?? Buffer.allocUnsafeSlow(SIZE);
  at = 0;
  #nulls = 0;
  #types = 0;
  #context;
  #counted;
  #isUtf8;

  constructor(context, counted) {
    this.#context = context;
    this.#counted = counted;
    this.#isUtf8 = context.encoding === 'utf8' || context.encoding === 'utf-8';
  }

  #reserve(size) {
    if (this.at + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.at + size));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }

  begin(id, count) {
    const flags = (count + 7) >> 3;
    const type = this.#counted ? 3 : 2;
    this.#reserve(HEAD + 10 + flags + type * count);
    const { bytes } = this;
    bytes[0] = EXECUTE;
    bytes.writeUInt32LE(id, 1);
    bytes[5] = this.#counted ? COUNTED : 0;
    bytes.writeUInt32LE(1, 6);
    this.at = HEAD;
    if (this.#counted) this.#length(count);
    if (count === 0) return;
    this.#nulls = this.at;
    for (let at = 0; at < flags; at++) bytes[this.at + at] = 0;
    bytes[this.at + flags] = 1;
    this.#types = this.at + flags + 1;
    this.at = this.#types + type * count;
  }

  /** A number in as many bytes as it needs; there is room for it. */
  #length(count) {
    if (count < 251) {
      this.bytes[this.at++] = count;
      return;
    }
    const size = count < 2 ** 16 ? 2 : count < 2 ** 24 ? 3 : 8;
    this.bytes[this.at++] = size === 2 ? 0xfc : size === 3 ? 0xfd : 0xfe;
    this.bytes.writeUIntLE(count, this.at, Math.min(size, 6));
    if (size === 8) this.bytes.writeUInt16LE(0, this.at + 6);
    this.at += size;
  }

  #type(type, unsigned, name) {
    this.bytes[this.#types++] = type;
    this.bytes[this.#types++] = unsigned ? UNSIGNED_TYPE : 0;
    if (this.#counted) this.bytes[this.#types++] = name;
  }

  write(value, at, hint) {
    this.#reserve(ROOM);
    if (value === null) this.#null(at);
    else if (typeof value === 'number') this.#number(value, hint);
    else if (typeof value === 'string' && this.#isUtf8) this.#text(value);
    else if (value instanceof Date && this.#date(value)) return;
    else this.#other(parameterOf(value, this.#context, hint), at);
  }

  #null(at) {
    this.bytes[this.#nulls + (at >> 3)] |= 1 << (at & 7);
    this.#type(NULL, false, 0);
  }

  #number(value, hint) {
    const range = hint === undefined ? undefined : RANGES.get(hint.columnType);
    if (range !== undefined && Number.isSafeInteger(value)) {
      const unsigned = (hint.flags & UNSIGNED) !== 0;
      const [least, most, mostUnsigned] = range;
      const fits = unsigned ? value >= 0 && value <= mostUnsigned : value >= least && value <= most;
      if (fits) {
        this.#integer(value, hint.columnType, unsigned);
        return;
      }
    }
    this.#type(DOUBLE, false, 0);
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }

  #integer(value, type, unsigned) {
    this.#type(type, unsigned, 0);
    const { bytes, at } = this;
    if (type === TINY) {
      bytes[at] = value;
      this.at += 1;
    } else if (type === SHORT) {
      bytes[at] = value;
      bytes[at + 1] = value >> 8;
      this.at += 2;
    } else {
      bytes.writeInt32LE(value | 0, at);
      if (type === LONGLONG) bytes.writeInt32LE(Math.floor(value / 2 ** 32), at + 4);
      this.at += type === LONGLONG ? 8 : 4;
    }
  }

  #text(value) {
    this.#type(VAR_STRING, false, 0);
    const { length } = value;
    if (length <= BRIEF) {
      this.#reserve(3 * length + 1);
      const size = this.bytes.utf8Write(value, this.at + 1);
      this.bytes[this.at] = size;
      this.at += 1 + size;
    } else {
      const size = Buffer.byteLength(value);
      this.#reserve(size + 9);
      this.#length(size);
      this.bytes.utf8Write(value, this.at);
      this.at += size;
    }
  }

  /** False where its words are not those of this clock. */
  #date(value) {
    const { timezone: zone } = this.#context;
    const isLocal = zone === 'local' || !zone;
    if (Number.isNaN(value.getTime()) || (!isLocal && zone !== 'Z')) return false;
    this.#type(DATETIME, false, 0);
    const { bytes, at } = this;
    bytes[at] = 11;
    bytes.writeUInt16LE(isLocal ? value.getFullYear() : value.getUTCFullYear(), at + 1);
    bytes[at + 3] = (isLocal ? value.getMonth() : value.getUTCMonth()) + 1;
    bytes[at + 4] = isLocal ? value.getDate() : value.getUTCDate();
    bytes[at + 5] = isLocal ? value.getHours() : value.getUTCHours();
    bytes[at + 6] = isLocal ? value.getMinutes() : value.getUTCMinutes();
    bytes[at + 7] = isLocal ? value.getSeconds() : value.getUTCSeconds();
    const ms = isLocal ? value.getMilliseconds() : value.getUTCMilliseconds();
    bytes.writeUInt32LE(ms * 1000, at + 8);
    this.at = at + 12;
    return true;
  }

  #other({ type, unsigned, bytes }, at) {
    this.#type(type, unsigned, 0);
    if (bytes === null) this.bytes[this.#nulls + (at >> 3)] |= 1 << (at & 7);
    else this.#bytes(bytes);
  }

  #bytes(bytes) {
    this.#reserve(bytes.length);
    bytes.copy(this.bytes, this.at);
    this.at += bytes.length;
  }
}

/**
 * Throws what the parameters are refused with. The bytes are to be sent, or copied, before the next
 * command is made.
 */
function executePacket({ statement, parameters, _options: options }, connection) {
  const { config } = connection;
  const encoding = CharsetToEncoding[config.charsetNumber];
  const context = { encoding, timezone: config.timezone, jsonAsString: connection._isMariaDB };
  const counted = connection.agreesOn(FLAGS.CLIENT_QUERY_ATTRIBUTES);
  const given = Array.isArray(parameters) ? parameters : Array.from(parameters ?? []);
  const attributes = counted && options.attributes ? Object.entries(options.attributes) : [];
  if (attributes.length > 0) return attributedPacket(statement, given, attributes, context);
  const writer = new Writer(context, counted);
  const mine = kept;
  kept = null;
  try {
    const count = given.length;
    writer.begin(statement.id, count);
    for (let at = 0; at < count; at++) writer.write(given[at], at, statement.parameters?.[at]);
    return writer.bytes.subarray(0, writer.at);
  } finally {
    kept = writer.bytes.length <= KEPT_MAX ? writer.bytes : mine;
  }
}

module.exports = { executePacket };
