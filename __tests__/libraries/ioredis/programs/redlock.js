'use strict';
// Locks that are taken, refused, extended, released and waited for.

const Redis = require('ioredis');
const Redlock = require('redlock');
const { failure, place, report } = require('../report.js');

async function main() {
  const observed = {};
  const clients = [new Redis(place()), new Redis({ ...place(), db: 1 })];
  const redlock = new Redlock(clients, { retryCount: 0 });
  const lock = await redlock.lock('resource', 10_000);
  observed.held = await clients[0].exists('resource');
  const refused = await failure(redlock.lock('resource', 10_000));
  observed.refused = [refused.name, refused.attempts];
  const before = await clients[0].pttl('resource');
  const extended = await lock.extend(60_000);
  observed.extended = (await clients[0].pttl('resource')) > before;
  await extended.unlock();
  observed.released = await clients[0].exists('resource');

  const patient = new Redlock(clients, { retryCount: 50, retryDelay: 10 });
  let inside = 0;
  let most = 0;
  const work = async () => {
    const held = await patient.lock(['a', 'b'], 5000);
    most = Math.max(most, ++inside);
    await clients[0].ping();
    inside--;
    await held.unlock();
  };
  await Promise.all([work(), work(), work()]);
  observed.most = most;
  await redlock.quit();
  observed.statuses = await Promise.all(
    clients.map((client) => client.get('x').catch(({ message }) => message)),
  );
  return observed;
}

report(main);
