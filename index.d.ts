/// <reference types="node" />
/// <reference lib="es2021.promise" />
/// <reference lib="es2022.error" />
/// <reference lib="esnext.disposable" />

import { EventEmitter } from 'node:events';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';

// Conventions of this file.
// - Names that end in `Ms` are milliseconds. Other units are named where they occur.
// - "Throws" means a thrown error from a synchronous call, "rejects" a rejected promise.
// - A promise "without a bound" may stay pending for ever unless the caller passes `timeoutMs` or
//   `signal`; each such promise says so.

// ---------------------------------------------------------------------------------------------
// Entry points
// ---------------------------------------------------------------------------------------------

/**
 * Makes a pool and opens its first connections: `min`, at least one unless `lazy` is true.
 *
 * Rejects at once when no connection can be made (`ConnectError`) or the server refuses the login
 * (`DatabaseError`); each host is tried once. With `waitForServer` refused and reset connects are
 * retried until `acquireTimeoutMs`. A wrong password, a missing database or a bad certificate is
 * never retried.
 * Bound: `acquireTimeoutMs` (30,000 ms by default).
 *
 * Rejects with `OptionError` on unknown options and impossible values.
 */
export function createPool(url: RedisUrl, options?: RedisPoolOptions): Promise<RedisPool>;
export function createPool(options: RedisPoolOptions & { engine: 'redis' }): Promise<RedisPool>;
export function createPool(url: string | URL, options?: PoolOptions): Promise<Pool>;
export function createPool(options: PoolOptions): Promise<Pool>;
/**
 * The same of a pool of resources that you make: `create` and `destroy` in one object with the
 * options, or an object of its own (an instance of a class, say) before them.
 *
 * Resolves when `min` resources are there, at least one unless `lazy` is true. Rejects with
 * `PoolError` (`ERR_POLYPOOL_CREATE`, its cause is what `create` threw) when the first cannot be
 * made; with `waitForServer` it is tried again until `acquireTimeoutMs`.
 *
 * ```js
 * const parsers = await createPool({
 *   create: () => new Worker('./parser.js'),
 *   destroy: (worker) => worker.terminate(),
 *   max: 4,
 * });
 * const answer = await parsers.use((worker) => ask(worker, text));
 * ```
 */
export function createPool<T>(options: ObjectPoolOptions<T>): Promise<ObjectPool<T>>;
export function createPool<T>(
  factory: ResourceFactory<T>,
  options: ObjectPoolLimits,
): Promise<ObjectPool<T>>;

/**
 * Opens one connection that belongs to no pool. Rejects with `ConnectError`, `DatabaseError` or
 * `OptionError`. Bound: `connectTimeoutMs` (10,000 ms by default).
 */
export function connect(
  url: RedisUrl,
  options?: RedisConnectOptions,
): Promise<UnpooledRedisConnection>;
export function connect(
  options: RedisConnectOptions & { engine: 'redis' },
): Promise<UnpooledRedisConnection>;
export function connect(url: string | URL, options?: ConnectOptions): Promise<UnpooledConnection>;
export function connect(options: ConnectOptions): Promise<UnpooledConnection>;

/** Whose quoting it is. */
export type Engine = 'postgres' | 'postgresql' | 'mysql' | 'mariadb';

/**
 * Quotes a name for use in SQL text: `my"col` becomes `"my""col"`, for MySQL `` `my"col` ``. Throws
 * `PoolError` (`ERR_POLYPOOL_PARAMETER`) on anything but a string, and on a NUL character. Default
 * engine: `postgres`.
 */
export function escapeIdentifier(name: string, engine?: Engine): string;

/**
 * Quotes a string for use in SQL text, correct under either setting of
 * standard_conforming_strings: `it's` becomes `'it''s'`, `a\b` becomes ` E'a\\b'` (with a space
 * before it, so that it never joins a preceding word). For MySQL in an sql_mode without
 * NO_BACKSLASH_ESCAPES: `'a\\b'`. Prefer parameters. Throws `PoolError` (`ERR_POLYPOOL_PARAMETER`)
 * on anything but a string, and on a NUL character. Default engine: `postgres`.
 */
export function escapeLiteral(text: string, engine?: Engine): string;

/**
 * Builds a piece of SQL: interpolated values become parameters, nested pieces are spliced in and
 * their parameters renumbered. It runs nothing; pass it to `query`, `stream` or another template.
 *
 * ```js
 * const active = sql`active = ${true}`;
 * await pool.query(sql`select * from ${sql.identifier('users')} where ${active}`);
 * ```
 */
export const sql: SqlBuilder;

// ---------------------------------------------------------------------------------------------
// Options
// ---------------------------------------------------------------------------------------------

/**
 * Where to connect, and as whom. An option wins over the same setting in the URL, that over the
 * PG* environment variable, that over the default. libpq's own names are understood too, here and
 * as parameters of a URL.
 *
 * What is said of libpq, PG* variables and SCRAM is PostgreSQL's; what MySQL and MariaDB have
 * instead stands in `MySqlOptions`. An option of the other engine throws `OptionError`.
 */
export interface TargetOptions extends MySqlOptions {
  /** Which database it is. Default: what the scheme of the URL says, else `postgres`. */
  engine?: Engine;
  /**
   * `postgres://user:password@host:port/database?...`, or libpq's `host=... user=...` form;
   * `mysql://` or `mariadb://` for those. A password's `/`, `?`, `#` and `%` have to be encoded.
   */
  url?: string | URL;
  /** Same as `url`. */
  connectionString?: string;
  /**
   * Host name, address, or the folder of a unix socket (starts with `/`). Several, with commas
   * between, are tried in order, and of each name all addresses it has at that moment: names are
   * looked up anew for each connection. A host that did not answer in its time comes last for 30 s.
   * A refused login is not tried elsewhere. When none will do: `ConnectError` with its `attempts`.
   * For MySQL a path is that of the socket itself. Default: PGHOST, else `localhost`.
   */
  host?: string;
  /**
   * Numeric addresses, one per host with commas between: no name is looked up, `host` is only what
   * a certificate is checked against. Default: PGHOSTADDR, else none.
   */
  hostaddr?: string;
  /** 1 to 65535; as text with commas one per host. Default: PGPORT, else 5432; of MySQL 3306. */
  port?: number | string;
  /**
   * What a server must be to be taken, as in libpq 14: `read-write` (neither a standby nor read-only
   * by default), `read-only`, `primary` (not a standby), `standby`, `prefer-standby` (a standby if
   * any host is one). Servers before 14, and poolers, are asked once per connection. A connection
   * of the last four is retired when its standby is promoted. Default: PGTARGETSESSIONATTRS, else
   * `any`.
   */
  target_session_attrs?:
    'any' | 'read-write' | 'read-only' | 'primary' | 'standby' | 'prefer-standby';
  /**
   * `random`: each new connection tries the hosts, and the addresses of each, in an order of its
   * own. Default: PGLOADBALANCEHOSTS, else `disable`.
   */
  load_balance_hosts?: 'disable' | 'random';
  /** Default: PGUSER, else the name of the operating system's user. */
  user?: string;
  /** Same as `user`. */
  username?: string;
  /**
   * Never part of a message, stack, `inspect` output or JSON. Default: PGPASSWORD, else the line of
   * `passfile` for this server, database and user, else none.
   *
   * A function is called anew before each connection is made (tokens that expire), without
   * arguments, within `connectTimeoutMs`. When it throws, rejects or returns anything but a string,
   * that attempt fails with a `ConnectError` whose `cause` is what was thrown: `createPool` and
   * `connect` reject at once, those who wait in a pool see further attempts until their deadline.
   */
  password?: string | (() => string | PromiseLike<string>);
  /**
   * libpq's password file: lines of `host:port:database:user:password`, where `*` stands for
   * anything and `\` protects a colon. Read anew for each connection; ignored when group or others
   * may access it (the error of a login that lacks a password then says so). Default: PGPASSFILE,
   * else `~/.pgpass` (`%APPDATA%\postgresql\pgpass.conf` on Windows).
   */
  passfile?: string;
  /** Default: PGDATABASE, else the user's name; of MySQL none. */
  database?: string;
  /** libpq's name of `database`. */
  dbname?: string;
  /**
   * `true` and `{}` encrypt and verify certificate and host name, as in Node; `false` never
   * encrypts. Throws `OptionError` next to `sslmode` of the same source. Default: see `sslmode`.
   */
  ssl?: boolean | SslOptions;
  /**
   * As libpq: `prefer` encrypts when the server can, `require` always but verifies only when
   * `sslrootcert` is given, `verify-ca` checks the certificate, `verify-full` the host name too.
   * Default: PGSSLMODE, else `prefer`: what libpq does, works everywhere, protects from listeners
   * but not from a forged server.
   *
   * `prefer` goes on in clear, without an error, when the server has no TLS and when TLS with it
   * fails (no common version, a certificate that cannot be read); only when the server refuses that
   * too does the error say what was wrong. With `require` it always does. Whether a connection is
   * encrypted: `select ssl from pg_stat_ssl where pid = pg_backend_pid()`.
   */
  sslmode?:
    ('disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full') | MySqlSslMode;
  /**
   * File with the authorities to trust; a certificate in it that signs itself is trusted as the
   * server's own too. `system`: those Node trusts, and `sslmode` is then `verify-full`.
   * Default: PGSSLROOTCERT, else those Node trusts.
   */
  sslrootcert?: string;
  /** File with the client's certificate chain; needs `sslkey`. Default: PGSSLCERT. */
  sslcert?: string;
  /** File with the client's private key, not encrypted; needs `sslcert`. Default: PGSSLKEY. */
  sslkey?: string;
  /**
   * `direct`: TLS from the first byte (PostgreSQL 17 and later), which saves a round trip and passes
   * TLS load balancers that know nothing of PostgreSQL. Refused where `sslmode` is weaker than
   * `require` or missing (`ssl` will do). Default: PGSSLNEGOTIATION, else `postgres`: asked for in
   * clear first, as all servers understand it.
   */
  sslnegotiation?: 'postgres' | 'direct';
  /**
   * Ties the password exchange (SCRAM) to the server's certificate, so that nobody in between can
   * end the TLS unnoticed, whatever certificate he has. `prefer`: when server and certificate allow
   * it; `require`: always, over TLS only (an `sslmode` of `allow` or `prefer` then is `require`),
   * and refuses every other way of logging in; `disable`: for a proxy that ends TLS with your
   * consent. Default: PGCHANNELBINDING, else `prefer`.
   */
  channel_binding?: 'disable' | 'prefer' | 'require';
  /**
   * Makes the Duplex that a connection goes through: a tunnel (SSH, SOCKS, a cloud's connector), or
   * a socket with options of its own. Called anew for each connection, for those that cancel a
   * statement too, in the thread and async context that made the pool; a `net.Socket` that was only
   * made is connected to host and port, as with pg.
   *
   * TLS is spoken over it only when `ssl` or `sslmode` asks for it; it may be encrypted already,
   * though a password in clear needs `allowCleartextPassword` then.
   * What the function throws, and what the Duplex fails with, becomes the `cause` of the
   * `ConnectError` or `ConnectionLostError`. A Duplex that does not open is given up after
   * `connectTimeoutMs`; every Duplex is destroyed with its connection. Those with `unref()` do not
   * keep the process alive. A short statement costs the JavaScript thread some 10 us more than over
   * a connection of the engine's, and half as many of them run per second.
   * Default: none, the engine connects by itself.
   *
   * ```js
   * createPool(url, { stream: ({ host, port }) => tunnel.forward(host, port) });
   * ```
   */
  stream?: (target: StreamTarget) => Duplex | Promise<Duplex>;
  /**
   * Allow the password to travel unencrypted when the server asks for that over plain TCP.
   * Default false: a forged server could otherwise ask for it.
   */
  allowCleartextPassword?: boolean;
  /** How many rounds of hashing a server may ask for in a SCRAM login; 0 for any number. Default 0. */
  scramMaxIterations?: number;
  /**
   * Shown in pg_stat_activity; of MySQL as `program_name` among the connection attributes.
   * Default: PGAPPNAME, else none.
   */
  applicationName?: string;
  /** libpq's name of `applicationName`. */
  application_name?: string;
  /** Command-line options of the server's session, `-c search_path=app`. Default: PGOPTIONS. */
  options?: string;
  /**
   * Seconds that one address may take, 0 to 86,400; 0 = no bound of its own. Default:
   * PGCONNECT_TIMEOUT, else 0. `connectTimeoutMs` bounds all addresses together, and of several
   * hosts each has an even share of it at the least.
   */
  connect_timeout?: number;
  /**
   * Probe idle TCP connections. Default true: otherwise a firewall that forgets a connection is
   * noticed only by the next query.
   */
  keepalive?: boolean;
  /** libpq's name of `keepalive`: 0 or 1. */
  keepalives?: number | boolean;
  /** Seconds of silence before the first probe. Default 60: shorter than firewalls remember. */
  keepalives_idle?: number;
  /** Seconds between probes. Default: the system's. */
  keepalives_interval?: number;
  /** Unanswered probes after which the connection is lost, 0 to 127. Default: the system's. */
  keepalives_count?: number;
  /**
   * How long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT, where the system has it).
   * Default 30,000: the system's own is about 15 minutes, for which every query to a vanished
   * host would hang. 0 = the system's own.
   */
  tcpUserTimeoutMs?: number;
  /** libpq's name of `tcpUserTimeoutMs`. */
  tcp_user_timeout?: number;
  /** As libpq; the session always uses UTF-8. */
  client_encoding?: 'UTF8' | 'utf8' | 'UTF-8' | 'utf-8' | 'auto';
  /** As libpq; there is no GSSAPI encryption, so that `prefer` does without it. */
  gssencmode?: 'prefer' | 'disable';
}

/** MySQL's `ssl-mode`, in capitals or not. */
export type MySqlSslMode =
  | ('disabled' | 'preferred' | 'required' | 'verify_ca' | 'verify_identity')
  | ('DISABLED' | 'PREFERRED' | 'REQUIRED' | 'VERIFY_CA' | 'VERIFY_IDENTITY');

/**
 * What only MySQL and MariaDB have, as options and as parameters of a URL. No variable of the
 * environment is read for them.
 *
 * Sessions speak utf8mb4 and UTC, before and after a reset; sql_mode is as the server has it. Rows
 * that an UPDATE finds count, whether it changes them or not.
 */
export interface MySqlOptions {
  /** Path of a unix socket, instead of `host` and `port` of the same source. */
  socketPath?: string;
  /** Same as `sslmode`: by default `preferred`, which goes on in clear where TLS fails. */
  'ssl-mode'?: MySqlSslMode;
  /** File with the authorities to trust; without a mode of its own it means `verify_ca`. */
  'ssl-ca'?: string;
  /** File with the client's certificate chain; needs `ssl-key`. */
  'ssl-cert'?: string;
  /** File with the client's private key, not encrypted; needs `ssl-cert`. */
  'ssl-key'?: string;
  /**
   * Whatever RSA key comes over a connection that is not encrypted counts as the server's: by it
   * caching_sha2_password and sha256_password have the password sent. Default false: who sits in
   * between could send his own. Not needed with TLS, over a unix socket, or with `serverPublicKey`.
   */
  allowPublicKeyRetrieval?: boolean;
  /** PEM of the server's RSA key (`BEGIN PUBLIC KEY`), for logins that are not encrypted. */
  serverPublicKey?: string;
  /**
   * Compression of all that is sent: `true` takes zstd or zlib, what the server has of them, else
   * none; a name must be had. Default false: between machines that are near it costs more than it
   * saves.
   */
  compress?: boolean | 'zlib' | 'zstd';
  /**
   * Several statements in one text. Default false: it is what makes the worst of an SQL injection.
   */
  multipleStatements?: boolean;
  /**
   * `LOAD DATA LOCAL INFILE`, whose data `copyFrom()` writes; no file is ever read. Default false:
   * the server has to allow it too (`local_infile`).
   */
  localInfile?: boolean;
  /** The session's character set, which is always this one. */
  charset?: 'utf8mb4';
  /** How texts of the session compare. Default: the server's own for utf8mb4. */
  collation?: `utf8mb4_${string}`;
  /** The session's time zone, in which TIMESTAMP and DATETIME are read: always this one. */
  timezone?: 'Z' | 'UTC' | 'utc' | '+00:00';
  /** Told to the server beside its own (`_client_name`, `_os`, ...); `false` tells it nothing. */
  connectAttributes?: Readonly<Record<string, string>> | false;
}

/** What option `stream` is told of the connection that needs a Duplex. */
export interface StreamTarget {
  /** As the target names it, not looked up; the folder of a unix socket starts with `/`. */
  host: string;
  port: number;
  /** Of MySQL's unix sockets, in the place of the others. */
  path?: string;
}

/** Fields that Node's own `tls.connect` takes besides those of `SslOptions`. */
export type NodeTlsOptions = Omit<
  ConnectionOptions,
  | ('host' | 'port' | 'path' | 'socket' | 'lookup' | 'timeout' | 'requestCert' | 'SNICallback')
  | ('rejectUnauthorized' | 'ca' | 'cert' | 'key' | 'servername')
>;

/**
 * As in Node's `tls.connect`; PEM is text, or its bytes as `readFile` gives them.
 *
 * The engine's own TLS serves the fields declared here. With any further one of Node's
 * (`checkServerIdentity`, `secureContext`, `ciphers`, `passphrase`, `pfx`, `minVersion`, ...) the
 * connections are made by Node, in the thread that made the pool, and cost what those of option
 * `stream` do. Both ways verify as much, whatever NODE_TLS_REJECT_UNAUTHORIZED says, but Node takes
 * two kinds of certificates that the engine refuses, with an error that says so: those of X.509
 * version 1 (the server's or the client's), and for the name of a host those that have it as their
 * CN only, without a subjectAltName. `minVersion: 'TLSv1.2'`, which Node has as its default, is
 * enough to have such connections made by Node.
 *
 * Throws `OptionError` for fields that Node does not know and for keys, passphrases and ciphers that
 * it refuses.
 */
export interface SslOptions extends NodeTlsOptions {
  /** `false` encrypts without verifying anything. Default true. */
  rejectUnauthorized?: boolean;
  /** PEM of the authorities to trust, instead of those Node trusts (NODE_EXTRA_CA_CERTS too). */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** PEM of the client's certificate chain; needs `key`. */
  cert?: string | Uint8Array;
  /**
   * PEM of the client's private key, not encrypted unless `passphrase` is given; needs `cert`, whose
   * key it has to be.
   */
  key?: string | Uint8Array;
  /** The name to verify and to send, when it is not `host`. */
  servername?: string;
}

/** Which JavaScript type a column becomes. One type per column, always. */
export interface TypesOption {
  /**
   * int8 columns (bigint, bigserial, `count(*)`). Default `number`: counts and ids are what int8
   * mostly holds. A value beyond ±(2^53 - 1) is then an error (`ERR_POLYPOOL_UNSAFE_INTEGER`),
   * never a rounded number.
   */
  int8?: 'number' | 'bigint' | 'string';
}

/** Options of one connection, pooled or not. */
export interface ConnectOptions extends TargetOptions {
  /**
   * Bound of one attempt over name lookup, TCP, TLS and authentication, all addresses together;
   * 0 or `null` = none. Default 10,000: longer than a TCP retransmission or two, shorter than the
   * patience of a user.
   */
  connectTimeoutMs?: number | null;
  /**
   * Bound of each statement that has no `timeoutMs` of its own; 0 or `null` = none. Default 0: only
   * the application knows how long its reports run. Without it, promises of `query` have no bound.
   */
  queryTimeoutMs?: number | null;
  /**
   * Prepared statements kept per connection, 0 to 65,535; the least recently used one is closed
   * first. Default 256: each costs the server some kilobytes. 0 leaves nothing prepared on the
   * server, for proxies such as PgBouncer before 1.21 in transaction mode.
   */
  statementCache?: number;
  types?: TypesOption;
}

/** Read replicas: see `replicas`. */
export interface ReplicaOptions {
  /**
   * Servers for reading: a URL, a list of URLs that differ in host and port only, or an object of
   * target options. User, password, database, TLS and all else are the pool's own unless it says
   * otherwise; `load_balance_hosts` is `random`. Without a host the standbys among the pool's own
   * hosts are meant (`target_session_attrs: 'standby'`).
   *
   * Then plain reads of `query`, `sql` and `stream` (SELECT and the like, by the text) and
   * transactions with `readOnly: true` (but serializable ones, which a standby refuses) go to a
   * replica; writes, anything unknown, `acquire`, other transactions, `cursor`, `copyTo` and
   * `copyFrom` to the primary. `target` of a call overrides that (the last three have none: use
   * those of a connection that was acquired with it). What a replica has not yet replayed is not seen there. A read that
   * turns out to write (25006) is run once more, at the primary; no other statement is run again.
   *
   * The replicas have a pool of their own with the same options: `max`, `min` and the rest count
   * for each of the two. `clear`, `resize` and `close` act on both, events and connections say
   * which (`target`), `stats().replicas` has the figures. While no replica can be reached (for a
   * second, or at once when connects are refused) reads go to the primary, an `error` event tells
   * why (also a listener that comes later, as after `createPool`), and the replicas are tried again in the background: every second, every 30 s after a
   * refused login. `createPool` does not wait for them.
   * Default: none, everything goes to one server.
   */
  replicas?: string | URL | readonly (string | URL)[] | TargetOptions;
}

export interface PoolOptions extends ConnectOptions, ReplicaOptions {
  /**
   * Most connections open or being opened, 1 to 65,535. Default 10: a PostgreSQL server allows 100
   * in all by default, and more than a few per core of the server slows it down.
   */
  max?: number;
  /** Connections kept open, 0 to `max`. Default 0: an unused pool costs the server nothing. */
  min?: number;
  /**
   * Bound of `acquire` and of the wait for a connection within `query`, `transaction` and
   * `stream`: one absolute deadline over waiting, connecting and validating, above 0.
   * `null` = none: these promises may then stay pending for ever. Default 30,000: longer than a
   * restart of the server, short enough to be noticed.
   */
  acquireTimeoutMs?: number | null;
  /**
   * Close a connection that nobody used for so long, above `min`; 0 or `null` = never. Default
   * 10,000: a burst's connections go soon after it, those in steady use stay.
   */
  idleTimeoutMs?: number | null;
  /**
   * Replace a connection after this age, once it is not in use; 0 or `null` = never. Each
   * connection's own limit is up to 2.5 % shorter, so that they do not all end together. Default
   * 1,800,000 (30 minutes): moved addresses and grown backends are shed in time.
   */
  maxLifetimeMs?: number | null;
  /** Replace a connection after so many leases; 0 or `null` = never. Default 0. */
  maxUses?: number | null;
  /**
   * Requests that may wait at once, at least 0; beyond it they reject with
   * `ERR_POLYPOOL_QUEUE_FULL`. `null` = no bound. Default `null`: `acquireTimeoutMs` already ends
   * each wait.
   */
  maxWaiting?: number | null;
  /**
   * When to check a connection before lending it. `auto`: when it was idle for longer than
   * `validateAfterIdleMs`; `always`; `never`. Default `auto`: a round trip per lease buys little
   * on a connection that worked a moment ago.
   */
  validate?: 'auto' | 'always' | 'never';
  /** See `validate`. Default 500. */
  validateAfterIdleMs?: number;
  /** Also validate what was just opened, before it is lent. Default false: it just worked. */
  validateNew?: boolean;
  /**
   * Connections being opened at once, 1 to `max`; raised while requests keep waiting. Default 2:
   * a burst after a restart should not hit the server with `max` logins at once.
   */
  maxConnecting?: number;
  /**
   * Which idle connection is lent first. Default `lifo`: the most recently used one is warm, and
   * the others may reach their idle time.
   */
  idleOrder?: 'lifo' | 'fifo';
  /**
   * Emit `leak` once for a lease held longer than this, with the stack of its `acquire`; 0 = off.
   * With it on, timeouts tell where connections were acquired, and acquires that wait for
   * themselves inside `use` and `transaction` are named for certain (`AcquireTimeoutError.nested`).
   * Default 0: taking a stack costs some microseconds per acquire, and following who holds what
   * slows the promises of the process in Node before 24.
   */
  leakDetectionMs?: number | null;
  /**
   * Take a lease away after this time: its running statement is cancelled at the server and rejects
   * with `ERR_POLYPOOL_STALE_CONNECTION`, as does every later use; its connection is closed
   * (`remove` with reason `leaseExpired`) and its place goes to the next. 0 = never. Default 0: a
   * long lease may be meant.
   */
  maxLeaseMs?: number | null;
  /**
   * What returning a connection does to it. `auto`: nothing after plain reads and DML, else
   * ROLLBACK and DISCARD ALL and `onConnect` again; `always`; `never`: a borrower's settings, open
   * transaction and locks reach the next one. A function does the reset itself; when it rejects
   * the connection is closed. Default `auto`: safe, and free for what most leases run.
   * What functions, views and triggers of your own do to the session is not seen: `always` for those.
   */
  reset?: 'auto' | 'always' | 'never' | ((connection: Connection) => unknown);
  /**
   * Runs on each new connection before its first lease, and again after a full reset. When it
   * throws or rejects the connection is closed and those who wait get a `ConnectError` that quotes
   * its message. Bound: `connectTimeoutMs`.
   */
  onConnect?: (connection: Connection) => unknown;
  /**
   * Several short statements may be under way on one connection when all are busy. Only single
   * autocommit statements do. Default true; set false for proxies that cannot pipeline.
   */
  pipeline?: boolean;
  /**
   * `createPool` resolves without opening a connection; the first use opens it. Default false:
   * a wrong password should show when the program starts.
   */
  lazy?: boolean;
  /**
   * `createPool` retries refused and reset connects until `acquireTimeoutMs`. Default false.
   */
  waitForServer?: boolean;
  /** Priority classes for `acquire`, 1 to 64. Default 1: everyone waits in one line. */
  priorities?: number;
  /**
   * What `min` means. `fill`: that many are opened at once, and again after each loss; `spare`: the
   * last `min` are only exempt from the idle timeout. Default `fill`.
   */
  minPolicy?: 'fill' | 'spare';
  /** The idle timeout closes connections below `min` too; `fill` opens new ones. Default false. */
  evictBelowMin?: boolean;
  /**
   * The idle timeout closes connections only while more than this many are idle, at least 0;
   * `null` = whenever due. Default `null`.
   */
  maxIdle?: number | null;
  /** Look for idle connections to close only this often; 0 or `null` = when due. Default 0. */
  sweepIntervalMs?: number | null;
  /** Close the connection of a failed statement. Default false: an SQL error harms nothing. */
  destroyOnQueryError?: boolean;
  /**
   * Bound of `close()` that has no `timeoutMs` of its own; `null` = none. Default 30,000: as long
   * as the usual grace period of service managers.
   */
  closeTimeoutMs?: number | null;
  /** Shown in messages about the pool as a whole and in `stats()`. Default: `pool-1`, `pool-2`, ... */
  name?: string;
  /**
   * One pool for all threads of the process: every `createPool` and `new Pool` with `shared` and
   * the same `name` attaches to it, and `max` bounds them together. Default false.
   *
   * - The first call makes the pool. A later one must give the same target and options, spelled as
   *   it likes: a difference rejects with an `OptionError` that names the option, never its value.
   * - Functions (`onConnect`, `reset`, `password`, `stream`) cannot cross threads: those of the
   *   first thread that passed one run, for everybody. A later caller may pass its own or leave it
   *   out; where the first passed none, it is a difference. When the thread that runs them detaches
   *   or ends, the next one that passed the same option takes over, and connections over its
   *   `stream` are replaced; when none is left, new connections fail with a `ConnectError` that
   *   names the option. Pools without functions are not affected.
   * - `close()` detaches its caller: see there. Of a thread that ends without it, leases are
   *   destroyed and requests that wait removed. The pool ends with the last one attached; the next
   *   call with its name makes a new one, which opens no connection before the old one's are gone.
   * - `stats()`, `resize()` and `clear()` are about the one pool. Of events, `connect`, `remove`
   *   and `error` reach every thread, `acquire`, `release`, `leak` and `notice` the one concerned.
   * - Those who wait are served in the order of their calls over all threads.
   */
  shared?: boolean;
}

// ---------------------------------------------------------------------------------------------
// Requests
// ---------------------------------------------------------------------------------------------

/**
 * A value for `$1`, `$2`, ... of PostgreSQL, `?` of MySQL. `undefined`, functions, symbols, invalid
 * dates and circular objects reject with `ERR_POLYPOOL_PARAMETER` and the position. Arrays become
 * PostgreSQL arrays, or JSON where the parameter is json and for MySQL; other objects become JSON;
 * buffers and typed arrays bytea. MySQL gets a Date as a DATETIME of UTC, and has no NaN, no
 * infinity and no years beyond 9999.
 */
export type Parameter = null | boolean | number | bigint | string | object;

export interface QueryOptions {
  /**
   * Gives up when aborted: rejects with `AbortError` (`cause` is the signal's reason). A statement
   * that runs alone on its connection is also cancelled at the server.
   */
  signal?: AbortSignal | undefined;
  /**
   * Bound from the call to the result, the wait for a connection included; 0 = none. Rejects with
   * `QueryTimeoutError` and cancels as `signal` does. Default: `queryTimeoutMs`.
   */
  timeoutMs?: number | undefined;
  /** `array`: each row is an array in the order of `fields`. Default `object`. */
  rowMode?: 'object' | 'array' | undefined;
  /**
   * Which server runs it, for pools with `replicas`: `primary` to read what was just written,
   * `replica` for what only looks like a write. Without `replicas` all is one. Not for statements
   * of a connection or transaction. Default: by the text, see `replicas`.
   */
  target?: 'primary' | 'replica' | undefined;
}

/** A statement as one object; `sql` templates are of this form too. */
export interface QueryConfig extends QueryOptions {
  text: string;
  values?: readonly Parameter[] | undefined;
}

/** A cursor's statement as one object. */
export interface CursorConfig extends CursorOptions {
  text: string;
  values?: readonly Parameter[] | undefined;
}

export interface AcquireOptions {
  signal?: AbortSignal | undefined;
  /** Default: `acquireTimeoutMs`. `null` = none. */
  timeoutMs?: number | null | undefined;
  /** 0 (first) to `priorities` - 1. Default: the last class. */
  priority?: number | undefined;
  /**
   * Of a pool with `replicas`: where the connection leads. Default `primary`. A `replica` is one
   * of the primary's when no replica can be reached.
   */
  target?: 'primary' | 'replica' | undefined;
}

export interface ReleaseOptions {
  /** Close the connection instead of keeping it. Default false. */
  destroy?: boolean;
}

export interface TransactionOptions {
  /** Default: the server's default_transaction_isolation. Not allowed when nested. */
  isolation?: 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable';
  /**
   * Default: the server's default_transaction_read_only. With `replicas` also where it runs. Not
   * allowed when nested.
   */
  readOnly?: boolean;
  /**
   * Of a pool with `replicas`. Default: `replica` with `readOnly` unless serializable, else
   * `primary`. Not allowed when nested, nor on a connection.
   */
  target?: 'primary' | 'replica' | undefined;
  /** Only with `isolation: 'serializable'` and `readOnly: true`. Not allowed when nested. */
  deferrable?: boolean;
  /**
   * How often the callback may run again after a serialization failure or deadlock (40001, 40P01;
   * of MySQL 1213, and 1205, a lock waited for too long); 0 to 100, with a growing random pause. Default 0: the callback may have effects outside the
   * database. Not allowed when nested.
   */
  retries?: number;
  /**
   * Gives up when aborted, whatever the callback waits for: the running statement is cancelled, the
   * transaction rolled back, what the callback still does rejects. Never commits after an abort.
   */
  signal?: AbortSignal | undefined;
  /**
   * Bound over the wait for a connection and all runs of the callback; then as `signal`, with
   * `QueryTimeoutError`. 0 = none. Default: none beyond `acquireTimeoutMs` for the
   * wait, so the promise has no bound while the callback runs.
   */
  timeoutMs?: number | undefined;
}

export interface StreamOptions extends QueryOptions {
  /**
   * Rows asked for at once, 1 to 100,000. Default 1,000: a larger batch costs memory, a smaller
   * one wakes JavaScript more often. The server is read only as fast as rows are taken.
   */
  batchSize?: number | undefined;
}

export interface CopyOptions {
  /**
   * Gives up when aborted: the stream is destroyed with `AbortError` (`cause` is the signal's
   * reason), the server keeps none of the data.
   */
  signal?: AbortSignal | undefined;
  /**
   * Bound from the call to the end of the data, the wait for a connection included; 0 = none. Then
   * the stream is destroyed with `QueryTimeoutError`. Default: `queryTimeoutMs`.
   */
  timeoutMs?: number | undefined;
  /**
   * Bytes kept on this side, 1 to 2^30. Of a writer: how much `write` takes before it returns false
   * (of strings it counts characters); default 65,536. Of a reader: how much is asked of the
   * server ahead of its use, and the size of its largest chunks; default 262,144. A writer has up
   * to 1 MiB under way to the server besides.
   */
  highWaterMark?: number | undefined;
}

export interface CursorOptions {
  /**
   * Gives up when aborted: the read under way, or else the next one, rejects with `AbortError`; a
   * running statement is cancelled at the server.
   */
  signal?: AbortSignal | undefined;
  /**
   * Bound of each `read`, not of the time between them; 0 = none. Then it rejects with
   * `QueryTimeoutError` and the cursor is over. Default: `queryTimeoutMs`.
   */
  timeoutMs?: number | undefined;
  /** `array`: each row is an array in the order of `fields`. Default `object`. */
  rowMode?: 'object' | 'array' | undefined;
  /** Rows of a `read()` without a number, and of a loop's step, 1 to 100,000. Default 100. */
  batchSize?: number | undefined;
}

export interface ListenOptions {
  /** Ends the subscription when aborted: `listen` or the iteration rejects with `AbortError`. */
  signal?: AbortSignal | undefined;
  /** Bound of `listen` itself, above 0; `null` = none. Default: `acquireTimeoutMs`. */
  timeoutMs?: number | null | undefined;
  /**
   * Notifications that may wait to be read, 1 to 10,000,000. One more ends the subscription with
   * `ERR_POLYPOOL_QUEUE_FULL`: the connection is shared, so the server cannot be told to wait, and
   * dropping some in silence would be worse. Default 50,000: some megabytes of short payloads, at
   * most 400 MB of the longest.
   */
  maxQueued?: number | undefined;
  /**
   * When nothing was heard of the server for so long, it is asked; without an answer in the same
   * time again the connection is replaced. Above 0; the smallest of all subscriptions counts.
   * Default 30,000.
   */
  checkIntervalMs?: number | undefined;
}

// ---------------------------------------------------------------------------------------------
// Results
// ---------------------------------------------------------------------------------------------

export interface Field {
  name: string;
  /** OID of the table the column comes from; 0 when it comes from none, and of MySQL. */
  tableId: number;
  /** Number of the column in that table; 0 when there is none, and of MySQL. */
  columnId: number;
  /** OID of the type; of MySQL the type's number in its protocol. */
  dataTypeId: number;
  /** Bytes of the type; negative when they vary. Of MySQL the length it is declared with. */
  dataTypeSize: number;
  /**
   * The type's modifier, such as the length of a varchar; -1 when there is none. Of MySQL its
   * decimals; 31 and more for as many as a value needs.
   */
  dataTypeModifier: number;
  /** MySQL: where the column comes from; empty for what a statement computes. */
  schema?: string;
  /** MySQL: the table as the statement calls it, and its own name. */
  table?: string;
  originalTable?: string;
  /** MySQL: the name of the column in its table. */
  originalName?: string;
  /** MySQL: the number of its collation; 63 for bytes that are no text. */
  collation?: number;
  /** MySQL: bits such as NOT NULL (1), primary key (2), unsigned (32). */
  flags?: number;
}

/** A row with columns that TypeScript does not know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyRow = Record<string, any>;

export interface QueryResult<Row = AnyRow> {
  rows: Row[];
  fields: Field[];
  /** Rows read or changed; null for statements that do not count any (DDL, SET, BEGIN). */
  rowCount: number | null;
  /** First word or words of the server's tag, such as `SELECT`; null for an empty statement. */
  command: string | null;
  /** MySQL: the first number that AUTO_INCREMENT gave, as `types.int8` has it; null for none. */
  insertId?: number | bigint | string | null;
  /** MySQL: rows inserted, deleted or found by an UPDATE; 0 for what has rows of its own. */
  affectedRows?: number | null;
  /** MySQL: how many warnings `SHOW WARNINGS` would tell. */
  warnings?: number;
  /** MySQL: `Records: 2  Duplicates: 0  Warnings: 0` and the like; mostly empty. */
  info?: string;
}

/**
 * Spelled as a name because TypeScript sorts overloads with a literal parameter type (`null` is
 * one) before all others.
 */
type NoValues = null;

/** Row types of `query`; anything but a list, which is the type of several results. */
export type RowObject = object & { readonly [Symbol.iterator]?: never };

/**
 * A running result: a Node `Readable` in object mode, so it may be iterated with `for await` or
 * piped. Leaving the loop, `destroy()` and an aborted signal end the statement and give the
 * connection back.
 *
 * Within a transaction leaving the loop and `destroy()` do not fail it: the server sends a
 * `batchSize` of rows at a time there, and the statement ends with the rows under way (of several
 * statements in one text with the last). What takes longer than 5,000 ms is cancelled after all,
 * which fails the transaction: its error has the reason as `cause`.
 *
 * What is not read to its end when the callback of `use()` or `transaction()` returns is ended; a
 * listener of `error` hears of that (`ERR_POLYPOOL_STALE_CONNECTION`). See also `release`.
 */
export interface RowStream<Row = AnyRow> extends Readable {
  /** Known once the first row (or the end) has arrived. */
  readonly fields: readonly Field[] | null;
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<Row>;
}

/**
 * Takes the data of COPY FROM STDIN: strings (UTF-8 unless `write` names another encoding) and
 * buffers, cut anywhere. `finish` comes when the server has stored everything; only then the rows
 * count. `destroy()` before that fails the COPY: the server stores nothing of it, and its log says
 * why (the error's message).
 */
export interface CopyWriter extends Writable {
  /** Rows stored, from `finish` on; null before. */
  readonly rowCount: number | null;
}

/**
 * The data of COPY TO STDOUT as the server sends them (text, CSV or binary), as buffers; a chunk
 * may end in the middle of a row. `destroy()` and leaving a `for await` loop cancel the statement;
 * within a transaction the rest is read over instead, for up to 5,000 ms (as of a `RowStream`).
 */
export interface CopyReader extends Readable {
  /** Rows sent, from `end` on; null before. */
  readonly rowCount: number | null;
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<Buffer>;
}

/**
 * A result that the server makes as it is asked for. `for await` goes through its rows, a batch per
 * round trip, and closes it; leaving the loop does too. Reads take turns.
 */
export interface Cursor<Row = AnyRow> extends AsyncDisposable, AsyncIterable<Row> {
  /** Known with the first read. */
  readonly fields: readonly Field[] | null;
  /** True once it was read to its end, failed, or `close` was called. */
  readonly closed: boolean;
  /**
   * The next rows, at most so many (1 to 100,000; default: `batchSize`); none at the end, and again
   * none after it. Rejects as `query` does; after an error each read rejects with it, after `close`
   * before the end with `ERR_POLYPOOL_STALE_CONNECTION`. No bound unless `timeoutMs` or
   * `queryTimeoutMs` is set.
   */
  read(rows?: number): Promise<Row[]>;
  /**
   * Ends it, after the reads so far; a cursor of the pool gives its connection back. Idempotent.
   * Rejects only with what the server says to the end: a deferred constraint, a lost connection.
   * Bound: `timeoutMs`, else 10,000 ms (beyond the reads so far).
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A piece of SQL with its parameters. Made by the `sql` tags only. */
export interface SqlFragment {
  readonly text: string;
  readonly values: readonly Parameter[];
}

/**
 * A statement of `pool.sql` or `connection.sql`. It runs when it is awaited (once; later awaits
 * get the same answer) and resolves to its rows; `pool.query(statement)` gives the whole result.
 */
export interface SqlQuery<Row = AnyRow> extends SqlFragment, Promise<Row[]> {}

export interface SqlBuilder {
  (strings: TemplateStringsArray, ...values: readonly (Parameter | SqlFragment)[]): SqlFragment;
  /** A quoted name, qualified when there are several: `sql.identifier('app', 'users')`. */
  identifier(...names: [string, ...string[]]): SqlFragment;
}

export interface SqlTag {
  <Row extends RowObject = AnyRow>(
    strings: TemplateStringsArray,
    ...values: readonly (Parameter | SqlFragment)[]
  ): SqlQuery<Row>;
  /** A quoted name, qualified when there are several: `sql.identifier('app', 'users')`. */
  identifier(...names: [string, ...string[]]): SqlFragment;
}

// ---------------------------------------------------------------------------------------------
// Pool and connections
// ---------------------------------------------------------------------------------------------

/** What pools and connections have in common: they run statements. */
export interface Queryable {
  /**
   * Runs one statement and resolves with all its rows. Without values the text may hold several
   * statements; the promise then resolves to an array of results: name its type to say so,
   * `query<QueryResult[]>('select 1; select 2')`.
   *
   * Rejects with `DatabaseError` (the server's error), `QueryTimeoutError`, `AbortError`,
   * `AcquireTimeoutError`, `ConnectError`, `ConnectionLostError`, `ClosedError` or another
   * `PoolError`. Never throws. No bound on the statement itself unless `timeoutMs` or
   * `queryTimeoutMs` is set.
   */
  query<Row extends RowObject = AnyRow>(
    text: string,
    values?: readonly Parameter[] | null,
    options?: QueryOptions & { rowMode?: 'object' | undefined },
  ): Promise<QueryResult<Row>>;
  query<Row extends RowObject = AnyRow>(
    config: (QueryConfig & { rowMode?: 'object' | undefined }) | SqlFragment,
  ): Promise<QueryResult<Row>>;
  query<Row extends RowObject = AnyRow>(
    fragment: SqlFragment,
    values?: NoValues,
    options?: QueryOptions & { rowMode?: 'object' | undefined },
  ): Promise<QueryResult<Row>>;
  query<Row extends readonly unknown[] = unknown[]>(
    text: string,
    values: readonly Parameter[] | null | undefined,
    options: QueryOptions & { rowMode: 'array' },
  ): Promise<QueryResult<Row>>;
  query<Row extends readonly unknown[] = unknown[]>(
    config: QueryConfig & { rowMode: 'array' },
  ): Promise<QueryResult<Row>>;
  query<Row extends readonly unknown[] = unknown[]>(
    fragment: SqlFragment,
    values: NoValues | undefined,
    options: QueryOptions & { rowMode: 'array' },
  ): Promise<QueryResult<Row>>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  query<Results extends readonly QueryResult<any>[]>(
    text: string,
    values?: NoValues,
    options?: QueryOptions,
  ): Promise<Results>;

  /** Runs a template: each interpolated value becomes a parameter. Resolves to the rows. */
  readonly sql: SqlTag;

  /**
   * Runs the callback inside a transaction: COMMIT when it resolves, ROLLBACK when it throws or
   * rejects. Resolves to what the callback resolved to; rejects with what it threw. When COMMIT is
   * not answered (the connection is lost, the server ends the session) the outcome is unknown:
   * `ERR_POLYPOOL_COMMIT_UNKNOWN`. When the server rolled back although the callback resolved,
   * because a statement had failed and its error was swallowed: `ERR_POLYPOOL_ROLLED_BACK`, with
   * that error as `cause`.
   *
   * The callback's own BEGIN, COMMIT, ROLLBACK and the like reject with `ERR_POLYPOOL_PARAMETER` and
   * are not sent; savepoints are allowed.
   *
   * Inside a transaction it makes a savepoint. Nested transactions of one transaction take turns,
   * so inside a nested one call `transaction` on the innermost: on an outer one it would wait for
   * itself. With `leakDetectionMs` that call rejects with `ERR_POLYPOOL_SELF_DEADLOCK`.
   */
  transaction<T>(
    callback: (transaction: Transaction) => T | PromiseLike<T>,
    options?: TransactionOptions,
  ): Promise<T>;

  /**
   * Reads a result row by row with back-pressure down to the socket. The statement is submitted by
   * the call. Never throws: errors end the stream. No bound unless `timeoutMs` or `queryTimeoutMs`
   * is set.
   *
   * The choice for results that are read to their end without long pauses: one round trip, and the
   * server works ahead of the reader until the buffers in between are full. See `cursor`.
   */
  stream<Row extends RowObject = AnyRow>(
    text: string | SqlFragment,
    values?: readonly Parameter[] | null,
    options?: StreamOptions & { rowMode?: 'object' | undefined },
  ): RowStream<Row>;
  stream<Row extends readonly unknown[] = unknown[]>(
    text: string | SqlFragment,
    values: readonly Parameter[] | null | undefined,
    options: StreamOptions & { rowMode: 'array' },
  ): RowStream<Row>;

  /**
   * Runs COPY ... FROM STDIN and gives the stream to write its data to; nothing is taken from it
   * faster than the server takes it. COPY has no parameters: `text` is a string or a template
   * without values (`sql.identifier` may be in it). The statement is submitted by the call.
   *
   * Never throws: errors destroy the stream. `DatabaseError` for a bad row (22P04, 23505 ...), all
   * that `query` rejects with, and `PoolError` (`ERR_POLYPOOL_PARAMETER`) for anything but one COPY
   * ... FROM STDIN. The connection stays in order; a transaction is aborted, as by any error. Of a
   * pool it takes a connection for as long as it runs. No bound unless `timeoutMs` or
   * `queryTimeoutMs` is set: a writer that is neither ended nor destroyed keeps its connection.
   *
   * ```js
   * await pipeline(createReadStream('users.csv'), pool.copyFrom('copy users from stdin csv'));
   * ```
   */
  copyFrom(text: string | SqlFragment, options?: CopyOptions): CopyWriter;
  /**
   * Runs COPY ... TO STDOUT and gives the stream to read its data from; the server is read only as
   * fast as that. Otherwise as `copyFrom`; leave nothing unread: `destroy()` what is not wanted.
   */
  copyTo(text: string | SqlFragment, options?: CopyOptions): CopyReader;
  /**
   * A result that the server makes only as far as it is asked for, a round trip per `read`: the
   * choice when the reader decides how much it wants, pauses for long, or stops early, and when what
   * the statement does for rows that nobody reads matters (`nextval`, locks, costly functions).
   * From a distant server a `stream` brings whole results sooner.
   *
   * The statement is submitted by the first `read`. From the call of `cursor` until it is over its
   * connection takes no other statement: they reject with `ERR_POLYPOOL_CURSOR_OPEN` (whose `query`
   * is the cursor's), because one that waited for its turn inside a loop over the cursor would wait
   * for itself. A cursor of the pool holds a connection of its own from the first `read` until it is
   * over: read it to its end or close it. Outside a transaction it sees the data as of its first
   * read; releasing the connection or ending the transaction closes it.
   *
   * Never throws: what is wrong rejects the first `read`.
   *
   * ```js
   * await using cursor = pool.cursor('select * from events order by id');
   * while ((batch = await cursor.read(500)).length > 0) await send(batch);
   * ```
   */
  cursor<Row extends RowObject = AnyRow>(
    text: string | SqlFragment | (CursorConfig & { rowMode?: 'object' | undefined }),
    values?: readonly Parameter[] | null,
    options?: CursorOptions & { rowMode?: 'object' | undefined },
  ): Cursor<Row>;
  cursor<Row extends readonly unknown[] = unknown[]>(
    config: CursorConfig & { rowMode: 'array' },
  ): Cursor<Row>;
  cursor<Row extends readonly unknown[] = unknown[]>(
    text: string | SqlFragment,
    values: readonly Parameter[] | null | undefined,
    options: CursorOptions & { rowMode: 'array' },
  ): Cursor<Row>;
}

/** Runs statements inside one transaction. Stale once the callback has settled. */
export interface Transaction extends Queryable {
  readonly connection: ConnectionInfo;
}

/** What identifies a connection in events, errors and logs. */
export interface ConnectionInfo {
  /** Unique within its pool, never used again. */
  readonly id: number;
  /** The server's process id for it (pg_backend_pid). */
  readonly processId: number;
  /** Only with `replicas`, where each of the two pools numbers its own connections. */
  readonly target?: 'primary' | 'replica' | undefined;
}

/**
 * A borrowed connection. Statements and streams run in the order of their calls. Once released
 * every method rejects with `ERR_POLYPOOL_STALE_CONNECTION`, once lost with `ConnectionLostError`.
 */
export interface Connection extends Queryable, ConnectionInfo, AsyncDisposable {
  /** True once it was given back, taken away or lost. */
  readonly released: boolean;
  /**
   * Gives the connection back, after the statements submitted before. What would never end is
   * ended: an open cursor, a `copyFrom` that was not ended, a stream that nobody reads; a stream
   * that is being read, once nothing has been taken from it for 5 to 10 seconds. Resolves when it is
   * back in the pool (its reset included) or gone. A second call changes nothing and resolves with
   * the first. Never rejects, except with `OptionError`: then nothing was released.
   */
  release(options?: ReleaseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A connection outside any pool, made by `connect()`. */
export interface UnpooledConnection extends Queryable, ConnectionInfo, AsyncDisposable {
  readonly closed: boolean;
  /**
   * Closes after the statements submitted before. Idempotent; never rejects, except with
   * `OptionError`. What still runs after `timeoutMs` (default 30,000) is cut off with
   * `ClosedError`, and every later call rejects with it.
   */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface CloseOptions {
  /** After this time everything is cut off; `null` = never. Default: `closeTimeoutMs`. */
  timeoutMs?: number | null;
}

/** How long something took, in milliseconds, since the pool was made. */
export interface Durations {
  count: number;
  mean: number;
  p50: number;
  p99: number;
  max: number;
}

export interface PoolStats {
  name: string;
  max: number;
  min: number;
  /** Threads that use the pool: 1 unless it is `shared`, 0 once it is closed. */
  threads: number;
  /** Every connection, in whatever state. */
  total: number;
  idle: number;
  /** Leased, or running statements of the pool itself. */
  inUse: number;
  connecting: number;
  /** Requests that wait for a connection. */
  waiting: number;
  /** Connections of `listen()`, open or being opened: 0 or 1. Beyond `max`, not part of `total`. */
  listening: number;
  acquired: number;
  released: number;
  created: number;
  destroyed: number;
  timeouts: number;
  /**
   * Attempts to connect that failed, and leases and statements whose connection was lost or taken
   * away under them. Errors of SQL do not count.
   */
  errors: number;
  waitMs: Durations;
  useMs: Durations;
  createMs: Durations;
  /** With the option `replicas`: the same of their pool. The figures above are the primary's. */
  replicas?: PoolStats & {
    /** False while none can be reached and reads go to the primary. */
    reachable: boolean;
  };
}

export interface Notification {
  channel: string;
  /** Empty when there is none. */
  payload: string;
  /** The server's process id of the session that sent it. */
  processId: number;
}

/** A connection was lost and replaced; what was sent in between is lost for good. */
export interface Resubscription {
  channel: string;
  /** For how long nothing was heard, from the moment the loss was noticed. */
  lostForMs: number;
  /** How the connection was lost; null when nothing is known of it. */
  cause: Error | null;
}

/** Listeners run in the async context of the call of `listen`. */
export interface SubscriptionEvents {
  notification: [notification: Notification];
  /** It listens again after a loss: look for what may have been missed. */
  resubscribed: [gap: Resubscription];
  /**
   * It ended against its owner's will: the queue was full, or the server is there and refuses the
   * login for good. A running iteration rejects with the same error. Without an iteration and
   * without a listener for `error` it becomes an uncaught exception, as with any emitter.
   */
  error: [error: Error];
  /** It ended, for whatever reason. */
  close: [];
}

/**
 * A listener of one channel: an emitter, and an async iterable of its notifications. What arrives
 * before there is a listener or an iteration is kept for it, up to `maxQueued`. Both may be used;
 * each gets all. Leaving a loop over it closes it; `close()`, an aborted signal and the end of the
 * pool end the loop.
 */
export interface Subscription
  extends EventEmitter<SubscriptionEvents>, AsyncDisposable, AsyncIterable<Notification> {
  readonly channel: string;
  readonly closed: boolean;
  /**
   * Ends it at once; notifications not read yet are dropped. Resolves when the server no longer
   * sends them. Idempotent, never rejects. Bound: 30,000 ms.
   */
  close(): Promise<void>;
  /** Undoes `unref()`. */
  ref(): this;
  /** From here on it does not keep the process alive, except while it connects. */
  unref(): this;
  [Symbol.asyncDispose](): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterableIterator<Notification>;
}

/** Why a connection was closed. `destroyed`: its borrower asked for it, or its thread ended. */
export type RemoveReason =
  | 'idle'
  | 'lifetime'
  | 'maxUses'
  | 'destroyed'
  | 'died'
  | 'invalid'
  | 'resetFailed'
  | 'retired'
  | 'cleared'
  | 'resized'
  | 'leaseExpired'
  | 'closed';

export interface LeakInfo extends ConnectionInfo {
  heldMs: number;
  /** Where the application called `acquire`, `use`, `transaction` or `cursor`. */
  stack: string;
}

/** A warning or information of the server (RAISE NOTICE and the like). */
export interface Notice extends ServerFields {
  message: string;
}

/**
 * Listeners run at once, in the order of what they tell of; `acquire`, `release` and `notice` in the
 * async context of the request. What one throws becomes an uncaught exception and harms nothing
 * else.
 */
export interface PoolEvents {
  /** A new connection is ready. */
  connect: [connection: ConnectionInfo];
  /**
   * A connection was lent to `acquire`, `use`, `transaction` or `cursor`. Streams and COPYs of the
   * pool itself are statements: none of the events and limits of leases concern them.
   */
  acquire: [connection: ConnectionInfo];
  /** A lent connection came back. */
  release: [connection: ConnectionInfo];
  /** A connection was closed, for whatever reason. */
  remove: [connection: ConnectionInfo, reason: RemoveReason];
  /**
   * A connection that nobody was using was lost, or no replica can be reached. Emitted only
   * while there is a listener: losing an idle connection is no reason to end the process. That no
   * replica can be reached is told once; while it is so, the first listener hears it when it comes.
   */
  error: [error: Error, connection: ConnectionInfo | null];
  /** A lease is out for longer than `leakDetectionMs`. */
  leak: [leak: LeakInfo];
  /** The server sent a notice. */
  notice: [notice: Notice, connection: ConnectionInfo];
  /** The last connection is gone after `close()`. */
  close: [];
}

/**
 * A pool of database connections.
 *
 * `new Pool()` opens nothing: the first use does, and shows errors of the connection then; options
 * are checked at once (throws `OptionError`). `createPool()` is the form that fails fast.
 *
 * An idle pool does not keep the process alive: its handle on the event loop is unreferenced, and
 * referenced only while requests are pending. Work in flight is therefore always finished, and a
 * program that ends without `close()` ends at once.
 */
export class Pool extends EventEmitter<PoolEvents> {
  constructor(url: string | URL, options?: PoolOptions);
  constructor(options: PoolOptions);

  readonly name: string;
  /** True from the first `close()` on. */
  readonly closed: boolean;

  /**
   * Borrows a connection; it must be released. Rejects with `AcquireTimeoutError`, `AbortError`,
   * `ConnectError`, `DatabaseError` (login refused), `ClosedError` or `PoolError`
   * (`ERR_POLYPOOL_QUEUE_FULL`).
   * Bound: `timeoutMs`, else `acquireTimeoutMs`.
   *
   * ```js
   * await using connection = await pool.acquire();
   * ```
   */
  acquire(options?: AcquireOptions): Promise<Connection>;
  /**
   * Same as `connection.release(options)`. Throws `PoolError` (`ERR_POLYPOOL_PARAMETER`) when the
   * connection is not one of this pool.
   */
  release(connection: Connection, options?: ReleaseOptions): Promise<void>;
  /**
   * Borrows a connection for the time of the callback. What the callback leaves open (cursors,
   * streams, COPYs) is ended when it returns. No bound while the callback runs.
   */
  use<T>(
    callback: (connection: Connection) => T | PromiseLike<T>,
    options?: AcquireOptions,
  ): Promise<T>;

  /**
   * Listens to a channel (LISTEN); resolves when the server has confirmed it. Any text of 1 to 63
   * bytes is a channel, upper case and quotes included.
   *
   * All channels and listeners of a pool share one connection, which is opened for the first and
   * closed after the last. It is beyond `max` (`stats().listening`), is made with the same target and
   * `onConnect`, and is not subject to the pool's limits; each thread has its own. When it is lost it
   * is replaced, and the subscriptions hear `resubscribed`. A live subscription keeps the process
   * alive, as a server does; see `unref`.
   *
   * Not behind a pooler in transaction mode (PgBouncer): it hands the connection to others. A thread
   * that left out the `password` or `stream` function of a `shared` pool cannot connect by itself:
   * there this rejects with an `OptionError` that names the function.
   *
   * Rejects with `AcquireTimeoutError` (its `cause` is the last failure), `AbortError`,
   * `ClosedError`, `DatabaseError`, `ConnectError`, `OptionError` or, for what cannot be a channel,
   * `PoolError` (`ERR_POLYPOOL_PARAMETER`). Bound: `timeoutMs`, else `acquireTimeoutMs`.
   *
   * ```js
   * await using subscription = await pool.listen('jobs');
   * for await (const { payload } of subscription) await run(payload);
   * ```
   */
  listen(channel: string, options?: ListenOptions): Promise<Subscription>;
  /**
   * Notifies a channel (`pg_notify`), with a payload of up to 7,999 bytes. To notify when a
   * transaction commits, run `select pg_notify($1, $2)` in it. Rejects as `query` does, and with
   * `ERR_POLYPOOL_PARAMETER` for what cannot be a channel or payload. MySQL has no such thing:
   * `ERR_POLYPOOL_UNSUPPORTED`.
   */
  notify(
    channel: string,
    payload?: string,
    options?: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined },
  ): Promise<void>;

  stats(): PoolStats;
  /** Closes every connection open now, those in use when they come back. */
  clear(): void;
  /**
   * Changes the limits; connections beyond `max` go as they come back. Throws `OptionError`, and
   * `ClosedError` after `close()`.
   */
  resize(limits: { min?: number; max?: number }): void;
  /**
   * Refuses new requests, lets those under way finish, rejects those that wait (`ClosedError`) and
   * resolves when the last socket is closed. What still runs after `timeoutMs` is cut off
   * (`ClosedError`); a server that does not take its goodbye either is waited for no longer than
   * 100 ms more. Never rejects but for a wrong option; a second call resolves with the first,
   * and may bring the end forward. Of a `shared` pool that others still use, all this is about what
   * this caller has borrowed, runs and waits for: it resolves when that is over, and the pool and
   * its connections go on; with the last one attached the pool closes. Bound: `timeoutMs`, else `closeTimeoutMs` (30,000 ms by
   * default); with `null` it waits for every lease, without a bound.
   */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Pool extends Queryable, AsyncDisposable {}

// ---------------------------------------------------------------------------------------------
// Redis
// ---------------------------------------------------------------------------------------------

/**
 * `redis://user:password@host:6379/0`, `rediss://` with TLS, `unix:///path?db=0`. A URL that is no
 * literal type is a plain `string` to TypeScript: `new RedisPool(url)` and
 * `createPool({ engine: 'redis', url })` say what it is.
 */
export type RedisUrl =
  | `redis://${string}`
  | `rediss://${string}`
  | `valkey://${string}`
  | `valkeys://${string}`
  | `unix://${string}`;

/** Where to connect, and as whom. An option wins over the same setting in the URL. */
export interface RedisTargetOptions extends Pick<
  TargetOptions,
  | 'keepalive'
  | 'keepalives_idle'
  | 'keepalives_interval'
  | 'keepalives_count'
  | 'tcpUserTimeoutMs'
  | 'load_balance_hosts'
> {
  engine?: 'redis';
  url?: string | URL;
  /** Default `localhost`. */
  host?: string;
  /** Default 6379. */
  port?: number;
  /** Path of a unix socket, instead of host and port. */
  socketPath?: string;
  /** ACL user. Default: the server's `default` user. */
  user?: string;
  /** A function is called before each connect: for passwords that change. */
  password?: string | (() => string | PromiseLike<string>);
  /** As `user`. */
  username?: string;
  /** Number of the database, from 0 on. Default 0. */
  database?: number;
  /** As `database`. */
  db?: number;
  /** What CLIENT LIST shows (CLIENT SETNAME). Default: none. */
  applicationName?: string;
  /**
   * 2 speaks RESP2 only, in which there are no maps, sets and doubles. Default 3; a server that does
   * not know it gets 2.
   */
  protocol?: 2 | 3;
  /** TLS: `true`, or its settings; `rediss://` says so too. Default false. */
  ssl?: boolean | SslOptions;
  /** A transport of JavaScript's own instead of a socket. */
  stream?: (target: StreamTarget) => Duplex | Promise<Duplex>;
  /**
   * What becomes of integers that no number holds exactly. Default `number`: they reject with
   * `ERR_POLYPOOL_UNSAFE_INTEGER`.
   */
  types?: TypesOption;
}

export interface RedisConnectOptions
  extends RedisTargetOptions, Pick<ConnectOptions, 'connectTimeoutMs' | 'queryTimeoutMs'> {}

/**
 * Those of every pool. `max` counts the one connection that ordinary commands share, and those that
 * are borrowed or blocked; one is always kept for the ordinary commands.
 */
export interface RedisPoolOptions
  extends
    RedisConnectOptions,
    Omit<
      PoolOptions,
      keyof ConnectOptions | keyof ReplicaOptions | 'onConnect' | 'pipeline' | 'replicas'
    > {
  /** Runs once on each new connection, before it serves. */
  onConnect?: (connection: RedisConnection) => unknown;
}

/** An argument of a command. Anything else rejects with `ERR_POLYPOOL_PARAMETER` and its position. */
export type RedisArgument = string | number | bigint | NodeJS.ArrayBufferView | ArrayBuffer;

/** A command with its arguments: `['SET', 'key', 'value']`, `['CONFIG GET', 'maxmemory']`. */
export type RedisCommand = readonly [name: string, ...args: RedisArgument[]];

/**
 * A reply as it came: texts as strings (with `buffers` as Buffers), integers as numbers (see
 * `types`), doubles as numbers, sets as arrays, maps as objects without a prototype (with `buffers`
 * as Maps), null. What a server answers to the same command may depend on its version: below Redis
 * 6 there are no maps, sets and doubles, but arrays and texts.
 */
export type RedisReply =
  | null
  | string
  | number
  | bigint
  | boolean
  | Buffer
  | DatabaseError
  | RedisReply[]
  | { [field: string]: RedisReply }
  | Map<RedisReply, RedisReply>;

export interface RedisCommandOptions {
  /**
   * Gives up when aborted: rejects with `AbortError` (`cause` is the signal's reason). What was sent
   * may run all the same: its reply is dropped.
   */
  signal?: AbortSignal | undefined;
  /**
   * Bound from the call to the reply, the wait for a connection included; 0 = none. Rejects with
   * `QueryTimeoutError`; what was sent may run all the same. Default: `queryTimeoutMs`.
   */
  timeoutMs?: number | undefined;
  /** Texts as Buffers, for values that are not UTF-8. Default false. */
  buffers?: boolean | undefined;
}

export interface RedisScanOptions extends RedisCommandOptions {
  /** Only what matches this glob pattern. Default: all. */
  match?: string | undefined;
  /** How much work the server does for each step. Default: the server's, 10. */
  count?: number | undefined;
}

/** What pools and connections of Redis have alike. */
export interface RedisQueryable {
  /**
   * Runs a command; resolves with its reply. Commands of one thread over a pool take effect in the
   * order of their calls; those of one tick go out together.
   *
   * Rejects with `DatabaseError` (`code` is the first word of the server's error: `WRONGTYPE`),
   * `ConnectionLostError` (it was sent, and may have run), `AcquireTimeoutError`,
   * `QueryTimeoutError`, `AbortError`, `ClosedError`, `OptionError` or `PoolError`
   * (`ERR_POLYPOOL_PARAMETER`, `ERR_POLYPOOL_UNSUPPORTED` for commands that need a connection of
   * their own, such as SELECT and MULTI: borrow one). Bound: `acquireTimeoutMs` for the wait, and
   * `timeoutMs`.
   *
   * ```js
   * await pool.query('SET', ['key', 'value', 'EX', 60]);
   * ```
   */
  query<Reply = any>(
    command: string,
    args?: readonly RedisArgument[] | null,
    options?: RedisCommandOptions,
  ): Promise<Reply>;
  /** The same, with the arguments one by one. */
  command<Reply = any>(command: string, ...args: RedisArgument[]): Promise<Reply>;
  /**
   * Runs several commands, one behind the other on the same wire; others may come in between. The
   * replies are in their order, a failed command's is its `DatabaseError`. Rejects as `query` does
   * where all of them fail.
   */
  pipeline<Replies extends readonly unknown[] = any[]>(
    commands: readonly RedisCommand[],
    options?: RedisCommandOptions,
  ): Promise<Replies>;
  /**
   * Runs several commands as one transaction (MULTI, EXEC): nobody's commands come in between. Null
   * when a watched key has changed (WATCH, on a borrowed connection). A command that the server
   * does not take at all rejects (`EXECABORT`) and nothing runs; one that fails as it runs undoes
   * nothing, and its `DatabaseError` is in its place among the replies.
   *
   * ```js
   * await pool.use(async (connection) => {
   *   await connection.query('WATCH', ['stock']);
   *   const stock = Number(await connection.query('GET', ['stock']));
   *   return connection.multi([['SET', 'stock', stock - 1]]);
   * });
   * ```
   */
  multi<Replies extends readonly unknown[] = any[]>(
    commands: readonly RedisCommand[],
    options?: RedisCommandOptions,
  ): Promise<Replies | null>;
  /**
   * Runs a script (EVALSHA); where the server does not know it yet its text follows (EVAL), behind
   * commands that were called meanwhile. `readOnly`: as EVAL_RO.
   */
  eval<Reply = any>(
    source: string,
    keys?: readonly RedisArgument[],
    args?: readonly RedisArgument[],
    options?: RedisCommandOptions & { readOnly?: boolean | undefined },
  ): Promise<Reply>;
  /** All keys, as SCAN gives them: one may come twice. Options are checked by the first step. */
  scan<Key = string>(
    options?: RedisScanOptions & { type?: string | undefined },
  ): AsyncGenerator<Key, void, undefined>;
  /** Fields and values of a hash; with `noValues` (Redis 7.4) its fields. */
  hscan<Text = string>(
    key: RedisArgument,
    options?: RedisScanOptions & { noValues?: false | undefined },
  ): AsyncGenerator<[field: Text, value: Text], void, undefined>;
  hscan<Text = string>(
    key: RedisArgument,
    options: RedisScanOptions & { noValues: true },
  ): AsyncGenerator<Text, void, undefined>;
  /** Members of a set. */
  sscan<Text = string>(
    key: RedisArgument,
    options?: RedisScanOptions,
  ): AsyncGenerator<Text, void, undefined>;
  /** Members of a sorted set, with their scores. */
  zscan<Text = string>(
    key: RedisArgument,
    options?: RedisScanOptions,
  ): AsyncGenerator<[member: Text, score: number], void, undefined>;
}

/** A borrowed connection: for WATCH, blocking commands, and whatever else has state. */
export interface RedisConnection
  extends RedisQueryable, Omit<ConnectionInfo, 'target'>, AsyncDisposable {
  readonly released: boolean;
  /** As of `Connection`. What it has set (SELECT, WATCH, an open MULTI) is reset before others get it. */
  release(options?: ReleaseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A connection outside any pool, made by `connect()`. */
export interface UnpooledRedisConnection
  extends RedisQueryable, Omit<ConnectionInfo, 'target'>, AsyncDisposable {
  readonly closed: boolean;
  /** As of `UnpooledConnection`. */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SubscribeOptions extends ListenOptions {
  /** The channel is a glob pattern (PSUBSCRIBE). Default false. */
  pattern?: boolean | undefined;
  /** A sharded channel (SSUBSCRIBE, Redis 7). Default false. */
  sharded?: boolean | undefined;
  /** Messages as Buffers. Default false. */
  buffers?: boolean | undefined;
}

export interface RedisMessage<Content = string> {
  channel: string;
  message: Content;
  /** The pattern it came by; null where it came by its channel. */
  pattern: string | null;
}

export interface RedisSubscriptionEvents<Content> extends Omit<SubscriptionEvents, 'notification'> {
  message: [message: RedisMessage<Content>];
}

/** As `Subscription`, of messages. */
export interface RedisSubscription<Content = string>
  extends
    EventEmitter<RedisSubscriptionEvents<Content>>,
    AsyncDisposable,
    AsyncIterable<RedisMessage<Content>> {
  /** The channel, or the pattern. */
  readonly channel: string;
  readonly closed: boolean;
  close(): Promise<void>;
  ref(): this;
  unref(): this;
  [Symbol.asyncDispose](): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterableIterator<RedisMessage<Content>>;
}

/** What a server is asked, as MONITOR words it. */
export interface RedisMonitor
  extends
    EventEmitter<
      Omit<SubscriptionEvents, 'notification' | 'resubscribed'> & { command: [line: string] }
    >,
    AsyncDisposable,
    AsyncIterable<string> {
  readonly closed: boolean;
  close(): Promise<void>;
  ref(): this;
  unref(): this;
  [Symbol.asyncDispose](): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterableIterator<string>;
}

/**
 * A pool of connections to a Redis server. Ordinary commands of all callers share one connection,
 * pipelined; commands that block (BLPOP, XREAD with BLOCK, WAIT) get one of their own, so that they
 * stall nobody. As `Pool` in all else.
 */
export class RedisPool extends EventEmitter<PoolEvents> {
  constructor(url: string | URL, options?: RedisPoolOptions);
  constructor(options: RedisPoolOptions);

  readonly name: string;
  /** True from the first `close()` on. */
  readonly closed: boolean;

  /** As `acquire` of `Pool`. */
  acquire(options?: Omit<AcquireOptions, 'target'>): Promise<RedisConnection>;
  /** As `release` of `Pool`. */
  release(connection: RedisConnection, options?: ReleaseOptions): Promise<void>;
  /** Borrows a connection for the time of the callback. No bound while the callback runs. */
  use<T>(
    callback: (connection: RedisConnection) => T | PromiseLike<T>,
    options?: Omit<AcquireOptions, 'target'>,
  ): Promise<T>;

  /**
   * Subscribes to a channel; resolves when the server has confirmed it. All subscriptions of a pool
   * share one connection beyond `max`, as those of `listen` of `Pool` do; when it is lost it is
   * replaced, and they hear `resubscribed`: what was published in between is lost.
   *
   * Rejects with `AcquireTimeoutError` (its `cause` is the last failure), `AbortError`,
   * `ClosedError`, `DatabaseError`, `ConnectError`, `OptionError` or, for what cannot be a channel,
   * `PoolError` (`ERR_POLYPOOL_PARAMETER`). Bound: `timeoutMs`, else `acquireTimeoutMs`.
   *
   * ```js
   * for await (const { message } of await pool.subscribe('jobs')) await run(message);
   * ```
   */
  subscribe(
    channel: string,
    options: SubscribeOptions & { buffers: true },
  ): Promise<RedisSubscription<Buffer>>;
  subscribe(
    channel: string,
    options?: SubscribeOptions & { buffers?: false | undefined },
  ): Promise<RedisSubscription>;

  /**
   * Hears of every command that the server gets (MONITOR), on a connection beyond `max`. Costs the
   * server dearly. It ends with its connection. Rejects as `acquire` does. Bound: `timeoutMs`, else
   * `acquireTimeoutMs`.
   */
  monitor(options?: Omit<ListenOptions, 'checkIntervalMs'>): Promise<RedisMonitor>;

  stats(): PoolStats;
  /** Closes every connection open now, those in use when they come back. */
  clear(): void;
  /** As `resize` of `Pool`. */
  resize(limits: { min?: number; max?: number }): void;
  /** As `close` of `Pool`. */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface RedisPool extends RedisQueryable, AsyncDisposable {}

// ---------------------------------------------------------------------------------------------
// Pools of your own resources
// ---------------------------------------------------------------------------------------------

/**
 * What makes and ends the resources of a pool. Each function may be synchronous or return a promise;
 * what it throws never ends the process, and each is bounded in time.
 */
export interface ResourceFactory<T> {
  /**
   * Makes a resource; any value will do. When it throws, rejects or takes longer than
   * `createTimeoutMs`, it is called again, after a pause with jitter that grows up to 0.5 s while
   * somebody waits. `signal` is aborted when nobody wants the result any more; a resource that
   * comes later still is destroyed.
   */
  create(asked: { readonly signal: AbortSignal }): T | PromiseLike<T>;
  /** Ends a resource. Its place is free once this has settled. */
  destroy(resource: T): unknown;
  /**
   * Whether a resource that was idle for `validateAfterIdleMs` may be lent: false, a throw or a
   * rejection destroys it and the next one is tried. Default: every resource may.
   */
  validate?(resource: T): unknown;
  /** Runs after each lease, before the next. A throw or rejection destroys the resource. */
  reset?(resource: T): unknown;
}

/** See `PoolOptions` for what is the same for every pool. */
export interface ObjectPoolLimits extends Pick<
  PoolOptions,
  | 'max'
  | 'min'
  | 'acquireTimeoutMs'
  | 'idleTimeoutMs'
  | 'maxLifetimeMs'
  | 'maxUses'
  | 'maxWaiting'
  | 'validateAfterIdleMs'
  | 'validateNew'
  | 'maxConnecting'
  | 'idleOrder'
  | 'leakDetectionMs'
  | 'maxLeaseMs'
  | 'lazy'
  | 'waitForServer'
  | 'priorities'
  | 'minPolicy'
  | 'evictBelowMin'
  | 'maxIdle'
  | 'sweepIntervalMs'
  | 'closeTimeoutMs'
  | 'name'
> {
  /** Bound of `create`; 0 or `null` = none. Default 10,000, as of a database's connect. */
  createTimeoutMs?: number | null;
  /** Bound of `validate`; 0 or `null` = none. Default 5,000. */
  validateTimeoutMs?: number | null;
  /** Bound of `reset`; 0 or `null` = none. Default 5,000. */
  resetTimeoutMs?: number | null;
  /**
   * Bound of `destroy`, after which its place is free all the same; 0 or `null` = none: a `destroy`
   * that never settles then keeps its place, and `close()` waits for ever. Default 5,000.
   */
  destroyTimeoutMs?: number | null;
}

export interface ObjectPoolOptions<T> extends ResourceFactory<T>, ObjectPoolLimits {}

export type ObjectPoolStats = Omit<PoolStats, 'threads' | 'listening' | 'replicas'>;

export interface ObjectPoolEvents<T> {
  /** A resource was made. */
  connect: [resource: T];
  acquire: [resource: T];
  release: [resource: T];
  /** A resource is being destroyed, for whatever reason. */
  remove: [resource: T, reason: RemoveReason];
  /**
   * What `create`, `validate`, `reset` or `destroy` threw or rejected with, or that it took too
   * long (`ERR_POLYPOOL_FACTORY_TIMEOUT`). Emitted only while there is a listener.
   */
  error: [error: unknown, resource: T | undefined];
  /**
   * A resource is lent for longer than `leakDetectionMs`; `stack`: where it was acquired. Of one that
   * `maxLeaseMs` takes away `remove` tells, with reason `leaseExpired`, and its release.
   */
  leak: [leak: { resource: T; heldMs: number; stack: string }];
  /** The last resource is gone after `close()`. */
  close: [];
}

/** A resource that is borrowed until the end of a block. */
export interface ResourceLease<T> extends AsyncDisposable {
  readonly resource: T;
  readonly released: boolean;
  /** As `ObjectPool.release`; a second call returns the first one's promise. */
  release(options?: ReleaseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A pool of any resource that JavaScript makes, on the core that pools connections, in this thread
 * and without another one. `new ObjectPool()` makes its `min` resources in the background;
 * `createPool()` is the form that fails fast. Constructor: throws `OptionError`.
 *
 * An idle pool does not keep the process alive; a request that waits with a deadline does, and so does
 * `close()`. Deadlines are those of the event loop, as of Node's own timers: the time is read once in
 * each of its turns, and the durations of `stats()` are no finer.
 */
export class ObjectPool<T> extends EventEmitter<ObjectPoolEvents<T>> implements AsyncDisposable {
  constructor(options: ObjectPoolOptions<T>);
  constructor(factory: ResourceFactory<T>, options: ObjectPoolLimits);

  readonly name: string;
  /** True from the first `close()` on. */
  readonly closed: boolean;

  /**
   * Borrows a resource; it must be released. Rejects with `AcquireTimeoutError`, whose cause is
   * what the last `create` failed with, `AbortError`, `ClosedError` or `PoolError`
   * (`ERR_POLYPOOL_QUEUE_FULL`). Bound: `timeoutMs`, else `acquireTimeoutMs`.
   */
  acquire(options?: Omit<AcquireOptions, 'target'>): Promise<T>;
  /**
   * Gives a resource back; resolves when it is reset, or destroyed. Rejects with `PoolError`
   * (`ERR_POLYPOOL_NOT_LENT`) when it is not lent by this pool, which then changes nothing.
   * Bound: `resetTimeoutMs` + `destroyTimeoutMs`.
   */
  release(resource: T, options?: ReleaseOptions): Promise<void>;
  /** Runs the callback with a resource and gives it back, whatever the outcome. */
  use<R>(
    callback: (resource: T) => R | PromiseLike<R>,
    options?: Omit<AcquireOptions, 'target'>,
  ): Promise<R>;
  /**
   * As `acquire`, for a block.
   *
   * ```js
   * await using lease = await pool.lease();
   * lease.resource.run();
   * ```
   */
  lease(options?: Omit<AcquireOptions, 'target'>): Promise<ResourceLease<T>>;

  stats(): ObjectPoolStats;
  /** Destroys every resource of now, those in use when they come back. */
  clear(): void;
  /** See `Pool.resize`. */
  resize(limits: { min?: number; max?: number }): void;
  /**
   * Refuses new requests, rejects those that wait (`ClosedError`), waits for what is lent and
   * destroys all. After `timeoutMs` what is still lent is destroyed, too. Never rejects but for a
   * wrong option. Bound: `timeoutMs`, else `closeTimeoutMs` (30,000 ms by default), and
   * `destroyTimeoutMs`.
   */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What `ResourcePool` takes; other options are refused. */
export interface ResourcePoolOptions {
  /** Resources that `initialize` creates, and that are replaced when they break. Default: 2. */
  min?: number;
  /** Default: 10. */
  max?: number;
  /** How long an acquire waits, in milliseconds; `null` = without end. Default: 5000. */
  acquireTimeout?: number | null;
}

/**
 * A pool of resources in its shortest form, on the same core as `ObjectPool`, which has more options,
 * events and figures. Nothing is destroyed before `drain()` but what `validate` or `reset` of the
 * factory refuse. Constructor: throws `OptionError`.
 *
 * ```js
 * const pool = new ResourcePool({ create: connect, destroy: (client) => client.quit() }, { max: 20 });
 * await pool.initialize();
 * const client = await pool.acquire();
 * try {
 *   await client.set('key', 'value');
 * } finally {
 *   await pool.release(client);
 * }
 * await pool.drain();
 * ```
 */
export class ResourcePool<T> {
  constructor(factory: ResourceFactory<T>, options?: ResourcePoolOptions);

  /** All resources that exist, lent or not, as they are at this moment. */
  readonly resources: T[];
  /** Those that are lent: a live view. */
  readonly inUse: Iterable<T> & { readonly size: number; has(resource: T): boolean };

  /**
   * Resolves when `min` resources are there. Rejects with what `create` threw, and with `ClosedError`
   * after `drain()`. It need not be called: the first acquire begins as well.
   */
  initialize(): Promise<void>;
  /**
   * Borrows a resource; those who wait are served in order. Rejects with `AcquireTimeoutError`, whose
   * message is 'Acquire timeout' and whose cause is what the last `create` failed with, and after
   * `drain()` with `ClosedError`. Bound: `acquireTimeout`.
   */
  acquire(): Promise<T>;
  /**
   * Gives a resource back; resolves when it is reset. Rejects with `PoolError`
   * (`ERR_POLYPOOL_NOT_LENT`) when it is not lent by this pool.
   */
  release(resource: T): Promise<void>;
  /**
   * Refuses new acquires, serves those that wait, waits for what is lent, without a bound, and
   * destroys all. Rejects with what `destroy` threw (an AggregateError when several did), once all is
   * over. A second call returns the first one's promise.
   */
  drain(): Promise<void>;
}

// ---------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------

export type PoolErrorCode =
  | 'ERR_POLYPOOL_OPTION'
  | 'ERR_POLYPOOL_PARAMETER'
  | 'ERR_POLYPOOL_ACQUIRE_TIMEOUT'
  | 'ERR_POLYPOOL_QUERY_TIMEOUT'
  | 'ERR_POLYPOOL_ABORTED'
  | 'ERR_POLYPOOL_QUEUE_FULL'
  | 'ERR_POLYPOOL_CLOSED'
  | 'ERR_POLYPOOL_CONNECT'
  | 'ERR_POLYPOOL_CONNECTION_LOST'
  | 'ERR_POLYPOOL_STALE_CONNECTION'
  | 'ERR_POLYPOOL_CURSOR_OPEN'
  | 'ERR_POLYPOOL_UNSAFE_INTEGER'
  | 'ERR_POLYPOOL_DECODE'
  | 'ERR_POLYPOOL_PROTOCOL'
  | 'ERR_POLYPOOL_COMMIT_UNKNOWN'
  | 'ERR_POLYPOOL_ROLLED_BACK'
  | 'ERR_POLYPOOL_SELF_DEADLOCK'
  | 'ERR_POLYPOOL_CREATE'
  | 'ERR_POLYPOOL_FACTORY_TIMEOUT'
  | 'ERR_POLYPOOL_NOT_LENT'
  | 'ERR_POLYPOOL_UNSUPPORTED';

/**
 * Every error that is not the server's own. Where a statement was at fault its text and parameters
 * are at hand as non-enumerable properties: they appear in no message, `inspect` output or JSON.
 */
export class PoolError extends Error {
  constructor(code: PoolErrorCode, message: string, options?: ErrorOptions);
  readonly code: PoolErrorCode;
  /** Non-enumerable. */
  readonly query?: string;
  /** Non-enumerable. */
  readonly parameters?: readonly unknown[];
}

/** A wrong option, or a combination that cannot be. */
export class OptionError extends PoolError {
  constructor(message: string, fields: { option: string }, options?: ErrorOptions);
  readonly code: 'ERR_POLYPOOL_OPTION';
  /** The option's name. */
  readonly option: string;
}

export interface AcquireTimeoutFields {
  waitedMs?: number;
  max?: number;
  inUse?: number;
  idle?: number;
  connecting?: number;
  waiting?: number;
  longestHeldMs?: number | null;
  holderStack?: string | null;
  holders?: readonly Holder[];
  nested?: boolean;
}

/** A connection that was out on a lease while somebody waited in vain. */
export interface Holder {
  /** How long it is out. */
  heldMs: number;
  /** How long nothing has run on it; 0 while something does. */
  idleMs: number;
  /**
   * Where the application called `acquire`, `use`, `transaction` or `cursor`; null without
   * `leakDetectionMs`, and when another thread holds it.
   */
  stack: string | null;
  /** Whose it is: `threadId` of `node:worker_threads`, 0 for the main thread. Null: it ended. */
  thread: number | null;
}

/** No connection became free in time. `cause` is the last connect error, if there was one. */
export class AcquireTimeoutError extends PoolError {
  constructor(message: string, fields?: AcquireTimeoutFields, options?: ErrorOptions);
  readonly code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT';
  readonly waitedMs: number;
  readonly max: number;
  readonly inUse: number;
  readonly idle: number;
  readonly connecting: number;
  /** Requests still waiting, this one not counted. */
  readonly waiting: number;
  /** How long the longest lease is out; null when none is. */
  readonly longestHeldMs: number | null;
  /** Where that lease was acquired; null unless `leakDetectionMs` is set. */
  readonly holderStack: string | null;
  /** The leases that are out the longest, five at most; `message` names the first three. */
  readonly holders: readonly Holder[];
  /**
   * The wait was, as far as can be told, one for itself: the code that waited holds a connection of
   * this pool (known inside `use` and `transaction` with `leakDetectionMs`), or all `max` were lent
   * and nothing ran on any of them for as long as it waited. `message` says which.
   */
  readonly nested: boolean;
}

/** A statement or transaction took longer than its `timeoutMs`. */
export class QueryTimeoutError extends PoolError {
  constructor(message: string, fields: { timeoutMs: number }, options?: ErrorOptions);
  readonly code: 'ERR_POLYPOOL_QUERY_TIMEOUT';
  readonly timeoutMs: number;
}

/** The caller's signal was aborted; `cause` is its reason. */
export class AbortError extends PoolError {
  constructor(message: string, fields?: undefined, options?: ErrorOptions);
  readonly name: 'AbortError';
  readonly code: 'ERR_POLYPOOL_ABORTED';
}

/** The pool or connection is closed, or was while this ran. */
export class ClosedError extends PoolError {
  constructor(message: string, fields?: undefined, options?: ErrorOptions);
  readonly code: 'ERR_POLYPOOL_CLOSED';
}

/**
 * No connection could be opened. What the server itself said when it refused, a wrong password
 * (28P01) or a missing database (3D000), is a `DatabaseError` instead.
 */
export class ConnectError extends PoolError {
  constructor(message: string, fields?: ConnectErrorFields, options?: ErrorOptions);
  readonly code: 'ERR_POLYPOOL_CONNECT';
  readonly reason: ConnectFailureReason | null;
  /** `ECONNREFUSED` and the like; null when there is none. */
  readonly errno: string | null;
  /** Of several hosts, or addresses of one: each that was tried and why it would not do. */
  readonly attempts: readonly ConnectAttempt[];
}

export interface ConnectAttempt {
  /** As it was asked for: `db1:5432`. */
  readonly host: string;
  readonly error: ConnectError | DatabaseError;
}

export interface ConnectErrorFields {
  reason?: ConnectFailureReason;
  errno?: string;
  attempts?: readonly ConnectAttempt[];
}

/**
 * Of several hosts, that of the last. `role`: it answered, but not as `target_session_attrs` asks
 * for. `server`: it refused in its own words.
 */
export type ConnectFailureReason =
  'refused' | 'dns' | 'timeout' | 'auth' | 'tls' | 'protocol' | 'role' | 'server' | 'io';

/** The connection broke while the statement ran; whether it took effect is unknown. */
export class ConnectionLostError extends PoolError {
  constructor(message: string, fields?: undefined, options?: ErrorOptions);
  readonly code: 'ERR_POLYPOOL_CONNECTION_LOST';
}

/** The fields of an error or notice as PostgreSQL sends them, and those of MySQL. */
export interface ServerFields {
  /**
   * `ERROR`, `FATAL`, `PANIC`, or of notices `WARNING`, `NOTICE`, ...; never translated. None of
   * MySQL.
   */
  severity?: string;
  /** SQLSTATE; of MySQL the error's name, such as `ER_DUP_ENTRY`. */
  code: string;
  /** MySQL: the error's number. */
  errno?: number;
  /** MySQL. */
  sqlState?: string;
  detail?: string;
  hint?: string;
  /** In characters, from 1. */
  position?: number;
  internalPosition?: number;
  internalQuery?: string;
  where?: string;
  schema?: string;
  table?: string;
  column?: string;
  dataType?: string;
  constraint?: string;
  file?: string;
  line?: number;
  routine?: string;
}

/** The server's own error; `code` is its SQLSTATE, of MySQL its name (`ER_DUP_ENTRY`). */
export class DatabaseError extends Error implements ServerFields {
  constructor(message: string, fields: ServerFields, options?: ErrorOptions);
  readonly severity?: string;
  readonly code: string;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly position?: number;
  readonly internalPosition?: number;
  readonly internalQuery?: string;
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly dataType?: string;
  readonly constraint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly routine?: string;
  /** Non-enumerable. */
  readonly query?: string;
  /** Non-enumerable. */
  readonly parameters?: readonly unknown[];
}
