'use strict';

/** Which requests go to a drop-in: `redirect(request, requester)` of a table of packages. */

const fs = require('node:fs');
const path = require('node:path');
const { fileURLToPath, pathToFileURL } = require('node:url');
const { OptionError } = require('../errors');

const VARIABLE = 'POLYPOOL_REGISTER';

/** What is requested from here stays as it is, so that a drop-in could ask for the real package. */
const OWN = path.join(__dirname, '..') + path.sep;
const OWN_URL = pathToFileURL(__filename).href;

/** The packages of the table that the variable names, separated by commas; all when it is empty. */
function choose(table, text = process.env[VARIABLE]) {
  const known = Object.keys(table);
  const names = (text ?? '').split(',').flatMap((name) => name.trim() || []);
  const strangers = names.filter((name) => !known.includes(name));
  if (strangers.length > 0) {
    const quoted = strangers.map((name) => `'${name}'`).join(', ');
    const message = `${VARIABLE} names ${quoted}: polypool replaces ${known.join(', ')}`;
    throw new OptionError(message, { option: VARIABLE });
  }
  return names.length > 0 ? names : known;
}

/** All requests that are redirected: what is asked for, of which package it is, what to give. */
function routes(table, names) {
  return names.flatMap((name) =>
    Object.entries(table[name]).flatMap(([subpath, target]) =>
      spellings(path.posix.join(name, subpath)).map((request) => ({ request, name, target })),
    ),
  );
}

const spellings = (request) =>
  request.endsWith('.js') ? [request, request.slice(0, -'.js'.length)] : [request];

/** Returns a function that tells the target of a request, undefined where it is not redirected. */
function createRedirect(table, names) {
  const targets = new Map(routes(table, names).map((route) => [route.request, route]));
  return (request, requester) => {
    const route = targets.get(request);
    if (route === undefined) return undefined;
    const isKept = requester && (requester.startsWith(OWN) || isPartOf(route.name, requester));
    return isKept ? undefined : route.target;
  };
}

/** Whether a file is one of the package's own, for which the package's name means itself. */
function isPartOf(name, file) {
  const owner = ownerOf(path.dirname(file));
  if (owner?.manifest.name !== name) return false;
  // An application may bear the name of what it uses. Only where it is installed under the name,
  // or has `exports`, does Node find a package by its own name.
  const isInstalled = owner.folder.endsWith(path.join(path.sep, 'node_modules', name));
  return isInstalled || owner.manifest.exports !== undefined;
}

/** The package of a folder: of the nearest package.json that has a name, `type` alone is not one. */
function ownerOf(folder) {
  const manifest = readManifest(folder);
  if (manifest?.name !== undefined) return { folder, manifest };
  const parent = path.dirname(folder);
  return parent === folder || path.basename(folder) === 'node_modules' ? null : ownerOf(parent);
}

function readManifest(folder) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  } catch {
    return null;
  }
}

/** The hook of `import`. Of `require` it hears only in some versions: that has a hook of its own. */
function createResolve(redirect) {
  return (specifier, context, nextResolve) => {
    const { conditions, parentURL } = context;
    // A Set in the first versions that have these hooks, an array later.
    if (new Set(conditions).has('require')) return nextResolve(specifier, context);
    const requester = parentURL?.startsWith('file:') ? fileURLToPath(parentURL) : undefined;
    const target = redirect(specifier, requester);
    if (target === undefined) return nextResolve(specifier, context);
    return nextResolve(target, { ...context, parentURL: OWN_URL });
  };
}

exports.choose = choose;
exports.routes = routes;
exports.createRedirect = createRedirect;
exports.createResolve = createResolve;
