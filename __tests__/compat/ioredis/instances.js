'use strict';
// Instances that are closed after each test, and what the tests ask of them.

const { RedisServer } = require('../../support/redis.js');

const open = new Set();

/** The arguments of an event's next time; errors do not end the wait. */
const next = (redis, name) =>
  new Promise((resolve) => redis.once(name, (...given) => resolve(given)));

/** Disconnects the instance when the test is over, in whatever state it then is. */
function track(redis) {
  open.add(redis);
  return redis;
}

afterEach(async () => {
  jest.useRealTimers();
  const closing = [...open];
  open.clear();
  await Promise.all(closing.map(close));
});

async function close(redis) {
  redis.on('error', () => {}); // of a connection that the test has broken
  if (redis.status === 'end' || redis.status === 'wait') return;
  const ended = next(redis, 'end');
  // Between two connections ioredis ends without a word.
  const isBetween = ['close', 'reconnecting'].includes(redis.status);
  redis.disconnect();
  if (!isBetween) await ended;
}

/** A server for the tests of a file: `server.current` while they run. */
function useServer() {
  const holder = { current: null };
  beforeAll(async () => {
    holder.current = await RedisServer.start();
  });
  afterAll(() => holder.current.destroy());
  return holder;
}

/** These events with their arguments, in the order in which they come. */
function record(redis, names, seen = []) {
  for (const name of names) redis.on(name, (...given) => seen.push([name, ...given]));
  return seen;
}

const LIFE = ['wait', 'connecting', 'connect', 'ready', 'close', 'reconnecting', 'end'];

/** The names of the events of its life. */
function recordLife(redis, seen = []) {
  for (const name of LIFE) redis.on(name, () => seen.push(name));
  return seen;
}

/** Resolves with what the promise rejects with. */
async function failure(promise) {
  const error = await promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (reason) => reason,
  );
  expect(typeof error?.message).toBe('string');
  return error;
}

/** What a callback is called with. */
const called = (start) => new Promise((resolve) => start((...given) => resolve(given)));

module.exports = { called, failure, next, record, recordLife, track, useServer };
