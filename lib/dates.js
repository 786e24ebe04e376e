'use strict';

/**
 * Dates to and from PostgreSQL's ISO text.
 *
 * A Date is sent as local time with its offset: `timestamptz` takes the instant, `timestamp` and
 * `date` ignore the offset and take the local wall clock, which is how they are read back.
 */

/** '00' to '59': a look-up is several times faster than padStart(). */
const TWO = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));

/** From here on (1973) the offset of every zone is in whole minutes. */
const WHOLE_MINUTES_FROM = 1e11;

/** Null for an invalid date. */
function formatDate(date) {
  const time = date.getTime();
  if (Number.isNaN(time)) return null;
  const year = date.getFullYear();
  const ms = date.getMilliseconds();
  const text =
    `${yearText(year > 0 ? year : 1 - year)}-${TWO[date.getMonth() + 1]}-${TWO[date.getDate()]}` +
    `T${TWO[date.getHours()]}:${TWO[date.getMinutes()]}:${TWO[date.getSeconds()]}` +
    `.${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}${offsetText(offsetSeconds(date))}`;
  return year > 0 ? text : `${text} BC`;
}

/** East of Greenwich. getTimezoneOffset() cuts off the seconds that zones had before standard time. */
function offsetSeconds(date) {
  const time = date.getTime();
  if (time >= WHOLE_MINUTES_FROM) return -60 * date.getTimezoneOffset();
  return Math.round((wallClockMs(date) - time) / 1000);
}

function yearText(year) {
  return year < 1000 ? String(year).padStart(4, '0') : year;
}

let lastOffset = NaN;
let lastOffsetText = '';

/** Hardly ever another one than last time. */
function offsetText(offset) {
  if (offset !== lastOffset) {
    const size = Math.abs(offset);
    const hours = TWO[Math.floor(size / 3600)];
    const minutes = TWO[Math.floor(size / 60) % 60];
    const seconds = size % 60 === 0 ? '' : `:${TWO[size % 60]}`;
    lastOffsetText = `${offset < 0 ? '-' : '+'}${hours}:${minutes}${seconds}`;
    lastOffset = offset;
  }
  return lastOffsetText;
}

/** The local fields of a date read as if they were UTC. */
function wallClockMs(date) {
  return utcMs(
    date.getFullYear(),
    date.getMonth(),
    date.getDate(),
    date.getHours(),
    date.getMinutes(),
    date.getSeconds(),
    date.getMilliseconds(),
  );
}

/** Date.UTC() takes the years 0 to 99 for 1900 to 1999. */
function utcMs(year, month, day, hours, minutes, seconds, ms) {
  const value = Date.UTC(year, month, day, hours, minutes, seconds, ms);
  if (year < 0 || year > 99) return value;
  return new Date(value).setUTCFullYear(year, month, day);
}

/** The Date whose local time is this wall clock, given in milliseconds as if it were UTC. */
function localDate(wallMs) {
  const utc = new Date(wallMs);
  const year = utc.getUTCFullYear();
  const local = new Date(
    year,
    utc.getUTCMonth(),
    utc.getUTCDate(),
    utc.getUTCHours(),
    utc.getUTCMinutes(),
    utc.getUTCSeconds(),
    utc.getUTCMilliseconds(),
  );
  if (year >= 0 && year <= 99) {
    local.setFullYear(year, utc.getUTCMonth(), utc.getUTCDate());
    // The day chosen first may have skipped this hour, or have had another offset.
    local.setHours(utc.getUTCHours(), utc.getUTCMinutes(), utc.getUTCSeconds());
  }
  return local;
}

const ISO = new RegExp(
  '^(\\d{4,6})-(\\d\\d)-(\\d\\d) (\\d\\d):(\\d\\d):(\\d\\d)(?:\\.(\\d{1,6}))?' +
    '(?:([+-])(\\d\\d)(?::(\\d\\d))?(?::(\\d\\d))?)?( BC)?$',
);

/**
 * Reads a timestamp in PostgreSQL's ISO style: milliseconds of the epoch when it has an offset, of
 * the wall clock otherwise. NaN for any other text (a session with another DateStyle).
 */
function parseTimestamp(text) {
  if (text === 'infinity') return Infinity;
  if (text === '-infinity') return -Infinity;
  const match = ISO.exec(text);
  if (match === null) return NaN;
  const year = match[12] === undefined ? Number(match[1]) : 1 - Number(match[1]);
  const ms = match[7] === undefined ? 0 : Number(match[7].padEnd(3, '0').slice(0, 3));
  const wall = utcMs(
    year,
    Number(match[2]) - 1,
    Number(match[3]),
    Number(match[4]),
    Number(match[5]),
    Number(match[6]),
    ms,
  );
  if (match[8] === undefined) return wall;
  const offset = Number(match[9]) * 3600 + Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0);
  return match[8] === '-' ? wall + offset * 1000 : wall - offset * 1000;
}

module.exports = { WHOLE_MINUTES_FROM, formatDate, localDate, offsetSeconds, parseTimestamp };
