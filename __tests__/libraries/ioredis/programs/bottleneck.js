'use strict';
// A limiter whose state is in the server, shared by two of them.

const Bottleneck = require('bottleneck');
const Redis = require('ioredis');
const { place, report } = require('../report.js');

async function main() {
  const observed = {};
  const options = {
    id: 'shared',
    datastore: 'ioredis',
    clearDatastore: true,
    clientOptions: place(),
    maxConcurrent: 2,
    reservoir: 6,
  };
  const first = new Bottleneck(options);
  await first.ready();
  const connection = new Bottleneck.IORedisConnection({ client: new Redis(place()) });
  const second = new Bottleneck({ ...options, clearDatastore: false, connection });
  await second.ready();

  let running = 0;
  let most = 0;
  const job = async (value) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    return value * 2;
  };
  const results = await Promise.all(
    [1, 2, 3, 4, 5].map((value, i) => (i % 2 ? first : second).schedule(job, value)),
  );
  observed.results = results;
  observed.most = most;
  observed.reservoir = await first.currentReservoir();
  await second.incrementReservoir(10);
  observed.refilled = await first.currentReservoir();
  observed.wrapped = await first.wrap(async (a, b) => a + b)(1, 2);

  const message = new Promise((resolve) => second.once('message', resolve));
  await first.publish('hello');
  observed.message = await message;

  const group = new Bottleneck.Group({ ...options, id: 'group', reservoir: null, connection });
  observed.group = await group.key('ann').schedule(async () => 'in a group');
  observed.keys = group.keys();
  await first.disconnect();
  await second.disconnect();
  await connection.disconnect();
  return observed;
}

report(main);
