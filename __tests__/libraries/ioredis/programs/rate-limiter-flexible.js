'use strict';
// Points that are consumed, refused, rewarded, blocked and deleted, by script and by transaction;
// and what happens without a connection.

const Redis = require('ioredis');
const { BurstyRateLimiter, RateLimiterMemory, RateLimiterRedis } = require('rate-limiter-flexible');
const { place, report } = require('../report.js');

const shown = ({ remainingPoints, consumedPoints, isFirstInDuration }) => [
  remainingPoints,
  consumedPoints,
  isFirstInDuration,
];

async function main() {
  const observed = {};
  const storeClient = new Redis({ ...place(), enableOfflineQueue: false });
  await new Promise((resolve) => storeClient.once('ready', resolve));
  const limiter = new RateLimiterRedis({ storeClient, points: 3, duration: 60, keyPrefix: 'rl' });
  observed.consumed = [];
  for (let i = 0; i < 3; i++) observed.consumed.push(shown(await limiter.consume('ann')));
  observed.refused = shown(await limiter.consume('ann').catch((result) => result));
  observed.got = shown(await limiter.get('ann'));
  observed.rewarded = shown(await limiter.reward('ann', 2));
  observed.penalized = shown(await limiter.penalty('ann', 1));
  await limiter.block('bob', 60);
  observed.blocked = (await limiter.consume('bob').catch((result) => result)).consumedPoints;
  observed.deleted = [await limiter.delete('ann'), await limiter.get('ann')];
  const many = await Promise.allSettled(Array.from({ length: 10 }, () => limiter.consume('all')));
  observed.together = many.filter(({ status }) => status === 'fulfilled').length;

  const bursty = new BurstyRateLimiter(
    new RateLimiterRedis({ storeClient, points: 1, duration: 60, keyPrefix: 'a' }),
    new RateLimiterRedis({ storeClient, points: 1, duration: 60, keyPrefix: 'b' }),
  );
  const bursts = await Promise.allSettled([1, 2, 3].map(() => bursty.consume('eve')));
  observed.bursts = bursts.filter(({ status }) => status === 'fulfilled').length;

  storeClient.disconnect();
  await new Promise((resolve) => storeClient.once('end', resolve));
  observed.without = (await limiter.consume('ann').catch((error) => error)).message;
  const insuranceLimiter = new RateLimiterMemory({ points: 1, duration: 60 });
  const insured = new RateLimiterRedis({ storeClient, points: 1, duration: 60, insuranceLimiter });
  observed.insured = shown(await insured.consume('ann'));
  return observed;
}

report(main);
