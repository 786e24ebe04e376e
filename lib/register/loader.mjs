/** `import` for versions of Node that have hooks only on a thread of their own. */

import { createRedirect, createResolve } from './redirect.js';
import table from './table.js';

let hook;

export function initialize({ names }) {
  hook = createResolve(createRedirect(table, names));
}

export const resolve = (specifier, context, nextResolve) => hook(specifier, context, nextResolve);
