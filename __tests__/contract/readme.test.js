'use strict';

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { url } = require('../support/urls.js');

const root = path.join(__dirname, '..', '..');

test('the start in the README runs as it stands', async () => {
  const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
  const [, start] = /^```js\n(.*?)^```$/ms.exec(readme);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', start], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: url() },
  });
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    '[ { next: 42 } ]',
    '[ { length: 33 } ]',
    'note 1',
    'sum 5000050000',
    '',
  ]);
});
