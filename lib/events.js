'use strict';

/** The events of a pool: what the engine tells of becomes what listeners hear. */

const { checkBudget } = require('./budget');
const { emitIn } = require('./emitter');
const { copyServerFields, fromWire } = require('./errors');

/** What a lease's statements are told when its connection was removed; else that it was lost. */
const REMOVED = {
  destroyed: 'stale',
  leaseExpired: 'revoked',
  closed: 'closed',
};

class Events {
  #pool;
  #emitter;
  #resource;
  #connected = false;

  constructor(pool) {
    this.#pool = pool;
    this.#emitter = pool.emitter;
    this.#resource = pool.resource;
  }

  /** What the engine has told. */
  handle(event) {
    const { facade, group, leases, link, settings, target } = this.#pool;
    const info = { id: event.connection, processId: event.processId };
    if (target !== undefined) info.target = target;
    switch (event.type) {
      case 'connect':
        if (!this.#connected) {
          this.#connected = true;
          if (settings.max > 1 && this.#pool.dialect.listens) checkBudget(facade, settings.max);
        }
        this.emit('connect', info);
        break;
      case 'remove':
        leases.find(event)?.revoke(REMOVED[event.reason] ?? 'lost');
        this.emit('remove', info, event.reason);
        if (event.idle) this.#emitError(fromWire(event.error), info);
        break;
      case 'replicas': {
        const error = event.reachable ? null : fromWire(event.error);
        group.note(error && (() => this.#emitError(error, null)));
        break;
      }
      case 'error':
        this.#emitError(fromWire(event.error), null);
        break;
      case 'notice': {
        const context = event.request === null ? null : link.contextOf(event.request);
        this.emitIn(context ?? this.#resource, 'notice', noticeOf(event.notice), info);
        break;
      }
      case 'leak': {
        const { heldMs } = event;
        const { stack } = leases.find(event) ?? {};
        this.emit('leak', { ...info, heldMs, stack: stack ?? '' });
        break;
      }
      default:
        leases.find(event)?.revoke(this.#pool.closing === null ? 'revoked' : 'closed');
    }
  }

  #emitError(error, info) {
    if (this.#emitter.listenerCount('error') > 0) this.emit('error', error, info);
  }

  emit(name, ...args) {
    if (this.#emitter.listenerCount(name) > 0) this.emitIn(this.#resource, name, ...args);
  }

  /** As `emitIn` of every emitter. */
  emitIn(context, name, ...args) {
    emitIn(this.#emitter, context, name, ...args);
  }
}

function noticeOf(wire) {
  return copyServerFields({ message: wire.message }, wire);
}

module.exports = { Events };
