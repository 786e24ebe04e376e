'use strict';
// Where mysql2 has a defect the drop-in does the right thing: each of these fails over mysql2.

const { once } = require('node:events');
const fs = require('node:fs');
const { Readable } = require('node:stream');
const { inspect } = require('node:util');
const { until } = require('../../support/pools.js');
const { mysqlConfig, mysqlServer } = require('../../support/mysql.js');
const {
  connect,
  execute,
  failure,
  make,
  observe,
  outcome,
  query,
  record,
  track,
  value,
} = require('./connections.js');
const { ScriptedServer, packet, say } = require('./scripted.js');

const mysql = require('../../../lib/compat/mysql2');

const promise = require('../../../lib/compat/mysql2/promise');

const open = (options) => connect(mysql, options);

function thrownBy(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test('queries after a login that was refused are told so; mysql2 never answers them', async () => {
  const connection = make(mysql, { password: 'wrong' });
  await failure((done) => connection.connect(done));
  const error = await failure((done) => connection.query('select 1', done));
  expect(error.message).toBe("Can't add new command when connection is in closed state");
  expect(error.fatal).toBe(true);
});

test('a connection destroyed before the greeting says so; mysql2 answers it, and fails to', async () => {
  let connection;
  const server = await ScriptedServer.open(
    () => {},
    (socket) => {
      connection.destroy();
      socket.write(packet(0, say.hello()));
    },
  );
  connection = track(mysql.createConnection(server.target));
  const heard = once(connection, 'error');
  await until(() => connection._closing && server.connections === 0);
  await new Promise(setImmediate);
  const [error] = await heard;
  expect(error.message).toBe('The connection was closed before it was established');
});

describe('ed25519 of MariaDB, which mysql2 does not know', () => {
  test('plain and over TLS', async () => {
    const ca = fs.readFileSync(mysqlServer().caFile);
    for (const security of [{}, { ssl: { ca } }]) {
      const connection = await open({ user: 'ed25519', ...security });
      expect(await value(connection, 'select current_user()')).toBe('ed25519@%');
    }
  });

  test('a wrong password', async () => {
    const connection = make(mysql, { user: 'ed25519', password: 'wrong' });
    expect(await failure((done) => connection.connect(done))).toMatchObject({ errno: 1045 });
  });
});

test('a DATE that is none, by the text protocol; of 1899 in mysql2', async () => {
  const connection = await open();
  await query(connection, "set sql_mode = ''");
  await query(connection, 'create temporary table zero (a date)');
  await query(connection, "insert into zero values ('0000-00-00')");
  const [[row]] = await query(connection, 'select a from zero');
  expect(row.a).toBeInstanceOf(Date);
  expect(row.a.getTime()).toBeNaN();
});

test('an invalid Date is refused; a zero date in mysql2', async () => {
  const connection = await open();
  const error = await failure((done) => connection.execute('select ?', [new Date(NaN)], done));
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toBe('DATETIME parameter must be a valid Date, got Invalid Date');
  expect(await value(connection, 'select 1')).toBe(1);
});

test('a URL that is none is not repeated in the error', () => {
  const url = 'mysql://app:s3cr3t@localhost:x/test';
  for (const create of [mysql.createConnection, mysql.createPool, promise.createPool]) {
    for (const given of [url, { uri: url }]) {
      const error = thrownBy(() => create(given));
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_URL' });
      expect(inspect(error)).not.toContain('s3cr3t');
    }
  }
});

test('what is no configuration', () => {
  for (const create of [mysql.createConnection, mysql.createPool]) {
    for (const given of [undefined, null, 5]) {
      const error = thrownBy(() => create(given));
      expect(error.message).toMatch(/^The configuration must be an object or a URL, got /);
    }
  }
});

test('what only mysql2 has says so', async () => {
  expect(() => mysql.createServer()).toThrow('createServer is for mysql2 itself');
  const connection = await open();
  for (const each of [connection, connection.promise()]) {
    expect(() => each.createBinlogStream()).toThrow('createBinlogStream is for mysql2 itself');
  }
});

test('a vector that is null; an empty one in mysql2', async () => {
  const connection = await open({ kind: 'mysql' });
  await query(connection, 'create temporary table vectors (a vector(2) null)');
  await query(connection, 'insert into vectors values (null)');
  expect((await query(connection, 'select a from vectors'))[0]).toEqual([{ a: null }]);
  expect((await execute(connection, 'select a from vectors'))[0]).toEqual([{ a: null }]);
});

test('a text is prepared anew when its statement was closed; mysql2 executes the closed one', async () => {
  const connection = await open();
  const [statement] = await outcome((done) => connection.prepare('select ? as a', done));
  statement.close();
  expect((await execute(connection, 'select ? as a', [5]))[0]).toEqual([{ a: 5 }]);
  expect(connection.unprepare('select ? as a')).not.toBe(statement);
});

describe('a connection that is destroyed; mysql2 waits for the server', () => {
  const DESTROYED = {
    code: 'PROTOCOL_CONNECTION_LOST',
    message: 'The connection was destroyed before the answer came',
    fatal: true,
  };

  test('amid a statement that does not end', async () => {
    const connection = await open();
    const events = record(connection, ['error', 'end']);
    const slow = failure((done) => connection.query('select sleep(600)', done));
    const next = failure((done) => connection.execute('select 1', done));
    connection.destroy();
    for (const error of await Promise.all([slow, next])) expect(error).toMatchObject(DESTROYED);
    expect(events).toEqual(['end']);
  });

  test('amid a stream', async () => {
    const connection = await open();
    const sql = 'select sleep(600) from (select 1 union select 2) as many';
    const stream = connection.query(sql).stream();
    connection.destroy();
    const heard = once(stream, 'error');
    stream.resume();
    expect((await heard)[0]).toMatchObject(DESTROYED);
  });

  test('while its program proves the password', async () => {
    const authPlugins = { mysql_native_password: () => () => new Promise(() => {}) };
    const server = await ScriptedServer.open(
      (_, socket) => {
        socket.write(packet(2, Buffer.from('\xfemysql_native_password\0challenge', 'latin1')));
        setImmediate(() => connection.destroy());
      },
      (socket) => socket.write(packet(0, say.hello())),
    );
    const connection = track(mysql.createConnection({ ...server.target, authPlugins }));
    const error = await failure((done) => connection.query('select 1', done));
    expect(error.message).toBe('The connection was closed before it was established');
  });
});

describe('a connection that is lost', () => {
  const sql = 'select sleep(600) from (select 1 union select 2) as many';
  const LOST = { code: 'PROTOCOL_CONNECTION_LOST' };

  async function lose(connection) {
    connection.on('error', () => {});
    await observe('mariadb', `kill ${connection.threadId}`);
  }

  test('ends the streams over it; mysql2 leaves their readers waiting', async () => {
    const connection = await open();
    const streams = [connection.query(sql).stream(), connection.query('select 1').stream()];
    const errors = streams.map((stream) => once(stream.resume(), 'error'));
    await lose(connection);
    for (const [error] of await Promise.all(errors)) expect(error).toMatchObject(LOST);
    const [error] = await once(connection.query('select 1').stream(), 'error');
    expect(error.message).toBe("Can't add new command when connection is in closed state");
  });

  test('calls back once, whose statement was being prepared; mysql2 twice', async () => {
    const connection = await open();
    const calls = [];
    const told = failure((done) => connection.query(sql, done));
    connection.execute('select 1', (error) => calls.push(error.code));
    connection.execute('select 2', (error) => calls.push(error.code));
    await lose(connection);
    await told;
    await new Promise(setImmediate);
    expect(calls).toEqual([LOST.code, LOST.code]);
  });

  test('tells those who ask for more when they hear of it', async () => {
    const connection = await open();
    const closed = new Promise((resolve) => {
      connection.query(sql, () => {
        connection.query('select 1', (error) =>
          connection.rollback((last) => resolve([error, last])),
        );
      });
    });
    await lose(connection);
    for (const error of await closed) {
      expect(error.message).toBe("Can't add new command when connection is in closed state");
    }
  });

  test('calls back once, who was not told of the answer that had come', async () => {
    const connection = await open();
    const calls = [];
    connection.pause();
    connection.query('select 1', (error) => calls.push(error.code));
    await lose(connection);
    await until(() => calls.length > 0);
    connection.resume();
    await new Promise(setImmediate);
    expect(calls).toEqual([LOST.code]);
  });
});

test('a password is not for logs; mysql2 shows it with every connection', async () => {
  const { password } = mysqlConfig();
  const ssl = { rejectUnauthorized: false, key: '', passphrase: 'a pass phrase' };
  const connection = await open({ password2: password, passwordSha1: null, ssl });
  const pool = track(mysql.createPool(mysqlConfig()));
  for (const shown of [connection, connection.promise(), pool, pool.promise(), connection.config]) {
    const text = inspect(shown, { depth: 9, showHidden: true });
    expect(text).toContain('ConnectionConfig {');
    for (const secret of [password, ssl.passphrase]) expect(text).not.toContain(secret);
  }
  expect(JSON.stringify(connection.config)).not.toContain(password);
  expect(connection.config).toMatchObject({ password, ssl });
  expect({ ...connection.config }.password).toBe(password);
});

test('a connect timeout beyond what timers take is none', async () => {
  const connection = await open({ connectTimeout: Infinity });
  expect(await value(connection, 'select 1')).toBe(1);
});

test('a file stream that is closed without a word; mysql2 waits for its end for ever', async () => {
  const connection = await open();
  await query(connection, 'create temporary table files (a int)');
  const infileStreamFactory = () => new Readable({ read: () => {} }).destroy();
  const sql = "load data local infile 'x' into table files";
  const error = await failure((done) => connection.query({ sql, infileStreamFactory }, done));
  expect(error.message).toBe('The file stream was closed before its end');
  expect(await value(connection, 'select 1')).toBe(1);
});

test('compressed packets of more than 16 MiB are no reason to complain', async () => {
  const complain = jest.spyOn(console, 'error').mockImplementation(() => {});
  const connection = await open({ compress: true });
  const text = 'y'.repeat(17_000_000);
  expect((await value(connection, 'select ?', [text])) === text).toBe(true);
  expect(complain).not.toHaveBeenCalled();
  complain.mockRestore();
});

test("a statement that fails after its reader has left is nobody's error", async () => {
  const connection = await open();
  connection.on('error', () => {});
  const sql = `select 1 as n, repeat('x', 100000) union all
    select sleep(600), repeat('y', 5000000) union all select sleep(600), 'z'`;
  const command = connection.query(sql);
  const over = new Promise((resolve) => command.on('end', resolve));
  for await (const row of command.stream()) {
    expect(row.n).toBe(1);
    break;
  }
  await observe('mariadb', 'kill query ?', [connection.threadId]);
  await over;
});
