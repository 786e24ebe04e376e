// What `polypool/async-pool` exports: `module.exports = AsyncPool`.

declare namespace AsyncPool {
  /** What bluebird's `Promise.using` takes; bluebird is a dependency of the program. */
  interface Disposer<T> {
    readonly _?: T;
  }

  /** Calls back before it returns: `get()` does not wait. */
  type Make<T> = (callback: (error: unknown, instance?: T) => void) => void;

  interface Pool<T> {
    /** How many resources the pool consists of. */
    readonly nresources: number;
    /** What is free, the next to be lent at the end; null when the pool is closed. */
    readonly resources: T[] | null;
    /** Those who wait; the last is served first. */
    readonly waiting: readonly unknown[];
    /** Not null while the pool waits for what is lent, to be closed then. */
    readonly willClose: unknown;

    /** The next instance in turn. It is not lent, and nothing is to be given back. */
    get(): T;
    /** Lends a resource for the time of bluebird's `Promise.using`. */
    use(): Disposer<T>;
    /** Closes when all is given back. False: it is closing already. */
    close(): boolean;
    /** As `close`; resolves when the pool is closed. */
    closeAndWait(): Promise<this>;
    /** Throws while something is lent. */
    closeImmediately(): this | undefined;
    isClosed(): boolean;
  }

  interface Constructor {
    new <T>(resources?: readonly T[] | null): Pool<T>;
    new <T>(make: Make<T>, count: number): Pool<T>;
    <T>(resources?: readonly T[] | null): Pool<T>;
    <T>(make: Make<T>, count: number): Pool<T>;
    readonly prototype: Pool<unknown>;
  }
}

type AsyncPool<T> = AsyncPool.Pool<T>;
declare const AsyncPool: AsyncPool.Constructor;

export = AsyncPool;
