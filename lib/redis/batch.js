'use strict';

/** Several commands as the values of one request: each after the count of its words. */

const { PoolError } = require('../errors');
const { checkWords } = require('./words');

function batchOf(commands) {
  if (!Array.isArray(commands)) throw malformed('must be an array of commands');
  const values = [];
  for (let at = 0; at < commands.length; at++) {
    const command = commands[at];
    if (!Array.isArray(command) || typeof command[0] !== 'string' || command[0] === '') {
      throw malformed(`need each command as [name, ...arguments]; number ${at + 1} is none`);
    }
    checkWords(`command ${at + 1}`, command);
    // `CONFIG GET` is two words to the server.
    const names = command[0].trim().split(/\s+/);
    values.push(names.length + command.length - 1, ...names);
    for (let word = 1; word < command.length; word++) values.push(command[word]);
  }
  return values;
}

function malformed(what) {
  return new PoolError('ERR_POLYPOOL_PARAMETER', `pipeline() and multi() ${what}`);
}

module.exports = { batchOf };
