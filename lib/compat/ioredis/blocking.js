'use strict';

/** Commands that the server may answer late, and for how long they say that they wait. */

function toNumber(word) {
  if (typeof word === 'number') return word;
  if (word instanceof Buffer) return toNumber(word.toString());
  if (typeof word !== 'string') return undefined;
  const number = Number(word);
  return Number.isFinite(number) ? number : undefined;
}

function seconds(word) {
  const value = toNumber(word);
  return value === undefined ? undefined : Math.max(value, 0) * 1000;
}

/** Milliseconds of option BLOCK: null where it is not there. */
function blockOption(args) {
  const isBlock = (word) =>
    (typeof word === 'string' || word instanceof Buffer) && /^block$/i.test(word.toString());
  const at = args.findIndex(isBlock);
  if (at === -1) return null;
  const value = toNumber(args[at + 1]);
  return value === undefined ? undefined : Math.max(value, 0);
}

const first = (args) => seconds(args[0]);
const last = (args) => seconds(args.at(-1));

/** Milliseconds by the arguments, 0 without end; undefined where they cannot be read. */
const BLOCKING = {
  blpop: last,
  brpop: last,
  brpoplpush: last,
  blmove: last,
  blmovem: (args) => seconds(args[4]),
  bzpopmin: last,
  bzpopmax: last,
  bzmpop: first,
  blmpop: first,
  xread: blockOption,
  xreadgroup: blockOption,
};

/** Also those that answer when replicas have. */
const WAITS = new Set([...Object.keys(BLOCKING), 'wait', 'waitaof']);

const isBlocking = (name) => Object.hasOwn(BLOCKING, name.toLowerCase());

function mayWait({ name, args }) {
  const lower = name.toLowerCase();
  return WAITS.has(lower) && BLOCKING[lower]?.(args) !== null;
}

/** Undefined for any other command. */
function blockingTimeout(name, args) {
  return args.length === 0 ? undefined : BLOCKING[name.toLowerCase()]?.(args);
}

module.exports = { BLOCKING, blockingTimeout, isBlocking, mayWait };
