import { finished } from 'node:stream/promises';
import { Pool, createPool, connect, sql } from 'polypool';
import type {
  AnyRow,
  CopyReader,
  CopyWriter,
  QueryResult,
  RowObject,
  SqlFragment,
  SqlQuery,
} from 'polypool';
import { exact } from './exact.js';

interface User {
  id: number;
  name: string;
}

export async function results(pool: Pool): Promise<void> {
  const untyped = await pool.query('select 1');
  exact<typeof untyped, QueryResult<AnyRow>>(true);

  const typed = await pool.query<User>('select * from users where id = $1', [1]);
  exact<typeof typed.rows, User[]>(true);
  exact<typeof typed.rowCount, number | null>(true);
  exact<typeof typed.command, string | null>(true);
  const oid: number = typed.fields[0]!.dataTypeId;
  void oid;

  const arrays = await pool.query('select 1', null, { rowMode: 'array' });
  exact<typeof arrays.rows, unknown[][]>(true);
  const tuples = await pool.query<[number, string]>('select 1', [], { rowMode: 'array' });
  exact<typeof tuples.rows, [number, string][]>(true);

  const several = await pool.query<[QueryResult<User>, QueryResult]>('select 1; select 2');
  exact<(typeof several)[0], QueryResult<User>>(true);
  const list = await pool.query<QueryResult[]>('select 1; select 2');
  exact<typeof list, QueryResult[]>(true);

  const config = await pool.query<User>({ text: 'select 1', values: [1], timeoutMs: 5 });
  exact<typeof config.rows, User[]>(true);
  const configArrays = await pool.query({ text: 'select 1', rowMode: 'array' });
  exact<typeof configArrays.rows, unknown[][]>(true);

  // @ts-expect-error several results come without values only
  await pool.query<QueryResult[]>('select $1; select 2', [1]);
  // @ts-expect-error rows are arrays, so the row type must be one
  await pool.query<User>('select 1', [], { rowMode: 'array' });
  // @ts-expect-error no such mode
  await pool.query('select 1', [], { rowMode: 'list' });
  // @ts-expect-error the text is missing
  await pool.query({ values: [1] });
  // @ts-expect-error statements are named by the library
  await pool.query({ text: 'select 1', name: 'one' });
  // @ts-expect-error a row is an object
  await pool.query<number>('select 1');
}

export async function parameters(pool: Pool, maybe: string | undefined): Promise<void> {
  const frozen = [1, 'a'] as const;
  await pool.query('select $1, $2', frozen);
  await pool.query('', [null, true, 1, 1n, 'x', new Date(), Buffer.alloc(1), new Uint8Array(1)]);
  await pool.query('', [[1, [null, 2]], { any: ['thing'] }]);
  // @ts-expect-error undefined is refused: null is SQL NULL
  await pool.query('select $1', [maybe]);
  // @ts-expect-error symbols cannot be encoded
  await pool.query('select $1', [Symbol('no')]);
  // @ts-expect-error values are a list
  await pool.query('select $1', 1);
}

/** A generic wrapper must be able to pass its row type on. */
export async function one<Row extends RowObject>(pool: Pool, text: string): Promise<Row> {
  const { rows } = await pool.query<Row>(text);
  return rows[0]!;
}
export const user = (pool: Pool): Promise<User> => one<User>(pool, 'select 1');

export async function tags(pool: Pool): Promise<void> {
  const rows = await pool.sql<User>`select * from users where id = ${1}`;
  exact<typeof rows, User[]>(true);

  const query = pool.sql`select 1`;
  exact<typeof query, SqlQuery<AnyRow>>(true);
  const whole = await pool.query(query);
  exact<typeof whole, QueryResult<AnyRow>>(true);

  const active = sql`active = ${true}`;
  exact<typeof active, SqlFragment>(true);
  await pool.sql`select * from ${sql.identifier('app', 'users')} where ${active}`;
  await pool.query<User>(sql`select 1`);
  await pool.query(sql`select 1`, null, { rowMode: 'array', timeoutMs: 10 });

  // @ts-expect-error undefined is no value
  void pool.sql`select ${undefined}`;
  // @ts-expect-error a name is needed
  sql.identifier();
}

export async function streams(pool: Pool): Promise<void> {
  for await (const row of pool.stream<User>('select * from users', [1], { batchSize: 100 })) {
    exact<typeof row, User>(true);
  }
  for await (const row of pool.stream(sql`select 1`, null, { rowMode: 'array' })) {
    exact<typeof row, unknown[]>(true);
  }
  pool
    .stream('select 1')
    .on('data', () => {})
    .pipe(process.stdout);
}

export async function copies(pool: Pool): Promise<void> {
  const writer: CopyWriter = pool.copyFrom('copy t from stdin', { highWaterMark: 1024 });
  writer.write('1\n');
  exact<typeof writer.rowCount, number | null>(true);
  for await (const chunk of pool.copyTo(sql`copy ${sql.identifier('t')} to stdout`)) {
    exact<typeof chunk, Buffer>(true);
  }
  await pool.transaction((tx) => finished(tx.copyFrom('copy t from stdin', { timeoutMs: 10 })));
  await using connection = await connect('postgres://localhost');
  const reader: CopyReader = connection.copyTo('copy t to stdout', {
    signal: AbortSignal.timeout(10),
  });
  reader.pipe(writer);
  // @ts-expect-error COPY has no parameters
  pool.copyFrom('copy t from stdin', [1]);
  // @ts-expect-error there are no rows
  pool.copyTo('copy t to stdout', { rowMode: 'array' });
}

export async function entries(): Promise<void> {
  const pool = await createPool('postgres://localhost/db', { max: 10 });
  exact<typeof pool, Pool>(true);
  await using same = await createPool({ url: new URL('postgres://localhost'), min: 1 });
  void same;
  await using connection = await connect({ host: '/run/postgresql', user: 'me' });
  await connection.query('select 1');
  await connection.close({ timeoutMs: 100 });
  // @ts-expect-error there is no pool to go back to
  await connection.release();
}
