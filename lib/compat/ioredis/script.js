'use strict';

/**
 * A script as a command. A connection gets its text with the first call and its digest later; a
 * server that has forgotten it (SCRIPT FLUSH, a restart) gets the text again.
 */

const { createHash } = require('node:crypto');
const { default: asCallback } = require('standard-as-callback');
const { Command } = require('./command');

const isForgotten = (error) => error.message.includes('NOSCRIPT');

class ScriptCommand extends Command {
  #script;
  #connection = null;

  constructor(script, args, options) {
    super('evalsha', [script.sha, ...args], options);
    this.#script = script;
  }

  /** Told where it goes, each time that it is sent. */
  prepare(connection) {
    this.name = this.#script.isKnownTo(connection) ? 'evalsha' : 'eval';
    this.args[0] = this.name === 'eval' ? this.#script.lua : this.#script.sha;
    this.#connection = connection;
  }

  refused(error) {
    if (isForgotten(error) && this.#connection !== null) this.#script.forget(this.#connection);
  }
}

class Script {
  #connections = new WeakSet();

  constructor(lua, numberOfKeys = null, keyPrefix = '', readOnly = false) {
    this.lua = lua;
    this.numberOfKeys = numberOfKeys;
    this.keyPrefix = keyPrefix;
    this.readOnly = readOnly;
    this.sha = createHash('sha1').update(lua).digest('hex');
  }

  /** From now on it is. */
  isKnownTo(connection) {
    const isKnown = this.#connections.has(connection);
    this.#connections.add(connection);
    return isKnown;
  }

  forget(connection) {
    this.#connections.delete(connection);
  }

  execute(container, given, { replyEncoding, errorStack }, callback) {
    const { keyPrefix, readOnly, numberOfKeys } = this;
    const args = typeof numberOfKeys === 'number' ? [numberOfKeys, ...given] : given;
    const options = { replyEncoding, errorStack, keyPrefix, readOnly };
    const command = new ScriptCommand(this, args, options);
    command.promise = command.promise.catch((error) => {
      // Within a transaction the rest goes on without it: once more would be outside.
      if (!isForgotten(error) || command.inTransaction) throw error;
      const client = container.isPipeline ? container.redis : container;
      return client.sendCommand(new ScriptCommand(this, args, options));
    });
    asCallback(command.promise, callback);
    return container.sendCommand(command);
  }
}

module.exports = { Script };
