'use strict';

/** What a query resolves to. Built message by message, by our own queries and by foreign ones. */

const types = require('pg-types');

/** `INSERT 0 5` is command, oid and rows; `SELECT 5` has no oid, `CREATE TABLE` the command only. */
const TAG = /^(?<command>[A-Za-z]+)(?: (?<first>\d+))?(?: (?<second>\d+))?/;

class Result {
  constructor(rowMode, userTypes) {
    this.command = null;
    this.rowCount = null;
    this.oid = null;
    this.rows = [];
    this.fields = [];
    this._parsers = undefined;
    this._types = userTypes;
    this.RowCtor = null;
    this.rowAsArray = rowMode === 'array';
    // Own, so that whoever calls parseRow need not know which it is.
    if (this.rowAsArray) this.parseRow = this._parseRowAsArray;
    this._prebuiltEmptyResultObject = null;
  }

  /** `text` is the tag of the message; the native binding called it `command`. */
  addCommandComplete({ text, command }) {
    const match = TAG.exec(text || command);
    if (match === null) return;
    const { first, second } = match.groups;
    this.command = match.groups.command;
    if (second !== undefined) this.oid = Number(first);
    const rows = second ?? first;
    if (rows !== undefined) this.rowCount = Number(rows);
  }

  /** Each statement of a text with several has its own. */
  addFields(fields) {
    this.fields = fields;
    const source = this._types || types;
    if (fields.length > 0) {
      this._parsers = fields.map((field) =>
        source.getTypeParser(field.dataTypeID, field.format || 'text'),
      );
    }
    // A row begins as a copy of this, so that all have one shape. The entries are defined, not
    // assigned: `__proto__` is a column like any other.
    this._prebuiltEmptyResultObject = Object.fromEntries(fields.map(({ name }) => [name, null]));
  }

  /** Of columns with one name the last wins. */
  parseRow(cells) {
    const row = { ...this._prebuiltEmptyResultObject };
    for (let i = 0; i < cells.length; i++) {
      const { name, format } = this.fields[i];
      const cell = cells[i];
      if (cell === null) row[name] = null;
      else row[name] = this._parsers[i](format === 'binary' ? Buffer.from(cell) : cell);
    }
    return row;
  }

  _parseRowAsArray(cells) {
    const row = new Array(cells.length);
    for (let i = 0; i < cells.length; i++) {
      row[i] = cells[i] === null ? null : this._parsers[i](cells[i]);
    }
    return row;
  }

  addRow(row) {
    this.rows.push(row);
  }
}

module.exports = Result;
