'use strict';

const { inspect } = require('node:util');
const errors = require('../../lib/errors.js');

const { fromWire } = errors;

test('every class carries its name and code', () => {
  const codes = {
    OptionError: 'ERR_POLYPOOL_OPTION',
    AcquireTimeoutError: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT',
    QueryTimeoutError: 'ERR_POLYPOOL_QUERY_TIMEOUT',
    AbortError: 'ERR_POLYPOOL_ABORTED',
    ClosedError: 'ERR_POLYPOOL_CLOSED',
    ConnectError: 'ERR_POLYPOOL_CONNECT',
    ConnectionLostError: 'ERR_POLYPOOL_CONNECTION_LOST',
    PoolError: 'ERR_POLYPOOL_DECODE',
  };
  for (const [name, code] of Object.entries(codes)) {
    const error = fromWire({ kind: 'pool', code, message: 'what happened' });
    expect(error.constructor).toBe(errors[name]);
    expect(error).toBeInstanceOf(errors.PoolError);
    expect(error).toMatchObject({ name, code, message: 'what happened' });
    expect(error.stack).toMatch(new RegExp(`^${name}: what happened`));
    expect(Object.keys(error)).not.toContain('name');
  }
});

test("the server's error keeps every field, numbers as numbers", () => {
  const error = fromWire({
    kind: 'database',
    severity: 'ERROR',
    code: '23505',
    message: 'duplicate key',
    detail: 'Key (id)=(1) already exists.',
    position: '15',
    line: '664',
    constraint: 'users_pkey',
    dataType: 'int4',
  });
  expect(error).toBeInstanceOf(errors.DatabaseError);
  expect(error).not.toBeInstanceOf(errors.PoolError);
  expect({ ...error }).toEqual({
    severity: 'ERROR',
    code: '23505',
    detail: 'Key (id)=(1) already exists.',
    position: 15,
    line: 664,
    constraint: 'users_pkey',
    dataType: 'int4',
  });
  expect(error.message).toBe('duplicate key');
});

test('causes come along, down to the socket error', () => {
  const error = fromWire({
    kind: 'pool',
    code: 'ERR_POLYPOOL_CONNECT',
    message: 'could not connect',
    reason: 'refused',
    errno: 'ECONNREFUSED',
    cause: {
      kind: 'system',
      code: 'ECONNREFUSED',
      message: 'connect ECONNREFUSED 127.0.0.1:5432',
      syscall: 'connect',
      address: '127.0.0.1',
      port: 5432,
    },
  });
  expect(error).toMatchObject({ reason: 'refused', errno: 'ECONNREFUSED' });
  expect(error.cause).toBeInstanceOf(Error);
  expect(error.cause).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect', port: 5432 });
});

test('an acquire timeout tells how things stood', () => {
  const wire = {
    kind: 'pool',
    code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT',
    message: 'no connection in time',
    inUse: 10,
    idle: 0,
    connecting: 0,
    waiting: 3,
    holders: [{ heldMs: 5000, idleMs: 10, thread: 0, stack: 'at there' }],
  };
  const error = fromWire(wire, { fields: { waitedMs: 100, max: 10 } });
  expect({ ...error }).toEqual({
    code: 'ERR_POLYPOOL_ACQUIRE_TIMEOUT',
    waitedMs: 100,
    max: 10,
    inUse: 10,
    idle: 0,
    connecting: 0,
    waiting: 3,
    longestHeldMs: 5000,
    holderStack: 'at there',
    holders: wire.holders,
    nested: false,
  });
});

test('statement and parameters are at hand but never shown', () => {
  const context = { text: 'select secret_column', values: ['s3cret'] };
  for (const kind of ['database', 'pool']) {
    const wire = { kind, code: 'ERR_POLYPOOL_DECODE', message: 'failed' };
    const error = fromWire(wire, context);
    expect(error.query).toBe('select secret_column');
    expect(error.parameters).toEqual(['s3cret']);
    const shown = inspect(error) + JSON.stringify(error) + error.stack + String(error);
    expect(shown).not.toMatch(/secret_column|s3cret/);
    expect(JSON.stringify({ ...error })).not.toMatch(/secret_column|s3cret/);
  }
});

test('an aborted signal gives its reason as cause', () => {
  const reason = new Error('the user left');
  const error = errors.abortError(AbortSignal.abort(reason));
  expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_POLYPOOL_ABORTED' });
  expect(error.cause).toBe(reason);
  const wire = { kind: 'pool', code: 'ERR_POLYPOOL_ABORTED', message: 'aborted' };
  expect(fromWire(wire, { signal: AbortSignal.abort(reason) }).cause).toBe(reason);
});

test('the numbers of a notice are numbers too', () => {
  const notice = errors.copyServerFields(
    { message: 'hello' },
    { kind: 'database', message: 'ignored', severity: 'NOTICE', code: '00000', line: '3' },
  );
  expect(notice).toEqual({ message: 'hello', severity: 'NOTICE', code: '00000', line: 3 });
});
