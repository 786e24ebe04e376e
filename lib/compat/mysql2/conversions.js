'use strict';

/** What is made of a cell by its type: dates in a zone, large numbers, JSON, shapes on a plane. */

const { parseGeometry } = require('./geometry');
const { dateOfWall } = require('./local-dates');
const { dateText, isZero, partsOf, timeText } = require('./temporal');
const { Types } = require('./types');

const { DATE, DATETIME, DECIMAL, GEOMETRY, JSON: JSON_TYPE, LONGLONG } = Types;
const { NEWDATE, NEWDECIMAL, TIME, TIMESTAMP, VECTOR } = Types;
const DATES = new Set([DATE, NEWDATE, DATETIME, TIMESTAMP]);

/** Of JSON that has numbers which a number of JavaScript might not hold. */
const LARGE = /\d{16}/;

/** For the cell as the engine gives it; null where it is the value. */
function converterOf(field, reading) {
  const { columnType: type } = field;
  if (field.extendedFormat === 'json' || type === JSON_TYPE) return jsonOf(reading);
  if (DATES.has(type)) return dateOf(field, reading);
  switch (type) {
    case LONGLONG:
      return reading.supportBigNumbers && !reading.bigNumberStrings ? exact : null;
    case DECIMAL:
    case NEWDECIMAL:
      return reading.decimalNumbers ? Number : null;
    case TIME:
      return reading.binary ? timeText : null;
    case GEOMETRY:
      return parseGeometry;
    case VECTOR:
      return floats;
    default:
      return null;
  }
}

/** A number where it is exact, else its digits. */
function exact(digits) {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : digits;
}

function jsonOf({ jsonStrings, supportBigNumbers }) {
  if (jsonStrings) return null;
  return supportBigNumbers ? exactJson : JSON.parse;
}

function exactJson(text) {
  if (!LARGE.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value, context) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
      ? (context?.source ?? value)
      : value,
  );
}

function floats(bytes) {
  return Array.from({ length: bytes.length >> 2 }, (_, at) => bytes.readFloatLE(4 * at));
}

function dateOf(field, reading) {
  const { columnType: type, decimals } = field;
  const { binary, dateStrings, timezone } = reading;
  if (isTextual(type, dateStrings)) {
    return binary ? (bytes) => dateText(bytes, type, decimals) : null;
  }
  if (timezone === 'Z' || timezone === 'local') {
    const date = timezone === 'Z' ? utcDate : dateOfWall;
    // With `dateStrings` for other types all come as they are sent.
    if (!dateStrings) return date;
    return binary ? (bytes) => zoned(dateText(bytes, type, 6), date) : (text) => zoned(text, date);
  }
  const date = (text) => dateIn(text, timezone);
  return binary ? (bytes) => date(dateText(bytes, type, 6)) : date;
}

const utcDate = (ms) => new Date(ms);

const isTextual = (type, list) =>
  Array.isArray(list) ? list.some((name) => Types[name] === type) : Boolean(list);

function zoned(text, date) {
  return date(isZero(text) ? NaN : partsOf(text));
}

/** `zone` is an offset. */
function dateIn(text, zone) {
  if (isZero(text)) return new Date(NaN);
  const whole = text.length === 10 ? `${text}T00:00:00` : text.replace(' ', 'T');
  return new Date(`${whole}${zone}`);
}

module.exports = { converterOf };
