// Code as it is written against the declarations of pg. Compiled twice: as it stands, and with
// `replaced.json`, where `pg` is ours.

import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import pg, {
  Client,
  ClientBase,
  Connection,
  DatabaseError,
  Pool,
  Query,
  Result,
  TypeOverrides,
  defaults,
  escapeIdentifier,
  escapeLiteral,
  native,
  types,
} from 'pg';
import type {
  BindConfig,
  ClientConfig,
  ConnectionConfig,
  CustomTypesConfig,
  Defaults,
  Events,
  ExecuteConfig,
  FieldDef,
  MessageConfig,
  Notification,
  PoolClient,
  PoolConfig,
  PoolOptions,
  QueryArrayConfig,
  QueryArrayResult,
  QueryConfig,
  QueryConfigValues,
  QueryParse,
  QueryResult,
  QueryResultBase,
  QueryResultRow,
  ResultBuilder,
  Submittable,
  TransactionStatus,
} from 'pg';
import { exact } from '../exact.js';

interface User {
  id: number;
  name: string;
}

// ---- Configuration ----

const config: ClientConfig = {
  user: 'u',
  database: 'd',
  password: async () => 'token',
  port: 5432,
  host: 'localhost',
  connectionString: undefined,
  keepAlive: true,
  keepAliveInitialDelayMillis: 1000,
  stream: () => new Duplex(),
  statement_timeout: false,
  ssl: { rejectUnauthorized: false, ca: ['pem'], minVersion: 'TLSv1.2' },
  enableChannelBinding: true,
  sslnegotiation: 'direct',
  query_timeout: 1000,
  lock_timeout: 1000,
  idle_in_transaction_session_timeout: 1000,
  application_name: 'a',
  fallback_application_name: 'b',
  connectionTimeoutMillis: 1000,
  types: { getTypeParser: types.getTypeParser },
  options: '-c geqo=off',
  client_encoding: 'utf8',
  pipeline: true,
};
const same: ConnectionConfig = config;
const pooled: PoolConfig = {
  ...same,
  max: 20,
  min: 1,
  idleTimeoutMillis: null,
  log: (...messages) => void messages,
  Promise,
  allowExitOnIdle: true,
  maxUses: 7500,
  maxLifetimeSeconds: 60,
  Client,
  onConnect: (client) => void client.query('set search_path to app'),
  verify: (client: PoolClient, done) => {
    client.query('select 1', (error) => done(error));
  },
};

defaults.parseInt8 = true;
defaults.ssl = true;
defaults.parseInputDatesAsUTC = true;
const known: Defaults = defaults;
void known.poolSize;

// ---- Clients ----

async function useClient(): Promise<void> {
  const client = new Client(config);
  const connected: Client = await client.connect();
  await connected.end();
  new Client('postgres://localhost/db').connect((error: Error) => void error);
  client.end((error: Error) => void error);
  const status: TransactionStatus = client.getTransactionStatus();
  void [client.user, client.database, client.host, client.port.toFixed(), client.pipeline, status];
  const connection: Connection = client.connection;
  connection.on('parameterStatus', () => {});
  client.setTypeParser(types.builtins.INT8, (text) => BigInt(text));
  client.setTypeParser(20, 'binary', (bytes) => bytes.length);
  client.getTypeParser(20, 'text')('7');
  client.escapeLiteral(client.escapeIdentifier('a'));
  client.on('notice', (notice) => void [notice.message, notice.severity, notice.name]);
  client.on('notification', (message: Notification) => void [message.channel, message.payload]);
  client.on('error', (error) => void error.stack).on('end', () => {});
}

// ---- Queries ----

async function ask(client: ClientBase | Pool): Promise<void> {
  const any = await client.query('select 1');
  exact<typeof any, QueryResult<any>>(true);
  const users = await client.query<User>('select * from users where id = $1', [7]);
  exact<typeof users.rows, User[]>(true);
  const typed = await client.query<User, [number, string]>('select $1, $2', [7, 'a']);
  exact<typeof typed.rows, User[]>(true);
  // @ts-expect-error the parameters are of other types
  await client.query<User, [number, string]>('select $1, $2', ['a', 7]);
  const { rows, rowCount, command, oid, fields } = await client.query<User>({
    name: 'by-id',
    text: 'select $1',
    values: [1],
    types: { getTypeParser: types.getTypeParser },
  });
  exact<typeof rowCount, number | null>(true);
  void [rows[0]?.name.length, command.length, oid.toFixed()];
  const [field]: FieldDef[] = fields;
  void [field?.dataTypeID, field?.format, field?.tableID, field?.columnID, field?.dataTypeSize];
  const arrays = await client.query<[number, string]>({ text: 'select 1, 2', rowMode: 'array' });
  exact<typeof arrays, QueryArrayResult<[number, string]>>(true);
}

function callback(client: Client, pool: Pool): void {
  const seen = (error: Error, result: QueryResult<User>) => void [error.message, result.rows];
  client.query('select 1', seen);
  client.query('select $1', [1], seen);
  client.query({ text: 'select 1' }, seen);
  pool.query('select $1', [1], seen);
  pool.query({ text: 'select 1', rowMode: 'array' }, (_error, result) => void result.rows[0]?.[0]);
  const config: QueryConfig<[number]> = { text: 'select $1', values: [1] };
  const ofArrays: QueryArrayConfig = { ...config, rowMode: 'array' };
  const values: QueryConfigValues<[number]> = [1];
  void [ofArrays, values];
}

function submit(client: Client): void {
  const query = new Query<User>('select * from users');
  query.on('row', (row, result) => void [row.name, result?.addRow(row)]);
  query.on('end', (result: ResultBuilder<User>) => void result.rows);
  query.on('error', (error) => void error.message);
  const returned: Query<User> = client.query(query);
  void new Query({ text: 'select $1' }, [1], (error, result) => void [error?.message, result]);

  class Mine extends EventEmitter implements Submittable {
    submit = (connection: Connection): void => {
      const parse: QueryParse = { name: '', text: 'select 1', types: [] };
      const bind: BindConfig = { values: ['a', null, Buffer.from('b')] };
      const execute: ExecuteConfig = { portal: '', rows: '10' };
      const message: MessageConfig = { type: 'P', name: '' };
      connection.parse(parse, true);
      connection.bind(bind, true);
      connection.describe(message, true);
      connection.execute(execute, true);
      connection.flush();
      connection.sync();
      connection.close(message, true);
      connection.stream.write('');
      connection.query('select 1');
      connection.end();
    };
  }
  const mine: Mine = client.query(new Mine());
  void [returned, mine];
}

// ---- Pools ----

async function usePool(): Promise<void> {
  const pool = new Pool(pooled);
  const client: PoolClient = await pool.connect();
  try {
    await client.query('begin');
  } catch (error) {
    client.release(error as Error);
    client.release(true);
  } finally {
    client.release();
  }
  pool.connect((error, lent, done) => {
    if (error === undefined) void lent?.query('select 1');
    done();
    done(error);
  });
  void [pool.totalCount, pool.idleCount, pool.waitingCount, pool.expiredCount];
  exact<typeof pool.ending, boolean>(true);
  exact<typeof pool.ended, boolean>(true);
  const options: PoolOptions = pool.options;
  void [options.max.toFixed(), options.idleTimeoutMillis, options.maxUses, options.host];
  pool.on('error', (error, from) => void [error.message, from.release]);
  pool.on('release', (error, from) => void [error.message, from]);
  pool.on('connect', (from) => void from.query('set x = 1'));
  pool.on('remove', (from) => from.end()).on('acquire', () => {});
  await pool.end();
  pool.end(() => {});
}

class Named extends Pool {
  constructor(readonly name: string) {
    super({ max: 1 });
  }

  override async connect(): Promise<any> {
    return super.connect();
  }
}

class Logged extends Client {
  last = '';

  override query(...args: any[]): any {
    this.last = String(args[0]);
    return (super.query as (...all: any[]) => any)(...args);
  }
}

// ---- Errors, types, results ----

function explain(error: unknown): string {
  if (!(error instanceof DatabaseError)) return '';
  const { code, detail, constraint, table, position, length, severity, hint, where } = error;
  exact<typeof code, string | undefined>(true);
  return [code, detail, constraint, table, position, length, severity, hint, where].join();
}

const overrides = new TypeOverrides();
overrides.setTypeParser(20, 'text', Number);
overrides.setTypeParser(1082, (text) => text);
const custom: CustomTypesConfig = overrides;
types.setTypeParser(types.builtins.DATE, (text) => text);
types.setTypeParser(20, 'text', parseInt);

const built: QueryResultBase & { rows: QueryResultRow[] } = new Result('array', types);
const events = {} as Events;
events.on('error', (error, client) => void [error.message, client.host]);

const again: typeof pg.Client | undefined = native?.Client;
void [escapeIdentifier('a'), escapeLiteral("it's"), pg.Pool, again, built, custom];
void [useClient, ask, callback, submit, usePool, explain, Named, Logged];
