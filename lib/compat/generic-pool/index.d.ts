// What `polypool/generic-pool` exports. Code that was written against the declarations of
// generic-pool compiles against these; what these take beyond them is said where it stands.

import { EventEmitter } from 'node:events';

/** Makes and ends resources, each step asynchronous. */
export interface Factory<T> {
  create(): Promise<T>;
  destroy(client: T): Promise<void>;
  /** Only `false` means that a resource must go. Called with option `testOnBorrow` only. */
  validate?(client: T): Promise<boolean>;
}

/** The same, each step synchronous or not: what a pool really takes. */
export interface AnyFactory<T> {
  create(): T | PromiseLike<T>;
  destroy(client: T): unknown;
  validate?(client: T): unknown;
}

/** Numbers may be given as strings, as generic-pool takes them; what is no number is the default. */
export interface Options {
  /** At least 1, the default. No more than 65535 are ever open. */
  max?: number | undefined;
  /** Created when the pool starts, and again after each destroy. At most `max`. Default: 0. */
  min?: number | undefined;
  /** Who comes while so many wait, and nothing is free or can be created, is refused. */
  maxWaitingClients?: number | undefined;
  /** Whether `validate` is asked before each loan. Default: false. */
  testOnBorrow?: boolean | undefined;
  /** Accepted and without effect, as in generic-pool. */
  testOnReturn?: boolean | undefined;
  /** How long an acquire waits. Default: without end. */
  acquireTimeoutMillis?: number | undefined;
  /** After how long a destroy is given up, with event `factoryDestroyError`. Default: never. */
  destroyTimeoutMillis?: number | undefined;
  /** What has been idle for longest is lent first; false: what was released last. Default: true. */
  fifo?: boolean | undefined;
  /** How many priorities there are; those from 63 on share the last. Default: 1. */
  priorityRange?: number | undefined;
  /** Whether the pool starts when it is made; if not, `start` or the first acquire starts it. */
  autostart?: boolean | undefined;
  /** Default: 0, the Evictor does not run. */
  evictionRunIntervalMillis?: number | undefined;
  /** How many resources a run of the Evictor looks at. Default: 3. */
  numTestsPerEvictionRun?: number | undefined;
  /** Idle for longer than this, a resource goes if more than `min` are available. Default: -1, off. */
  softIdleTimeoutMillis?: number | undefined;
  /** Idle for longer than this, a resource goes. Default: 30000. */
  idleTimeoutMillis?: number | undefined;
  /** The class of the promises that the pool returns. */
  Promise?: PromiseConstructorLike | undefined;
}

/** What an Evictor is given. */
export interface EvictionConfig {
  softIdleTimeoutMillis: number;
  idleTimeoutMillis: number;
  min: number;
}

/** A resource as an Evictor sees it; times are milliseconds since the epoch. */
export interface PooledResource<T = unknown> {
  readonly obj: T;
  readonly creationTime: number;
  readonly lastIdleTime: number;
  readonly lastBorrowTime: number | null;
  readonly lastReturnTime: number | null;
  readonly state: string;
}

export interface Evictor<T = unknown> {
  /** Only `true` evicts. */
  evict(
    config: EvictionConfig,
    resource: PooledResource<T>,
    availableObjectsCount: number,
  ): boolean;
}

export class DefaultEvictor implements Evictor {
  evict(
    config: EvictionConfig,
    resource: Pick<PooledResource, 'lastIdleTime'>,
    availableObjectsCount: number,
  ): boolean;
}

export interface DequeIterator<T> extends Iterable<T> {
  next(): { done: false; value: T } | { done: true; value?: undefined };
  /** Takes out what `next` gave last; false when that is impossible. */
  remove(): false | undefined;
  reset(): void;
}

export class Deque<T = unknown> implements Iterable<T> {
  readonly length: number;
  readonly head: T | undefined;
  readonly tail: T | undefined;
  push(element: T): void;
  unshift(element: T): void;
  pop(): T | undefined;
  shift(): T | undefined;
  iterator(): DequeIterator<T>;
  reverseIterator(): DequeIterator<T>;
  [Symbol.iterator](): Iterator<T>;
}

export class PriorityQueue<
  T extends { promise?: PromiseLike<unknown> } = { promise?: PromiseLike<unknown> },
> {
  constructor(size?: number);
  readonly length: number;
  readonly head: T | undefined;
  readonly tail: T | undefined;
  /** An item whose `promise` rejects with a TimeoutError leaves by itself. */
  enqueue(item: T, priority?: number): void;
  dequeue(): T | undefined;
}

/** Emits `factoryCreateError` and `factoryDestroyError`, each with what the factory threw. */
export class Pool<T> extends EventEmitter {
  /** No other Deque and PriorityQueue than the two of this module can be given. */
  constructor(
    evictor: new () => Evictor<any>,
    deque: typeof Deque,
    priorityQueue: typeof PriorityQueue,
    factory: AnyFactory<T>,
    options?: Options,
  );

  /** How many more the pool may create. */
  readonly spareResourceCapacity: number;
  /** How many exist or are being created; not what is being destroyed. */
  readonly size: number;
  readonly available: number;
  readonly borrowed: number;
  /** How many acquires wait. */
  readonly pending: number;
  readonly max: number;
  readonly min: number;

  start(): void;
  /** 0 is the most urgent. */
  acquire(priority?: number): Promise<T>;
  release(resource: T): Promise<void>;
  destroy(resource: T): Promise<void>;
  /** Refuses new acquires; resolves when nobody waits and nothing is lent. Destroys nothing. */
  drain(): Promise<void>;
  /** Destroys what is idle, once what is being created is there. */
  clear(): Promise<void>;
  /** Lends a resource to a function; one that rejects costs the pool the resource. */
  use<U>(cb: (resource: T) => U | Promise<U>, priority?: number): Promise<U>;
  isBorrowedResource(resource: T): boolean;
  /** Resolves when `min` resources are available. */
  ready(): Promise<void>;
}

export function createPool<T>(factory: AnyFactory<T>, opts?: Options): Pool<T>;
