'use strict';

/**
 * A JavaScript array as a parameter: the literal of a PostgreSQL array and, because only the server
 * knows the parameter's type, the same as JSON. The engine takes the one that fits.
 */

const { types } = require('node:util');
const { messageOf } = require('./errors');
const { formatDate } = require('./dates');

/** PostgreSQL arrays have at most six dimensions; deeper nesting can only be meant as JSON. */
const MAX_DIMENSIONS = 6;

/**
 * `{ literal, json }`; a form that the array does not have is empty, which the server refuses.
 * Throws an Error whose message completes "parameter $n ...".
 */
function arrayForms(array) {
  let json = '';
  let failure;
  try {
    json = JSON.stringify(array) ?? '';
  } catch (error) {
    // A BigInt inside, which an int8[] takes all the same; or a circle.
    failure = error;
  }
  if (holdsPlainNumbers(array)) return { literal: `{${array.join()}}`, json };
  const literal = arrayLiteral(array, 1);
  if (literal === null && failure !== undefined) {
    throw new Error(`cannot be written as JSON: ${reasonOf(failure)}`);
  }
  return { literal: literal ?? '', json };
}

/** Lists of ids are the usual case: join() spells every number but minus zero as a literal does. */
function holdsPlainNumbers(array) {
  for (let i = 0; i < array.length; i++) {
    if (typeof array[i] !== 'number' || Object.is(array[i], -0)) return false;
  }
  return true;
}

/** Null when it is nested too deeply for an array. */
function arrayLiteral(array, depth) {
  if (depth > MAX_DIMENSIONS) return null;
  let text = '{';
  for (let i = 0; i < array.length; i++) {
    const element = array[i];
    const part = Array.isArray(element)
      ? arrayLiteral(element, depth + 1)
      : elementLiteral(element, i);
    if (part === null) return null;
    text += i === 0 ? part : `,${part}`;
  }
  return `${text}}`;
}

function elementLiteral(value, index) {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'boolean':
      return value ? 't' : 'f';
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? 'NULL' : objectLiteral(value, index);
    case 'undefined':
      throw new Error(`holds undefined at index ${index}; use null for SQL NULL`);
    default:
      throw new Error(`holds a ${typeof value} at index ${index}, which cannot be sent`);
  }
}

function objectLiteral(value, index) {
  if (types.isDate(value)) {
    const text = formatDate(value);
    if (text === null) throw new Error(`holds an invalid Date at index ${index}`);
    return quote(text);
  }
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return bytesLiteral(value, index);
  let json;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new Error(`holds at index ${index} what cannot be written as JSON: ${reasonOf(error)}`);
  }
  if (json === undefined) throw new Error(`holds an object without a JSON form at index ${index}`);
  return quote(json);
}

function bytesLiteral(value, index) {
  let bytes;
  try {
    const { buffer = value, byteOffset = 0, byteLength } = value;
    bytes = Buffer.from(buffer, byteOffset, byteLength);
  } catch (error) {
    throw new Error(`holds at index ${index} what has no bytes to be read: ${reasonOf(error)}`);
  }
  // The backslash of a bytea in hex is itself escaped inside an array.
  return `"\\\\x${bytes.toString('hex')}"`;
}

function reasonOf(error) {
  return messageOf(error).split('\n', 1)[0];
}

const SPECIAL = /["\\]/g;

/** Always quoted, so that no text is taken for NULL, a number or structure. */
function quote(text) {
  return `"${text.replace(SPECIAL, '\\$&')}"`;
}

module.exports = { arrayForms };
