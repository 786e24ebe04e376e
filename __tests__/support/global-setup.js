'use strict';
// Starts the servers of the whole run, unless the caller (npm test) has them running already. Test
// files that want Redis start one each.

const { RedisServer } = require('./redis.js');
const { startServers } = require('./servers.js');

module.exports = async () => {
  await RedisServer.prepare();
  globalThis.polypoolStopServers = await startServers();
};
