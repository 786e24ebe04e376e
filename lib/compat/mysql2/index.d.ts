// What `polypool/mysql2` exports. Code that was written against the declarations of mysql2 compiles
// against these, and what these declare can be passed to libraries that ask for mysql2's.

import { KeyLike, RsaPrivateKey, RsaPublicKey } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import {
  escape as escapeValue,
  escapeId as escapeName,
  format as formatText,
  raw as rawText,
} from 'sql-escaper';
import { ObjectPoolStats } from '../../../index.js';
import { ConnectionOptions, PoolClusterOptions, PoolOptions } from './options.js';
import {
  Connection as PromiseConnection,
  Pool as PromisePool,
  PoolConnection as PromisePoolConnection,
} from './promise.js';
import {
  ErrorPacketParams,
  ExecuteValues,
  FieldPacket,
  OkPacket,
  OkPacketParams,
  QueryResult,
  QueryValues,
  ResultOptions,
  ResultSetHeader,
  RowDataPacket,
} from './values.js';

export type { Raw, SqlValue, Timezone } from 'sql-escaper';
export * from './constants.js';
export { ConnectionOptions, PoolClusterOptions, PoolOptions, SslOptions } from './options.js';
export {
  ErrorPacketParams,
  ExecuteValues,
  Field,
  FieldPacket,
  IntegerTypedParameterFactory,
  JsonTypedParameterFactory,
  OkPacket,
  OkPacketParams,
  ProcedureCallPacket,
  QueryResult,
  QueryValues,
  ResultSetHeader,
  RowDataPacket,
  TypeCast,
  TypeCastField,
  TypeCastGeometry,
  TypeCastNext,
  TypeCastType,
  TypedParameter,
  TypedParameterFactory,
  TypedParameterInput,
  TypedParameterValue,
} from './values.js';

// ---- Queries ----

export interface QueryOptions extends ResultOptions {
  sql: string;
  values?: QueryValues;
  /** Of MySQL from 8.0.25 on, beside the text. */
  attributes?: Record<string, string | number | boolean | null | Buffer | Date>;
  /** Milliseconds until the answer; then the error is PROTOCOL_SEQUENCE_TIMEOUT. */
  timeout?: number;
  /** True: rows have an object for each table; a text: `table<text>column`. */
  nestTables?: any;
}

/** What the server refused (ER_...), what Node did (ECONNREFUSED), PROTOCOL_CONNECTION_LOST. */
export interface QueryError extends NodeJS.ErrnoException {
  code: string;
  sqlStateMarker?: string;
  sqlState?: string;
  fieldCount?: number;
  /** The connection is over. */
  fatal: boolean;
}

export interface StreamOptions {
  highWaterMark?: number;
  objectMode?: true;
}

type Listener<E> = E extends 'error'
  ? (err: QueryError) => any
  : E extends 'fields'
    ? (fields: FieldPacket, index: number) => any
    : E extends 'result'
      ? (result: RowDataPacket | OkPacket, index: number) => any
      : () => any;

declare class Command extends EventEmitter {
  sql: string;
  start(): void;
  determinePacket(firstByte: number, parser: any): any;
  /** The rows, read from the server as they are taken. */
  stream(options?: StreamOptions): Readable;
}

/** A query under way: `fields`, `result` (a row, or what came of it), `error`, `end`. */
export interface Query extends Command {
  on(event: string, listener: (...args: any[]) => void): this;
  on<E extends 'error' | 'fields' | 'result' | 'end'>(event: E, listener: Listener<E>): this;
}

/** A statement that is being prepared. */
export interface Prepare extends Command {
  on(event: string, listener: (args: []) => void): this;
  on<E extends 'error' | 'fields' | 'result' | 'end'>(event: E, listener: Listener<E>): this;
}

type Callback<T> = (err: QueryError | null, result: T, fields: FieldPacket[]) => any;
type Done = (err: QueryError | null) => void;
type AnyResult = RowDataPacket[][] | RowDataPacket[] | OkPacket | OkPacket[] | ResultSetHeader;

/** What can run statements: connections, pools, namespaces of clusters. */
declare class Runner extends EventEmitter {
  /** With the values written into the text. */
  query<T extends QueryResult>(sql: string, callback?: Callback<T> | undefined): Query;
  query<T extends QueryResult>(
    sql: string,
    values: QueryValues,
    callback?: Callback<T> | undefined,
  ): Query;
  query<T extends QueryResult>(options: QueryOptions, callback?: Callback<T> | undefined): Query;
  query<T extends QueryResult>(
    options: QueryOptions,
    values: QueryValues,
    callback?: Callback<T> | undefined,
  ): Query;

  /** As a prepared statement, which is kept. */
  execute<T extends QueryResult>(sql: string, callback?: Callback<T> | undefined): Query;
  execute<T extends QueryResult>(
    sql: string,
    values: ExecuteValues,
    callback?: Callback<T> | undefined,
  ): Query;
  execute<T extends QueryResult>(options: QueryOptions, callback?: Callback<T> | undefined): Query;
  execute<T extends QueryResult>(
    options: QueryOptions,
    values: ExecuteValues,
    callback?: Callback<T> | undefined,
  ): Query;
}

export class PrepareStatementInfo {
  close(): void;
  execute<T extends AnyResult>(
    parameters: any | any[] | { [param: string]: any },
    callback?: Callback<T>,
  ): Query;
}

// ---- Connections ----

export type ConnectionState =
  'disconnected' | 'protocol_handshake' | 'connected' | 'authenticated' | 'error';

/** One connection, which connects at once. What is asked of it is answered in order. */
export class Connection extends Runner {
  config: ConnectionOptions;
  /** Of the session on the server. */
  threadId: number;
  authorized: boolean;
  readonly state: ConnectionState;

  static createQuery<T extends AnyResult>(sql: string, callback?: Callback<T>): Query;
  static createQuery<T extends AnyResult>(
    sql: string,
    values: any | any[] | { [param: string]: any },
    callback?: Callback<T>,
  ): Query;

  /** Calls back when it is connected. */
  connect(callback?: Done): void;
  beginTransaction(callback: Done): void;
  commit(callback?: Done): void;
  rollback(callback: Done): void;
  changeUser(options: ConnectionOptions, callback?: Done): void;
  ping(callback?: (err: QueryError | null) => any): void;
  /** Transactions, variables, temporary tables and prepared statements of the session end. */
  reset(callback?: (err: QueryError | null) => any): void;
  prepare(
    sql: string,
    callback?: (err: QueryError | null, statement: PrepareStatementInfo) => any,
  ): Prepare;
  unprepare(sql: string): PrepareStatementInfo;

  /** When all that was asked before is answered. */
  end(callback?: Done): void;
  end(options: any, callback?: Done): void;
  [Symbol.dispose](): void;
  /** At once. */
  destroy(): void;
  pause(): void;
  resume(): void;

  escape(value: any): string;
  escapeId(value: string): string;
  escapeId(values: string[]): string;
  format(sql: string, values?: any | any[] | { [param: string]: any }): string;

  promise(promiseImpl?: PromiseConstructor): PromiseConnection;
  on(event: string, listener: (...args: any[]) => void): this;

  /** Of the server's side of a connection, as are the others from here on. */
  serverHandshake(args: any): any;
  writeOk(args?: OkPacketParams): void;
  writeError(args?: ErrorPacketParams): void;
  writeEof(warnings?: number, statusFlags?: number): void;
  writeTextResult(rows?: Array<any>, columns?: Array<any>): void;
  writePacket(packet: any): void;
  sequenceId: number;
}

/** A connection of a pool. */
export class PoolConnection extends Connection {
  connection: Connection;
  /** Gives it back; the second time nothing happens. */
  release(): void;
  [Symbol.dispose](): void;
  promise(promiseImpl?: PromiseConstructor): PromisePoolConnection;
}

export interface ConnectionConfig extends ConnectionOptions {
  mergeFlags(defaultFlags: string[], userFlags: string[] | string): number;
  getDefaultFlags(options?: ConnectionOptions): string[];
  getCharsetNumber(charset: string): number;
  getSSLProfile(name: string): { ca: string[] };
  parseUrl(url: string): {
    host: string;
    port: number;
    database: string;
    user: string;
    password: string;
    [key: string]: any;
  };
}

// ---- Pools ----

type Lent = (err: NodeJS.ErrnoException | null, connection: PoolConnection) => any;

declare class ConnectionPool extends Runner {
  config: PoolOptions;

  /**
   * Lends a connection, to be given back with `connection.release()`. Errors: what the connect of a
   * new one failed by, `Pool is closed.`, `Queue limit reached.`, `No connections available.`
   */
  getConnection(callback: Lent): void;
  releaseConnection(connection: PoolConnection | PromisePoolConnection): void;

  /**
   * Figures of the pool, which mysql2 does not have: `acquired` and `released` count also those who
   * got a connection that somebody had just given back, of which no event tells.
   */
  stats(): ObjectPoolStats;

  /** Those who wait are told; connections end once they have done what they were asked before. */
  end(callback?: (err: NodeJS.ErrnoException | null, ...args: any[]) => any): void;
  [Symbol.dispose](): void;

  /** Of single connections; a pool does not have it. */
  unprepare(sql: string): PrepareStatementInfo;

  escape(value: any): string;
  escapeId(value: string): string;
  escapeId(values: string[]): string;
  format(sql: string, values?: any | any[] | { [param: string]: any }): string;

  promise(promiseImpl?: PromiseConstructor): PromisePool;

  /**
   * `connection`: one is new. `acquire`: one is lent. `enqueue`: somebody has to wait. `release`:
   * one has come back, and nobody waits for it.
   */
  on(event: string, listener: (...args: any[]) => void): this;
  on(event: 'connection', listener: (connection: PoolConnection) => any): this;
  on(event: 'acquire', listener: (connection: PoolConnection) => any): this;
  on(event: 'release', listener: (connection: PoolConnection) => any): this;
  on(event: 'enqueue', listener: () => any): this;
}

export interface Pool extends ConnectionPool {}

// ---- Clusters ----

/** Nodes of a cluster whose names fit a pattern. */
export interface PoolNamespace extends Runner {
  /** Errors: that of the last node, POOL_NOEXIST, POOL_NONEONLINE. */
  getConnection(callback: Lent): void;
}

/** Pools under names. */
export interface PoolCluster extends EventEmitter {
  config: PoolClusterOptions;

  add(config: PoolOptions): void;
  add(group: string, connectionUri: string): void;
  add(group: string, config: PoolOptions): void;
  /** A name, or a pattern with stars. */
  remove(pattern: string): void;

  end(callback?: (err: NodeJS.ErrnoException | null) => void): void;
  [Symbol.dispose](): void;

  getConnection(callback: Lent): void;
  getConnection(group: string, callback: Lent): void;
  getConnection(group: string, selector: string, callback: Lent): void;
  of(pattern: string, selector?: string): PoolNamespace;

  /** `warn`: a node has failed, another one is asked. The others are told the name of the node. */
  on(event: string, listener: (...args: any[]) => void): this;
  on(event: 'online', listener: (nodeId: string) => void): this;
  on(event: 'offline', listener: (nodeId: string) => void): this;
  on(event: 'remove', listener: (nodeId: string) => void): this;
  on(event: 'warn', listener: (err: Error) => void): this;
}

// ---- The rest ----

declare class Server extends EventEmitter {
  connections: Array<Connection>;
  listen(port: number): Server;
  close(callback: (error: Error, count: number) => any): void;
}

/** Answers what the server asks for with a login. */
export type AuthPlugin = (pluginMetadata: {
  connection: Connection;
  command: string;
}) => (pluginData: Buffer) => Promise<string> | string | Buffer | Promise<Buffer> | null;

type AuthPluginDefinition<T> = (pluginOptions?: T) => AuthPlugin;

interface PublicKeyOptions {
  serverPublicKey?: RsaPublicKey | RsaPrivateKey | KeyLike;
  onServerPublicKey?: (data: Buffer) => void;
}

export const authPlugins: {
  caching_sha2_password: AuthPluginDefinition<PublicKeyOptions & { overrideIsSecure?: boolean }>;
  mysql_clear_password: AuthPluginDefinition<{ password?: string }>;
  mysql_native_password: AuthPluginDefinition<{ password?: string; passwordSha1?: string }>;
  sha256_password: AuthPluginDefinition<PublicKeyOptions>;
};

export function createConnection(connectionUri: string): Connection;
export function createConnection(config: ConnectionOptions): Connection;

export function createPool(connectionUri: string): ConnectionPool;
export function createPool(config: PoolOptions): ConnectionPool;

export function createPoolCluster(config?: PoolClusterOptions): PoolCluster;

/** Throws: only mysql2 itself has the server's side of the protocol. */
export function createServer(handler: (conn: Connection) => any): Server;

export const escape: typeof escapeValue;
export const escapeId: typeof escapeName;
export const format: typeof formatText;
export const raw: typeof rawText;

/** Decoders that are kept at most; it is for mysql2's that this counts. */
export function setMaxParserCache(max: number): void;
export function clearParserCache(): void;

// ---- What diagnostics_channel is told ----

export interface PoolConnectTraceContext {
  database: string;
  serverAddress: string;
  serverPort: number | undefined;
}

export interface ConnectTraceContext extends PoolConnectTraceContext {
  user: string;
}

export interface QueryTraceContext extends PoolConnectTraceContext {
  query: string;
  values: any;
}

export interface ExecuteTraceContext extends QueryTraceContext {}
