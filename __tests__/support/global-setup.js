'use strict';
// Starts one server for the whole run, unless the caller (npm test) has one running already.

const { Server } = require('./server.js');
const { VARIABLE } = require('./urls.js');

module.exports = async () => {
  if (process.env[VARIABLE]) return;
  const server = await Server.start();
  process.env[VARIABLE] = JSON.stringify(server.describe());
  globalThis.polypoolTestServer = server;
};
