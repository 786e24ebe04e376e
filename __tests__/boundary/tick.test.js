'use strict';
// What is found out once in a tick, and when the next one begins.

const { Tick, asTick, clock } = require('../../lib/tick.js');

/** Keeps the thread busy until the system's clock has moved. */
function spend(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('the time is one throughout a tick, and a later one in the next', async () => {
  const first = clock();
  spend(3);
  expect(clock()).toBe(first);
  await null;
  expect(clock()).toBeGreaterThanOrEqual(first + 3);
});

test('each who asks is told once a tick that it is new', async () => {
  const [one, other] = [new Tick(), new Tick()];
  expect([one.isNew(), one.isNew(), other.isNew(), other.isNew()]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  await null;
  expect([one.isNew(), other.isNew(), one.isNew()]).toEqual([true, true, false]);
});

test('a chain of microtasks does not stop the time', async () => {
  const first = clock();
  for (let i = 0; i < 5; i++) {
    spend(1);
    await null;
  }
  expect(clock()).toBeGreaterThanOrEqual(first + 4);
});

test('what runs as a tick has a time of its own, and so has what comes before and behind it', () => {
  const before = clock();
  let within;
  spend(2);
  asTick(() => {
    within = clock();
    spend(2);
    expect(clock()).toBe(within);
  });
  expect(within).toBeGreaterThanOrEqual(before + 2);
  expect(clock()).toBeGreaterThanOrEqual(within + 2);
});

test('what is thrown ends such a tick as well', async () => {
  const before = clock();
  spend(2);
  const fail = () => {
    throw new Error('thrown within');
  };
  expect(() => asTick(fail)).toThrow('thrown within');
  const behind = clock();
  expect(behind).toBeGreaterThanOrEqual(before + 2);
  await null;
  spend(2);
  expect(clock()).toBeGreaterThanOrEqual(behind + 2);
});
