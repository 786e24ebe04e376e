'use strict';

/**
 * What is behind a pool: known to lib/, not to its users. Requests and leases point to it, and the
 * ring tells it what the engine says.
 */

const { AsyncResource } = require('node:async_hooks');
const { DIALECTS } = require('./dialect');
const { ClosedError, OptionError, PoolError } = require('./errors');
const { Events } = require('./events');
const { errorOf } = require('./failure');
const { trackHolders } = require('./holders');
const { Hooks } = require('./hooks');
const { Leases } = require('./leases');
const { NOTIFIED } = require('./listen');
const { TRANSPORT } = require('./records');
const { Transports } = require('./transport');

class InnerPool {
  /**
   * `facade` is the pool its users see, `Statements` makes requests of what they ask, `Connection`
   * is what they borrow. With replicas `group` is what both pools share, and `replicas` that of the
   * replicas, where this is not it itself.
   */
  constructor(facade, { Connection, Statements }, opened, group = null, replicas = null) {
    const { link, settings, hooks, recipe, password } = opened;
    this.facade = facade;
    this.Connection = Connection;
    this.link = link;
    this.id = settings.pool;
    this.name = settings.name;
    this.settings = settings;
    this.dialect = DIALECTS[settings.engine];
    this.group = group;
    this.replicas = replicas;
    /** Who tells of events: a pool of replicas speaks through its primary. */
    this.emitter = group === null ? facade : group.primary;
    const beside = this.emitter === facade ? 'primary' : 'replica';
    this.target = group === null ? undefined : beside;
    this.int8 = settings.int8;
    /** The connection that hears what others publish, from the first who listens. */
    this.hub = null;
    /** The promise of `close()`. */
    this.closing = null;
    /** Closed while other threads may go on: the engine waits for what is given back. */
    this.leaving = false;
    this.resource = new AsyncResource('polypool.Pool');
    this.events = new Events(this);
    this.leases = new Leases(this);
    this.statements = new Statements(this);
    this.hooks = new Hooks(this, hooks, password);
    this.transports = new Transports(link, recipe, this.resource, settings.engine);
    link.pools.set(this.id, this);
    if (settings.shared) link.shared.add(settings.name);
    if (settings.leakDetectionMs !== null) trackHolders();
  }

  /** What is wrong with using it after `close()`. */
  refusal() {
    return new ClosedError(`pool '${this.name}' is closed`);
  }

  /** Throws where this thread cannot open the connection that `what` needs beside the pool's. */
  checkBeside(what) {
    if (this.closing !== null) throw this.refusal();
    const { name, leftOut: option } = this.settings;
    if (option === null) return;
    const message =
      `${what} opens a connection of this thread: pass option '${option}' to the shared pool ` +
      `'${name}' here as well`;
    throw new OptionError(message, { option });
  }

  /** Throws where there is no LISTEN and NOTIFY. */
  checkListens() {
    if (this.dialect.listens) return;
    const message = "listen() and notify() are PostgreSQL's: other engines have no such thing";
    throw new PoolError('ERR_POLYPOOL_UNSUPPORTED', message);
  }

  // ---- From the ring ----

  /** What becomes of the elements of a push. */
  get replies() {
    return this.statements.replies;
  }

  shapeOf(entry) {
    return entry.shape(this.int8);
  }

  errorOf(wire, request) {
    return errorOf(this, wire, request);
  }

  granted(request, slot, generation) {
    this.leases.granted(request, slot, generation);
  }

  withdraw(number) {
    this.leases.withdraw(number);
  }

  handleEvent(event) {
    this.events.handle(event);
  }

  handleHook(kind, slot, serial, processId) {
    this.hooks.handle(kind, slot, serial, processId);
  }

  /** A hub hears of it; nobody listens for what a borrower's own LISTEN brings. */
  handleNotification(process, text) {
    this.facade.emit(NOTIFIED, process, text);
  }

  /** What nobody has asked for: the same. */
  handlePush(value) {
    this.facade.emit(NOTIFIED, value);
  }

  /** Makes a transport for the engine, or puts TLS on one. */
  handleTransport(kind, id, target) {
    if (kind === TRANSPORT.TLS) this.transports.secure(id, target);
    else this.transports.open(id, target);
  }
}

module.exports = { InnerPool };
