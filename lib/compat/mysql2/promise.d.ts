// What `polypool/mysql2/promise` exports.

import { EventEmitter } from 'node:events';
import {
  ConnectionOptions,
  ConnectionState,
  ExecuteValues,
  FieldPacket,
  OkPacket,
  Pool as CorePool,
  PoolClusterOptions,
  PoolOptions,
  QueryOptions,
  QueryResult,
  QueryValues,
  ResultSetHeader,
  RowDataPacket,
} from './index.js';

export * from './index.js';

declare class Runner extends EventEmitter {
  query<T extends QueryResult>(sql: string, values?: QueryValues): Promise<[T, FieldPacket[]]>;
  query<T extends QueryResult>(
    options: QueryOptions,
    values?: QueryValues,
  ): Promise<[T, FieldPacket[]]>;

  execute<T extends QueryResult>(sql: string, values?: ExecuteValues): Promise<[T, FieldPacket[]]>;
  execute<T extends QueryResult>(
    options: QueryOptions,
    values?: ExecuteValues,
  ): Promise<[T, FieldPacket[]]>;
}

type AnyResult = RowDataPacket[][] | RowDataPacket[] | OkPacket | OkPacket[] | ResultSetHeader;

export interface PreparedStatementInfo {
  close(): Promise<void>;
  execute(parameters: any | any[] | { [param: string]: any }): Promise<[AnyResult, FieldPacket[]]>;
}

/** As the one with callbacks, whose methods say what they do. */
export declare class Connection extends Runner {
  config: ConnectionOptions;
  threadId: number;
  readonly state: ConnectionState;

  connect(): Promise<void>;
  ping(): Promise<void>;
  reset(): Promise<void>;
  beginTransaction(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  changeUser(options: ConnectionOptions): Promise<void>;
  prepare(options: string | QueryOptions): Promise<PreparedStatementInfo>;
  unprepare(sql: string | QueryOptions): void;

  end(options?: any): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
  destroy(): void;
  pause(): void;
  resume(): void;

  escape(value: any): string;
  escapeId(value: string): string;
  escapeId(values: string[]): string;
  format(sql: string, values?: any | any[] | { [param: string]: any }): string;
}

export declare class PoolConnection extends Connection {
  connection: Connection;
  release(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Pool extends Connection {
  /** The one with callbacks. */
  pool: CorePool;

  getConnection(): Promise<PoolConnection>;
  releaseConnection(connection: PoolConnection): void;
  end(): Promise<void>;

  on(event: 'connection', listener: (connection: PoolConnection) => any): this;
  on(event: 'acquire', listener: (connection: PoolConnection) => any): this;
  on(event: 'release', listener: (connection: PoolConnection) => any): this;
  on(event: 'enqueue', listener: () => any): this;
}

export interface PoolNamespace extends Runner {
  getConnection(): Promise<PoolConnection>;
}

export interface PoolCluster extends EventEmitter {
  config: PoolClusterOptions;

  add(config: PoolOptions): void;
  add(group: string, connectionUri: string): void;
  add(group: string, config: PoolOptions): void;

  end(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;

  getConnection(): Promise<PoolConnection>;
  getConnection(group: string): Promise<PoolConnection>;
  getConnection(group: string, selector: string): Promise<PoolConnection>;
  of(pattern: string, selector?: string): PoolNamespace;

  on(event: string, listener: (...args: any[]) => void): this;
  on(event: 'remove', listener: (nodeId: string) => void): this;
  on(event: 'warn', listener: (err: Error) => void): this;
}

export function createConnection(connectionUri: string): Promise<Connection>;
export function createConnection(config: ConnectionOptions): Promise<Connection>;

export function createPool(connectionUri: string): Pool;
export function createPool(config: PoolOptions): Pool;

export function createPoolCluster(config?: PoolClusterOptions): PoolCluster;
