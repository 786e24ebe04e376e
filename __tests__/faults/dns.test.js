'use strict';
// A name that moves to another address. Only a mount namespace can give a process names of its own,
// so its program runs in one: as root, or where users may make them (Debian's default).

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { url } = require('../support/urls.js');

const root = path.join(__dirname, '..', '..');

const PROGRAM = `
const { writeFileSync } = require('node:fs');
const net = require('node:net');
const { once } = require('node:events');
const { createPool } = require(${JSON.stringify(root)});
const { hostname, port } = new URL(process.env.TEST_URL);

const pointTo = (address) => writeFileSync(process.env.HOSTS, address + ' moving.test\\n');

// An address of its own: the test may run twice at a time.
const elsewhere = ['127', 77, process.pid & 255, (process.pid >> 8) & 255].join('.');

(async () => {
  let relayed = 0;
  const relay = net.createServer((near) => {
    relayed++;
    const far = net.connect(port, hostname);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  relay.listen(port, elsewhere);
  await once(relay, 'listening');
  pointTo(elsewhere);
  const target = new URL(process.env.TEST_URL);
  target.hostname = 'moving.test';
  const pool = await createPool(target, { max: 1, acquireTimeoutMs: 3000 });
  const seen = [relayed];
  for (const address of ['127.0.0.1', elsewhere]) {
    pointTo(address);
    pool.clear();
    await pool.query('select 1');
    seen.push(relayed);
  }
  pointTo('');
  pool.clear();
  const { code, message } = await pool.query('select 1').catch((error) => error);
  await pool.close();
  relay.close();
  console.log(JSON.stringify({ seen, code, message }));
})();
`;

async function runWithNames() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'polypool-names-'));
  const hosts = path.join(folder, 'hosts');
  writeFileSync(hosts, '');
  const own = process.getuid() === 0 ? '-m' : '-rm';
  const mount = 'mount --bind "$HOSTS" /etc/hosts && exec "$@"';
  const child = spawn('unshare', [own, 'sh', '-c', mount, 'sh', process.execPath, '-e', PROGRAM], {
    env: { ...process.env, NODE_OPTIONS: '', HOSTS: hosts, TEST_URL: url() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  await once(child, 'close');
  rmSync(folder, { recursive: true });
  return { stdout, stderr };
}

test('names are looked up anew for each connection', async () => {
  const { stdout, stderr } = await runWithNames();
  expect(stderr).toBe('');
  const { seen, code, message } = JSON.parse(stdout);
  // Over the relay, not over it, over it again.
  expect(seen).toEqual([1, 1, 2]);
  expect(code).toBe('ERR_POLYPOOL_ACQUIRE_TIMEOUT');
  expect(message).toContain("the address of 'moving.test' cannot be found");
});
