import {
  DatabaseError,
  Pool,
  RedisPool,
  connect,
  createPool,
  type RedisConnection,
  type RedisMessage,
  type UnpooledRedisConnection,
} from 'polypool';
import { exact } from './exact.js';

export async function pools(url: string): Promise<void> {
  const pool = await createPool('redis://localhost', { max: 4, types: { int8: 'bigint' } });
  exact<typeof pool, RedisPool>(true);
  const other = await createPool({ engine: 'redis', host: 'localhost', db: 2 });
  exact<typeof other, RedisPool>(true);
  const plain = await createPool(url);
  exact<typeof plain, Pool>(true);
  new RedisPool(url, { onConnect: (connection) => connection.command('CLIENT', 'NO-EVICT', 'on') });
  // @ts-expect-error Redis has no such option
  new RedisPool(url, { database: 'x' });
  // @ts-expect-error a Redis pool has no SQL
  pool.sql`select 1`;
}

export async function commands(pool: RedisPool): Promise<void> {
  await pool.query('SET', ['key', 1, 'EX', 60n, Buffer.of(1)]);
  await pool.query('PING');
  const got = await pool.query<string | null>('GET', ['key'], { timeoutMs: 100, buffers: false });
  exact<typeof got, string | null>(true);
  await pool.command('INCRBY', 'counter', 2);
  // @ts-expect-error null has no bytes
  await pool.command('SET', 'key', null);
  // @ts-expect-error arguments come in an array
  await pool.query('GET', 'key');
  // @ts-expect-error rows have modes
  await pool.query('GET', ['key'], { rowMode: 'array' });
  const replies = await pool.pipeline<[string, number | DatabaseError]>([
    ['SET', 'a', 1],
    ['INCR', 'a'],
  ]);
  exact<(typeof replies)[1], number | DatabaseError>(true);
  const both = await pool.multi<[string, number]>([
    ['SET', 'a', 1],
    ['INCR', 'a'],
  ]);
  exact<typeof both, [string, number] | null>(true);
  await pool.eval<number>('return 1', ['key'], [1], { readOnly: true });
  for await (const key of pool.scan({ match: 'a*', type: 'string' })) key.slice(1);
  for await (const [field, value] of pool.hscan('hash')) field.concat(value);
  for await (const field of pool.hscan('hash', { noValues: true })) field.slice(1);
  for await (const [member, score] of pool.zscan<Buffer>('set', { buffers: true })) {
    exact<typeof member, Buffer>(true);
    exact<typeof score, number>(true);
  }
}

export async function connections(pool: RedisPool): Promise<void> {
  await using connection = await pool.acquire({ timeoutMs: 10 });
  exact<typeof connection, RedisConnection>(true);
  const done = await pool.use((borrowed) => borrowed.query<string>('GET', ['key']));
  exact<typeof done, string>(true);
  const single = await connect('redis://localhost');
  exact<typeof single, UnpooledRedisConnection>(true);
  await single.close();
}

export async function subscriptions(pool: RedisPool): Promise<void> {
  const texts = await pool.subscribe('news*', { pattern: true });
  for await (const message of texts) exact<typeof message, RedisMessage>(true);
  const bytes = await pool.subscribe('news', { buffers: true });
  bytes.on('message', ({ message }) => exact<typeof message, Buffer>(true));
  bytes.on('resubscribed', ({ lostForMs }) => lostForMs.toFixed());
  for await (const line of await pool.monitor()) line.slice(1);
}
