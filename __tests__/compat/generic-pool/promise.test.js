'use strict';
// Option Promise: what every method returns is one of it.

const Bluebird = require('bluebird');
const { LIBRARIES, Workshop, rejection } = require('./libraries.js');

class Own extends Promise {}

describe.each(LIBRARIES)('%s', (_name, load) => {
  describe.each([
    ['a subclass', Own],
    ['bluebird', Bluebird],
    ['the default', Promise],
  ])('%s', (kind, Type) => {
    const open = (options = {}) => {
      const workshop = new Workshop();
      const own = kind === 'the default' ? {} : { Promise: Type };
      return load().createPool(workshop.factory, { ...own, ...options });
    };

    test('acquire, whether it waits or not', async () => {
      const pool = open();
      const created = pool.acquire();
      expect(created).toBeInstanceOf(Type);
      await pool.release(await created);
      const idle = pool.acquire();
      expect(idle).toBeInstanceOf(Type);
      await idle;
      const waiting = pool.acquire();
      expect(waiting).toBeInstanceOf(Type);
    });

    test('release and destroy, of foreign resources too', async () => {
      const pool = open();
      expect(pool.release(await pool.acquire())).toBeInstanceOf(Type);
      expect(pool.destroy(await pool.acquire())).toBeInstanceOf(Type);
      for (const method of ['release', 'destroy']) {
        const foreign = pool[method]({});
        expect(foreign).toBeInstanceOf(Type);
        await rejection(foreign);
      }
    });

    test('refusals', async () => {
      const pool = open({ maxWaitingClients: 0 });
      await pool.acquire();
      const full = pool.acquire();
      expect(full).toBeInstanceOf(Type);
      await rejection(full);
      pool.drain();
      const draining = pool.acquire();
      expect(draining).toBeInstanceOf(Type);
      await rejection(draining);
    });

    test('use, ready, drain and clear', async () => {
      const pool = open();
      const used = pool.use((resource) => Type.resolve(resource.id));
      expect(used).toBeInstanceOf(Type);
      expect(await used).toBe(1);
      const failed = pool.use(() => Type.reject(new Error('no')));
      expect(failed).toBeInstanceOf(Type);
      expect((await rejection(failed)).message).toBe('no');
      for (const call of ['ready', 'drain', 'clear']) {
        const promise = pool[call]();
        expect(promise).toBeInstanceOf(Type);
        await promise;
      }
    });
  });

  test.each([[null], [undefined]])('Promise %p is the default', async (given) => {
    const pool = load().createPool(new Workshop().factory, { Promise: given });
    expect(pool.acquire()).toBeInstanceOf(Promise);
  });
});
