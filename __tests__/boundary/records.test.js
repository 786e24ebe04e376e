'use strict';
// The numbers of the rings stand twice, in src/wire/record.rs and in lib/. They must be the same.

const fs = require('node:fs');
const path = require('node:path');

const read = (...parts) => fs.readFileSync(path.join(__dirname, '..', '..', ...parts), 'utf8');

const numbers = (text, pattern) =>
  Object.fromEntries([...text.matchAll(pattern)].map(([, name, value]) => [name, Number(value)]));

const constants = (text) => numbers(text, /pub const (\w+): i32 = (-?\d+);/g);

/** The constants of record.rs: those of each `mod`, and those around them on both rings. */
function declared() {
  const text = read('src', 'wire', 'record.rs');
  const modules = [...text.matchAll(/pub mod (\w+) \{([^}]*)\}/g)];
  const outside = text.replace(/pub mod \w+ \{[^}]*\}/g, '\0');
  // Submission comes first; each ring's part ends where a module follows.
  const parts = outside.split('\0').map(constants);
  const [submit, complete] = parts.filter((part) => Object.keys(part).length > 0);
  return {
    submit,
    complete,
    ...Object.fromEntries(modules.map(([, name, body]) => [name, constants(body)])),
  };
}

/** An object literal of numbers, `const NAME = { A: 1, ... };`. */
function literal(text, name) {
  const [, body] = new RegExp(`^const ${name} = \\{([^}]*)\\}`, 'm').exec(text);
  return numbers(body, /(\w+): (-?\d+)/g);
}

const rust = declared();

test('record.rs was understood', () => {
  const modules = ['complete', 'fate', 'flag', 'hook', 'submit', 'tag', 'transport', 'value'];
  expect(Object.keys(rust).sort()).toEqual(modules);
  expect(rust.submit.QUERY).toBe(3);
  expect(rust.complete.ROWS).toBe(1);
});

const TABLES = ['SUBMIT', 'COMPLETE', 'FLAG', 'FATE', 'HOOK', 'TRANSPORT', 'VALUE'];

test.each(TABLES)('records.js: %s', (name) => {
  expect(literal(read('lib', 'records.js'), name)).toEqual(rust[name.toLowerCase()]);
});

test('params.js: the tags', () => {
  const { JSON_TEXT, ...tags } = numbers(read('lib', 'params.js'), /^const (\w+) = (\d+);$/gm);
  const known = Object.fromEntries(Object.entries(tags).filter(([name]) => name in rust.tag));
  // JSON is taken in JavaScript.
  expect({ ...known, JSON: JSON_TEXT }).toEqual(rust.tag);
});

test.each([
  ['ANSWER', 'answer'],
  ['CHANGE', 'change'],
  ['EFFECT', 'effect'],
  ['REJECTED', 'rejected'],
])('resources.js: %s', (name, module) => {
  const text = read('src', 'wire', 'foreign.rs');
  const [, body] = new RegExp(`pub mod ${module} \\{([^}]*)\\}`).exec(text);
  const known = constants(body);
  expect(Object.keys(known).length).toBeGreaterThan(2);
  expect(literal(read('lib', 'resources.js'), name)).toEqual(known);
});

test('no two records of one ring have the same number', () => {
  for (const ring of [rust.submit, rust.complete, rust.tag, rust.value]) {
    expect(new Set(Object.values(ring)).size).toBe(Object.keys(ring).length);
  }
});
