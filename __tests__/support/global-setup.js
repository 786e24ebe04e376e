'use strict';
// Starts one server for the whole run, unless the caller (npm test) has one running already. Test
// files that want Redis start one each.

const { RedisServer } = require('./redis.js');
const { Server } = require('./server.js');
const { VARIABLE } = require('./urls.js');

module.exports = async () => {
  await RedisServer.prepare();
  if (process.env[VARIABLE]) return;
  const server = await Server.start();
  process.env[VARIABLE] = JSON.stringify(server.describe());
  globalThis.polypoolTestServer = server;
};
