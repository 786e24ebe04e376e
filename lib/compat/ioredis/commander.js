'use strict';

/** A method for each command, with a second one whose texts are Buffers. */

const { list } = require('@ioredis/commands');
const { Command } = require('./command');
const { Script } = require('./script');

const NAMES = [...list.filter((name) => name !== 'monitor'), 'sentinel'];

/** Takes the callback from the end of the arguments. */
function takeCallback(args) {
  return typeof args[args.length - 1] === 'function' ? args.pop() : undefined;
}

function optionsOf({ options }, replyEncoding) {
  return {
    replyEncoding,
    keyPrefix: options.keyPrefix,
    errorStack: options.showFriendlyErrorStack ? new Error() : undefined,
  };
}

/** Without a name it is the first argument. */
function method(name, encoding) {
  return function (...args) {
    const callback = takeCallback(args);
    const commandName = name ?? args.shift();
    return this.sendCommand(new Command(commandName, args, optionsOf(this, encoding), callback));
  };
}

/** A list of all words is a call, too. */
function callMethod(encoding) {
  const send = method(null, encoding);
  return function (first, ...rest) {
    return Array.isArray(first)
      ? send.call(this, ...first, ...rest)
      : send.call(this, first, ...rest);
  };
}

function scriptMethod(script, encoding) {
  return function (...args) {
    const callback = takeCallback(args);
    const { errorStack } = optionsOf(this, encoding);
    return script.execute(this, args, { replyEncoding: encoding, errorStack }, callback);
  };
}

class Commander {
  options = {};
  scriptsSet = {};
  addedBuiltinSet = new Set();

  getBuiltinCommands() {
    return NAMES.slice();
  }

  createBuiltinCommand(name) {
    return { string: method(name, 'utf8'), buffer: method(name, null) };
  }

  addBuiltinCommand(name) {
    this.addedBuiltinSet.add(name);
    this[name] = method(name, 'utf8');
    this[`${name}Buffer`] = method(name, null);
  }

  /** A command that is a script of the server. */
  defineCommand(name, { lua, numberOfKeys, readOnly }) {
    const script = new Script(lua, numberOfKeys, this.options.keyPrefix, readOnly);
    this.scriptsSet[name] = script;
    this[name] = scriptMethod(script, 'utf8');
    this[`${name}Buffer`] = scriptMethod(script, null);
  }

  sendCommand() {
    throw new Error('"sendCommand" is not implemented');
  }
}

for (const name of NAMES) {
  Commander.prototype[name] = method(name, 'utf8');
  Commander.prototype[`${name}Buffer`] = method(name, null);
}
Commander.prototype.call = callMethod('utf8');
Commander.prototype.callBuffer = callMethod(null);
Commander.prototype.send_command = Commander.prototype.call;

module.exports = { Commander };
