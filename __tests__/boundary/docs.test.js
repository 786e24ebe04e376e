'use strict';
// What is said in several places is the same in all of them.

const fs = require('node:fs');
const path = require('node:path');
const errors = require('../../lib/errors.js');

const root = path.join(__dirname, '..', '..');
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');
const capture = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);

const declarations = read('index.d.ts');
const readme = read('README.md');

/** The keys of an interface in index.d.ts. */
function members(name) {
  const body = new RegExp(`^export interface ${name} [^{]*\\{\\n(.*?)^\\}`, 'ms').exec(
    declarations,
  );
  return capture(body[1], /^ {2}(\w+)\??:/gm);
}

/** The pool's options as src/core/options.rs declares them. */
const declared = capture(read('src/core/options.rs'), /^ {4}"(\w+)" => \w+,/gm);

test('every pool option is typed', () => {
  const typed = [...members('ConnectOptions'), ...members('PoolOptions')];
  expect(typed.sort()).toEqual([...declared].sort());
});

test('every pool option is in the README', () => {
  const [table] = readme.slice(readme.indexOf('## Options')).split('\n## ');
  expect(capture(table, /^\| `(\w+)` /gm).sort()).toEqual([...declared].sort());
});

test('every option of the target is understood by the engine, and the other way round', () => {
  const keys = capture(read('src/engine/postgres/config.rs').split('];')[0], /^ {4}"(\w+)",/gm);
  // Which engine it is, is asked before.
  const typed = members('TargetOptions').filter((name) => name !== 'engine');
  expect([...typed, 'replicas'].sort()).toEqual(keys.sort());
});

test('every option of the other target is typed', () => {
  const keys = capture(read('src/engine/mysql/config.rs').split('];')[0], /^ {4}"(\w+)",/gm);
  const typed = [...members('TargetOptions'), ...members('MySqlOptions')];
  expect(keys.length).toBeGreaterThan(10);
  expect(typed).toEqual(expect.arrayContaining(keys));
});

test('every error class is declared', () => {
  const classes = Object.keys(errors).filter((name) => /^[A-Z]/.test(name));
  expect(capture(declarations, /^export class (\w+Error) /gm).sort()).toEqual(classes.sort());
});

test('every error code of the engine is declared', () => {
  const codes = new Set(capture(declarations, /'(ERR_POLYPOOL_\w+)'/g));
  const sources = fs
    .readdirSync(path.join(root, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.rs'))
    .map((file) => read(path.join('src', file)));
  const used = new Set(sources.flatMap((text) => capture(text, /"(ERR_POLYPOOL_\w+)"/g)));
  expect(used.size).toBeGreaterThan(5);
  for (const code of used) expect(codes).toContain(code);
});

test('every reason to close a connection is declared', () => {
  const source = read('src/core/message.rs');
  const reasons = capture(source, /CloseReason::\w+ => "(\w+)"/g);
  const typed = capture(/RemoveReason =(.*?);/s.exec(declarations)[1], /'(\w+)'/g);
  expect(typed.sort()).toEqual(reasons.sort());
});

test('files named in ARCHITECTURE.md exist', () => {
  const text = read('ARCHITECTURE.md');
  const named = capture(text, /`((?:src|lib|__tests__|index)[\w./-]*\.(?:rs|js|d\.ts))`/g);
  expect(named.length).toBeGreaterThan(5);
  for (const file of named)
    expect([file, fs.existsSync(path.join(root, file))]).toEqual([file, true]);
});
