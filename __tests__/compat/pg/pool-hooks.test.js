'use strict';
// onConnect, verify, log and Promise: what the caller brings.

const Bluebird = require('bluebird');
const { rejection } = require('../../support/pools.js');
const { IMPLEMENTATIONS } = require('./implementations.js');
const { Trace, called, counters, fakeClients, openPool, quiet } = require('./pools.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => openPool(load(), options);

  describe('onConnect', () => {
    test.each([
      ['a promise', (client) => client.query("set application_name to 'hooked'")],
      ['nothing', (client) => void client.query("set application_name to 'hooked'")],
    ])('that returns %s runs before the client is lent', async (_what, onConnect) => {
      const pool = open({ onConnect });
      const { rows } = await pool.query('show application_name');
      expect(rows).toEqual([{ application_name: 'hooked' }]);
    });

    test('once for each client, before connect is told', async () => {
      const seen = [];
      const pool = open({ onConnect: () => void seen.push('onConnect') });
      pool.on('connect', () => seen.push('connect'));
      pool.on('acquire', () => seen.push('acquire'));
      await pool.query('select 1');
      await pool.query('select 1');
      expect(seen).toEqual(['onConnect', 'connect', 'acquire', 'acquire']);
    });

    test.each([
      [
        'throws',
        () => {
          throw new Error('unwanted');
        },
      ],
      ['rejects', () => Promise.reject(new Error('unwanted'))],
    ])('that %s fails the request, and the client is gone before', async (_what, onConnect) => {
      const pool = open({ onConnect });
      const trace = new Trace(pool);
      const seen = await called((done) =>
        pool.connect((error, client, release) =>
          done(error.message, client, typeof release, counters(pool)),
        ),
      );
      expect(seen).toEqual([
        'unwanted',
        undefined,
        'function',
        'total 0 idle 0 waiting 0 expired 0',
      ]);
      expect((await rejection(pool.connect())).message).toBe('unwanted');
      expect((await rejection(pool.query('select 1'))).message).toBe('unwanted');
      expect(trace.lines).toEqual([]);
    });

    test('a failure makes way for whoever waits', async () => {
      let times = 0;
      const onConnect = () => {
        if (++times === 1) throw new Error('unwanted');
      };
      const pool = open({ onConnect, max: 1 });
      const [first, second] = [rejection(pool.connect()), pool.connect()];
      expect((await first).message).toBe('unwanted');
      (await second).release();
    });
  });

  describe('verify', () => {
    test('sees new clients only, after acquire was told', async () => {
      const seen = [];
      const verify = (client, callback) => {
        seen.push('verify');
        client.query('select 1', (error) => callback(error));
      };
      const pool = open({ verify });
      for (const event of ['connect', 'acquire', 'release']) pool.on(event, () => seen.push(event));
      await pool.query('select 1');
      await pool.query('select 1');
      expect(seen).toEqual(['connect', 'acquire', 'verify', 'release', 'acquire', 'release']);
    });

    test('a client that fails is destroyed, and the request fails', async () => {
      const pool = open({ verify: (_client, callback) => callback(new Error('unfit')) });
      const trace = new Trace(pool);
      expect((await rejection(pool.connect())).message).toBe('unfit');
      expect(counters(pool)).toBe('total 0 idle 0 waiting 0 expired 0');
      expect(trace.lines.slice(0, 3)).toEqual([
        'connect client 1 | total 1 idle 0 waiting 0 expired 0',
        'acquire client 1 | total 1 idle 0 waiting 0 expired 0',
        'release unfit client 1 | total 1 idle 0 waiting 0 expired 0',
      ]);
      const [error, client, release] = await called((done) => pool.connect(done));
      expect([error.message, client, typeof release]).toEqual(['unfit', undefined, 'function']);
    });
  });

  test('log is told what the pool does', async () => {
    const messages = [];
    const pool = open({ Client: fakeClients(), log: (text) => messages.push(text) });
    await pool.query('text');
    await pool.end();
    expect(messages.every((text) => typeof text === 'string')).toBe(true);
    for (const text of ['connecting new client', 'new client connected', 'ending']) {
      expect(messages).toContain(text);
    }
    expect(messages.indexOf('dispatching query')).toBeLessThan(
      messages.indexOf('query dispatched'),
    );
  });

  test('promises are of the class that was given', async () => {
    const pool = open({ Promise: Bluebird });
    const asked = pool.connect();
    expect(asked).toBeInstanceOf(Bluebird);
    (await asked).release();
    const queries = [pool.query('select 1'), pool.query('select 1/0')];
    for (const query of queries) expect(query).toBeInstanceOf(Bluebird);
    expect((await queries[0]).rowCount).toBe(1);
    expect((await rejection(queries[1])).code).toBe('22012');
    const ended = pool.end();
    expect(ended).toBeInstanceOf(Bluebird);
    await ended;
    const late = pool.connect();
    expect(late).toBeInstanceOf(Bluebird);
    await rejection(late);
  });

  test('a listener that asks for more gets it', async () => {
    const pool = open({ Client: fakeClients(), max: 2 });
    const more = new Promise((resolve) => pool.once('release', () => resolve(pool.connect())));
    const client = await pool.connect();
    client.release();
    await quiet();
    expect(counters(pool)).toBe('total 2 idle 1 waiting 0 expired 0');
    (await more).release();
  });
});
