'use strict';

/**
 * Dates whose local time is a wall clock, many at a time. Asking the system for the offset of each
 * costs most of a row; on nearly all days it is the same from midnight to midnight.
 */

const { localDate } = require('../../dates');

const DAY = 86_400_000;
const HALF = DAY / 2;
/** The year 100: those before mean others to a Date. */
const BEGIN = -59_011_459_200_000;
const DAYS_MAX = 4096;

/** By the day's number; null where it changes in between. */
const offsets = new Map();
let zone = process.env.TZ;

/** Called before many: programs change the zone of their process. */
function checkZone() {
  const now = process.env.TZ;
  if (now === zone) return;
  zone = now;
  offsets.clear();
}

/** `wallMs` is the wall clock as if it were UTC's. */
function dateOfWall(wallMs) {
  if (!(wallMs >= BEGIN)) return localDate(wallMs);
  const day = Math.floor(wallMs / DAY);
  let offset = offsets.get(day);
  if (offset === undefined) offset = learn(day);
  return offset === null ? localDate(wallMs) : new Date(wallMs - offset);
}

function learn(day) {
  const [first, ...others] = [0, HALF, DAY - 1].map((ms) => {
    const wall = day * DAY + ms;
    return wall - localDate(wall).getTime();
  });
  const offset = others.every((other) => other === first) ? first : null;
  if (offsets.size >= DAYS_MAX) offsets.clear();
  offsets.set(day, offset);
  return offset;
}

module.exports = { checkZone, dateOfWall };
