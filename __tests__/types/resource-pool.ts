import { ResourcePool } from 'polypool';
import { exact } from './exact.js';

export async function classForm(): Promise<void> {
  const pool = new ResourcePool(
    { create: async () => ({ id: 1 }), destroy: (it) => void it.id },
    { min: 1, max: 4, acquireTimeout: null },
  );
  await pool.initialize();
  const resource = await pool.acquire();
  exact<typeof resource, { id: number }>(true);
  exact<typeof pool.resources.length, number>(true);
  exact<typeof pool.inUse.size, number>(true);
  exact<ReturnType<typeof pool.inUse.has>, boolean>(true);
  await pool.release(resource);
  await pool.drain();
  // @ts-expect-error milliseconds are acquireTimeout here
  new ResourcePool({ create: () => 1, destroy: () => {} }, { acquireTimeoutMs: 3 });
}
