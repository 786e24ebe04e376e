'use strict';

/** Functions of the caller's that the engine waits for: onConnect, reset, the password function. */

const { messageOf } = require('./errors');
const { Lease } = require('./lease');
const { PasswordFunction } = require('./password');
const { FLAG, HOOK, SUBMIT } = require('./records');

class Hooks {
  #pool;
  #functions;

  constructor(pool, functions, password) {
    this.#pool = pool;
    this.#functions = functions;
    this.password = typeof password === 'function' ? new PasswordFunction(password) : null;
  }

  /** Runs onConnect or reset on a connection that is not yet, or no longer, in use. */
  handle(kind, slot, serial, processId) {
    const { link, id, resource } = this.#pool;
    if (kind === HOOK.PASSWORD) {
      this.password.ask(resource, serial, (ok, text) =>
        link.recordWithText(SUBMIT.HOOK, text, id, slot, serial, ok),
      );
      return;
    }
    const hook = kind === HOOK.RESET ? this.#functions.reset : this.#functions.onConnect;
    const lease = new Lease(this.#pool, slot, serial, FLAG.HOOK);
    lease.identity = { id: serial, processId };
    const connection = new this.#pool.Connection(lease);
    const answer = (ok, message) => {
      lease.revoke('stale');
      link.recordWithText(SUBMIT.HOOK, message, id, slot, serial, ok);
    };
    resource
      .runInAsyncScope(async () => {
        await hook(connection);
        await lease.endOpen(() => true);
      })
      .then(
        () => answer(1, ''),
        (error) => answer(0, messageOf(error)),
      );
  }
}

module.exports = { Hooks };
