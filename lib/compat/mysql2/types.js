'use strict';

/** The servers' types by their numbers and by their names. */

const NAMES = [
  ...['DECIMAL', 'TINY', 'SHORT', 'LONG', 'FLOAT', 'DOUBLE', 'NULL', 'TIMESTAMP', 'LONGLONG'],
  ...['INT24', 'DATE', 'TIME', 'DATETIME', 'YEAR', 'NEWDATE', 'VARCHAR', 'BIT'],
];
const VECTOR = 0xf2;
const LATER = [
  ...['JSON', 'NEWDECIMAL', 'ENUM', 'SET', 'TINY_BLOB', 'MEDIUM_BLOB', 'LONG_BLOB', 'BLOB'],
  ...['VAR_STRING', 'STRING', 'GEOMETRY'],
];
const LATER_BEGIN = 0xf5;

const Types = {};

NAMES.forEach(add);
add('VECTOR', VECTOR);
LATER.forEach((name, at) => add(name, LATER_BEGIN + at));

function add(name, number) {
  Types[number] = name;
  Types[name] = number;
}

module.exports = { Types };
