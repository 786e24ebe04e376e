'use strict';

const { inspect } = require('node:util');

/** Everything a log might show of a value, its causes and its properties included. */
function visible(value) {
  const texts = [inspect(value, { depth: 20 }), String(value)];
  for (let error = value; error instanceof Object; error = error.cause) {
    texts.push(String(error.message), String(error.stack));
    texts.push(JSON.stringify(error) ?? '');
    texts.push(JSON.stringify(Object.getOwnPropertyDescriptors(error)) ?? '');
  }
  return texts.join('\n');
}

module.exports = { visible };
