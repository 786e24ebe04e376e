'use strict';

/**
 * What is behind a pool: known to lib/, not to its users. Requests and leases point to it, and the
 * ring tells it what the engine says.
 */

const { AsyncResource } = require('node:async_hooks');
const { Commands } = require('./commands');
const { DIALECTS } = require('./dialect');
const { ClosedError, PoolError } = require('./errors');
const { Events } = require('./events');
const { errorOf } = require('./failure');
const { trackHolders } = require('./holders');
const { Hooks } = require('./hooks');
const { Leases } = require('./leases');
const { NOTIFIED } = require('./listen');
const { TRANSPORT } = require('./records');
const { PUSHED, repliesOf } = require('./replies');
const { Statements } = require('./statements');
const { Transports } = require('./transport');

class InnerPool {
  /**
   * `facade` is the pool its users see. With replicas `group` is what both pools share, and
   * `replicas` that of the replicas, where this is not it itself.
   */
  constructor(facade, { link, settings, hooks, recipe, password }, group = null, replicas = null) {
    this.facade = facade;
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
    /** The promise of `close()`. */
    this.closing = null;
    /** Closed while other threads may go on: the engine waits for what is given back. */
    this.leaving = false;
    this.resource = new AsyncResource('polypool.Pool');
    this.events = new Events(this);
    this.leases = new Leases(this);
    this.replies = repliesOf(this.int8);
    this.statements = this.dialect.commands ? new Commands(this) : new Statements(this);
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

  /** Throws where there is no LISTEN and NOTIFY. */
  checkListens() {
    if (this.dialect.listens) return;
    const message = "listen() and notify() are PostgreSQL's: other engines have no such thing";
    throw new PoolError('ERR_POLYPOOL_UNSUPPORTED', message);
  }

  // ---- From the ring ----

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

  /** What a connection was told although nothing asked for it: only who subscribes wants it. */
  handlePush(value) {
    this.facade.emit(PUSHED, value);
  }

  /** Makes a transport for the engine, or puts TLS on one. */
  handleTransport(kind, id, target) {
    if (kind === TRANSPORT.TLS) this.transports.secure(id, target);
    else this.transports.open(id, target);
  }
}

module.exports = { InnerPool };
