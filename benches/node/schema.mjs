// The tables of the bench, in a schema of their own that is dropped at the end.
export const SCHEMA = 'polypool_bench';
export const USERS = 2000;
export const PEOPLE = 200_000;
export const ACCOUNTS_PER_WORKER = 16;

const TABLES = {
  users: [
    `create table ${SCHEMA}.users (id int4 primary key, name text, email text, active bool)`,
    `insert into ${SCHEMA}.users
       select i, 'User number ' || i, 'user' || i || '@example.org', i % 3 = 0
       from generate_series(1, ${USERS}) i`,
  ],
  people: [
    `create table ${SCHEMA}.people (id int4 primary key, name text, active bool, score float8,
       city text, created timestamptz)`,
    `insert into ${SCHEMA}.people
       select i, 'Person number ' || i, i % 3 = 0, i * 0.25, 'City of ' || i % 977,
         timestamptz '2024-02-03 04:05:06.789+00' + i * interval '61 seconds'
       from generate_series(1, ${PEOPLE}) i`,
  ],
  wide: [
    `create table ${SCHEMA}.wide (id int4 primary key, doc jsonb, at timestamptz, amount numeric,
       key uuid, marks int4[], tags text[], body bytea, note text, title text, seen timestamptz)`,
    `insert into ${SCHEMA}.wide
       select i, jsonb_build_object('n', i, 'name', 'item ' || i, 'ok', i % 2 = 0, 'list',
           jsonb_build_array(i, 'two')),
         timestamptz '2023-01-01 00:00:00.25+00' + i * interval '1 hour', i * 12345.678901,
         md5(i::text)::uuid, array[i, i + 1, -i, 0], array['tag ' || i, 'a, "b"', 'plain'],
         decode(repeat(md5(i::text), 4), 'hex'), case when i % 3 > 0 then 'note ' || i end,
         'Überschrift № ' || i || ' 漢字 🐘', case when i % 4 = 0 then timestamptz 'epoch' end
       from generate_series(1, 100) i`,
  ],
  pages: [
    `create table ${SCHEMA}.pages (id int4 primary key, body text)`,
    `insert into ${SCHEMA}.pages select i, repeat(md5(i::text), 64) from generate_series(1, 100) i`,
  ],
  entries: [
    `create table ${SCHEMA}.entries (id int4, name text, active bool, score float8,
       created timestamptz)`,
  ],
  numbers: [`create unlogged table ${SCHEMA}.numbers (id int4, value int4)`],
  series: [
    `create unlogged table ${SCHEMA}.series (id int4)`,
    `insert into ${SCHEMA}.series select generate_series(1, 1000000)`,
  ],
  accounts: [
    `create table ${SCHEMA}.accounts (id int4 primary key, balance int4) with (fillfactor = 50)`,
  ],
};

export async function createTables(client, names) {
  await dropTables(client);
  await client.query(`create schema ${SCHEMA}`);
  for (const name of new Set(names)) {
    for (const command of TABLES[name]) await client.query(command);
    await client.query(`vacuum analyze ${SCHEMA}.${name}`);
  }
}

export const dropTables = (client) => client.query(`drop schema if exists ${SCHEMA} cascade`);
