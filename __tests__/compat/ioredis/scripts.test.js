'use strict';
// Scripts as commands: by digest where the server knows them, by text where it does not.

const { IMPLEMENTATIONS } = require('./implementations.js');
const { called, failure, next, track, useServer } = require('./instances.js');

const server = useServer();

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const make = (options) => track(new (load())({ port: server.current.port, ...options }));

  /** The names of the commands that the server gets while `act` runs. */
  async function sentDuring(act) {
    const parent = make();
    // What it asks before it is ready would be among the lines, or ahead of them.
    await next(parent, 'ready');
    const watcher = track(await parent.monitor());
    const names = [];
    watcher.on('monitor', (_time, [name], source) => source !== 'lua' && names.push(name));
    await act();
    const marker = `marker${Math.random()}`;
    const done = new Promise((resolve) => {
      watcher.on('monitor', (_time, [, word]) => word === marker && resolve());
    });
    await make({ disableClientInfo: true }).echo(marker);
    await done;
    return names.filter((name) => name.startsWith('eval'));
  }

  beforeEach(async () => {
    await make().script('FLUSH');
  });

  test('the text goes once, then the digest', async () => {
    const redis = make();
    await next(redis, 'ready');
    redis.defineCommand('echoes', { numberOfKeys: 2, lua: 'return {KEYS[1], KEYS[2], ARGV[1]}' });
    const sent = await sentDuring(async () => {
      expect(await redis.echoes('a', 'b', 'c')).toEqual(['a', 'b', 'c']);
      expect(await redis.echoes('a', 'b', 1)).toEqual(['a', 'b', '1']);
      expect(await redis.echoesBuffer('a', 'b', 'c')).toEqual(['a', 'b', 'c'].map(Buffer.from));
    });
    expect(sent).toEqual(['eval', 'evalsha', 'evalsha']);
  });

  test('a server that has forgotten it gets the text again', async () => {
    const redis = make();
    redis.defineCommand('one', { numberOfKeys: 0, lua: 'return 1' });
    expect(await redis.one()).toBe(1);
    await redis.script('FLUSH');
    const sent = await sentDuring(async () => {
      expect(await redis.one()).toBe(1);
    });
    expect(sent).toEqual(['evalsha', 'eval']);
    await redis.script('FLUSH');
    expect(await redis.pipeline().one().one().exec()).toEqual([
      [null, 1],
      [null, 1],
    ]);
  });

  test('the number of keys as the first argument', async () => {
    const redis = make();
    redis.defineCommand('keys2', { lua: 'return #KEYS' });
    expect(await redis.keys2(2, 'a', 'b', 'c')).toBe(2);
    expect(await redis.keys2([1, 'a'])).toBe(1);
  });

  test('with a callback, and with errors', async () => {
    const redis = make();
    redis.defineCommand('fails', { numberOfKeys: 0, lua: 'return redis.error_reply("OWN error")' });
    const error = await failure(redis.fails());
    expect(error.message).toBe('OWN error');
    expect(error.command.name).toMatch(/^eval/);
    const [given] = await called((done) => redis.fails(done).catch(() => {}));
    expect(given.message).toBe('OWN error');
    redis.defineCommand('broken', { numberOfKeys: 0, lua: 'this is no script' });
    expect((await failure(redis.broken())).message).toMatch(/^ERR Error compiling script/);
  });

  test('by option, with a prefix before the keys', async () => {
    const redis = make({
      keyPrefix: 'p:',
      scripts: { where: { numberOfKeys: 1, lua: 'return {KEYS[1], ARGV[1]}', readOnly: true } },
    });
    expect(await redis.where('k', 'v')).toEqual(['p:k', 'v']);
    expect(await redis.multi().where('k', 'v').exec()).toEqual([[null, ['p:k', 'v']]]);
  });

  test('at once on several connections', async () => {
    const redis = make();
    const lua = 'return ARGV[1]';
    redis.defineCommand('same', { numberOfKeys: 0, lua });
    const other = track(redis.duplicate({ scripts: { same: { numberOfKeys: 0, lua } } }));
    const all = Array.from({ length: 20 }, (_, i) => (i % 2 ? redis : other).same(i));
    expect(await Promise.all(all)).toEqual(all.map((_, i) => String(i)));
  });
});
