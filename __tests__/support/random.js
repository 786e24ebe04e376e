'use strict';
// A seeded generator. Set POLYPOOL_TEST_SEED to repeat a run; the seed is part of what fails.

const seed = Number(process.env.POLYPOOL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

function generator(state = seed) {
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

module.exports = { seed, generator };
