'use strict';

/**
 * One connection outside any pool, steered statement by statement: what replacements of other
 * packages are made of. To the engine it is a pool of one whose only lease is never given back.
 *
 * Results come with the server's types and the caller's parsers; notices, notifications and
 * settings are told; and the wire can be had for itself, to speak the protocol over.
 */

const { AsyncResource } = require('node:async_hooks');
const { OptionError } = require('./errors');
const { FATE, FLAG, NUMBERS, SUBMIT, TRANSPORT } = require('./records');
const { binding, link } = require('./ring');
const { Statement, Step, WireRequest } = require('./session-request');
const { SeenResults } = require('./session-shape');
const { guarded } = require('./surface');
const { readTarget, rootsFor } = require('./target');
const { Transports, readTransport } = require('./transport');
const { WINDOW, Wire } = require('./wire');

// Not the global's: test frameworks replace it.
const { parse } = JSON;

/** Never idle for long, never replaced, never reset: it ends when its caller says so. */
const OWN_OPTIONS = {
  ...{ max: 1, min: 0, lazy: true, reset: 'never', validate: 'never', maxConnecting: 1 },
  ...{ idleTimeoutMs: 0, maxLifetimeMs: 0, maxUses: 0, leakDetectionMs: 0, maxLeaseMs: 0 },
  ...{ priorities: 1, acquireTimeoutMs: null, queryTimeoutMs: 0, connectTimeoutMs: 0 },
  ...{ statementCache: 0, name: 'session' },
};

const NONE = -1;

const ignore = () => {};

class Session {
  #link = null;
  #id = NONE;
  #slot = NONE;
  #generation = 0;
  #owner;
  #wire = null;
  #wireRequest = null;
  #closing = null;
  /** What the connection ended by, as far as there is a reason; undefined while it has not. */
  #gone = undefined;
  /** It was gone before it could be borrowed. */
  #missed = false;
  #resource = new AsyncResource('polypool.Session');
  #transports = null;
  /** It keeps the process alive. */
  #held = false;

  /**
   * The owner hears `parameter(name, value)`, `notice(fields)`, `notification(process, channel,
   * payload)`, and `lost(error)` once, when the connection ends without having been closed.
   * `parsers` are those whose results the engine may make (`session-shape.js`).
   */
  constructor(owner, parsers) {
    this.#owner = owner;
    this.parsers = parsers;
    /** As of the last answer: `I`, `T` or `E`, as a character code. */
    this.status = 0;
    this.processId = 0;
    this.secretKey = 0;
    /** All that is told of the start. */
    this.started = null;
    /** Both ends of a TCP connection of the engine's: address and port, or null. */
    this.local = null;
    this.remote = null;
    /** The engine can stop on the server what runs here. */
    this.stops = false;
  }

  // ---- Begin and end ----

  /**
   * Throws what is wrong with the options; `done(error)` follows, with the engine's words. `startup`
   * is all that the server is told at first. A password is a text, a stream a function.
   */
  open(target, startup, done) {
    const given = readTarget({ ...target, ...OWN_OPTIONS });
    const { engine, recipe } = readTransport(given);
    const own = (this.#link = link());
    const settings = parse(
      binding.openPool(own.id, engine, {}, null, rootsFor(given, {}), startup),
    );
    if (settings.option !== undefined) throw new OptionError(settings.message, settings);
    this.#id = settings.pool;
    this.#transports = new Transports(own, recipe, this.#resource, settings.engine);
    own.pools.set(this.#id, this);
    const step = new Step(this, () => this.#borrow(done), done);
    own.record(SUBMIT.WARM, own.add(step), this.#id);
  }

  #borrow(done) {
    if (this.#closing !== null) return;
    const own = this.#link;
    const number = own.add(new Step(this, null, ignore));
    const granted = own.native.acquire(this.#id, number, 0, -1);
    if (granted < 0) {
      // Lost in between, and no other one is wanted.
      own.native.cancel(this.#id, number);
      this.#missed = true;
      if (this.#gone !== undefined) this.#lose();
      return;
    }
    own.remove(number);
    own.settleUnused();
    this.#slot = granted % NUMBERS;
    this.#generation = Math.floor(granted / NUMBERS);
    done(null);
  }

  /** Another one after all, made before the core heard that it was not wanted. */
  granted(_step, slot, generation) {
    this.#link.native.release(this.#id, slot, generation, FATE.DESTROY);
  }

  #lose() {
    this.#wire?.fail(null);
    this.#wire = null;
    this.close(true);
    this.#owner.lost(this.#gone);
  }

  get isOpen() {
    return this.#slot !== NONE && this.#closing === null;
  }

  /** Resolves when the socket is gone. At once instead of with a goodbye: what runs is cut off. */
  close(atOnce) {
    if (this.#closing !== null || this.#id === NONE) return this.#closing ?? Promise.resolve();
    const own = this.#link;
    this.unref();
    if (this.#slot !== NONE) {
      const fate = atOnce ? FATE.DESTROY : FATE.RETURN;
      own.native.release(this.#id, this.#slot, this.#generation, fate);
    }
    if (own.broken !== null) {
      own.record(SUBMIT.CLOSE, 0, this.#id, 0);
      return (this.#closing = Promise.resolve());
    }
    this.#closing = new Promise((resolve) => {
      const step = new Step(this, resolve, resolve);
      own.record(SUBMIT.CLOSE, own.add(step, true), this.#id, atOnce ? 0 : -1);
    }).then(() => {
      binding.poolForget(own.id, this.#id);
      own.pools.delete(this.#id);
    });
    return this.#closing;
  }

  /** Whether the open connection keeps the process alive. */
  ref() {
    if (this.#held || this.#closing !== null || this.#link === null) return;
    this.#held = true;
    this.#link.hold();
  }

  unref() {
    if (!this.#held) return;
    this.#held = false;
    this.#link.unhold();
  }

  // ---- Statements ----

  /**
   * Runs a statement. `simple`: by the simple protocol, where it has no values; `name`: as a named
   * one; `decoded`: `types` has none but the package's own parsers for what the engine reads;
   * `seen`: as of `resultsOf`; `binary`: the parsers get the bytes of the binary form, which the
   * simple protocol has not; `lead`: it begins a transaction, and the next one fails with it.
   * Throws what its values are refused with. Returns its number, for `cancel`.
   */
  query(owner, text, values, options) {
    const own = this.#link;
    this.#endWire();
    const statement = new Statement(this, owner, text, options);
    const number = own.add(statement);
    const { decoded, simple, binary, name } = options;
    const cells = binary ? FLAG.BINARY : decoded ? 0 : FLAG.TEXT;
    const kind = simple ? FLAG.SIMPLE : options.lead ? FLAG.LEAD : 0;
    const flags = kind | cells | FLAG.ALONE;
    try {
      const id = this.#id;
      own.query(number, id, this.#slot, this.#generation, text, values, flags, 0, 0, name);
    } catch (error) {
      own.remove(number);
      own.settleUnused();
      throw error;
    }
    this.#park(statement);
    return number;
  }

  /** The results that a text, or one under a name, has had; or null. */
  resultsOf(text, name) {
    return this.#link.known(text, name)?.results ?? null;
  }

  /** A statement has had a result: its entry, or null of one without columns. */
  noteResult({ text, name }, entry) {
    const known = this.#link.known(text, name);
    if (known !== undefined) (known.results ??= new SeenResults(this.parsers)).note(entry);
  }

  /**
   * Runs a command whose bytes are the caller's, for a request of the caller's own. Returns its
   * number. A stream gets `batch` rows at first, and more with `credit`. `text`: what the pace of the
   * command is known by.
   */
  submit(request, values, flags, batch, text = '') {
    const own = this.#link;
    const number = own.add(request);
    try {
      const id = this.#id;
      own.query(number, id, this.#slot, this.#generation, text, values, flags, 0, batch);
    } catch (error) {
      own.remove(number);
      own.settleUnused();
      throw error;
    }
    return number;
  }

  credit(number, rows) {
    this.#link.record(SUBMIT.CREDIT, number, rows);
  }

  /** Data for a command that the server wants more of. */
  send(number, bytes) {
    this.#link.recordWithBytes(SUBMIT.COPY_DATA, bytes, number);
  }

  /** No more of it; or, with a reason, never all of it, which ends the connection. */
  sendEnd(number, reason = null) {
    this.#link.recordWithText(SUBMIT.COPY_END, reason ?? '', number, reason === null ? 1 : 0);
  }

  /** Stops a statement on the server; its owner hears of it at once. */
  cancel(number, owner) {
    if (this.#link.requests[number]?.owner === owner) this.#link.record(SUBMIT.CANCEL, number);
  }

  /**
   * Has the server stop all that is on the wire, one after the other; what is submitted from now on
   * waits for the end of that. Each must be a single statement outside of a transaction: the error of
   * one that was stopped has `interrupted`. Does nothing where the answer to this one is on its way.
   */
  interrupt(number, asker) {
    const request = this.#link.requests[number];
    if (request !== undefined && (request === asker || request.owner === asker)) {
      this.#link.record(SUBMIT.INTERRUPT, number);
    }
  }

  /** The wire, until the next statement of `query`. Only while none is under way. */
  wire(receive) {
    if (this.#wire !== null) return this.#wire;
    const own = this.#link;
    const wire = new Wire(own, receive);
    const request = new WireRequest(this, wire);
    const number = own.add(request);
    own.query(number, this.#id, this.#slot, this.#generation, '', null, FLAG.WIRE, 0, WINDOW);
    wire.begin(number);
    this.#park(request);
    this.#wireRequest = request;
    return (this.#wire = wire);
  }

  /** The connection keeps the process alive, or does not; a request has no say in it. */
  #park(request) {
    this.#link.park(request);
    this.#link.settleUnused();
  }

  #endWire() {
    if (this.#wire === null) return;
    this.#link.unpark(this.#wireRequest);
    this.#wire.release();
    this.#wire = this.#wireRequest = null;
  }

  // ---- From the ring ----

  /** The ring cannot be understood any more: nothing that was asked is answered. */
  handleBreakdown(error) {
    if (this.#slot === NONE || this.#closing !== null) return;
    this.close(true);
    guarded(() => this.#owner.lost({ code: error.code, message: error.message }));
  }

  shapeOf(entry, request) {
    return request.shapeOf(entry);
  }

  /** As the engine words it: the owner has words of its own. */
  errorOf(wire) {
    return wire;
  }

  handleEvent(event) {
    guarded(() => this.#resource.runInAsyncScope(this.#handle, this, event));
  }

  #handle(event) {
    switch (event.type) {
      case 'connect':
        this.processId = event.processId;
        this.started = event.started;
        this.secretKey = event.started.secretKey;
        this.status = event.started.transaction.charCodeAt(0);
        this.stops = event.started.stops;
        this.local = event.started.local;
        this.remote = event.started.remote;
        for (const [name, value] of event.started.parameters) this.#owner.parameter(name, value);
        break;
      case 'parameter':
        this.#owner.parameter(event.name, event.value);
        break;
      case 'notice':
        this.#owner.notice(event.notice);
        break;
      case 'remove':
        if (this.#closing !== null) return;
        this.#gone = event.error ?? null;
        if (this.#slot !== NONE || this.#missed) this.#lose();
        break;
      default:
    }
  }

  handleNotification(process, text) {
    const cut = text.indexOf('\0');
    const [channel, payload] = [text.slice(0, cut), text.slice(cut + 1)];
    const [owner, resource] = [this.#owner, this.#resource];
    const notify = () => owner.notification(process, channel, payload);
    guarded(() => resource.runInAsyncScope(notify));
  }

  /** What the server says although nothing asked for it. */
  handlePush(value) {
    const [owner, resource] = [this.#owner, this.#resource];
    guarded(() => resource.runInAsyncScope(() => owner.push(value)));
  }

  /** What elements of replies become: the owner's to say. */
  get replies() {
    return this.#owner.replies;
  }

  handleTransport(kind, id, target) {
    if (kind === TRANSPORT.TLS) this.#transports.secure(id, target);
    else this.#transports.open(id, target);
  }
}

/**
 * What the engine has seen of a text, or of one under a name: `read` or `write` where it is short
 * and may share a wire with others, else undefined. `plain` are a read that may run twice, and an
 * INSERT that may run again once the server has stopped it.
 */
function paceOf(text, name) {
  const pace = link().paceOf(text, name);
  switch (pace & ~FLAG.PLAIN) {
    case FLAG.SHORT_READ:
      return pace & FLAG.PLAIN ? 'plain read' : 'read';
    case FLAG.SHORT_WRITE:
      return pace & FLAG.PLAIN ? 'plain write' : 'write';
    default:
      return undefined;
  }
}

module.exports = { Session, paceOf };
