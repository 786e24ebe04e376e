// The tables of the bench over MariaDB and MySQL, in a database of their own that is dropped at the
// end. Flags are numbers, as the peers do not agree on what tinyint(1) is.
import { PEOPLE, SCHEMA, USERS } from './schema.mjs';

const DIGITS = Array.from({ length: 10 }, (_, i) => `select ${i} as i`).join(' union all ');

/** The numbers from 1 to n, without the help of recursion, which servers bound. */
function series(n) {
  const places = String(n - 1).length;
  const digits = Array.from({ length: places }, (_, place) => `(${DIGITS}) d${place}`);
  const sum = Array.from({ length: places }, (_, place) => `d${place}.i * ${10 ** place}`);
  return `(select * from (select 1 + ${sum.join(' + ')} as i from ${digits.join(', ')}) all_of_them
    where i <= ${n}) numbers`;
}

const TABLES = {
  users: [
    `create table ${SCHEMA}.users
       (id int primary key, name varchar(99), email varchar(99), active int)`,
    `insert into ${SCHEMA}.users
       select i, concat('User number ', i), concat('user', i, '@example.org'), i % 3 = 0
       from ${series(USERS)}`,
  ],
  people: [
    `create table ${SCHEMA}.people (id int primary key, name varchar(99), active int,
       score double, city varchar(99), created datetime(3))`,
    `insert into ${SCHEMA}.people
       select i, concat('Person number ', i), i % 3 = 0, i * 0.25, concat('City of ', i % 977),
         timestamp '2024-02-03 04:05:06.789' + interval (i * 61) second
       from ${series(PEOPLE)}`,
  ],
  wide: [
    `create table ${SCHEMA}.wide (id int primary key, doc json, at datetime(3),
       amount decimal(20, 6), code char(36), body blob, note text, title varchar(99),
       seen datetime(3))`,
    `insert into ${SCHEMA}.wide
       select i, json_object('n', i, 'name', concat('item ', i), 'ok', i % 2, 'list',
           json_array(i, 'two')),
         timestamp '2023-01-01 00:00:00.25' + interval i hour, i * 12345.678901,
         left(sha2(i, 256), 36), unhex(repeat(sha2(i, 256), 2)), if(i % 3 > 0, concat('note ', i), null),
         concat('Überschrift № ', i, ' 漢字 🐘'), if(i % 4 = 0, '1970-01-01', null)
       from ${series(100)}`,
  ],
  pages: [
    `create table ${SCHEMA}.pages (id int primary key, body text)`,
    `insert into ${SCHEMA}.pages select i, repeat(sha2(i, 256), 32) from ${series(100)}`,
  ],
  entries: [
    `create table ${SCHEMA}.entries
       (id int, name varchar(99), active int, score double, created datetime(3))`,
  ],
  accounts: [`create table ${SCHEMA}.accounts (id int primary key, balance int)`],
};

export async function createTables(client, names) {
  await dropTables(client);
  await client.query(`create database ${SCHEMA} character set utf8mb4`);
  for (const name of new Set(names)) {
    for (const command of TABLES[name]) await client.query(command);
    await client.query(`analyze table ${SCHEMA}.${name}`);
  }
}

export const dropTables = (client) => client.query(`drop database if exists ${SCHEMA}`);
