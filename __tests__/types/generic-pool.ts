// Code as it is written against the declarations of generic-pool, and how the two compare.

import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import * as peer from 'generic-pool';
import * as dropIn from 'polypool/generic-pool';
import genericPool, {
  DefaultEvictor,
  Deque,
  Pool,
  PriorityQueue,
  createPool,
} from 'polypool/generic-pool';
import type { EvictionConfig, Factory, Options, PooledResource } from 'polypool/generic-pool';
import { exact } from './exact.js';

const factory: Factory<Socket> = {
  create: async () => createConnection(6379),
  destroy: async (socket) => void socket.destroy(),
  validate: (socket) => Promise.resolve(!socket.destroyed),
};

const options: Options = {
  max: 10,
  min: 2,
  maxWaitingClients: 100,
  testOnBorrow: true,
  testOnReturn: false,
  acquireTimeoutMillis: 3000,
  destroyTimeoutMillis: 1000,
  fifo: true,
  priorityRange: 2,
  autostart: true,
  evictionRunIntervalMillis: 1000,
  numTestsPerEvictionRun: 3,
  softIdleTimeoutMillis: 5000,
  idleTimeoutMillis: 30_000,
  Promise,
};

export async function uses(): Promise<void> {
  const pool: Pool<Socket> = createPool(factory, options);
  exact<typeof pool, dropIn.Pool<Socket>>(true);
  const socket = await pool.acquire(1);
  exact<typeof socket, Socket>(true);
  await pool.release(socket);
  await pool.destroy(socket);
  const port = await pool.use(async ({ localPort }) => localPort, 0);
  exact<typeof port, number | undefined>(true);
  const sync = await pool.use(() => 'text');
  exact<typeof sync, string>(true);
  exact<typeof pool.size, number>(true);
  exact<ReturnType<typeof pool.isBorrowedResource>, boolean>(true);
  pool.on('factoryCreateError', (error: Error) => error.message);
  pool.on('factoryDestroyError', (error) => void error);
  await pool.ready();
  await pool.drain();
  await pool.clear();
  pool.start();
  // @ts-expect-error what is released must be of the pool's kind
  await pool.release('socket');
  // @ts-expect-error no such option
  createPool(factory, { maximum: 3 });
  // @ts-expect-error a factory destroys as well
  createPool({ create: async () => 1 });
}

/** Whatever was declared with the peer's types goes where the drop-in's are wanted, and back. */
export function compares(theirs: peer.Pool<Socket>, ours: dropIn.Pool<Socket>): void {
  exact<peer.Factory<Socket>, dropIn.Factory<Socket>>(true);
  const given: peer.Options = {};
  createPool(factory, given);
  const stored: peer.Pool<Socket> = ours;
  const later: dropIn.Pool<Socket> = theirs;
  exact<Awaited<ReturnType<typeof theirs.acquire>>, Awaited<ReturnType<typeof ours.acquire>>>(true);
  exact<typeof genericPool.createPool, typeof createPool>(true);
  void [stored, later];
}

/** Beyond the peer's declarations: what its JavaScript takes as well. */
export function widens(): void {
  const plain = createPool({ create: () => 7, destroy: () => {}, validate: (n) => n > 1 });
  exact<typeof plain, Pool<number>>(true);

  class Patient extends DefaultEvictor {
    override evict(config: EvictionConfig, resource: PooledResource, available: number): boolean {
      return available > 2 && super.evict(config, resource, available);
    }
  }
  const pool = new Pool(Patient, Deque, PriorityQueue, factory, options);
  exact<typeof pool, Pool<Socket>>(true);
  // @ts-expect-error a Deque of one's own cannot be used
  new Pool(DefaultEvictor, class {}, PriorityQueue, factory);

  const deque = new Deque<string>();
  deque.push('a');
  exact<ReturnType<typeof deque.shift>, string | undefined>(true);
  for (const element of deque) exact<typeof element, string>(true);
}
