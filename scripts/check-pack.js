'use strict';
// Packs both packages, looks at what is in them, installs them into an empty project as a user
// would, and runs a query from CommonJS and from an ES module, and programs of packages that are
// not installed over their drop-ins. Needs the add-on to be built.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { packAll } = require('./pack.js');
const target = require('../lib/platform.js');
const { mysqlUrl } = require('../__tests__/support/mysql.js');
const { MySqlServer } = require('../__tests__/support/mysql-server.js');
const { RedisServer } = require('../__tests__/support/redis.js');
const { Server } = require('../__tests__/support/server.js');
const { url } = require('../__tests__/support/urls.js');

const REGISTER = 'polypool/register';
/** Two engines, TLS and zstd; what grows beyond has a reason, or is a mistake. */
const ADDON_BYTES_MAX = 6 * 1024 * 1024;
const ALLOWED =
  /^(index\.(js|mjs|d\.ts|d\.mts)|lib\/.+\.(js|mjs|d\.ts|d\.mts)|package\.json|[A-Z]+(\.md)?)$/;
const REQUIRED = ['index.js', 'index.mjs', 'index.d.ts', 'lib/binding.js', 'README.md', 'LICENSE'];

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

function checkContents([main, platform]) {
  const names = main.files.map((file) => file.path);
  const strangers = names.filter((name) => !ALLOWED.test(name));
  expect(strangers.length === 0, `the tarball holds ${strangers.join(', ')}`);
  const missing = REQUIRED.filter((name) => !names.includes(name));
  expect(missing.length === 0, `the tarball lacks ${missing.join(', ')}`);
  const addon = platform.files.find((file) => file.path === target.file);
  expect(addon, `${platform.name} lacks ${target.file}`);
  expect(addon.size <= ADDON_BYTES_MAX, `${target.file} has ${addon.size} bytes`);
}

/** The program a user would write; it prints the answer of the server. */
const QUERY = `
const pool = await createPool(process.env.DATABASE_URL, { max: 1 });
const { rows } = await pool.query('select $1::int + 1 as answer', [41]);
await pool.close();
console.log(JSON.stringify(rows));`;

/** One of generic-pool's, which is not installed. */
const LOAN = `
const factory = { create: async () => ({ answer: 42 }), destroy: async () => {} };
const pool = createPool(factory, { max: 1 });
await pool.use(async (resource) => console.log(JSON.stringify([resource])));
await pool.drain();`;

/** One of pg's, which is not installed either. */
const ROWS = `
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
const { rows } = await pool.query('select $1::int + 1 as answer', [41]);
await pool.end();
console.log(JSON.stringify(rows));`;

/** One of mysql2's: over the drop-in's own name and over the package's, which is not there. */
const ANSWER = `
const pool = createPool(process.env.MYSQL_URL);
const [rows] = await pool.execute('select ? + 1 as answer', [41]);
await pool.end();
console.log(JSON.stringify(rows));`;

/** One of ioredis's, likewise. */
const COUNT = `
const redis = new Redis(process.env.REDIS_URL);
await redis.set('answer', 41);
console.log(JSON.stringify([{ answer: await redis.incr('answer') }]));
await redis.quit();`;

const commonJs = (name, exported, body) =>
  `const { ${exported} } = require('${name}');\n(async () => {${body}\n})();`;
const esModule = (name, exported, body) => `import { ${exported} } from '${name}';\n${body}`;

const PROGRAMS = [
  { file: 'program', from: ['polypool', 'createPool', QUERY] },
  { file: 'replaced', from: ['generic-pool', 'createPool', LOAN], isReplaced: true },
  { file: 'replaced-pg', from: ['pg', 'Pool', ROWS], isReplaced: true },
  { file: 'mysql2', from: ['polypool/mysql2/promise', 'createPool', ANSWER] },
  { file: 'replaced-mysql2', from: ['mysql2/promise', 'createPool', ANSWER], isReplaced: true },
  { file: 'ioredis', from: ['polypool/ioredis', 'Redis', COUNT] },
  { file: 'replaced-ioredis', from: ['ioredis', 'Redis', COUNT], isReplaced: true },
].flatMap(({ file, from, isReplaced }) => [
  { file: `${file}.cjs`, text: commonJs(...from), flags: isReplaced ? ['-r', REGISTER] : [] },
  { file: `${file}.mjs`, text: esModule(...from), flags: isReplaced ? ['--import', REGISTER] : [] },
]);

function checkInstalled(folder, tarballs, urls) {
  const env = { ...process.env, ...urls, NODE_PATH: '' };
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs];
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const { file, text, flags } of PROGRAMS) {
    fs.writeFileSync(path.join(folder, file), text);
    const options = { cwd: folder, env, encoding: 'utf8' };
    const output = execFileSync(process.execPath, [...flags, file], options);
    expect(output.trim() === '[{"answer":42}]', `${file} printed ${output}`);
    console.log(`ok   node ${[...flags, file].join(' ')} in an empty project`);
  }
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'polypool-pack-'));
  const [postgres, mariadb, redis] = await Promise.all([
    Server.start(),
    MySqlServer.start('mariadb'),
    RedisServer.start(),
  ]);
  try {
    const packed = packAll(path.join(folder, 'tarballs'));
    checkContents(packed);
    for (const { name, size } of packed) console.log(`ok   ${name}: ${size} bytes packed`);
    const project = path.join(folder, 'project');
    fs.mkdirSync(project);
    const tarballs = packed.map((tarball) => tarball.path);
    checkInstalled(project, tarballs, {
      DATABASE_URL: url({ server: postgres.describe() }),
      MYSQL_URL: mysqlUrl({ server: mariadb.describe() }),
      REDIS_URL: redis.url,
    });
  } finally {
    await Promise.all([postgres.destroy(), mariadb.destroy(), redis.destroy()]);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(`pack check: ${error.message}`);
  process.exitCode = 1;
});
