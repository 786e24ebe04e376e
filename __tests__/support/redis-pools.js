'use strict';
// A Redis server of a test file's own, pools on it, and an independent look at it through another
// package.

const { Redis } = require('ioredis');
const { RedisServer } = require('./redis.js');
const { load, track } = require('./pools.js');

let server = null;
let observer = null;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(async () => {
  observer?.disconnect();
  observer = null;
  await server?.destroy();
});

const redisServer = () => server;

const redisUrl = ({ path = '', user = '' } = {}) =>
  `redis://${user}127.0.0.1:${server.port}${path}`;

/** A pool that is closed when the test is over. */
async function openRedis(options = {}, target = {}) {
  return track(await load().createPool(redisUrl(target), options));
}

function lazyRedis(options = {}, target = {}) {
  return track(new (load().RedisPool)(redisUrl(target), options));
}

/** Sends a command outside of any pool. */
function observe(name, ...args) {
  observer ??= new Redis(server.port, '127.0.0.1');
  return observer.call(name, ...args);
}

/** The server's clients of this name; each as fields of CLIENT LIST. */
async function clients(name) {
  const list = await observe('CLIENT', 'LIST');
  const fields = (line) => Object.fromEntries(line.split(' ').map((it) => it.split('=')));
  return list
    .trim()
    .split('\n')
    .map(fields)
    .filter((client) => client.name === name);
}

module.exports = { clients, lazyRedis, observe, openRedis, redisServer, redisUrl };
