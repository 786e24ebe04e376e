// Code as it is written against the declarations of ioredis. Compiled twice: as it stands, and with
// `replaced.json`, where `ioredis` is ours.

import IORedis, { Cluster, Command, Pipeline, Redis, ReplyError, ScanStream, print } from 'ioredis';
import type {
  Callback,
  ChainableCommander,
  ClientContext,
  ClusterNode,
  ClusterOptions,
  ClusterStatus,
  CommandTraceContext,
  ConnectTraceContext,
  DNSLookupFunction,
  NatMap,
  RedisKey,
  RedisOptions,
  RedisValue,
  Result,
} from 'ioredis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    echoes(key: string, value: string, callback?: Callback<string[]>): Result<string[], Context>;
  }
}

const options: RedisOptions = {
  host: 'localhost',
  port: 6379,
  password: 'secret',
  tls: { rejectUnauthorized: false },
  keyPrefix: 'app:',
  maxRetriesPerRequest: null,
  retryStrategy: (times) => Math.min(times * 50, 2000),
  reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  scripts: { echoes: { lua: 'return 1', numberOfKeys: 1 } },
};

const redis = new Redis(options);
const others: Redis[] = [
  new IORedis(),
  new IORedis(6379),
  new IORedis(6379, 'localhost'),
  new IORedis(6379, 'localhost', options),
  new IORedis('redis://localhost'),
  new IORedis('redis://localhost', { lazyConnect: true }),
  redis.duplicate(),
  IORedis.createClient(),
];

class Cache {
  constructor(private readonly client: Redis) {}

  async read<T>(key: RedisKey): Promise<T | null> {
    const text = await this.client.get(key);
    return text === null ? null : (JSON.parse(text) as T);
  }

  async write(key: string, value: unknown, seconds: number): Promise<void> {
    const ok: 'OK' = await this.client.set(key, JSON.stringify(value), 'EX', seconds);
    const set: 'OK' | null = await this.client.set(key, 'lock', 'PX', 1000, 'NX');
    await this.client.setex(key, seconds, ok + String(set));
  }
}

async function commands(): Promise<void> {
  const bytes: Buffer | null = await redis.getBuffer('key');
  const count: number = await redis.incr('count');
  const removed: number = await redis.del('a', 'b');
  await redis.del(['a', 'b']);
  const texts: (string | null)[] = await redis.mget('a', 'b');
  const hash: Record<string, string> = await redis.hgetall('hash');
  await redis.hset('hash', { a: 1, b: 'two' });
  await redis.hset('hash', new Map([['a', 1]]));
  await redis.hset('hash', 'a', 1, 'b', 2);
  await redis.mset({ a: 1 });
  await redis.hmset('hash', { a: 1 });
  const members: string[] = await redis.smembers('set');
  const list: string[] = await redis.lrange('list', 0, -1);
  const one: string | null = await redis.lpop('list');
  const several: string[] | null = await redis.lpop('list', 2);
  const popped: [string, string] | null = await redis.blpop('list', 1);
  const score: string | null = await redis.zscore('zset', 'a');
  const added: number = await redis.zadd('zset', 1, 'a');
  await redis.zadd('zset', 1, 'b');
  const range: string[] = await redis.zrange('zset', 0, '-1');
  const [cursor, keys]: [string, string[]] = await redis.scan(0, 'MATCH', 'a*', 'COUNT', 100);
  const id: string | null = await redis.xadd('stream', '*', 'field', 'value');
  const read = await redis.xread('BLOCK', 1, 'STREAMS', 'stream', '$');
  for (const [key, entries] of read ?? []) {
    for (const [entry, fields] of entries) console.log(key, entry, fields[0]?.length);
  }
  const digest: unknown = await redis.script('LOAD', 'return 1');
  const evaluated = (await redis.eval('return 1', 0)) as number;
  const echoed: string[] = await redis.echoes('key', 'value');
  const called: unknown = await redis.call('JSON.GET', 'key', '$');
  const time: number = await redis.expire('key', 10);
  const pong: string = await redis.ping();
  const subscribed: unknown = await redis.subscribe('a', 'b');
  await redis.publish('a', 'message');
  await redis.config('GET', 'maxmemory');
  await redis.info('server');
  await redis.flushall();
  await redis.quit();
  void [bytes, count, removed, texts, hash, members, list, one, several, popped, score, added];
  void [range, cursor, keys, id, digest, evaluated, echoed, called, time, pong, subscribed];
}

function callbacks(): void {
  redis.get('key', (error, value) => {
    const text: string | null | undefined = value;
    console.log(error?.message, text);
  });
  redis.set('key', 'value', (error, value) => console.log(error, value === 'OK'));
  redis.hgetall('hash', (_error, hash) => console.log(hash?.field));
  const callback: Callback<number> = (_error, value) => console.log((value ?? 0) + 1);
  redis.incr('count', callback);
}

async function batches(): Promise<void> {
  const pipeline: ChainableCommander = redis.pipeline();
  pipeline.set('a', 1).get('a').hset('h', { a: 1 }).echoes('k', 'v');
  const results = await pipeline.exec();
  for (const [error, value] of results ?? []) console.log(error?.message, value);
  const replies = await redis.multi().incr('a').expire('a', 10).exec();
  if (replies === null) return;
  console.log(replies[0]?.[1] as number, pipeline.length);
  await redis.multi({ pipeline: false });
  await redis.exec();
  await redis.pipeline([['set', 'a', 1]]).exec();
  await redis.watch('key');
}

function events(): void {
  redis.on('message', (channel, message) => console.log(channel.length, message.length));
  redis.on('pmessage', (pattern: string, channel: string, message: string) => {
    console.log(pattern, channel, message);
  });
  redis.on('messageBuffer', (_channel, message) => console.log(message.byteLength));
  redis.once('ready', () => console.log(redis.status === 'ready'));
  redis.on('error', (error) => console.log(error.message));
  redis.on('reconnecting', () => console.log(redis.mode));
  redis.defineCommand('echoes', { numberOfKeys: 1, lua: 'return 1' });
  redis.disconnect();
}

async function streams(): Promise<void> {
  const stream: ScanStream = redis.scanStream({ match: 'a*', count: 10 });
  for await (const keys of stream) console.log((keys as string[]).length);
  const watcher = await redis.monitor();
  watcher.on('monitor', (time: string, args: string[]) => console.log(time, args));
  const command = new Command('get', ['key'], { replyEncoding: 'utf8' });
  redis.sendCommand(command);
  await command.promise;
}

function isReplyError(error: unknown): boolean {
  return error instanceof ReplyError;
}

async function mapped(): Promise<void> {
  const resp3 = new Redis({ replyMapping: 'resp3' });
  const score: number | null = await resp3.zscore('zset', 'a');
  console.log(score);
}

class Counting extends Redis {
  sent = 0;

  override sendCommand(command: Command, stream?: any): unknown {
    this.sent++;
    return super.sendCommand(command, stream);
  }

  override disconnect(reconnect = false): void {
    super.disconnect(reconnect);
  }
}

// Written for one server and for several.
async function either(client: Redis | Cluster): Promise<void> {
  client.on('error', (error: Error) => console.log(error.message));
  client.once('ready', () => console.log(client.status));
  await client.set('key', 1, 'EX', 10);
  await client.multi().incr('key').exec();
  client.disconnect();
}

const lookup: DNSLookupFunction = (hostname, callback) => callback(null, hostname, 4);
const natMap: NatMap = { '10.0.0.1:6379': { host: 'outside', port: 6379 } };
const nodes: ClusterNode[] = [6379, 'redis://localhost', { host: 'localhost', port: 6379 }];
const cluster = (): Cluster => {
  const clusterOptions: ClusterOptions = {
    clusterRetryStrategy: (times) => times * 10,
    dnsLookup: lookup,
    natMap,
    redisOptions: options,
    scaleReads: 'slave',
  };
  return new IORedis.Cluster(nodes, clusterOptions);
};

const guarded: RedisOptions = {
  sentinels: [{ host: 'localhost', port: 26_379 }],
  name: 'main',
  preferredSlaves: [{ ip: '127.0.0.1', port: '6380', prio: 1 }],
  natMap,
  sentinelReconnectStrategy: (times) => times,
};

async function newer(): Promise<void> {
  const size: number = await redis.vcard('vectors');
  const attributes: string | null = await redis.vgetattr('vectors', 'a');
  const values: (string | null)[] = await redis.argetrange('array', 0, 1);
  const removed: number = await redis.ardel('array', 1, 2);
  void [size, attributes, values, removed];
}

const told = (context: CommandTraceContext & ConnectTraceContext, status: ClusterStatus): string =>
  `${context.command} ${context.connectionEpoch} ${status}`;

void [Counting, either, cluster, guarded, newer, told];

type Context = ClientContext;
const value: RedisValue = 1;
void [others, Cache, commands, callbacks, batches, events, streams, isReplyError, mapped, Pipeline];
void (null as unknown as Context | typeof value);
