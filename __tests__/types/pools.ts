import { connect as connectTcp } from 'node:net';
import { Pool, createPool, escapeIdentifier, escapeLiteral } from 'polypool';
import type {
  Connection,
  ConnectionInfo,
  LeakInfo,
  Notice,
  PoolOptions,
  Queryable,
  RemoveReason,
  Transaction,
} from 'polypool';
import { exact } from './exact.js';

export async function leases(pool: Pool, signal: AbortSignal): Promise<void> {
  const connection = await pool.acquire({ signal, timeoutMs: null, priority: 0 });
  exact<typeof connection, Connection>(true);
  exact<typeof connection.processId, number>(true);
  await connection.query('select 1');
  await connection.release({ destroy: true });
  await pool.release(connection, { destroy: true });
  await using scoped = await pool.acquire();
  void scoped;
  const used = await pool.use(async (lent) => (await lent.query('select 1')).rowCount);
  exact<typeof used, number | null>(true);
  // @ts-expect-error only what was acquired can be released
  await pool.release({});
  // @ts-expect-error seconds are not an option
  await pool.acquire({ timeout: 5 });
}

export async function transactions(pool: Pool, signal: AbortSignal): Promise<void> {
  const answer = await pool.transaction(
    async (tx) => {
      exact<typeof tx, Transaction>(true);
      await tx.transaction((inner) => inner.query('select 1'));
      // @ts-expect-error the transaction gives its connection back by itself
      await tx.release();
      return 42;
    },
    {
      isolation: 'serializable',
      readOnly: true,
      deferrable: true,
      retries: 3,
      signal,
      timeoutMs: 1,
    },
  );
  exact<typeof answer, number>(true);
  const plain = await pool.transaction(() => 'synchronous');
  exact<typeof plain, string>(true);
  // @ts-expect-error no such level
  await pool.transaction(() => {}, { isolation: 'snapshot' });
}

export function events(pool: Pool): void {
  pool.on('connect', (info) => exact<typeof info, ConnectionInfo>(true));
  pool.on('acquire', (info) => exact<typeof info, ConnectionInfo>(true));
  pool.once('release', (info) => exact<typeof info, ConnectionInfo>(true));
  pool.on('remove', (info, reason) => {
    exact<typeof info, ConnectionInfo>(true);
    exact<typeof reason, RemoveReason>(true);
  });
  pool.on('error', (error, info) => {
    exact<typeof error, Error>(true);
    exact<typeof info, ConnectionInfo | null>(true);
  });
  pool.on('leak', (leak) => exact<typeof leak, LeakInfo>(true));
  pool.on('notice', (notice) => exact<typeof notice, Notice>(true));
  pool.on('close', () => {});
  // @ts-expect-error connections have numeric ids
  pool.on('connect', (info) => info.id.toUpperCase());
}

export async function life(pool: Pool): Promise<void> {
  exact<ReturnType<typeof pool.clear>, void>(true);
  pool.resize({ max: 20 });
  const stats = pool.stats();
  exact<typeof stats.waitMs.p99, number>(true);
  await pool.close({ timeoutMs: 1000 });
  // @ts-expect-error the name cannot be changed
  pool.name = 'other';
}

export const everyOption = {
  url: 'postgres://localhost/db',
  host: 'a,b',
  port: '5432,5433',
  user: 'me',
  username: 'me',
  password: async () => 'token',
  passfile: '/home/me/.pgpass',
  database: 'db',
  dbname: 'db',
  ssl: { rejectUnauthorized: true, ca: ['pem'], cert: 'pem', key: 'pem', servername: 'a' },
  sslnegotiation: 'direct',
  channel_binding: 'require',
  allowCleartextPassword: false,
  applicationName: 'app',
  application_name: 'app',
  options: '-c search_path=app',
  connect_timeout: 10,
  keepalive: true,
  keepalives: 1,
  keepalives_idle: 60,
  keepalives_interval: 10,
  keepalives_count: 3,
  tcpUserTimeoutMs: 30_000,
  tcp_user_timeout: 30_000,
  client_encoding: 'UTF8',
  gssencmode: 'disable',
  target_session_attrs: 'any',
  connectTimeoutMs: 10_000,
  queryTimeoutMs: 0,
  statementCache: 0,
  types: { int8: 'bigint' },
  max: 10,
  min: 0,
  acquireTimeoutMs: null,
  idleTimeoutMs: 0,
  maxLifetimeMs: 0,
  maxUses: 0,
  maxWaiting: null,
  validate: 'auto',
  validateAfterIdleMs: 500,
  maxConnecting: 2,
  idleOrder: 'lifo',
  leakDetectionMs: 0,
  maxLeaseMs: 0,
  reset: (connection) => connection.query('discard all'),
  onConnect: async (connection) => void (await connection.query('set role app')),
  pipeline: true,
  lazy: true,
  waitForServer: true,
  priorities: 3,
  minPolicy: 'fill',
  evictBelowMin: false,
  maxIdle: 5,
  sweepIntervalMs: 1000,
  destroyOnQueryError: false,
  closeTimeoutMs: 30_000,
  name: 'main',
  shared: true,
} satisfies PoolOptions;

export function constructors(): void {
  new Pool('postgres://localhost/db', { ssl: true });
  new Pool(everyOption);
  new Pool({}) satisfies Queryable;
  class Audited extends Pool {
    override acquire(): Promise<Connection> {
      return super.acquire({ timeoutMs: 1 });
    }
  }
  new Audited({ max: 1 }) satisfies Pool;
  // @ts-expect-error where to?
  new Pool();
  // @ts-expect-error unknown option
  new Pool({ maximum: 3 });
  // @ts-expect-error durations are numbers
  new Pool({ idleTimeoutMs: '10s' });
  // @ts-expect-error no such type
  new Pool({ types: { int8: 'Number' } });
  new Pool({ sslmode: 'verify-full', sslrootcert: 'ca.pem', sslcert: 'a.pem', sslkey: 'a.key' });
  new Pool({ password: 'secret', ssl: { ca: [Buffer.from('pem')], key: new Uint8Array() } });
  // @ts-expect-error a password is text
  new Pool({ password: () => 5 });
  // @ts-expect-error libpq knows two ways
  new Pool({ sslnegotiation: 'tls' });
  // @ts-expect-error no such mode
  new Pool({ sslmode: 'always' });
  // @ts-expect-error no such policy
  new Pool({ reset: 'sometimes' });
  exact<ReturnType<typeof escapeIdentifier>, string>(true);
  exact<ReturnType<typeof escapeLiteral>, string>(true);
  // @ts-expect-error only text can be quoted
  escapeLiteral(1);
}

export async function transports(): Promise<void> {
  const pool = await createPool('postgres://host/db', {
    stream: ({ host, port }) => {
      exact<typeof host, string>(true);
      exact<typeof port, number>(true);
      return connectTcp(port, host);
    },
    ssl: {
      ca: 'PEM',
      checkServerIdentity: (host, certificate) =>
        certificate.subject.CN === host ? undefined : new Error('another host'),
      ciphers: 'ECDHE-RSA-AES256-GCM-SHA384',
      passphrase: 'secret',
      minVersion: 'TLSv1.2',
    },
  });
  await pool.close();
  await createPool({ host: 'a', stream: async () => connectTcp(5432) });
  // @ts-expect-error a Duplex is needed
  await createPool({ host: 'a', stream: () => 'host:5432' });
  // @ts-expect-error the socket is the pool's to choose, or option stream's
  await createPool({ host: 'a', ssl: { socket: connectTcp(5432) } });
}

export async function replicas(pool: Pool): Promise<void> {
  const options: PoolOptions = {
    host: 'db1,db2',
    hostaddr: '10.0.0.1,10.0.0.2',
    target_session_attrs: 'prefer-standby',
    load_balance_hosts: 'random',
    replicas: ['postgres://db3', new URL('postgres://db4')],
  };
  void new Pool({ ...options, replicas: { host: 'db3', port: 5433 } });
  // @ts-expect-error one budget per pool, not a part of the target
  void new Pool({ replicas: { host: 'db3', max: 3 } });
  // @ts-expect-error no such role
  void new Pool({ target_session_attrs: 'master' });
  await pool.query('select 1', [], { target: 'primary' });
  await pool.query({ text: 'select 1', target: 'replica' });
  pool.stream('select 1', [], { target: 'replica' });
  const connection = await pool.acquire({ target: 'replica' });
  exact<typeof connection.target, 'primary' | 'replica' | undefined>(true);
  await pool.transaction(() => {}, { readOnly: true, target: 'primary' });
  const figures = pool.stats().replicas;
  if (figures) exact<typeof figures.reachable, boolean>(true);
  // @ts-expect-error standby is a role, not a target
  await pool.query('select 1', [], { target: 'standby' });
}
