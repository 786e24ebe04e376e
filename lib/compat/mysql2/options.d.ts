// What connections, pools and clusters are made with.

import { AuthPlugin } from './index.js';
import { ResultOptions } from './values.js';

export interface SslOptions {
  pfx?: string;
  key?: string | string[] | Buffer | Buffer[];
  passphrase?: string;
  cert?: string | string[] | Buffer | Buffer[];
  ca?: string | string[] | Buffer | Buffer[];
  crl?: string | string[];
  ciphers?: string;
  /** Whether a certificate that no trusted authority has signed ends the connection. Default: true. */
  rejectUnauthorized?: boolean;
  minVersion?: string;
  maxVersion?: string;
  /** Whether the certificate has to be that of the host. Default: false. */
  verifyIdentity?: boolean;
}

/** Where and as whom to connect, and how results are read. */
export interface ConnectionOptions extends ResultOptions {
  /** Default: `localhost`. */
  host?: string;
  /** Default: 3306. */
  port?: number;
  localAddress?: string;
  /** A unix socket, instead of host and port. */
  socketPath?: string;
  /** `mysql://user:password@host:port/database?option=value`; what is beside it is stronger. */
  uri?: string;
  /** A Duplex that is connected, or what makes one. */
  stream?: any;
  /** In milliseconds. Default: 10000. */
  connectTimeout?: number;
  /** Default: true. */
  enableKeepAlive?: boolean;
  keepAliveInitialDelay?: number;
  /** Options, or the name of a profile (`Amazon RDS`). */
  ssl?: string | SslOptions;
  /** Default: false. */
  compress?: boolean;

  user?: string;
  password?: string;
  /** The same as `password`; the others are further factors of a login that asks for them. */
  password1?: string;
  password2?: string;
  password3?: string;
  passwordSha1?: string;
  database?: string;
  /** Of the login that servers before 4.1 ask for. */
  insecureAuth?: boolean;
  authPlugins?: { [key: string]: AuthPlugin };
  authSwitchHandler?: (data: any, callback: () => void) => any;
  /** Whether the password may be sent as it is, when the server asks for that. Default: false. */
  enableCleartextPlugin?: boolean;
  connectAttributes?: { [param: string]: any };
  /** A character set or collation. Default: utf8mb4_unicode_ci. */
  charset?: string;
  charsetNumber?: number;
  flags?: Array<string>;
  isServer?: boolean;

  /** DECIMAL is a Number. Default: false. */
  decimalNumbers?: boolean;
  /** JSON is a text. Default: false. */
  jsonStrings?: boolean;
  nestTables?: boolean | string;
  stringifyObjects?: boolean;
  queryFormat?: (query: string, values: any) => void;
  /** Whether a text may be several statements. Default: false. */
  multipleStatements?: boolean;
  /** Statements that the server keeps for a connection, at most. Default: 16000. */
  maxPreparedStatements?: number;
  disableEval?: boolean;

  debug?: any;
  /** Whether errors of promises have the stack of whoever awaits them. Default: true. */
  trace?: boolean;
  Promise?: any;
  /** Whether `end` of a pool's connection ends it. Default: false, it gives it back. */
  gracefulEnd?: boolean;
  /**
   * `false`: each command waits for the answer to the one before it, also to a BEGIN, for a proxy that
   * cannot take several at once. mysql2 does not have it. Default: a BEGIN is sent with what follows.
   */
  pipeline?: boolean;

  pool?: any;
  connectionLimit?: number;
  maxIdle?: number;
  idleTimeout?: number;
  queueLimit?: number;
  waitForConnections?: boolean;
}

export interface PoolOptions extends ConnectionOptions {
  /** Connections at most; 0: no limit. Default: 10. */
  connectionLimit?: number;
  /** Idle ones at most, looked at once a second. Default: as many as there may be. */
  maxIdle?: number;
  /** Milliseconds that one may be idle, where `maxIdle` is below the limit. Default: 60000. */
  idleTimeout?: number;
  /** Those who wait at most, `Queue limit reached.` for the next; 0: no limit. Default: 0. */
  queueLimit?: number;
  /** False: who would have to wait is refused, `No connections available.` Default: true. */
  waitForConnections?: boolean;
  /** Whether a connection's session is reset before somebody else gets it. Default: false. */
  resetOnRelease?: boolean;
  /**
   * Milliseconds that a caller waits for others to give back; the error's code is then
   * ERR_POLYPOOL_ACQUIRE_TIMEOUT. mysql2 does not have it. Default: 0, however long it takes.
   */
  acquireTimeout?: number;
  /**
   * Whether short statements of `query` and `execute` that wait may go over a connection that another
   * one has, up to sixteen. mysql2 does not have it. Default: plain reads and INSERTs of one row may,
   * of which nobody can tell; an INSERT that is held up there for 0.2 s is stopped by KILL QUERY and
   * runs again by itself. `false`: none, for a proxy that cannot take several commands at once, or
   * leads second connections to other servers. `true`: all short writes, and none is stopped; then a statement may wait behind one that waits for a lock which it has nothing to do with,
   * in the worst case for as long as the server lets that one wait. It holds from the pool's creation.
   * Of its connections as for a connection of its own.
   */
  pipeline?: boolean;
}

export interface PoolClusterOptions {
  /** Whether another node is asked when one fails. Default: true. */
  canRetry?: boolean;
  /** Failures in a row after which a node is taken out. Default: 5. */
  removeNodeErrorCount?: number;
  /** Milliseconds after which it is back; 0: never. Default: 0. */
  restoreNodeTimeout?: number;
  /** RR: one after the other; RANDOM; ORDER: the first. Default: RR. */
  defaultSelector?: string;
}
