'use strict';

/** Several commands as the values of one request: each after the count of its words. */

const { readWords, wrong } = require('./words');

function batchOf(commands) {
  if (!Array.isArray(commands)) throw wrong('pipeline() and multi() need an array of commands');
  const values = [];
  for (let at = 0; at < commands.length; at++) {
    const command = commands[at];
    const name = Array.isArray(command) ? command[0] : undefined;
    if (typeof name !== 'string' || name.trim() === '') {
      throw wrong(`a command is [name, ...arguments]: number ${at + 1} of the batch is none`);
    }
    // `CONFIG GET` is two words to the server.
    const names = name.trim().split(/\s+/);
    const args = readWords(command.slice(1));
    values.push(names.length + args.length, ...names);
    for (const arg of args) values.push(arg);
  }
  return values;
}

module.exports = { batchOf };
