'use strict';
// Runs each file of examples/, and of its folders pg/, mysql2/ and ioredis/, against the test servers. It must end by
// itself with exit code 0, and where its head says what it prints, it must print just that. One that
// serves HTTP says where on its standard output; it is then asked once and stopped.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const mysql = require('mysql2/promise');
const { Client } = require('pg');
const { mysqlUrl } = require('../__tests__/support/mysql.js');
const { RedisServer } = require('../__tests__/support/redis.js');
const { url } = require('../__tests__/support/urls.js');

const root = path.join(__dirname, '..');
const LIMIT_MS = 60_000;
const FOLDERS = ['examples', 'examples/pg', 'examples/mysql2', 'examples/ioredis'];

/** The table the examples read. */
async function createUsers(connectionString) {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query(`
    create table if not exists users (id int primary key, name text not null, email text not null);
    insert into users select i, 'user ' || i, 'user' || i || '@example.org'
      from generate_series(1, 100) i on conflict do nothing`);
  await client.end();
}

/** The same of MariaDB. */
async function createMysqlUsers(uri) {
  const connection = await mysql.createConnection(uri);
  await connection.query(`
    create table if not exists users (id int primary key, name text not null, email text not null)`);
  const rows = Array.from({ length: 100 }, (_, at) => at + 1).map((i) => [
    i,
    `user ${i}`,
    `user${i}@example.org`,
  ]);
  await connection.query('insert ignore into users values ?', [rows]);
  await connection.end();
}

/** Asks a server for what it said it serves, then stops it; its exit code decides as well. */
async function ask(child, address) {
  const response = await fetch(address);
  const body = await response.text();
  child.kill('SIGTERM');
  if (!response.ok) throw new Error(`${address} answered ${response.status}: ${body}`);
}

/** What an example prints by its own account; null where that is not the same in every run. */
function announced(file) {
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  const [, lines] = /^\/\/ Prints:\n((?:\/\/ {3}.*\n)+)/m.exec(text) ?? [];
  return lines?.replace(/^\/\/ {3}/gm, '') ?? null;
}

async function check(file, env) {
  const child = spawn(process.execPath, [file], { cwd: root, env, stdio: ['ignore', 'pipe', 2] });
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  let output = '';
  let asked = null;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    const [address] = /http:\/\/\S+/.exec(output) ?? [];
    if (address && output.includes('\n')) asked ??= ask(child, address);
    asked?.catch(() => child.kill('SIGKILL'));
  });
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  await asked;
  if (code !== 0) throw new Error(`ended with ${code ?? signal}\n${output}`);
  const expected = announced(file) ?? output;
  if (output !== expected) throw new Error(`printed\n${output}instead of\n${expected}`);
}

async function checkExamples() {
  const database = url();
  await createUsers(database);
  await createMysqlUsers(mysqlUrl());
  const redis = await RedisServer.start();
  const env = { ...process.env, DATABASE_URL: database, REDIS_URL: redis.url, PORT: '0' };
  try {
    return await checkAll(env);
  } finally {
    await redis.destroy();
  }
}

async function checkAll(env) {
  const files = FOLDERS.flatMap((folder) =>
    fs.readdirSync(path.join(root, folder)).map((name) => `${folder}/${name}`),
  ).filter((file) => /\.m?js$/.test(file));
  let failed = 0;
  for (const file of files) {
    try {
      const isMysql = file.startsWith('examples/mysql2/');
      await check(file, isMysql ? { ...env, DATABASE_URL: mysqlUrl() } : env);
      console.log(`ok   ${file}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${file}: ${error.message}`);
    }
  }
  return { passed: files.length - failed, failed };
}

module.exports = { checkExamples };
