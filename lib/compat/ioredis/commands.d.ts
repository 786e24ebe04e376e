/** What each command takes and what it replies: by groups of the same kind of reply. */

/** A name in the database. */
export type RedisKey = string | Buffer;
/** What can be stored, or given as any other argument. */
export type RedisValue = string | Buffer | number;

export type Callback<T = any> = (err?: Error | null, result?: T) => void;

/** What a method gives: by itself a promise, in a pipeline the pipeline. */
export interface ResultTypes<Result, Context> {
  default: Promise<Result>;
  pipeline: ChainableCommander<MappingOf<Context>>;
}

export type Mapping = 'resp2' | 'resp3';

export type ClientContext = {
  type: keyof ResultTypes<unknown, unknown>;
  mapping?: Mapping;
};

export type Result<T, Context extends ClientContext> = ResultTypes<T, Context>[Context['type']];

export type MappingOf<Context> = Context extends { mapping: 'resp3' } ? 'resp3' : 'resp2';

/** Numbers with a fraction come as texts, with `replyMapping: 'resp3'` as numbers. */
type Double<M extends Mapping> = M extends 'resp3' ? number : string;
/** Names and values in turn, with `replyMapping: 'resp3'` an object. */
type Fields<M extends Mapping, V> = M extends 'resp3' ? Record<string, V> : (string | V)[];
/** Members with their scores: in turn, with `replyMapping: 'resp3'` in pairs. */
type Scored<M extends Mapping> = M extends 'resp3' ? string[] | [string, number][] : string[];
type Entry = [id: string, fields: string[]];
type Read<M extends Mapping> = M extends 'resp3'
  ? Record<string, Entry[]>
  : [key: string, items: Entry[]][];

/** Texts within it as Buffers. */
type Buffered<T> = unknown extends T
  ? T
  : T extends string
    ? Buffer
    : T extends Buffer | number | boolean | null | undefined
      ? T
      : { [Key in keyof T]: Buffered<T[Key]> };

type Integers =
  | 'append'
  | 'arcount'
  | 'ardel'
  | 'ardelrange'
  | 'arinsert'
  | 'arlen'
  | 'armset'
  | 'arring'
  | 'arseek'
  | 'arset'
  | 'asking'
  | 'bitcount'
  | 'bitop'
  | 'bitpos'
  | 'copy'
  | 'dbsize'
  | 'decr'
  | 'decrby'
  | 'del'
  | 'exists'
  | 'expire'
  | 'expireat'
  | 'expiretime'
  | 'geoadd'
  | 'georadiusstore'
  | 'geosearchstore'
  | 'getbit'
  | 'hdel'
  | 'hexists'
  | 'himport'
  | 'hincrby'
  | 'hlen'
  | 'hset'
  | 'hsetnx'
  | 'hstrlen'
  | 'incr'
  | 'incrby'
  | 'lastsave'
  | 'linsert'
  | 'llen'
  | 'lpush'
  | 'lpushx'
  | 'lrem'
  | 'move'
  | 'msetex'
  | 'msetnx'
  | 'persist'
  | 'pexpire'
  | 'pexpireat'
  | 'pexpiretime'
  | 'pfadd'
  | 'pfcount'
  | 'pttl'
  | 'publish'
  | 'renamenx'
  | 'replconf'
  | 'rpush'
  | 'rpushx'
  | 'sadd'
  | 'scard'
  | 'sdiffcard'
  | 'sdiffstore'
  | 'setbit'
  | 'setnx'
  | 'setrange'
  | 'sintercard'
  | 'sinterstore'
  | 'sismember'
  | 'smove'
  | 'spublish'
  | 'srem'
  | 'strlen'
  | 'sunioncard'
  | 'sunionstore'
  | 'touch'
  | 'ttl'
  | 'unlink'
  | 'vcard'
  | 'vdim'
  | 'wait'
  | 'xack'
  | 'xdel'
  | 'xlen'
  | 'xnack'
  | 'xtrim'
  | 'zcard'
  | 'zcount'
  | 'zdiffstore'
  | 'zintercard'
  | 'zinterstore'
  | 'zlexcount'
  | 'zrangestore'
  | 'zrem'
  | 'zremrangebylex'
  | 'zremrangebyrank'
  | 'zremrangebyscore'
  | 'zunionstore';

type Confirmed =
  | 'auth'
  | 'discard'
  | 'flushall'
  | 'flushdb'
  | 'hmset'
  | 'lset'
  | 'ltrim'
  | 'mset'
  | 'pfmerge'
  | 'psetex'
  | 'quit'
  | 'readonly'
  | 'readwrite'
  | 'rename'
  | 'replicaof'
  | 'reset'
  | 'restore'
  | 'save'
  | 'select'
  | 'setex'
  | 'slaveof'
  | 'swapdb'
  | 'unwatch'
  | 'watch';

type Texts =
  | 'bgrewriteaof'
  | 'bgsave'
  | 'echo'
  | 'failover'
  | 'getrange'
  | 'info'
  | 'lolwut'
  | 'migrate'
  | 'ping'
  | 'psync'
  | 'substr'
  | 'sync'
  | 'type';

type MaybeTexts =
  | 'arget'
  | 'blmove'
  | 'brpoplpush'
  | 'dump'
  | 'get'
  | 'getdel'
  | 'getex'
  | 'getset'
  | 'hget'
  | 'lindex'
  | 'lmove'
  | 'randomkey'
  | 'rpoplpush'
  | 'vgetattr'
  | 'vrandmember'
  | 'xadd';

type Lists =
  | 'hkeys'
  | 'hvals'
  | 'keys'
  | 'lrange'
  | 'sdiff'
  | 'sinter'
  | 'smembers'
  | 'sunion'
  | 'time'
  | 'vrange'
  | 'zrangebylex'
  | 'zrevrangebylex';

type MaybeLists = 'argetrange' | 'arlastitems' | 'armget' | 'geohash' | 'hmget' | 'mget';

type ScoredLists =
  | 'zdiff'
  | 'zinter'
  | 'zpopmax'
  | 'zpopmin'
  | 'zrange'
  | 'zrangebyscore'
  | 'zrevrange'
  | 'zrevrangebyscore'
  | 'zunion';

type Scans = 'hscan' | 'scan' | 'sscan' | 'zscan';
type Subscriptions =
  'psubscribe' | 'punsubscribe' | 'ssubscribe' | 'subscribe' | 'sunsubscribe' | 'unsubscribe';

type Ranges = 'xrange' | 'xrevrange';

/** Whose replies depend on their arguments. */
type Others =
  | 'acl'
  | 'bitfield'
  | 'bitfield_ro'
  | 'blmpop'
  | 'bzmpop'
  | 'cluster'
  | 'command'
  | 'config'
  | 'debug'
  | 'eval'
  | 'eval_ro'
  | 'evalsha'
  | 'evalsha_ro'
  | 'fcall'
  | 'fcall_ro'
  | 'function'
  | 'geopos'
  | 'georadius'
  | 'georadius_ro'
  | 'georadiusbymember'
  | 'georadiusbymember_ro'
  | 'geosearch'
  | 'hello'
  | 'hrandfield'
  | 'latency'
  | 'lcs'
  | 'lmpop'
  | 'lpos'
  | 'memory'
  | 'module'
  | 'object'
  | 'pfdebug'
  | 'pfselftest'
  | 'pubsub'
  | 'restore-asking'
  | 'role'
  | 'sentinel'
  | 'shutdown'
  | 'slowlog'
  | 'smismember'
  | 'sort'
  | 'sort_ro'
  | 'xautoclaim'
  | 'xclaim'
  | 'xgroup'
  | 'xinfo'
  | 'xpending'
  | 'xsetid'
  | 'zmpop'
  | 'zrandmember'
  | 'zrank'
  | 'zrevrank'
  | 'waitaof'
  | 'hexpire'
  | 'hpexpire'
  | 'httl'
  | 'hpttl'
  | 'hpersist'
  | 'hgetex'
  | 'hgetdel'
  | 'hsetex'
  | 'hexpireat'
  | 'hpexpireat'
  | 'hexpiretime'
  | 'hpexpiretime'
  | 'vsim'
  | 'vadd'
  | 'arinfo'
  | 'argrep'
  | 'arnext'
  | 'arop'
  | 'arscan'
  | 'blmovem'
  | 'lmovem'
  | 'increx'
  | 'vemb'
  | 'vinfo'
  | 'vismember'
  | 'vlinks'
  | 'vrem'
  | 'vsetattr'
  | 'xdelex';

interface Singular<M extends Mapping> {
  blpop: [key: string, element: string] | null;
  brpop: [key: string, element: string] | null;
  bzpopmax: [key: string, member: string, score: Double<M>] | null;
  bzpopmin: [key: string, member: string, score: Double<M>] | null;
  geodist: string | null;
  hgetall: Record<string, string>;
  hincrbyfloat: string;
  incrbyfloat: string;
  xread: Read<M> | null;
  xreadgroup: Read<M> | null;
  zincrby: Double<M>;
  zmscore: (Double<M> | null)[];
  zscore: Double<M> | null;
}

type Replies<M extends Mapping> = Singular<M> & { [Name in Integers]: number } & {
  [Name in Confirmed]: 'OK';
} & { [Name in Texts]: string } & { [Name in MaybeTexts]: string | null } & {
  [Name in Lists]: string[];
} & { [Name in MaybeLists]: (string | null)[] } & { [Name in ScoredLists]: Scored<M> } & {
  [Name in Scans]: [cursor: string, elements: string[]];
} & { [Name in Subscriptions]: number } & { [Name in Ranges]: Entry[] } & {
  [Name in Others]: any;
};

type Name = keyof Replies<'resp2'>;

/** One argument, or several in a list; of MSET and HSET an object or a Map. */
type Word = RedisValue | (RedisValue | RedisValue[])[] | null | undefined;
type Field = Word | boolean | bigint | Date | object;
type WordOf<N> = N extends 'mset' | 'msetnx' | 'hset' | 'hmset' ? Field : Word;

export interface CommandMethod<R, W, Context extends ClientContext> {
  (...args: [...words: W[], callback: Callback<R>]): Result<R, Context>;
  (...args: W[]): Result<R, Context>;
}

type Methods<Context extends ClientContext> = {
  [N in Name]: CommandMethod<Replies<MappingOf<Context>>[N], WordOf<N>, Context>;
} & {
  [N in Name as `${N}Buffer`]: CommandMethod<
    Buffered<Replies<MappingOf<Context>>[N]>,
    WordOf<N>,
    Context
  >;
};

/** Where one argument more makes a list of the reply. */
interface CountedMethod<Context extends ClientContext, One, List> {
  (key: RedisKey, callback?: Callback<One>): Result<One, Context>;
  (key: RedisKey, count: number | string, callback?: Callback<List>): Result<List, Context>;
}

interface SetMethod<Context extends ClientContext, Text> {
  (key: RedisKey, value: RedisValue, callback?: Callback<'OK'>): Result<'OK', Context>;
  (
    key: RedisKey,
    value: RedisValue,
    expiry: 'EX' | 'PX' | 'EXAT' | 'PXAT',
    time: number | string,
    callback?: Callback<'OK'>,
  ): Result<'OK', Context>;
  (
    key: RedisKey,
    value: RedisValue,
    keep: 'KEEPTTL',
    callback?: Callback<'OK'>,
  ): Result<'OK', Context>;
  (
    key: RedisKey,
    value: RedisValue,
    condition: 'NX' | 'XX',
    callback?: Callback<'OK' | null>,
  ): Result<'OK' | null, Context>;
  (
    key: RedisKey,
    value: RedisValue,
    get: 'GET',
    callback?: Callback<Text | null>,
  ): Result<Text | null, Context>;
  (
    key: RedisKey,
    value: RedisValue,
    expiry: 'EX' | 'PX' | 'EXAT' | 'PXAT',
    time: number | string,
    condition: 'NX' | 'XX',
    callback?: Callback<'OK' | null>,
  ): Result<'OK' | null, Context>;
  (
    key: RedisKey,
    value: RedisValue,
    expiry: 'EX' | 'PX' | 'EXAT' | 'PXAT',
    time: number | string,
    get: 'GET',
    callback?: Callback<Text | null>,
  ): Result<Text | null, Context>;
  (
    ...args: [
      key: RedisKey,
      value: RedisValue,
      ...options: RedisValue[],
      callback: Callback<Text | null>,
    ]
  ): Result<Text | null, Context>;
  (key: RedisKey, value: RedisValue, ...options: RedisValue[]): Result<Text | null, Context>;
}

interface ZaddMethod<Context extends ClientContext> {
  (...args: [key: RedisKey, incr: 'INCR', ...words: RedisValue[]]): Result<string | null, Context>;
  (
    ...args: [key: RedisKey, ...words: (RedisValue | RedisValue[])[], callback: Callback<number>]
  ): Result<number, Context>;
  (key: RedisKey, ...words: (RedisValue | RedisValue[])[]): Result<number, Context>;
}

interface ScriptMethod<Context extends ClientContext> {
  (
    subcommand: 'LOAD',
    script: string | Buffer,
    callback?: Callback<string>,
  ): Result<string, Context>;
  (subcommand: 'EXISTS', ...digests: (string | Buffer)[]): Result<number[], Context>;
  (subcommand: 'FLUSH' | 'KILL', ...words: RedisValue[]): Result<'OK', Context>;
  (subcommand: string, ...words: (RedisValue | Callback<unknown>)[]): Result<unknown, Context>;
}

interface ClientMethod<Context extends ClientContext> {
  (subcommand: 'ID', callback?: Callback<number>): Result<number, Context>;
  (subcommand: 'INFO' | 'LIST', ...words: RedisValue[]): Result<string, Context>;
  (subcommand: 'GETNAME', callback?: Callback<string | null>): Result<string | null, Context>;
  (subcommand: string, ...words: (RedisValue | Callback<any>)[]): Result<any, Context>;
}

interface ExecMethod<Context extends ClientContext> {
  (
    callback?: Callback<[error: Error | null, result: unknown][] | null>,
  ): Promise<[error: Error | null, result: unknown][] | null>;
}

interface CallMethod<Context extends ClientContext> {
  (command: string, callback?: Callback<unknown>): Result<unknown, Context>;
  (command: string, args: RedisValue[], callback?: Callback<unknown>): Result<unknown, Context>;
  (
    ...args: [command: string, ...args: RedisValue[], callback: Callback<unknown>]
  ): Result<unknown, Context>;
  (...args: [command: string, ...args: RedisValue[]]): Result<unknown, Context>;
}

/** Every command, with a second method whose texts are Buffers. Programs add theirs to it. */
export interface RedisCommander<
  Context extends ClientContext = { type: 'default' },
> extends Methods<Context> {
  /** Any command, by its name. */
  call: CallMethod<Context>;
  callBuffer: CallMethod<Context>;
  set: SetMethod<Context, string>;
  setBuffer: SetMethod<Context, Buffer>;
  lpop: CountedMethod<Context, string | null, string[] | null>;
  lpopBuffer: CountedMethod<Context, Buffer | null, Buffer[] | null>;
  rpop: CountedMethod<Context, string | null, string[] | null>;
  rpopBuffer: CountedMethod<Context, Buffer | null, Buffer[] | null>;
  spop: CountedMethod<Context, string | null, string[]>;
  spopBuffer: CountedMethod<Context, Buffer | null, Buffer[]>;
  srandmember: CountedMethod<Context, string | null, string[]>;
  srandmemberBuffer: CountedMethod<Context, Buffer | null, Buffer[]>;
  zadd: ZaddMethod<Context>;
  zaddBuffer: ZaddMethod<Context>;
  client: ClientMethod<Context>;
  clientBuffer: ClientMethod<Context>;
  script: ScriptMethod<Context>;
  scriptBuffer: ScriptMethod<Context>;
  /** Resolves with an error or a reply for each command; null where a watched key has changed. */
  exec: ExecMethod<Context>;
  execBuffer: ExecMethod<Context>;
}

/** Commands of a pipeline or a transaction: each method returns it, `exec` sends them. */
export interface ChainableCommander<M extends Mapping = 'resp2'> extends RedisCommander<{
  type: 'pipeline';
  mapping: M;
}> {
  /** How many commands there are. */
  length: number;
  multi(...options: unknown[]): this;
}
