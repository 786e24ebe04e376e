/** polypool/ioredis: what `ioredis` declares, for a standalone server. */

import type { SrvRecord } from 'node:dns';
import { EventEmitter } from 'node:events';
import { Readable, type ReadableOptions } from 'node:stream';
import type {
  Callback,
  ChainableCommander,
  ClientContext,
  Mapping,
  RedisCommander,
  RedisKey,
  RedisValue,
  Result,
} from './commands';
import type {
  CommanderOptions,
  CommonRedisOptions,
  NatMap,
  NetStream,
  RedisOptions,
  RedisStatus,
  ReplyMappingMode,
  RetryStrategy,
  ScriptDefinition,
  SentinelAddress,
  SentinelConnectionOptions,
  StandaloneConnectionOptions,
} from './options';

export type {
  Callback,
  ChainableCommander,
  ClientContext,
  CommonRedisOptions,
  NatMap,
  RedisCommander,
  RedisKey,
  RedisOptions,
  RedisStatus,
  RedisValue,
  Result,
  SentinelAddress,
  SentinelConnectionOptions,
  StandaloneConnectionOptions,
};

export interface ScanStreamOptions {
  match?: string;
  type?: string;
  count?: number;
  noValues?: boolean;
}

export type ArgumentType = string | Buffer | number | (string | Buffer | number | any[])[];

/** A command by hand, for `sendCommand`. */
export class Command {
  static checkFlag(flagName: string, commandName: string): boolean;
  /** Of what it is given before it is sent; for every instance. */
  static setArgumentTransformer(name: string, func: (args: any[]) => any[]): void;
  /** Of what the server replies. */
  static setReplyTransformer(name: string, func: (reply: any, context?: any) => any): void;
  constructor(
    name: string,
    args?: ArgumentType[],
    options?: {
      /** Without one, texts are Buffers. */
      replyEncoding?: BufferEncoding | null;
      errorStack?: Error;
      keyPrefix?: string;
      readOnly?: boolean;
    },
    callback?: Callback,
  );
  name: string;
  args: (string | Buffer | number | any[])[];
  inTransaction: boolean;
  isResolved: boolean;
  isSettled: boolean;
  isReadOnly?: boolean;
  promise: Promise<any>;
  resolve: (result: any) => void;
  reject: (error: Error) => void;
  getKeys(): (string | Buffer)[];
  transformReply(result: any): any;
  setTimeout(ms: number): void;
}

interface Commander<
  Context extends ClientContext = { type: 'default' },
> extends RedisCommander<Context> {}

declare class Commander<Context extends ClientContext = { type: 'default' }> {
  getBuiltinCommands(): string[];
  createBuiltinCommand(commandName: string): { string: any; buffer: any };
  addBuiltinCommand(commandName: string): void;
  /** Gives every instance of this object, and its pipelines, a method that runs a script. */
  defineCommand(name: string, definition: ScriptDefinition): void;
}

type MappingOfMode<Mode extends ReplyMappingMode> = [Mode] extends ['resp3'] ? 'resp3' : 'resp2';

type ModeOf<Current extends ReplyMappingMode, Override> = Override extends {
  replyMapping: infer Mode extends ReplyMappingMode;
}
  ? Mode
  : Current;

type Mapped<Mode extends ReplyMappingMode> = RedisOptions & { replyMapping?: Mode | undefined };

/** What `pipeline()` and `multi()` give. */
export interface Transaction<M extends Mapping = 'resp2'> {
  pipeline(commands?: unknown[][]): ChainableCommander<M>;
  multi(options: { pipeline: false }): Promise<'OK'>;
  multi(): ChainableCommander<M>;
  multi(options: { pipeline: true }): ChainableCommander<M>;
  multi(commands?: unknown[][]): ChainableCommander<M>;
}

interface Events {
  message: [channel: string, message: string];
  messageBuffer: [channel: Buffer, message: Buffer];
  pmessage: [pattern: string, channel: string, message: string];
  pmessageBuffer: [pattern: string, channel: Buffer, message: Buffer];
  smessage: [channel: string, message: string];
  smessageBuffer: [channel: Buffer, message: Buffer];
  monitor: [time: string, args: string[], source: string, database: string];
  error: [error: Error];
  select: [db: number];
  reconnecting: [delayMs: number];
}

/** Of Redis and Cluster alike: programs have variables of both. */
interface Emitter extends EventEmitter {
  on<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): this;
  on(event: RedisStatus, listener: () => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
  once<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): this;
  once(event: RedisStatus, listener: () => void): this;
  once(event: string | symbol, listener: (...args: any[]) => void): this;
}

export interface Redis<ReplyMapping extends ReplyMappingMode = 'legacy'>
  extends Emitter, Transaction<MappingOfMode<ReplyMapping>> {}

/** A client of one server. It connects at once, unless option `lazyConnect` says otherwise. */
export class Redis<ReplyMapping extends ReplyMappingMode = 'legacy'> extends Commander<{
  type: 'default';
  mapping: MappingOfMode<ReplyMapping>;
}> {
  static Cluster: typeof Cluster;
  static Command: typeof Command;
  static createClient(...args: ConstructorParameters<typeof Redis>): Redis;
  constructor(port: number, host: string, options: Mapped<ReplyMapping>);
  constructor(path: string, options: Mapped<ReplyMapping>);
  constructor(port: number, options: Mapped<ReplyMapping>);
  constructor(port: number, host: string);
  constructor(options: Mapped<ReplyMapping>);
  constructor(port: number);
  constructor(path: string);
  constructor();
  options: RedisOptions;
  status: RedisStatus;
  /** The connection; programs end and destroy it, and read its addresses. */
  stream: NetStream;
  isCluster: boolean;
  condition: any;
  commandQueue: { readonly length: number };
  offlineQueue: { readonly length: number };
  /** Always 0: no command waits for a pipeline. */
  get autoPipelineQueueSize(): number;
  get mode(): 'normal' | 'subscriber' | 'monitor';
  /** Resolves when it is ready. */
  connect(callback?: Callback<void>): Promise<void>;
  /** Ends the connection; with `reconnect` it connects again. */
  disconnect(reconnect?: boolean): void;
  /** @deprecated `disconnect()`. */
  end(): void;
  duplicate<Override extends Partial<RedisOptions> | undefined = undefined>(
    override?: Override,
  ): Redis<ModeOf<ReplyMapping, Override>>;
  /** Resolves to an instance that emits `monitor` for what every client sends. */
  monitor(callback?: Callback<Redis>): Promise<Redis>;
  /** What every command goes through. */
  sendCommand(command: Command, stream?: unknown): unknown;
  scanStream(options?: ScanStreamOptions): ScanStream;
  scanBufferStream(options?: ScanStreamOptions): ScanStream;
  sscanStream(key: string, options?: ScanStreamOptions): ScanStream;
  sscanBufferStream(key: string, options?: ScanStreamOptions): ScanStream;
  hscanStream(key: string, options?: ScanStreamOptions): ScanStream;
  hscanBufferStream(key: string, options?: ScanStreamOptions): ScanStream;
  zscanStream(key: string, options?: ScanStreamOptions): ScanStream;
  zscanBufferStream(key: string, options?: ScanStreamOptions): ScanStream;
  silentEmit(eventName: string, arg?: unknown): boolean;
}

export default Redis;

export class Pipeline extends Commander<{ type: 'pipeline' }> {
  constructor(redis: Redis);
  redis: Redis;
  isCluster: boolean;
  isPipeline: boolean;
  promise: Promise<unknown>;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
  readonly length: number;
  options: RedisOptions;
  sendCommand(command: Command): unknown;
  addBatch(commands: any): this;
}

export class ScanStream extends Readable {
  constructor(
    options: ReadableOptions & {
      key?: string;
      match?: string;
      type?: string;
      command: string;
      redis: any;
      count?: string | number;
      noValues?: boolean;
    },
  );
  close(): void;
}

/** Extended by option `Connector`. */
export abstract class AbstractConnector {
  firstError?: Error;
  protected connecting: boolean;
  protected stream: NetStream;
  constructor(disconnectTimeout: number);
  check(info: any): boolean;
  disconnect(): void;
  abstract connect(emit: (type: string, err: Error) => void): Promise<NetStream>;
}

/** Sentinels are not made: its `connect()` fails. */
export class SentinelConnector extends AbstractConnector {
  constructor(options: SentinelConnectionOptions);
  connect(): Promise<NetStream>;
}

export class SentinelIterator implements Iterator<Partial<SentinelAddress>> {
  constructor(sentinels: Partial<SentinelAddress>[]);
  next(): IteratorResult<Partial<SentinelAddress>>;
  reset(moveCurrentEndpointToFirst: boolean): void;
  add(sentinel: SentinelAddress): boolean;
  toString(): string;
}

export type NodeRole = 'master' | 'slave' | 'all';
export type ClusterNode = string | number | { host?: string; port?: number };
export type ClusterStatus =
  'wait' | 'connecting' | 'connect' | 'ready' | 'close' | 'reconnecting' | 'disconnecting' | 'end';
export type DNSLookupFunction = (
  hostname: string,
  callback: (
    error: NodeJS.ErrnoException | null | undefined,
    address: string,
    family?: number,
  ) => void,
) => void;
export type DNSResolveSrvFunction = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null | undefined, records?: SrvRecord[]) => void,
) => void;

/** For code that is written for both: clusters are not made. */
export interface ClusterOptions extends CommanderOptions {
  clusterRetryStrategy?:
    ((times: number, reason?: Error) => number | void | null) | null | undefined;
  clusterNodeRetryStrategy?: RetryStrategy;
  enableOfflineQueue?: boolean | undefined;
  enableReadyCheck?: boolean | undefined;
  scaleReads?: NodeRole | Function | undefined;
  maxRedirections?: number | undefined;
  retryDelayOnFailover?: number | undefined;
  retryDelayOnClusterDown?: number | undefined;
  retryDelayOnTryAgain?: number | undefined;
  retryDelayOnMoved?: number | undefined;
  slotsRefreshTimeout?: number | undefined;
  slotsRefreshInterval?: number | undefined;
  shardedSubscribers?: boolean | undefined;
  redisOptions?: RedisOptions | undefined;
  lazyConnect?: boolean | undefined;
  useSRVRecords?: boolean | undefined;
  resolveSrv?: DNSResolveSrvFunction | undefined;
  dnsLookup?: DNSLookupFunction | undefined;
  natMap?: NatMap | undefined;
  enableAutoPipelining?: boolean | undefined;
  autoPipeliningIgnoredCommands?: string[] | undefined;
  scripts?: Record<string, ScriptDefinition> | undefined;
}

/** Clusters are not made: constructing one throws. */
export class Cluster {
  constructor(startupNodes: ClusterNode[], options?: ClusterOptions);
  isCluster: true;
}
export interface Cluster extends Emitter, RedisCommander, Transaction {
  status: ClusterStatus;
  options: ClusterOptions;
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
  duplicate(startupNodes?: ClusterNode[], options?: ClusterOptions): Cluster;
  nodes(role?: NodeRole): Redis[];
  defineCommand(name: string, definition: ScriptDefinition): void;
}

/** What subscribers of the channel `tracing:ioredis:command:*` are told. */
export interface CommandTraceContext {
  command: string;
  /** Data and secrets are `?`. */
  args: string[];
  database: number;
  serverAddress: string;
  /** Undefined for a unix socket. */
  serverPort: number | undefined;
}

/** Of `tracing:ioredis:batch:*`: a transaction. */
export interface BatchOperationContext {
  batchMode: 'MULTI';
  /** How many commands there are between MULTI and EXEC. */
  batchSize: number;
  database: number;
  serverAddress: string;
  serverPort: number | undefined;
}

/** Of `tracing:ioredis:connect:*`. */
export interface ConnectTraceContext {
  serverAddress: string;
  serverPort: number | undefined;
  /** How often it has begun to connect. */
  connectionEpoch: number;
}

/** What the server refuses: `command` has its name and arguments. */
export declare const ReplyError: any;

/** A callback that prints. */
export function print(err?: Error | null, reply?: any): void;
