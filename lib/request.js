'use strict';

/** Somebody who waits for an answer. */

const { whatIsHeld } = require('./holders');
const { last, pending } = require('./pending');

class Request {
  constructor() {
    this.resolve = null;
    this.reject = null;
    this.pool = null;
    /** The lease it runs on, if any. */
    this.lease = null;
    this.rows = null;
    this.rowMode = undefined;
    this.results = null;
    /** What the server says of the result that ends next, beside its count. */
    this.outcome = null;
    /** What a row's converter threw: the rest of the result is read over. */
    this.failure = null;
    this.isStatement = false;
    /** The statement, for its errors; for a lease the stack of its acquire. */
    this.text = undefined;
    this.values = undefined;
    this.signal = undefined;
    this.onAbort = undefined;
    /** A stream or cursor that takes the rows instead of `rows`. */
    this.stream = null;
    /** A cursor that nobody is waiting for. */
    this.parked = false;
    /** Releases and closes never fail: a broken link gives back and closes all there is. */
    this.alwaysDone = false;
    /** Those the engine had told of when it was submitted, and through them the later ones. */
    this.shapes = null;
    /** The caller's async context, for events; only while somebody listens to them. */
    this.context = null;
    /** What the caller holds, with leak detection. */
    this.held = whatIsHeld();
  }

  fail(error) {
    if (this.stream !== null) this.stream.fail(error);
    else if (this.alwaysDone) this.resolve();
    else if (this.isStatement) this.pool.link.completion.refuse(this, error);
    else this.reject(error);
  }
}

/** A promise that `request` settles: by `resolve` alone, as that of a statement. */
function answerOf(request) {
  const promise = pending(Promise);
  request.resolve = last.resolve;
  return promise;
}

/** The same with `reject`. */
function promiseOf(request) {
  const promise = answerOf(request);
  request.reject = last.reject;
  return promise;
}

module.exports = { Request, answerOf, promiseOf };
