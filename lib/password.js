'use strict';

/**
 * A password function: called anew for each connection, before it is made, so that a token may be
 * as young as its connection. What it returns goes to the engine and is kept nowhere here.
 */

const { messageOf } = require('./errors');

class PasswordFunction {
  #call;
  /** What it threw last, and for which connection: the cause of errors that the engine words. */
  #thrown = null;

  constructor(call) {
    this.#call = call;
  }

  /** `answer(1, password)`, or `answer(0, what went wrong)`. Runs in the pool's async context. */
  ask(resource, connection, answer) {
    resource
      // Not as a method of this object.
      .runInAsyncScope(async (call) => checked(await call()), undefined, this.#call)
      .then(
        (password) => answer(1, password),
        (error) => {
          this.#thrown = { connection, error };
          answer(0, messageOf(error));
        },
      );
  }

  /** What was thrown for this connection, if it is still known. */
  find(connection) {
    const thrown = this.#thrown;
    return thrown !== null && thrown.connection === connection ? thrown.error : undefined;
  }
}

/** Never shows the value: it may hold what was meant as the password. */
function checked(password) {
  if (typeof password === 'string') return password;
  const kind = password === null ? 'null' : typeof password;
  throw new TypeError(`it must return a string, got ${kind === 'object' ? 'an object' : kind}`);
}

module.exports = { PasswordFunction };
