'use strict';

/** The numbers of `src/wire/record.rs`; `__tests__/boundary/records.test.js` compares them. */

const SUBMIT = {
  STATEMENT: 1,
  FORGET: 2,
  QUERY: 3,
  CANCEL: 4,
  RELEASE: 5,
  WARM: 6,
  CLOSE: 7,
  CREDIT: 8,
  HOOK: 9,
  TRANSPORT_DATA: 10,
  TRANSPORT_END: 11,
  TRANSPORT_CREDIT: 12,
  COPY_DATA: 13,
  COPY_END: 14,
  FETCH: 15,
  STREAM_END: 16,
  NAMED: 17,
  INTERRUPT: 18,
};
const COMPLETE = {
  ROWS: 1,
  DONE: 2,
  FAIL: 3,
  SHAPE: 4,
  FORGET_SHAPES: 5,
  GRANT: 6,
  RESULT: 7,
  EVENT: 8,
  HOOK_CALL: 9,
  OK: 10,
  COMMAND: 11,
  BROKEN: 12,
  TRANSPORT_OPEN: 13,
  TRANSPORT_WRITE: 14,
  TRANSPORT_CLOSE: 15,
  TRANSPORT_GRANT: 16,
  COPY_READY: 17,
  COPY_OUT: 18,
  COPY_CREDIT: 19,
  NOTIFICATION: 20,
  SUSPENDED: 21,
  STATUS: 22,
  OUTCOME: 23,
  PACE: 24,
  REPLY: 25,
  PUSH: 26,
};
const FLAG = {
  STREAM: 1,
  HOOK: 2,
  LEAD: 4,
  WITHIN: 8,
  COPY: 16,
  CURSOR: 32,
  PRIMARY: 64,
  REPLICA: 128,
  SIMPLE: 256,
  TEXT: 512,
  WIRE: 1024,
  BINARY: 2048,
  ALONE: 4096,
  SHORT_READ: 8192,
  SHORT_WRITE: 16384,
  BATCH: 32768,
  PLAIN: 65536,
};
const FATE = { RETURN: 0, DESTROY: 1, AWAIT: 2 };
const HOOK = { ON_CONNECT: 1, RESET: 2, PASSWORD: 3, STREAM: 4 };
const TRANSPORT = { PLAIN: 0, TLS: 1 };
const VALUE = {
  NIL: 0,
  FALSE: 1,
  TRUE: 2,
  OK: 3,
  INT: 4,
  LONG: 5,
  BIG: 6,
  DOUBLE: 7,
  TEXT: 8,
  STATUS: 9,
  ERROR: 10,
  BYTES: 11,
  ARRAY: 12,
  MAP: 13,
  SET: 14,
  PUSH: 15,
};

/** Request numbers, and slots, stay below this (`NUMBERS` of the engine). */
const NUMBERS = 2 ** 20;
/** The last ones are kept for what must always work: one for each connection a pool may have. */
const ORDINARY_NUMBERS = NUMBERS - 2 ** 16;

module.exports = {
  COMPLETE,
  FATE,
  FLAG,
  HOOK,
  NUMBERS,
  ORDINARY_NUMBERS,
  SUBMIT,
  TRANSPORT,
  VALUE,
};
