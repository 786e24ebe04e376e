'use strict';
// What an instance does to its process: it keeps it alive while it is connected, lets it go when it
// is not, and tells the console of errors that nobody hears.

const { runNode } = require('../../support/child.js');
const { freePort } = require('../../support/server.js');
const { useServer } = require('./instances.js');

const server = useServer();

describe.each([['ioredis'], ['polypool/ioredis']])('%s', (name) => {
  const run = (body, options) =>
    runNode(['-e', `const Redis = require('${name}');\n${body}`], options);

  test('ends after quit() and after disconnect()', async () => {
    for (const end of ['quit', 'disconnect']) {
      const result = await run(`
        const redis = new Redis(${server.current.port});
        redis.set('key', 1).then(() => redis.${end}()).then(() => console.log('done'));`);
      expect(result).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
    }
  });

  test('stays while it is connected', async () => {
    const result = await run(
      `const redis = new Redis(${server.current.port});
       redis.once('ready', () => console.log('ready'));`,
      { onOutput: (_text, child) => setTimeout(() => child.kill('SIGTERM'), 200) },
    );
    expect(result).toMatchObject({ code: null, signal: 'SIGTERM', stdout: 'ready\n' });
  });

  test('ends when its stream is no reason to stay', async () => {
    const result = await run(`
      const redis = new Redis(${server.current.port});
      redis.once('ready', () => redis.stream.unref());`);
    expect(result).toMatchObject({ code: 0, stderr: '' });
  });

  test('errors that nobody hears', async () => {
    const port = await freePort();
    const { code, stderr } = await run(`new Redis(${port}, '127.0.0.1', { retryStrategy: null });`);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^\[ioredis\] Unhandled error event: Error: connect ECONNREFUSED/);
  });

  test('what a listener throws is an uncaught exception, and the rest goes on', async () => {
    const result = await run(`
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      const redis = new Redis(${server.current.port});
      const publisher = redis.duplicate();
      redis.on('message', () => { throw new Error('of a listener'); });
      redis.on('messageBuffer', () => console.log('not told'));
      redis.subscribe('channel').then(async () => {
        await publisher.publish('channel', 'one');
        console.log(await redis.ping());
        redis.get('key', () => { throw new Error('of a callback'); });
        await redis.quit();
        await publisher.quit();
      });`);
    expect(result.stderr).toBe('');
    expect(result.stdout.split('\n').filter(Boolean).sort()).toEqual([
      'PONG',
      'uncaught of a callback',
      'uncaught of a listener',
    ]);
    expect(result.code).toBe(0);
  });

  test('contexts of AsyncLocalStorage', async () => {
    const { stdout } = await run(`
      const { AsyncLocalStorage } = require('node:async_hooks');
      const storage = new AsyncLocalStorage();
      const redis = new Redis(${server.current.port}, { lazyConnect: true });
      const ask = (name) => storage.run(name, async () => {
        const seen = [];
        await redis.get('key');
        seen.push(storage.getStore());
        await new Promise((resolve) => redis.get('key', () => resolve(seen.push(storage.getStore()))));
        await redis.pipeline().get('key').exec();
        seen.push(storage.getStore());
        return seen;
      });
      Promise.all([ask('one'), ask('two')]).then((all) => {
        console.log(JSON.stringify(all));
        redis.disconnect();
      });`);
    expect(JSON.parse(stdout)).toEqual([
      ['one', 'one', 'one'],
      ['two', 'two', 'two'],
    ]);
  });
});
