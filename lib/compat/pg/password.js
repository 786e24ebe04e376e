'use strict';

/** The password of a client: a text, what its function returns, or a line of the passfile. */

const { deprecate } = require('node:util');

const warnOfPassfile = deprecate(
  () => {},
  'pgpass support is deprecated and will be removed in pg@9.0. ' +
    'You can provide an async function as the password property to the Client/Pool constructor ' +
    'that returns a password instead. Within this function you can call the pgpass module in ' +
    'your own code.',
);

/** Resolves to what `client.password` is from then on; null where there is none. */
async function findPassword(client) {
  const { password } = client;
  if (typeof password === 'function') return keep(client, await ask(client));
  if (password !== null) return password;
  const found = await readPassfile(client.connectionParameters);
  if (found === undefined) return null;
  warnOfPassfile();
  return keep(client, found);
}

function keep(client, password) {
  client.connectionParameters.password = password;
  client.password = password;
  return password;
}

async function ask(client) {
  const password = await client.password(client.connectionParameters);
  if (password === undefined) return null;
  if (typeof password !== 'string') throw new TypeError('Password must be a string');
  return password;
}

/** Loaded when it is needed, as most programs have no passfile. */
function readPassfile(parameters) {
  return new Promise((resolve) => require('pgpass')(parameters, resolve));
}

module.exports = { findPassword };
