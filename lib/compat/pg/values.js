'use strict';

/** Parameters as the protocol takes them, arguments of `query` as one object, and quoting. */

const { deprecate } = require('node:util');
const { isDate } = require('node:util/types');
const { WHOLE_MINUTES_FROM, formatDate, offsetSeconds } = require('../../dates');
const defaults = require('./defaults');

const warnOfInvalidDate = deprecate(
  () => {},
  'Sending an invalid date to Postgres is deprecated and will throw an error in the next major ' +
    'version of pg. Ensure any Date object passed as a query parameter is valid.',
  'PG_INVALID_DATE',
);

/** Null, a text or a Buffer. Of further arguments, as `values.map(prepareValue)` has, none counts. */
function prepareValue(value) {
  return prepare(value);
}

/** `seen` are the objects whose `toPostgres` led here. */
function prepare(value, seen) {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'object') return value.toString();
  if (ArrayBuffer.isView(value)) return bytesOf(value);
  if (isDate(value)) return dateText(value);
  if (Array.isArray(value)) return arrayText(value);
  if (typeof value.toPostgres !== 'function') return JSON.stringify(value);
  const path = seen || [];
  if (path.includes(value)) {
    throw new Error(`circular reference detected while preparing "${value}" for query`);
  }
  path.push(value);
  return prepare(value.toPostgres(prepare), path);
}

function bytesOf(view) {
  if (view instanceof Buffer) return view;
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

/** As a literal of an array whose delimiter is the comma, which box[] alone has not. */
function arrayText(array) {
  const parts = [];
  // Not map(): a hole is NULL.
  for (let i = 0; i < array.length; i++) parts.push(elementText(array[i]));
  return `{${parts.join(',')}}`;
}

function elementText(element) {
  if (Array.isArray(element)) return arrayText(element);
  const prepared = prepare(element);
  if (prepared === null || prepared === undefined) return 'NULL';
  // The backslash of a bytea in hex is itself escaped.
  if (typeof prepared !== 'string') return `\\\\x${prepared.toString('hex')}`;
  return `"${prepared.replace(/[\\"]/g, '\\$&')}"`;
}

/**
 * A Date in local time with its offset, or in UTC. `timestamptz` takes the instant; `timestamp` and
 * `date` ignore the offset and take what stands before it.
 */
function dateText(date) {
  if (Number.isNaN(date.getTime())) warnOfInvalidDate();
  return defaults.parseInputDatesAsUTC ? utcText(date) : localText(date);
}

function localText(date) {
  if (date.getTime() >= WHOLE_MINUTES_FROM) return formatDate(date);
  const day = [date.getFullYear(), date.getMonth(), date.getDate()];
  const time = [date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds()];
  const minutes = -date.getTimezoneOffset();
  // The method cuts off seconds, and programs replace it.
  const exact = offsetSeconds(date);
  return isoText(day, time, Math.trunc(exact / 60) === minutes ? exact : 60 * minutes);
}

function utcText(date) {
  const day = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const hour = date.getUTCHours();
  const rest = [date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds()];
  return isoText(day, [hour, ...rest], 0);
}

/** The year 0 of JavaScript is the year 1 BC. `offset` is in seconds, east of Greenwich. */
function isoText([year, month, day], [hour, minute, second, ms], offset) {
  const isBefore = year < 1;
  const size = Math.abs(offset);
  const date = `${pad(isBefore ? 1 - year : year, 4)}-${pad(month + 1)}-${pad(day)}`;
  const time = `${pad(hour)}:${pad(minute)}:${pad(second)}.${pad(ms, 3)}`;
  const zone = `${offset < 0 ? '-' : '+'}${pad(Math.floor(size / 3600))}:${pad(Math.floor(size / 60) % 60)}`;
  const seconds = size % 60 > 0 ? `:${pad(size % 60)}` : '';
  return `${date}T${time}${zone}${seconds}${isBefore ? ' BC' : ''}`;
}

function pad(number, digits = 2) {
  return String(number).padStart(digits, '0');
}

/** The arguments of `query` as one object; that of the caller stays as it is. */
function normalizeQueryConfig(config, values, callback) {
  const query = typeof config === 'string' ? { text: config } : copyOf(config);
  if (typeof values === 'function') query.callback = values;
  else if (values) query.values = values;
  if (callback) query.callback = callback;
  return query;
}

/** With its prototype and accessors: a config may be of a class. */
function copyOf(config) {
  if (config === null || config === undefined) return config;
  const copy = Object.create(Object.getPrototypeOf(config));
  return Object.defineProperties(copy, Object.getOwnPropertyDescriptors(config));
}

function escapeIdentifier(name) {
  return `"${name.replace(/"/g, '""')}"`;
}

/**
 * Anything but a text is the empty one. With a backslash inside it takes the E'' form, which means
 * the same under either setting of standard_conforming_strings; the space before keeps the E from
 * joining a preceding word.
 */
function escapeLiteral(text) {
  if (typeof text !== 'string') return "''";
  const quoted = `'${text.replace(/['\\]/g, '$&$&')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}

module.exports = { prepareValue, normalizeQueryConfig, escapeIdentifier, escapeLiteral };
