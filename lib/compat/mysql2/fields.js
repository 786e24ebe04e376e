'use strict';

/** A column of a result, as its server has described it. */

const { inspect } = require('node:util');
const { CharsetToEncoding, decode } = require('./charsets');
const { Packet } = require('./packet');
const { Types } = require('./types');

const FLAGS = [
  ...['NOT NULL', 'PRIMARY KEY', 'UNIQUE_KEY', null, null, null, null, null],
  ...[null, 'AUTO_INCREMENT', null, null, null, 'ON UPDATE CURRENT_TIMESTAMP'],
];
const UNSIGNED = 32;

class ColumnDefinition {
  #texts;
  #encoding;

  /** `extended`: the definition says what stands behind the type (MariaDB). */
  constructor(definition, extended, clientEncoding) {
    const packet = Packet.of(definition);
    this.#texts = Array.from({ length: 6 }, () => packet.sized());
    if (extended) this.#readExtension(packet.sized());
    packet.length();
    this.characterSet = packet.int(2);
    this.encoding = CharsetToEncoding[this.characterSet];
    this.#encoding = this.encoding === 'binary' ? clientEncoding : this.encoding;
    this.name = this.#text(4);
    this.columnLength = packet.int(4);
    this.columnType = packet.int(1);
    this.type = this.columnType;
    this.flags = packet.int(2);
    this.decimals = packet.int(1);
  }

  #text(at) {
    return decode(this.#texts[at], this.#encoding);
  }

  #readExtension(bytes) {
    const packet = new Packet(bytes ?? Buffer.alloc(0));
    while (!packet.isOver) {
      const kind = packet.int(1);
      const value = packet.text('ascii');
      if (kind === 0) this.extendedTypeName = value;
      else if (kind === 1) this.extendedFormat = value;
    }
  }

  get catalog() {
    return this.#text(0);
  }

  get schema() {
    return this.#text(1);
  }

  get db() {
    return this.schema;
  }

  get table() {
    return this.#text(2);
  }

  get orgTable() {
    return this.#text(3);
  }

  get orgName() {
    return this.#text(5);
  }

  inspect() {
    const { catalog, schema, name, orgName, table, orgTable } = this;
    const { characterSet, encoding, columnLength, columnType: type, flags, decimals } = this;
    const names = { catalog, schema, name, orgName, table, orgTable };
    return { ...names, characterSet, encoding, columnLength, type, flags, decimals };
  }

  [inspect.custom](depth, options) {
    const words = FLAGS.filter((name, bit) => name !== null && this.flags & (1 << bit));
    const typeName = Types[this.columnType];
    if (depth > 1) return inspect({ ...this.inspect(), typeName, flags: words }, options);
    const unsigned = this.flags & UNSIGNED ? ' UNSIGNED' : '';
    return [`\`${this.name}\` ${typeName}(${this.columnLength})${unsigned}`, ...words].join(' ');
  }
}

module.exports = { ColumnDefinition, UNSIGNED };
