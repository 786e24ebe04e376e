import { createPool, ObjectPool, PoolError, ResourcePool } from 'polypool';
import type { ObjectPoolStats, RemoveReason, ResourceFactory, ResourceLease } from 'polypool';
import { exact } from './exact.js';

interface Parser {
  parse(text: string): number;
}

async function uses(): Promise<void> {
  const pool = await createPool({
    create: ({ signal }) => {
      exact<typeof signal, AbortSignal>(true);
      return { parse: (text: string) => text.length };
    },
    destroy: (parser) => parser.parse(''),
    validate: async (parser) => parser.parse('') === 0,
    reset: (parser) => void parser.parse(''),
    max: 3,
    createTimeoutMs: null,
  });
  const parser = await pool.acquire({ timeoutMs: 10, signal: AbortSignal.timeout(5), priority: 0 });
  exact<ReturnType<typeof parser.parse>, number>(true);
  await pool.release(parser, { destroy: true });
  const told = await pool.use((it) => `${it.parse('x')}`);
  exact<typeof told, string>(true);
  await using lease: ResourceLease<Parser> = await pool.lease();
  exact<typeof lease.resource, Parser>(true);
  const stats = pool.stats();
  exact<typeof stats, ObjectPoolStats>(true);
  pool.on('remove', (resource, reason) => {
    exact<typeof reason, RemoveReason>(true);
    resource.parse('x');
  });
  pool.on('error', (error, resource) => {
    if (error instanceof PoolError && error.code === 'ERR_POLYPOOL_FACTORY_TIMEOUT') return;
    resource?.parse('x');
  });
  pool.on('leak', ({ resource, heldMs, stack }) => [resource.parse('x'), heldMs, stack]);
  await pool.close({ timeoutMs: null });
}

class Parsers implements ResourceFactory<Parser> {
  async create(): Promise<Parser> {
    return { parse: Number };
  }
  destroy(): void {}
}

const separate = new ObjectPool(new Parsers(), { max: 2 });
const numbers = new ObjectPool<number>({ create: () => 1, destroy: () => {} });

async function monitors(): Promise<void> {
  const pool = new ResourcePool(new Parsers(), { min: 1, max: 2, acquireTimeout: null });
  await pool.initialize();
  const parser = await pool.acquire();
  exact<typeof parser, Parser>(true);
  exact<typeof pool.resources, Parser[]>(true);
  const inUse: number = pool.inUse.size;
  for (const lent of pool.inUse) lent.parse(`${inUse} ${pool.inUse.has(parser)}`);
  await pool.release(parser);
  await pool.drain();
}

// @ts-expect-error: create is missing
void createPool({ destroy() {} });
// @ts-expect-error: of databases
void new ObjectPool({ create: () => 1, destroy() {}, pipeline: true });
// @ts-expect-error: another pool's resource
void numbers.release('1');
// @ts-expect-error: replicas are of databases
void separate.acquire({ target: 'replica' });

// @ts-expect-error: of ObjectPool
void new ResourcePool(new Parsers(), { acquireTimeoutMs: 5 });
// @ts-expect-error: what exists is the pool's to say
new ResourcePool(new Parsers()).resources = [];

void uses;
void monitors;
