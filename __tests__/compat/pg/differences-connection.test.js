'use strict';
// What the drop-in leaves to the engine and refuses elsewhere.

const net = require('node:net');
const { to: copyTo } = require('pg-copy-streams');
const { rejection } = require('../../support/pools.js');
const { config, connect, track } = require('./clients.js');
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

test("after a COPY stream queries are the engine's again", async () => {
  const client = await connect(load());
  for (let i = 0; i < 3; i++) {
    const stream = client.query(copyTo('copy (select 7) to stdout'));
    expect(String(Buffer.concat(await stream.toArray()))).toBe('7\n');
    await client.query('select 1');
    expect(client.connection.isWatched).toBe(false);
  }
  client.connection.stream.on('data', () => {});
  expect(client.connection.isWatched).toBe(true);
});
