'use strict';

/** Those who ask a pool for a client: who wants it himself, and the queries of `pool.query`. */

const { AsyncResource } = require('node:async_hooks');
const { refuseInLine, resolveInLine } = require('../../failure');
const { last, pending } = require('../../pending');
const { guarded, surface } = require('../../surface');
const { DatabaseError } = require('pg-protocol');
const { Ahead, REPEATS } = require('../../sharing/ahead');
const { STOPPED } = require('./errors');
const { PLAIN, RUN, WIRE } = require('./queries');

/** With these the server ends a connection, in whatever language it says how severe that is. */
const ENDING = /^(?:08|57P|25P0[34])/;

const same = (callback) => callback;

/**
 * Those who are over before somebody else has been told that he is: who gets the client that one
 * gives back may have his answer already.
 */
const ended = [];
let isEnding = false;

function finishEnded() {
  for (let at = 0; at < ended.length; at++) {
    const { request, error, result } = ended[at];
    guarded(() => request.finish(error, result));
  }
  ended.length = 0;
  isEnding = false;
}

class Request {
  /**
   * `pool`: `handleGrant(request, entry)`, `handleRefusal(request, why)`, `handleMove(request)`, and
   * `handleServed()` of one that has no client to give back.
   */
  constructor(pool, callback) {
    this.pool = pool;
    this.number = -1;
    /** What the core lent, in the tick before it is handed over. */
    this.entry = null;
    /** The caller's callback, or what resolves its promise. */
    this.settle = callback;
    this.isPromise = false;
    /** A caller's code runs where it asked, whoever gave the client back. */
    this.context = null;
    /** Since when it waits; kept where `verify` has to be bounded. */
    this.since = 0;
    /** It waits, and was not sent over somebody else's client. */
    this.isInLine = false;
    /** It waits, and the program does something at each loan. */
    this.hasHooks = false;
  }

  promise(Promise) {
    this.isPromise = true;
    const promise = pending(Promise);
    this.settle = last.resolve;
    return promise;
  }

  resolve(entry) {
    this.pool.handleGrant(this, entry);
  }

  reject(why) {
    this.pool.handleRefusal(this, why);
  }

  /** It has to wait. `hasHooks`: the program does something at each loan. */
  handleWait(hasHooks) {
    this.hasHooks = hasHooks;
    this.context = new AsyncResource('polypool.pg.connect');
  }

  /** What the caller's code throws is not the failure of whoever gave the client back. */
  answer(error, member, release) {
    try {
      if (this.context === null) this.deliver(error, member, release);
      else this.context.runInAsyncScope(this.deliver, this, error, member, release);
    } catch (thrown) {
      surface(thrown);
    }
  }
}

/** Somebody who wants the client himself, and watches it while he has it. */
class ClientRequest extends Request {
  get isQuery() {
    return false;
  }

  /** A promise has its context by itself. */
  handleWait(hasHooks) {
    if (hasHooks || !this.isPromise) super.handleWait(hasHooks);
  }

  deliver(error, member, release) {
    if (!this.isPromise) this.settle(error, member?.client, release);
    else if (error) refuseInLine(this.settle, error);
    else resolveInLine(this.settle, member.client);
  }
}

/** A query of `pool.query`: takes a client, runs, gives it back. */
class QueryRequest extends Request {
  constructor(pool, facade, text, values, callback) {
    super(pool, callback);
    this.facade = facade;
    this.text = text;
    this.values = values;
    this.client = null;
    /** Of the pool, where it came from there: then the pool's listener tells of its errors. */
    this.member = null;
    this.listener = null;
    this.isOver = false;
    /** `read` or `write` where it may share a client. */
    this.pace = undefined;
    this.repeats = REPEATS.NEVER;
    /** What came of sending it over somebody else's client. */
    this.ahead = null;
    /** Its client was lost while the answer was to come over another one. */
    this.lost = undefined;
    /** It is to run on its own client after all. */
    this.isMoving = false;
    /** It was stopped on the server: nobody is sent behind it again. */
    this.isAlone = false;
  }

  get isQuery() {
    return true;
  }

  deliver(error, member) {
    if (error) {
      if (this.ahead === null) this.finish(error);
      else this.ahead.refuse(error);
      return;
    }
    this.member = member;
    member.running = this;
    this.run(member.client);
  }

  /** As callback of a `connect` that is not this pool's own. */
  handleClient(error, client) {
    if (error) {
      this.finish(error);
      return;
    }
    this.listener = (failure) => this.end(failure);
    client.once('error', this.listener);
    this.run(client);
  }

  run(client) {
    this.client = client;
    this.isMoving = false;
    if (this.ahead !== null) {
      this.ahead.grant();
      return;
    }
    this.facade.log('dispatching query');
    try {
      const answer = (error, result) => {
        this.facade.log('query dispatched');
        this.end(error, result);
      };
      // Instrumentation that replaces the method is called. The promise has its context by itself.
      const isPlain =
        this.isPromise && client[PLAIN] !== undefined && client.query === client[PLAIN];
      if (isPlain) client[RUN](this.text, this.values, answer, same);
      else client.query(this.text, this.values, answer);
    } catch (error) {
      this.end(error);
    }
  }

  handleError(error) {
    if (this.ahead === null || this.ahead.isOver) this.end(error);
    else this.lost = error;
  }

  get stalls() {
    return this.pool.stalls;
  }

  /** Of the client that it has. */
  get wire() {
    return this.client?.[WIRE];
  }

  /** Whether the client is the reason. */
  isOfConnection(error) {
    if (!(error instanceof DatabaseError)) return true;
    return error.severity === 'FATAL' || error.severity === 'PANIC' || ENDING.test(error.code);
  }

  /** What the server was to stop has done nothing. */
  wasStopped(error) {
    return error[STOPPED] === true;
  }

  /** Others may be sent over its client. */
  get mayLead() {
    return this.pace !== undefined && !this.isMoving && !this.isAlone;
  }

  /**
   * Sends it over a client that somebody else's query has, by its method `how`; it still waits for
   * one of its own.
   */
  sendAhead(client, how) {
    this.ahead = new Ahead(this, client[WIRE]);
    const { text, values } = this;
    const isInsert = this.repeats === REPEATS.STOPPED;
    if (!this.ahead.send((answer) => client[how](text, values, answer, isInsert))) {
      this.ahead = null;
    }
  }

  /** No answer is waited for any more: it runs on a client of its own, once it has one. */
  sendAgain(isGranted, wasStopped) {
    this.ahead = null;
    this.isAlone = wasStopped;
    if (!isGranted) return;
    this.isMoving = true;
    this.pool.handleMove(this);
  }

  /** It has no client any more, and wants another one. */
  leave() {
    this.member.running = null;
    this.member = this.client = null;
  }

  /** The client goes back first: the caller may want it next. */
  end(error, result) {
    if (this.isOver) return;
    this.isOver = true;
    if (this.member === null) this.client.removeListener('error', this.listener);
    else this.member.running = null;
    const reason = this.lost === undefined ? error : this.lost;
    if (isEnding) {
      ended.push({ request: this, error, result });
      this.client.release(reason);
      return;
    }
    isEnding = true;
    try {
      this.client.release(reason);
      this.finish(error, result);
    } finally {
      finishEnded();
    }
  }

  /** Without a client: it waited too long for one, or the pool ended. */
  finishRefused(error, result) {
    this.finish(error, result);
    this.pool.handleServed();
  }

  finish(error, result) {
    if (this.isPromise) {
      if (error) refuseInLine(this.settle, error);
      else resolveInLine(this.settle, result);
    } else if (error) this.settle(error);
    else this.settle(undefined, result);
  }
}

module.exports = { ClientRequest, QueryRequest };
