// What `polypool/pg` exports. Code that was written against the declarations of pg compiles against
// these, and what these declare can be passed to libraries that ask for pg's.

import { EventEmitter } from 'node:events';
import { Duplex, Readable, Writable } from 'node:stream';
import { ConnectionOptions } from 'node:tls';
import { DatabaseError } from 'pg-protocol';
import { NoticeMessage } from 'pg-protocol/dist/messages.js';
import pgTypes = require('pg-types');
import * as Self from './index.js';

// ---- Configuration ----

/** An array as it is; anything else can be no list of parameters. */
export type QueryConfigValues<T> = T extends Array<infer U> ? T : never;

/** Finds the parser of a type: `types` itself, a `TypeOverrides`, or one's own. */
export interface CustomTypesConfig {
  getTypeParser: typeof pgTypes.getTypeParser;
}

/**
 * Where and as whom to connect. What is not given comes from `connectionString`, then from the PG*
 * variables of the environment, then from `defaults`.
 */
export interface ClientConfig {
  /** Default: PGUSER, else the user of the process. */
  user?: string | undefined;
  /** Default: PGDATABASE, else what the user is called. */
  database?: string | undefined;
  /**
   * A text, or a function that is called once for each connection, with the client's connection
   * parameters. Default: PGPASSWORD, else a line of the passfile.
   * `connect` rejects with `Password must be a string` when the function returns something else,
   * and with whatever it throws.
   */
  password?: string | (() => string | Promise<string>) | undefined;
  /** Default: PGPORT, else 5432. */
  port?: number | undefined;
  /** A name, an address, or the folder of a unix socket. Default: PGHOST, else `localhost`. */
  host?: string | undefined;
  /** `postgres://user:password@host:port/database?...`; stronger than what stands beside it. */
  connectionString?: string | undefined;
  /** Whether the system checks an idle connection now and then. Default: false. */
  keepAlive?: boolean | undefined;
  /** Makes a Duplex of its own for each connection: it is connected by us, or is connecting. */
  stream?: () => Duplex | undefined;
  /** After so many milliseconds the server cancels a statement (57014). Default: never. */
  statement_timeout?: false | number | undefined;
  /**
   * True: TLS, by a certificate of an authority that Node trusts, for this host. An object: options
   * of `tls.connect`. `connect` rejects with Node's own error where the certificate does not fit,
   * and with `The server does not support SSL connections`. Default: PGSSLMODE, else false.
   */
  ssl?: boolean | ConnectionOptions | undefined;
  /** Ties a SCRAM login to the certificate of the server, where the server can. Default: false. */
  enableChannelBinding?: boolean | undefined;
  /** `direct` begins TLS without asking, as servers take it from 17 on. Default: `postgres`. */
  sslnegotiation?: 'postgres' | 'direct' | undefined;
  /**
   * After so many milliseconds a query rejects with `Query read timeout`, and is cancelled at the
   * server. Default: never.
   */
  query_timeout?: number | undefined;
  /** After so many milliseconds the server gives up waiting for a lock (55P03). Default: never. */
  lock_timeout?: number | undefined;
  /** After how many milliseconds of silence `keepAlive` begins. Default: the system's two hours. */
  keepAliveInitialDelayMillis?: number | undefined;
  /** After so many milliseconds the server ends a session that idles in a transaction. */
  idle_in_transaction_session_timeout?: number | undefined;
  /** Shown in pg_stat_activity. Default: PGAPPNAME, else `fallback_application_name`. */
  application_name?: string | undefined;
  /** What the program is called, where nobody gave it another name. */
  fallback_application_name?: string | undefined;
  /**
   * How many milliseconds a connect may take: address, socket, TLS and login together. Then it
   * rejects with `timeout expired`, from a pool with `timeout exceeded when trying to connect`.
   * Default: 0, no bound.
   */
  connectionTimeoutMillis?: number | undefined;
  /** Parsers for every query of this client. Default: `types`. */
  types?: CustomTypesConfig | undefined;
  /** Options for the server's command line, as `-c geqo=off`. Default: PGOPTIONS. */
  options?: string | undefined;
  /** Read and kept; the connection always speaks UTF-8. */
  client_encoding?: string | undefined;
  /**
   * Sends queries before the ones before them are answered, also those of a pool that wait. Not
   * given, a pool does so with short plain reads and INSERTs of one row of its own `query` alone; what
   * then waits behind another one's lock is canceled on the server after 0.2 s and runs again by
   * itself; and a BEGIN is answered before the server has answered it. `false`: never.
   */
  pipeline?: boolean | undefined;
  /** How many rounds of hashing a server may ask for in a login; 0: any. Default: 100000. */
  scramMaxIterations?: number | undefined;
  /** Results in the binary format. Default: false. */
  binary?: boolean | undefined;
  /** `database` or `true`: the session is for replication. */
  replication?: string | boolean | undefined;
}

export type ConnectionConfig = ClientConfig;

/** What holds for configurations that do not say otherwise; to be changed before they are read. */
export interface Defaults extends ClientConfig {
  poolSize?: number | undefined;
  poolIdleTimeout?: number | undefined;
  reapIntervalMillis?: number | undefined;
  binary?: boolean | undefined;
  /** To be set only: whether bigint (int8) and its arrays come as numbers rather than texts. */
  parseInt8?: boolean | undefined;
  /** Whether a Date is sent in UTC rather than in local time. Default: false. */
  parseInputDatesAsUTC?: boolean | undefined;
}

export interface PoolConfig extends ClientConfig {
  /** How many clients there are at most. Default: 10. */
  max?: number | undefined;
  /** So many idle clients are kept, however long. None is made for it. Default: 0. */
  min?: number | undefined;
  /** After so many milliseconds an idle client is ended; 0 or null: never. Default: 10000. */
  idleTimeoutMillis?: number | undefined | null;
  /** Told what the pool does. */
  log?: ((...messages: any[]) => void) | undefined;
  /** The class of the promises that are returned. */
  Promise?: PromiseConstructorLike | undefined;
  /** Whether a program may end while clients are idle. Default: false, until they have ended. */
  allowExitOnIdle?: boolean | undefined;
  /** After so many uses a client is replaced. Default: Infinity. */
  maxUses?: number | undefined;
  /** After so many seconds a client is replaced, idle or at its release. Default: 0, never. */
  maxLifetimeSeconds?: number | undefined;
  /** A class to use instead of `Client`. */
  Client?: (new () => ClientBase) | undefined;
  /**
   * Called with each new client, before event `connect` and before anybody has it. What it throws,
   * or its promise rejects with, goes to whoever asked, and the client is ended.
   */
  onConnect?: ((client: ClientBase) => void) | undefined;
  /** Called with each new client; it is ended where `done` is given an error. */
  // A method: then a configuration is one of pg's declarations, too.
  verify?(client: PoolClient, done: (err?: Error) => void): void;
}

/** A query as an object. */
export interface QueryConfig<I = any[]> {
  /**
   * Under a name the statement is prepared once for each connection, and used again. The same name
   * for another text: `Prepared statements must be unique - '<name>' was used for a different
   * statement`.
   */
  name?: string | undefined;
  /** May be missing where a statement of the name exists. */
  text: string;
  /** For $1, $2 and so on. Anything but an array: `Query values must be an array`. */
  values?: QueryConfigValues<I>;
  /** Parsers for this query. */
  types?: CustomTypesConfig | undefined;
  /** Results in the binary format. */
  binary?: boolean | undefined;
  /** How many rows the server sends at a time. */
  rows?: number | undefined;
  /** `extended`: even without parameters, with which a text cannot hold several statements. */
  queryMode?: string | undefined;
  /** As in the configuration of the client, for this query. In milliseconds. */
  query_timeout?: number | undefined;
}

/** Rows as arrays, in the order of the columns. */
export interface QueryArrayConfig<I = any[]> extends QueryConfig<I> {
  rowMode: 'array';
}

/** Something that runs itself on a connection: cursors, streams, COPY. */
export interface Submittable {
  submit: (connection: Connection) => void;
}

// ---- Results ----

/** A column of a result. */
export interface FieldDef {
  name: string;
  /** Of the table it comes from; 0 where it comes from none. */
  tableID: number;
  /** Its number in that table. */
  columnID: number;
  dataTypeID: number;
  /** In bytes; negative where it varies. */
  dataTypeSize: number;
  /** What stands in brackets behind the type, in the type's own coding; -1 for nothing. */
  dataTypeModifier: number;
  /** `text` or `binary`. */
  format: string;
}

export interface QueryResultBase {
  /** The first word of what was done: SELECT, INSERT, CREATE. */
  command: string;
  /** Null where nothing is counted, as for CREATE TABLE. */
  rowCount: number | null;
  /** Of an inserted row, where tables have such. */
  oid: number;
  fields: FieldDef[];
}

export interface QueryResultRow {
  [column: string]: any;
}

export interface QueryResult<R extends QueryResultRow = any> extends QueryResultBase {
  rows: R[];
}

export interface QueryArrayResult<R extends any[] = any[]> extends QueryResultBase {
  rows: R[];
}

export interface ResultBuilder<R extends QueryResultRow = any> extends QueryResult<R> {
  addRow(row: R): void;
}

/** What NOTIFY sent, for those who LISTEN. */
export interface Notification {
  /** Of the server process that sent it. */
  processId: number;
  channel: string;
  /** An empty text where none was given. */
  payload?: string | undefined;
}

/** Builds a result from the messages of the protocol. */
export class Result<R extends QueryResultRow = any> implements QueryResult<R> {
  command: string;
  rowCount: number | null;
  oid: number;
  fields: FieldDef[];
  rows: R[];

  /** `array` for rows as arrays; the parsers are those of `types` where none are given. */
  constructor(rowMode: string, t: typeof types);

  addCommandComplete(message: { text?: string; command?: string }): void;
  addFields(fields: FieldDef[]): void;
  /** Throws what a parser throws. */
  parseRow(cells: Array<string | Buffer | null>): R;
  addRow(row: R): void;
}

// ---- Clients ----

/** Whether a transaction is open: idle, in one, in one that failed, or not connected yet. */
export type TransactionStatus = 'I' | 'T' | 'E' | null;

/** What a client has made of its configuration, the URL and the environment. */
export interface ConnectionParameters {
  user?: string | undefined;
  database?: string | undefined;
  /** Does not show in logs. */
  password?: string | (() => string | Promise<string>) | null | undefined;
  port: number;
  host: string;
  binary: boolean;
  options?: string | undefined;
  ssl: boolean | ConnectionOptions;
  sslnegotiation?: 'postgres' | 'direct' | undefined;
  client_encoding: string;
  replication?: string | boolean | undefined;
  isDomainSocket: boolean;
  application_name?: string | undefined;
  fallback_application_name?: string | undefined;
  /** In milliseconds, as the other three. */
  statement_timeout: false | number | string;
  lock_timeout: false | number | string;
  idle_in_transaction_session_timeout: false | number | string;
  query_timeout: false | number | string;
  /** In seconds. */
  connect_timeout: number | string;
  getLibpqConnectionString(callback: (error: Error | null, text: string | null) => void): void;
}

export class ClientBase extends EventEmitter {
  /** Throws for an unknown `sslnegotiation`, and for a URL that cannot be read. */
  constructor(config?: string | ClientConfig);

  /**
   * Once only: `Client has already been connected. You cannot reuse a client.` Rejects with Node's
   * errors (ECONNREFUSED, ENOTFOUND), the server's (28P01, 3D000, as DatabaseError), or
   * `timeout expired`.
   */
  connect(): Promise<ClientBase>;
  connect(callback: ((err: Error) => void) | ((err: null, c: ClientBase) => void)): void;

  /**
   * Queries run one after the other, those before the connect too. Rejects with a DatabaseError,
   * with `Connection terminated unexpectedly`, or with `Client was closed and is not queryable`.
   * Throws a TypeError where there is no query at all.
   */
  query<T extends Submittable>(queryStream: T): T;
  query<R extends any[] = any[], I = any[]>(
    queryConfig: QueryArrayConfig<I>,
    values?: QueryConfigValues<I>,
  ): Promise<QueryArrayResult<R>>;
  query<R extends QueryResultRow = any, I = any>(
    queryConfig: QueryConfig<I>,
  ): Promise<QueryResult<R>>;
  query<R extends QueryResultRow = any, I = any[]>(
    queryTextOrConfig: string | QueryConfig<I>,
    values?: QueryConfigValues<I>,
  ): Promise<QueryResult<R>>;
  query<R extends any[] = any[], I = any[]>(
    queryConfig: QueryArrayConfig<I>,
    callback: (err: Error, result: QueryArrayResult<R>) => void,
  ): void;
  query<R extends QueryResultRow = any, I = any[]>(
    queryTextOrConfig: string | QueryConfig<I>,
    callback: (err: Error, result: QueryResult<R>) => void,
  ): void;
  query<R extends QueryResultRow = any, I = any[]>(
    queryText: string,
    values: QueryConfigValues<I>,
    callback: (err: Error, result: QueryResult<R>) => void,
  ): void;

  /** Of old versions; not there. Package pg-copy-streams has what took its place. */
  copyFrom(queryText: string): Writable;
  /** As `copyFrom`. */
  copyTo(queryText: string): Readable;
  /** Of old versions; not there. */
  pauseDrain(): void;
  /** Of old versions; not there. */
  resumeDrain(): void;

  escapeIdentifier: typeof escapeIdentifier;
  escapeLiteral: typeof escapeLiteral;
  /** For this client alone. */
  setTypeParser: typeof pgTypes.setTypeParser;
  getTypeParser: typeof pgTypes.getTypeParser;

  getTransactionStatus(): TransactionStatus;

  /**
   * `drain`: nothing is left to run. `error`: the connection is lost, or the server said something
   * unasked. `notice`: a warning of the server. `notification`: NOTIFY.
   */
  on<E extends 'connect' | 'drain' | 'error' | 'notice' | 'notification' | 'end'>(
    event: E,
    listener: E extends 'connect' | 'drain' | 'end'
      ? () => void
      : E extends 'error'
        ? (err: Error) => void
        : E extends 'notice'
          ? (notice: NoticeMessage) => void
          : (message: Notification) => void,
  ): this;
}

/** One connection. */
export class Client extends ClientBase {
  user?: string | undefined;
  database?: string | undefined;
  port: number;
  host: string;
  /** Does not show in logs. */
  password?: string | undefined;
  ssl: boolean;
  readonly pipeline: boolean;
  readonly connection: Connection;
  readonly connectionParameters: ConnectionParameters;
  /** Of the server process; null before the connect. */
  readonly processID: number | null;

  constructor(config?: string | ClientConfig);

  connect(): Promise<Client>;
  connect(callback: ((err: Error) => void) | ((err: null, c: Client) => void)): void;

  /** Ends the connection; what still runs fails with `Connection terminated`. Never rejects. */
  end(): Promise<void>;
  end(callback: (err: Error) => void): void;

  /** The connection keeps the process alive, as it does anyway. */
  ref(): void;
  /** The process may end in spite of the connection. */
  unref(): void;
}

/** A client lent by a pool. */
export interface PoolClient extends Client {
  /**
   * Gives it back; with an error or true it is ended instead. Throws the second time: `Release
   * called on client which has already been released to the pool.`
   */
  release(err?: Error | boolean): void;
}

// ---- Pools ----

/** The configuration of a pool, with the defaults. */
export interface PoolOptions extends Omit<PoolConfig, 'Client' | 'onConnect' | 'verify'> {
  max: number;
  maxUses: number;
  allowExitOnIdle: boolean;
  maxLifetimeSeconds: number;
  idleTimeoutMillis: number | null;
  Client?: any;
  onConnect?: any;
  verify?: any;
}

/** Several clients for one database, made when they are needed. */
export class Pool extends EventEmitter {
  /** The configuration is that of the clients too. */
  constructor(config?: PoolConfig);

  /** Clients that are idle, lent, or being connected. */
  readonly totalCount: number;
  readonly idleCount: number;
  /** Those who wait for a client. */
  readonly waitingCount: number;
  /** Clients past `maxLifetimeSeconds` that are still lent. */
  readonly expiredCount: number;

  readonly ending: boolean;
  readonly ended: boolean;

  options: PoolOptions;

  /**
   * Lends a client, to be given back with `client.release()`. Rejects with what the connect of a
   * new one failed by, `timeout exceeded when trying to connect`, or `Cannot use a pool after
   * calling end on the pool`.
   */
  connect(): Promise<PoolClient>;
  connect(
    callback: (
      err: Error | undefined,
      client: PoolClient | undefined,
      done: (release?: any) => void,
    ) => void,
  ): void;

  /**
   * Ends the clients, when those lent have come back. Rejects the second time: `Called end on pool
   * more than once`.
   */
  end(): Promise<void>;
  end(callback: () => void): void;

  /** On a client of its own for this query; where the query fails, that client is ended. */
  query<T extends Submittable>(queryStream: T): T;
  query<R extends any[] = any[], I = any[]>(
    queryConfig: QueryArrayConfig<I>,
    values?: QueryConfigValues<I>,
  ): Promise<QueryArrayResult<R>>;
  query<R extends QueryResultRow = any, I = any[]>(
    queryConfig: QueryConfig<I>,
  ): Promise<QueryResult<R>>;
  query<R extends QueryResultRow = any, I = any[]>(
    queryTextOrConfig: string | QueryConfig<I>,
    values?: QueryConfigValues<I>,
  ): Promise<QueryResult<R>>;
  query<R extends any[] = any[], I = any[]>(
    queryConfig: QueryArrayConfig<I>,
    callback: (err: Error, result: QueryArrayResult<R>) => void,
  ): void;
  query<R extends QueryResultRow = any, I = any[]>(
    queryTextOrConfig: string | QueryConfig<I>,
    callback: (err: Error, result: QueryResult<R>) => void,
  ): void;
  query<R extends QueryResultRow = any, I = any[]>(
    queryText: string,
    values: QueryConfigValues<I>,
    callback: (err: Error, result: QueryResult<R>) => void,
  ): void;

  /**
   * `connect`: a client is new. `acquire`: one is lent. `release`: one has come back. `remove`: one
   * has ended. `error`: an idle one has lost its connection.
   */
  on<K extends 'error' | 'release' | 'connect' | 'acquire' | 'remove'>(
    event: K,
    listener: K extends 'error' | 'release'
      ? (err: Error, client: PoolClient) => void
      : (client: PoolClient) => void,
  ): this;
}

// ---- Queries by themselves ----

/** A query that tells its rows one by one: `client.query(new Query(...))`. */
export class Query<R extends QueryResultRow = any, I extends any[] = any>
  extends EventEmitter
  implements Submittable
{
  constructor(
    queryTextOrConfig?: string | QueryConfig<I>,
    callback?: (error: Error | undefined, result: ResultBuilder<R>) => void,
  );
  constructor(
    queryTextOrConfig?: string | QueryConfig<I>,
    values?: I,
    callback?: (error: Error | undefined, result: ResultBuilder<R>) => void,
  );
  submit: (connection: Connection) => void;
  /** With a listener of `row` and no callback the result of `end` has no rows. */
  on<E extends 'row' | 'error' | 'end'>(
    event: E,
    listener: E extends 'row'
      ? (row: R, result?: ResultBuilder<R>) => void
      : E extends 'error'
        ? (err: Error) => void
        : (result: ResultBuilder<R>) => void,
  ): this;
}

/** Of old versions; there is no such class, but for its type. */
export class Events extends EventEmitter {
  on(event: 'error', listener: (err: Error, client: Client) => void): this;
}

// ---- The protocol ----

export interface QueryParse {
  name: string;
  text: string;
  types: string[];
}

type ValueMapper = (param: any, index: number) => any;

export interface BindConfig {
  portal?: string | undefined;
  statement?: string | undefined;
  binary?: string | undefined;
  values?: Array<Buffer | null | undefined | string> | undefined;
  valueMapper?: ValueMapper | undefined;
}

export interface ExecuteConfig {
  portal?: string | undefined;
  rows?: string | undefined;
}

export interface MessageConfig {
  type: string;
  name?: string | undefined;
}

/** The messages of one connection, for what runs itself on it; see `Submittable`. */
export class Connection extends EventEmitter {
  readonly stream: Duplex;

  constructor(config?: ConnectionConfig);

  bind(config: BindConfig | null, more: boolean): void;
  execute(config: ExecuteConfig | null, more: boolean): void;
  parse(query: QueryParse, more: boolean): void;

  query(text: string): void;

  describe(msg: MessageConfig, more: boolean): void;
  close(msg: MessageConfig, more: boolean): void;

  flush(): void;
  sync(): void;
  end(): void;
}

// ---- The rest ----

/** For a name in SQL text: `select * from ${escapeIdentifier(table)}`. */
export function escapeIdentifier(str: string): string;

/** For a text in SQL text, where no parameter can stand. */
export function escapeLiteral(str: string): string;

export const utils: {
  /** As a parameter is sent. Throws where `toPostgres` of an object leads back to the object. */
  prepareValue(value: unknown): string | Buffer | null;
  normalizeQueryConfig(config: any, values?: any, callback?: any): any;
  escapeIdentifier: typeof escapeIdentifier;
  escapeLiteral: typeof escapeLiteral;
};

/** The parsers of the process: package pg-types itself. */
export const types: typeof pgTypes;

export const defaults: Defaults & ClientConfig;

/** The binding to libpq is not part of this package: null. */
export const native: typeof Self | null;

/** Parsers of one client or query, and those of another source for the rest. */
export class TypeOverrides implements CustomTypesConfig {
  constructor(types?: CustomTypesConfig);

  setTypeParser<T>(oid: number, parseFn: (text: string) => T): void;
  setTypeParser<T>(oid: number, format: 'text', parseFn: (text: string) => T): void;
  setTypeParser<T>(oid: number, format: 'binary', parseFn: (bytes: Buffer) => T): void;

  getTypeParser<T>(oid: number, format?: 'text' | 'binary'): any;
}

/** What the server refused: `code` is the SQLSTATE, the fields are those of the protocol. */
export { DatabaseError };
