'use strict';
// What the drop-in leaves to the engine and refuses elsewhere.

const net = require('node:net');
const { rejection } = require('../../support/pools.js');
const { config, track } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const [, load] = IMPLEMENTATIONS.at(-1);

test.each(['app', 'md5user'])('over a Connection of the user %s cannot log in', async (user) => {
  const { Client, Connection } = load();
  const connection = new Connection({ stream: new net.Socket() });
  const client = track(new Client(config({ user, connection })));
  expect((await rejection(client.connect())).message).toContain("option 'stream'");
});

test.each(['app', 'md5user'])('over a stream of the user %s logs in', async (user) => {
  const { Client } = load();
  const client = track(new Client(config({ user, stream: () => new net.Socket() })));
  await client.connect();
  expect((await client.query('select current_user')).rows).toEqual([{ current_user: user }]);
});
