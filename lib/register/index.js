'use strict';

/**
 * `node -r polypool/register` and `node --import polypool/register`: who requires or imports a
 * package of `table.js` gets polypool's drop-in.
 *
 * `require` and `require.resolve` meet in Module._resolveFilename in every version of Node;
 * `import` has hooks on the thread itself in newer versions, else on a thread of their own.
 */

const Module = require('node:module');
const { pathToFileURL } = require('node:url');
const { choose, createRedirect, createResolve } = require('./redirect');
const table = require('./table');

/** Set on Node's Module, of which there is one in each thread, however many copies of this. */
const INSTALLED = Symbol.for('polypool.register');

function redirectRequire(redirect) {
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, parent, ...rest) {
    const target = redirect(request, parent?.filename);
    // Asked for by this module polypool is found by its own name, wherever it is installed.
    if (target !== undefined) return resolve.call(this, target, module, false);
    return resolve.call(this, request, parent, ...rest);
  };
}

function redirectImport(redirect, names) {
  if (Module.registerHooks) {
    Module.registerHooks({ resolve: createResolve(redirect) });
  } else if (Module.register) {
    Module.register('./loader.mjs', { parentURL: pathToFileURL(__filename), data: { names } });
  } else {
    process.emitWarning('polypool/register: Node.js before 20.6 cannot redirect imports');
  }
}

function install() {
  const names = choose(table);
  const redirect = createRedirect(table, names);
  redirectRequire(redirect);
  redirectImport(redirect, names);
  Module[INSTALLED] = true;
}

if (!(module instanceof Module)) {
  throw new Error(
    'polypool/register has no effect on modules that something else than Node.js loads: under ' +
      'Jest use moduleNameMapper of polypool/register/jest, with bundlers an alias',
  );
}
if (!Module[INSTALLED]) install();
