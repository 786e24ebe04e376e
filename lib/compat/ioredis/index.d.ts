/** polypool/ioredis: what `ioredis` declares, for a standalone server. */

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
  CommonRedisOptions,
  NetStream,
  RedisOptions,
  RedisStatus,
  ReplyMappingMode,
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

export interface Redis<ReplyMapping extends ReplyMappingMode = 'legacy'>
  extends EventEmitter, Transaction<MappingOfMode<ReplyMapping>> {
  on<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): this;
  on(event: RedisStatus, listener: () => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
  once<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): this;
  once(event: RedisStatus, listener: () => void): this;
  once(event: string | symbol, listener: (...args: any[]) => void): this;
}

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
  readonly length: number;
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
export interface ClusterOptions extends CommonRedisOptions {
  redisOptions?: RedisOptions;
  [option: string]: unknown;
}

/** Clusters are not made: constructing one throws. */
export class Cluster extends EventEmitter {
  constructor(startupNodes: ClusterNode[], options?: ClusterOptions);
  isCluster: true;
}
export interface Cluster extends RedisCommander, Transaction {
  status: string;
  options: ClusterOptions;
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
  duplicate(startupNodes?: ClusterNode[], options?: ClusterOptions): Cluster;
  nodes(role?: NodeRole): Redis[];
  defineCommand(name: string, definition: ScriptDefinition): void;
}

/** What the server refuses: `command` has its name and arguments. */
export declare const ReplyError: any;

/** A callback that prints. */
export function print(err?: Error | null, reply?: any): void;
