'use strict';

/**
 * One connection: what an instance has as its `stream`. Programs end and destroy it and read its
 * addresses; commands go to the engine's session behind it.
 */

const { AsyncResource } = require('node:async_hooks');
const { EventEmitter } = require('node:events');
const { isIP } = require('node:net');
const timers = require('node:timers');
const { Session } = require('../../session');
const { FLAG } = require('../../records');
const { guarded, surface } = require('../../surface');
const { mayWait } = require('./blocking');
const { connectError, lostError } = require('./errors');
const { Flight } = require('./flight');

// Taken at load: test frameworks replace it.
const { nextTick } = process;
const { setImmediate: later } = timers;

class SessionStream extends EventEmitter {
  connecting = true;
  destroyed = false;
  writable = true;
  readable = true;
  encrypted = false;
  /** It ended because nobody could understand the server. */
  spokeNonsense = false;
  #session = null;
  #scope = new AsyncResource('polypool.ioredis.Stream');
  /** Ended by the program; what is under way may still be answered. */
  #ending = false;
  /** Of the instance that it serves. */
  #next = () => undefined;
  #answered;
  #receive;
  #shapes = null;
  #isRef = true;

  /**
   * `answered(command, reply, error)` takes answers, `receive(push)` what nobody has asked for;
   * `next()` is the command that is answered next.
   */
  use({ next, answered, receive }) {
    this.#next = next;
    this.#answered = answered;
    this.#receive = receive;
  }

  /** What becomes of replies from now on. */
  shapeBy(shapes) {
    this.#shapes = shapes;
  }

  /** What the session asks for values that nobody asked for. */
  get replies() {
    return this.#shapes.texts.replies;
  }

  // ---- Its begin ----

  /** `attempts`: what to tell the engine, and what to try next. */
  async open(attempts) {
    for (const [index, attempt] of attempts.entries()) {
      const failure = await this.#try(attempt.target);
      if (this.destroyed) return;
      if (failure === null) {
        attempt.accepted?.();
        this.#opened();
        return;
      }
      const next = attempts[index + 1];
      if (next === undefined || !next.follows(failure)) {
        this.#end(failure instanceof Error ? failure : connectError(failure));
        return;
      }
    }
  }

  /** For what goes wrong before there is anything to open. */
  fail(error) {
    if (!this.destroyed) this.#end(error);
  }

  /** Null, or why not. */
  #try(target) {
    const session = (this.#session = new Session(this, null));
    return new Promise((resolve) => {
      try {
        session.open({ engine: 'redis', ...target }, {}, resolve);
      } catch (error) {
        resolve(error);
      }
    });
  }

  #opened() {
    const { local, remote } = this.#session;
    this.connecting = false;
    if (local !== null) [this.localAddress, this.localPort] = local;
    if (remote !== null) {
      [this.remoteAddress, this.remotePort] = remote;
      this.remoteFamily = `IPv${isIP(this.remoteAddress)}`;
    }
    if (this.#isRef) this.#session.ref();
    if (this.#ending) {
      this.destroy();
      return;
    }
    this.#tell('connect');
    this.#tell('secureConnect');
  }

  #tell(...event) {
    guarded(() => this.#scope.runInAsyncScope(this.emit, this, ...event));
  }

  // ---- Commands ----

  /** Sends it; throws what cannot be sent. */
  submit(command) {
    const { name, args } = command;
    const words = [name];
    for (let i = 0; i < args.length; i++) words.push(args[i]);
    const { texts, buffers, numbersAsTexts } = this.#shapes;
    const isText = command.replyEncoding === 'utf8';
    const flight = new Flight(this, command, isText ? texts : buffers, numbersAsTexts);
    this.#session.submit(flight, words, isText ? 0 : FLAG.BINARY, 0);
  }

  // ---- From the session ----

  parameter() {}

  notice() {}

  notification() {}

  push(value) {
    if (this.destroyed) return;
    guarded(() => this.#scope.runInAsyncScope(this.#receive, null, value));
  }

  lost(wire) {
    if (this.destroyed) return;
    this.spokeNonsense = wire?.code === 'ERR_POLYPOOL_PROTOCOL';
    this.#end(lostError(wire));
  }

  /** What comes after its end was not waited for. */
  answer(command, reply, error) {
    if (this.destroyed) return;
    try {
      this.#answered(command, reply, error);
    } catch (thrown) {
      surface(thrown);
    }
    if (this.#ending) this.#checkEnd();
  }

  // ---- Its end ----

  /** What has been sent is answered first, but for what the server may keep waiting. */
  end() {
    if (this.destroyed || this.#ending) return this;
    this.#ending = true;
    this.writable = false;
    if (this.connecting) this.destroy();
    else this.#checkEnd();
    return this;
  }

  #checkEnd() {
    const next = this.#next();
    if (next === undefined || mayWait(next)) this.destroy();
  }

  destroy(error) {
    if (!this.destroyed) this.#end(error ?? null);
    return this;
  }

  #end(error) {
    this.destroyed = true;
    this.connecting = this.writable = this.readable = false;
    this.#session?.close(true);
    if (error !== null) nextTick(() => this.#tell('error', error));
    // Not before those go on who wait for the last answer.
    later(() => this.#tell('close', error !== null));
  }

  // ---- What else sockets have ----

  ref() {
    this.#isRef = true;
    if (!this.connecting) this.#session?.ref();
    return this;
  }

  unref() {
    this.#isRef = false;
    this.#session?.unref();
    return this;
  }

  /** The engine's sockets never delay what is small. */
  setNoDelay() {
    return this;
  }

  /** As option `keepAlive` has it. */
  setKeepAlive() {
    return this;
  }

  /** An instance keeps its own time. */
  setTimeout() {
    return this;
  }

  pause() {
    return this;
  }

  resume() {
    return this;
  }

  write() {
    throw new Error('polypool/ioredis writes to its sockets itself: send a command instead');
  }
}

module.exports = { SessionStream };
