import AsyncPool from 'polypool/async-pool';
import { exact } from './exact.js';

interface Database {
  query(text: string): void;
}
declare const database: Database;

export async function instances(): Promise<void> {
  const pool = AsyncPool<Database>((callback) => callback(null, database), 5);
  exact<typeof pool, AsyncPool<Database>>(true);
  exact<ReturnType<typeof pool.get>, Database>(true);
  pool.get().query('select 1');
  const made = new AsyncPool<Database>((callback) => callback(new Error('none')), 1);
  exact<typeof made, AsyncPool.Pool<Database>>(true);
  // @ts-expect-error how many?
  AsyncPool<Database>((callback) => callback(null, database));
}

export async function resources(): Promise<void> {
  const pool = new AsyncPool(['a', 'b']);
  exact<typeof pool.resources, string[] | null>(true);
  const disposer: AsyncPool.Disposer<string> = pool.use();
  void disposer;
  exact<ReturnType<typeof pool.isClosed>, boolean>(true);
  exact<typeof pool.nresources, number>(true);
  pool.close();
  pool.closeImmediately();
  const closed = await pool.closeAndWait();
  closed.isClosed();
  // @ts-expect-error resources come in an array
  new AsyncPool('abc');
}
