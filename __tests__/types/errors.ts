import {
  AbortError,
  AcquireTimeoutError,
  ClosedError,
  ConnectError,
  ConnectionLostError,
  DatabaseError,
  OptionError,
  PoolError,
  QueryTimeoutError,
} from 'polypool';
import type { Holder, PoolErrorCode, ServerFields } from 'polypool';
import { exact } from './exact.js';

export function explain(error: unknown): string {
  if (error instanceof DatabaseError) {
    exact<typeof error.code, string>(true);
    error satisfies ServerFields;
    // @ts-expect-error the server's errors are no pool errors
    error satisfies PoolError;
    return error.detail ?? error.message;
  }
  if (error instanceof OptionError) return error.option;
  if (error instanceof AcquireTimeoutError) {
    exact<typeof error.longestHeldMs, number | null>(true);
    exact<typeof error.nested, boolean>(true);
    exact<typeof error.holders, readonly Holder[]>(true);
    // @ts-expect-error a list to read
    error.holders.push({ heldMs: 1, idleMs: 1, stack: null, thread: 0 });
    if (error.holders[0]?.thread === 0) return error.holders[0].stack ?? 'the main thread';
    return `${error.inUse} of ${error.max} in use`;
  }
  if (error instanceof QueryTimeoutError) return `${error.timeoutMs} ms`;
  if (error instanceof AbortError) {
    exact<typeof error.name, 'AbortError'>(true);
    return String(error.cause);
  }
  if (error instanceof ConnectError) return error.reason ?? 'unknown';
  if (error instanceof ConnectionLostError) return 'outcome unknown';
  if (error instanceof ClosedError) return 'closed';
  if (error instanceof PoolError) {
    exact<typeof error.code, PoolErrorCode>(true);
    if (error.code === 'ERR_POLYPOOL_ROLLED_BACK') return 'rolled back';
    if (error.code === 'ERR_POLYPOOL_SELF_DEADLOCK') return 'waits for itself';
    // @ts-expect-error no such code
    if (error.code === 'ERR_POLYPOOL_WHATEVER') return '';
    // @ts-expect-error codes are not assigned
    error.code = 'ERR_POLYPOOL_CLOSED';
    return error.query ?? error.message;
  }
  return 'foreign';
}

/** Applications make them in their own tests. */
export const made: PoolError[] = [
  new PoolError('ERR_POLYPOOL_QUEUE_FULL', 'full'),
  new OptionError('max must be at least 1', { option: 'max' }),
  new AcquireTimeoutError('late', { inUse: 10, holderStack: null }, { cause: new Error() }),
  new QueryTimeoutError('late', { timeoutMs: 5 }),
  new AbortError('gone', undefined, { cause: 'why' }),
  new ClosedError('closed'),
  new ConnectError('refused', { reason: 'refused', errno: 'ECONNREFUSED' }),
  new ConnectionLostError('lost'),
];
export const server = new DatabaseError('duplicate', { severity: 'ERROR', code: '23505' });
