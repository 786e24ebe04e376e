// Libraries whose declarations name mysql2 take what is declared here instead, and so does code that
// asks for mysql2's own classes.

import { drizzle } from 'drizzle-orm/mysql2';
import { Kysely, MysqlDialect } from 'kysely';
import * as theirs from 'mysql2';
import * as theirPromises from 'mysql2/promise';
import * as ours from 'polypool/mysql2';
import * as ourPromises from 'polypool/mysql2/promise';

declare const pool: ours.Pool;
declare const promises: ourPromises.Pool;
declare const lent: ours.PoolConnection;
declare const promised: ourPromises.PoolConnection;

const given: [theirs.Pool, theirs.PoolConnection, theirs.Connection] = [pool, lent, lent];
const later: [theirPromises.Pool, theirPromises.PoolConnection] = [promises, promised];
const options: theirs.PoolOptions = {} as ours.PoolOptions;
const back: ours.PoolOptions = {} as theirs.PoolOptions;
const cured: ours.PoolOptions = { acquireTimeout: 10 };

void [given, later, options, back, cured, drizzle(pool), drizzle(promises)];
void new Kysely({ dialect: new MysqlDialect({ pool }) });
