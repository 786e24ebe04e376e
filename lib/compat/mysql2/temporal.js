'use strict';

/** Dates and times of the binary protocol in the words of the other one. */

const { Types } = require('./types');

const { DATETIME, TIMESTAMP } = Types;

const two = (number) => String(number).padStart(2, '0');

const clock = (hours, minutes, seconds) => [hours, minutes, seconds].map(two).join(':');

/** As many bytes as it needs: none, a day, a time of that day, a fraction of its second. */
function dateText(bytes, type, decimals) {
  const length = bytes.length;
  let text = '0000-00-00';
  if (length > 3) {
    const year = String(bytes.readUInt16LE(0)).padStart(4, '0');
    text = `${year}-${two(bytes[2])}-${two(bytes[3])}`;
  }
  if (length > 6) text += ` ${clock(bytes[4], bytes[5], bytes[6])}`;
  else if (type === DATETIME || type === TIMESTAMP) text += ' 00:00:00';
  if (length <= 10) return text;
  const micros = bytes.readUInt32LE(7);
  return `${text}.${decimals ? String(micros).padStart(6, '0').slice(0, decimals) : micros}`;
}

/** Fractions end with their last digit that is not zero. */
function timeText(bytes) {
  if (bytes.length === 0) return '00:00:00';
  const sign = bytes[0] ? '-' : '';
  const hours = bytes.readUInt32LE(1) * 24 + bytes[5];
  const micros = bytes.length > 10 ? bytes.readUInt32LE(8) : 0;
  const fraction = micros ? `.${String(micros).padStart(6, '0').replace(/0+$/, '')}` : '';
  return `${sign}${clock(hours, bytes[6], bytes[7])}${fraction}`;
}

const isZero = (text) => /^\d{4}-(?:00-|\d\d-00)/.test(text);

/** Milliseconds of a date's text as if it were UTC's. */
function partsOf(text) {
  const whole = text.length === 10 ? `${text}T00:00:00` : text.replace(' ', 'T');
  return Date.parse(`${whole}Z`);
}

module.exports = { dateText, isZero, partsOf, timeText };
