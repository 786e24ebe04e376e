'use strict';

/** Parsers of one client or query, before those of the process. */

const types = require('pg-types');

class TypeOverrides {
  constructor(userTypes) {
    this._types = userTypes || types;
    this.text = {};
    this.binary = {};
  }

  /** A format that does not exist has no overrides, and keeps none. */
  getOverrides(format) {
    return format === 'text' || format === 'binary' ? this[format] : {};
  }

  setTypeParser(oid, format, parseFn) {
    if (typeof format === 'function') this.text[oid] = format;
    else this.getOverrides(format)[oid] = parseFn;
  }

  getTypeParser(oid, format) {
    const wanted = format || 'text';
    return this.getOverrides(wanted)[oid] || this._types.getTypeParser(oid, wanted);
  }
}

module.exports = TypeOverrides;
