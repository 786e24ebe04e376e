import { Pool, sql } from 'polypool';
import type {
  AnyRow,
  Connection,
  Cursor,
  Field,
  Notification,
  Resubscription,
  Subscription,
  Transaction,
  UnpooledConnection,
} from 'polypool';
import { exact } from './exact.js';

export async function subscriptions(pool: Pool, signal: AbortSignal): Promise<void> {
  await using subscription = await pool.listen('jobs');
  exact<typeof subscription, Subscription>(true);
  for await (const notification of subscription) {
    exact<typeof notification, Notification>(true);
    const { channel, payload, processId } = notification;
    exact<[typeof channel, typeof payload, typeof processId], [string, string, number]>(true);
  }
  subscription
    .on('notification', (notification) => exact<typeof notification, Notification>(true))
    .on('resubscribed', (gap) => {
      exact<typeof gap, Resubscription>(true);
      exact<typeof gap.cause, Error | null>(true);
    })
    .on('error', (error) => exact<typeof error, Error>(true))
    .on('close', () => {});
  subscription.unref().ref();
  await subscription.close();
  await pool.listen('jobs', { signal, timeoutMs: null, maxQueued: 10, checkIntervalMs: 1000 });
  await pool.notify('jobs');
  await pool.notify('jobs', 'payload', { signal, timeoutMs: 100 });
  const listening: number = pool.stats().listening;
  void listening;
  // @ts-expect-error a channel is a text
  await pool.listen(5);
  // @ts-expect-error payloads are text: JSON.stringify it
  await pool.notify('jobs', { id: 1 });
  // @ts-expect-error a bound that is none
  await pool.listen('jobs', { maxQueued: null });
}

interface User {
  id: number;
}

export async function cursors(
  pool: Pool,
  connection: Connection,
  transaction: Transaction,
  single: UnpooledConnection,
): Promise<void> {
  await using untyped = pool.cursor('select 1');
  exact<typeof untyped, Cursor<AnyRow>>(true);
  const cursor = connection.cursor<User>('select id from users where id > $1', [1], {
    batchSize: 10,
    timeoutMs: 100,
  });
  exact<Awaited<ReturnType<typeof cursor.read>>, User[]>(true);
  exact<typeof cursor.fields, readonly Field[] | null>(true);
  for await (const user of cursor) exact<typeof user, User>(true);
  await cursor.read(500);
  await cursor.close();
  const arrays = transaction.cursor('select 1', [], { rowMode: 'array' });
  for await (const row of arrays) exact<typeof row, unknown[]>(true);
  single.cursor<User>({ text: 'select 1', values: [1], batchSize: 5 });
  const listed = single.cursor<[number]>({ text: 'select 1', rowMode: 'array' });
  exact<typeof listed, Cursor<[number]>>(true);
  pool.cursor(sql`select ${1}`, null, { batchSize: 5 });
  // @ts-expect-error rows are arrays, so the row type must be one
  pool.cursor<User>('select 1', [], { rowMode: 'array' });
  // @ts-expect-error no such option
  pool.cursor('select 1', [], { highWaterMark: 5 });
}
