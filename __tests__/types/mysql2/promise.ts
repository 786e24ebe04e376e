// As program.ts, of `mysql2/promise`.

import mysql, { createConnection, createPool, createPoolCluster } from 'mysql2/promise';
import type {
  Connection,
  FieldPacket,
  Pool,
  PoolCluster,
  PoolConnection,
  PoolNamespace,
  PoolOptions,
  PreparedStatementInfo,
  ResultSetHeader,
  RowDataPacket,
} from 'mysql2/promise';
import * as callbacks from 'mysql2';
import { exact } from '../exact.js';

interface User extends RowDataPacket {
  id: number;
  name: string;
}

async function queries(on: Connection | Pool | PoolConnection | PoolNamespace): Promise<void> {
  const [users, fields] = await on.query<User[]>('select * from users where id = ?', [1]);
  exact<User[], typeof users>(true);
  exact<FieldPacket[], typeof fields>(true);
  const [header] = await on.execute<ResultSetHeader>('insert', ['a', null]);
  void (header.insertId + header.affectedRows);
  const [rows] = await on.query<RowDataPacket[]>({ sql: 'select 1 as n', rowsAsArray: true });
  void rows[0]?.['n'];
}

async function connections(connection: Connection): Promise<void> {
  await connection.beginTransaction();
  await connection.commit();
  await connection.rollback();
  await connection.ping();
  await connection.reset();
  await connection.changeUser({ database: 'd' });
  const statement: PreparedStatementInfo = await connection.prepare('select ?');
  const [result] = await statement.execute([1]);
  await statement.close();
  connection.on('error', (error: Error) => void error.message);
  connection.destroy();
  await connection.end();
  void [connection.threadId, connection.config.host, connection.state, result];
  void [connection.escape(1), connection.escapeId('a'), connection.format('?', [1])];
}

async function pools(pool: Pool): Promise<void> {
  const connection: PoolConnection = await pool.getConnection();
  await queries(connection);
  connection.release();
  pool.releaseConnection(connection);
  pool.on('acquire', (lent: PoolConnection) => void lent.threadId);
  const core: callbacks.Pool = pool.pool;
  exact<Pool, ReturnType<typeof core.promise>>(true);
  await pool.end();
}

async function clusters(cluster: PoolCluster): Promise<void> {
  cluster.add('a', { host: 'h' });
  await queries(cluster.of('a*'));
  (await cluster.getConnection('a*', 'RR')).release();
  cluster.on('warn', (error: Error) => void error.message);
  await cluster.end();
}

const options: PoolOptions = { waitForConnections: true, connectionLimit: 10, queueLimit: 0 };

async function all(): Promise<void> {
  await using connection = await createConnection('mysql://h');
  await connections(await mysql.createConnection({ host: 'h' }));
  await connections(callbacks.createConnection('mysql://h').promise());
  await pools(createPool(options));
  await clusters(createPoolCluster());
  void connection;
}

void all;
