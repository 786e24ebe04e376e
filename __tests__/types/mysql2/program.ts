// Code as it is written against the declarations of mysql2. Compiled twice: as it stands, and with
// `replaced.json`, where `mysql2` is ours.

import { Readable } from 'node:stream';
import mysql, {
  Connection,
  PoolConnection,
  authPlugins,
  createConnection,
  createPool,
  createPoolCluster,
  escape,
  escapeId,
  format,
  raw,
} from 'mysql2';
import type {
  AuthPlugin,
  ConnectionConfig,
  ConnectionOptions,
  ConnectionState,
  ErrorPacketParams,
  ExecuteValues,
  Field,
  FieldPacket,
  OkPacket,
  OkPacketParams,
  Pool,
  PoolCluster,
  PoolClusterOptions,
  PoolNamespace,
  PoolOptions,
  Prepare,
  PrepareStatementInfo,
  ProcedureCallPacket,
  Query,
  QueryError,
  QueryOptions,
  QueryResult,
  QueryTraceContext,
  QueryValues,
  Raw,
  ResultSetHeader,
  RowDataPacket,
  SqlValue,
  SslOptions,
  Timezone,
  TypeCast,
  TypeCastField,
  TypeCastNext,
  TypedParameterValue,
} from 'mysql2';
import { exact } from '../exact.js';

interface User extends RowDataPacket {
  id: number;
  name: string;
}

// ---- Configuration ----

const ssl: SslOptions = { ca: [Buffer.from('')], rejectUnauthorized: true, minVersion: 'TLSv1.2' };
const timezone: Timezone = '+02:00';
const typeCast: TypeCast = (field: TypeCastField, next: TypeCastNext) =>
  field.type === 'TINY' && field.length === 1 ? field.string() === '1' : next();
const plugin: AuthPlugin = () => (data) => data;
const config: ConnectionOptions = {
  host: 'h',
  port: 3306,
  user: 'u',
  password: 'p',
  database: 'd',
  ssl,
  timezone,
  typeCast,
  dateStrings: ['DATE'],
  authPlugins: { mine: plugin, theirs: authPlugins.mysql_clear_password({ password: 'p' }) },
  infileStreamFactory: (path) => Readable.from([path]),
  flags: ['-LOCAL_FILES'],
  Promise,
};
const pooled: PoolOptions = {
  ...config,
  waitForConnections: true,
  connectionLimit: 10,
  maxIdle: 5,
  idleTimeout: 60000,
  queueLimit: 0,
  resetOnRelease: true,
  enableKeepAlive: true,
  keepAliveInitialDelay: 0,
};
const clustered: PoolClusterOptions = { canRetry: true, defaultSelector: 'RR' };

// ---- Connections ----

function connect(): Connection {
  const connection = createConnection(config);
  createConnection('mysql://u:p@h/d').destroy();
  connection.connect((error) => void error?.fatal);
  connection.on('error', (error: QueryError) => void [error.code, error.sqlState]);
  exact<ConnectionState, typeof connection.state>(true);
  exact<number, typeof connection.threadId>(true);
  connection.config.database = 'other';
  connection.beginTransaction((error) => {
    if (error) connection.rollback(() => {});
    else connection.commit((failed) => void failed?.code);
  });
  connection.changeUser({ user: 'v' }, (error) => void error);
  connection.ping();
  connection.reset((error) => void error);
  connection.end((error) => void error);
  return connection;
}

function statements(connection: Connection): void {
  connection.prepare('select ?', (error, statement: PrepareStatementInfo) => {
    if (error) return;
    statement.execute<User[]>([1], (failed, rows) => void [failed, rows[0]?.name]);
    statement.close();
  });
  const preparing: Prepare = connection.prepare('select 1');
  preparing.on('end', () => {});
  connection.unprepare('select ?').close();
}

function queries(on: Connection | PoolConnection | Pool | PoolNamespace): void {
  on.query<User[]>('select * from users', (error, users, fields) => {
    exact<QueryError | null, typeof error>(true);
    exact<User[], typeof users>(true);
    exact<FieldPacket[], typeof fields>(true);
  });
  on.query<ResultSetHeader>('insert', ['a'], (_error, { affectedRows, insertId }) => {
    void [affectedRows + insertId];
  });
  on.query<OkPacket>('insert', (_error, { changedRows }) => void changedRows);
  on.query<ProcedureCallPacket<User[]>>('call p()', (_error, [users]) => void users[0]?.id);
  const options: QueryOptions = { sql: 'select :a', values: { a: 1 }, namedPlaceholders: true };
  const query: Query = on.query({ ...options, rowsAsArray: true, timeout: 100, nestTables: '_' });
  query
    .on('error', (error: QueryError) => void error.code)
    .on('fields', (fields: FieldPacket) => void fields.name)
    .on('result', (row: RowDataPacket) => void row['id'])
    .on('end', () => {});
  const rows: Readable = on.query('select 1').stream({ highWaterMark: 5 });
  const values: ExecuteValues = [1, 'a', null, new Date(), Buffer.from('a'), 1n, true];
  on.execute<User[]>('select ?', values, (_error, users) => void users.length);
  on.execute(options, [1]);
  on.execute<User[]>('select 1', (_error, users) => void users.length);
  void [rows, query.sql];
}

// ---- Pools ----

function pools(pool: Pool): void {
  pool.getConnection((error, connection) => {
    exact<NodeJS.ErrnoException | null, typeof error>(true);
    exact<PoolConnection, typeof connection>(true);
    connection.release();
    pool.releaseConnection(connection);
  });
  pool.on('connection', (connection: PoolConnection) => void connection.threadId);
  pool.on('acquire', (connection: PoolConnection) => connection.release());
  pool.on('release', (connection) => connection.query('select 1'));
  pool.on('enqueue', () => {});
  pool.end((error) => void error);
  void [pool.format('?', [1]), pool.escape('a'), pool.escapeId(['a', 'b']), pool.config];
}

function clusters(cluster: PoolCluster): void {
  cluster.add(pooled);
  cluster.add('a', pooled);
  cluster.add('b', 'mysql://h');
  cluster.remove('b*');
  cluster.on('warn', (error: Error) => void error.message);
  cluster.on('remove', (name: string) => void name);
  cluster.getConnection((_error, connection) => connection.release());
  cluster.getConnection('a*', 'ORDER', (_error, connection: PoolConnection) =>
    connection.release(),
  );
  queries(cluster.of('a*', 'RANDOM'));
  cluster.end();
}

// ---- The rest ----

const text: string = format('select ? from ??', [escape('a'), escapeId('b')]);
const now: Raw = raw('now()');
const sql: SqlValue = now;
const header: OkPacketParams & ErrorPacketParams = { affectedRows: 1, code: 1 };
const numbers: number[] = [mysql.Types.VARCHAR, mysql.Charsets.UTF8MB4_GENERAL_CI];
const encoding: string | undefined = mysql.CharsetToEncoding[45];
const typed: TypedParameterValue = mysql.TypedParameter.BIGINT.unsigned(1n);
const name: string = mysql.Types[253];
mysql.setMaxParserCache(10);
mysql.clearParserCache();

const result: QueryResult = [] as RowDataPacket[];
const value: QueryValues = { a: [1] };
type Told = QueryTraceContext['query'];
type Known = ConnectionConfig['host'];
type Cell = Field['name'];

pools(createPool(pooled));
pools(createPool('mysql://h'));
clusters(createPoolCluster(clustered));
statements(connect());
queries(createPool(pooled));
void [text, sql, header, numbers, encoding, typed, name, result, value];
void (null as unknown as [Told, Known, Cell]);
