'use strict';
// Every way of logging in that the two servers have, and what never leaves this machine in clear.

const { load, rejection, track } = require('../../support/pools.js');
const { observe, openPool, options } = require('../../support/mysql-pools.js');
const { mysqlServer } = require('../../support/mysql.js');
const { ROLES } = require('../../support/mysql-settings.js');
const { visible } = require('../../support/secrets.js');

const WHO = 'select current_user() as name';

async function who(given) {
  const pool = await openPool({ max: 1, ...given });
  const { rows } = await pool.query(WHO);
  return rows[0].name.split('@')[0];
}

/** The error of a refused login, free of secrets, which createPool gives without delay. */
async function refusal(given) {
  const error = await rejection(load().createPool(options(given)));
  for (const { password } of Object.values(ROLES)) {
    if (password) expect(visible(error)).not.toContain(password);
  }
  return error;
}

/** Forgets the hashes that caching_sha2_password knows by heart. */
const forget = () => observe('mysql', 'flush privileges');

const plugins = Object.entries(ROLES)
  .filter(([, { requires }]) => requires === undefined)
  .flatMap(([user, role]) =>
    ['mariadb', 'mysql'].filter((kind) => role[kind]).map((kind) => [user, kind, role[kind]]),
  );

test.each(plugins)(
  '%s of %s logs in by %s over TLS, in clear and over a socket',
  async (user, kind) => {
    const { socket } = mysqlServer(kind);
    for (const way of [
      { sslmode: 'required', ssl: undefined },
      { ssl: false },
      { socketPath: socket, host: undefined },
    ]) {
      expect(await who({ kind, user, ...way })).toBe(user);
    }
  },
);

test.each(plugins)('a wrong password of %s on %s is refused for good', async (user, kind) => {
  const error = await refusal({
    kind,
    user,
    password: 'not-it',
    sslmode: 'required',
    ssl: undefined,
  });
  expect(error).toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR', errno: 1045, sqlState: '28000' });
  expect(error).toBeInstanceOf(load().DatabaseError);
});

test.each(['sha2', 'sha256'])('%s gives its password to no key of unknown origin', async (user) => {
  await forget();
  const error = await refusal({ kind: 'mysql', user, allowPublicKeyRetrieval: undefined });
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_CONNECT', errno: 'ERR_AUTH_PUBLIC_KEY' });
  expect(error.message).toMatch(/serverPublicKey.*allowPublicKeyRetrieval/);
});

test.each(['sha2', 'sha256'])('%s is sealed with the key that is given', async (user) => {
  await forget();
  const variable = user === 'sha2' ? 'caching_sha2_password' : 'sha256_password';
  const rows = await observe(
    'mysql',
    `show status like '${variable.replace('_password', '%')}rsa_public_key'`,
  );
  const [{ Value: key }] = rows.length
    ? rows
    : await observe('mysql', "show status like '%rsa_public_key'");
  const given = { kind: 'mysql', user, allowPublicKeyRetrieval: undefined };
  expect(await who({ ...given, serverPublicKey: key })).toBe(user);
  const error = await refusal({ ...given, serverPublicKey: 'no key' });
  expect(error).toMatchObject({ code: 'ERR_POLYPOOL_OPTION', option: 'serverPublicKey' });
});

test('after one full login the server knows the hash, and asks for no password', async () => {
  await forget();
  const given = { kind: 'mysql', user: 'sha2', allowPublicKeyRetrieval: undefined };
  expect(await who({ ...given, ssl: undefined, sslmode: 'required' })).toBe('sha2');
  expect(await who(given)).toBe('sha2');
});

test.each(['mariadb', 'mysql'])(
  '%s: a password function is asked before each connect',
  async (kind) => {
    const asked = [];
    const password = async () => {
      asked.push(kind);
      return ROLES.app.password;
    };
    const pool = await openPool({ kind, max: 2, min: 2, password });
    await pool.query('select 1');
    expect(asked).toHaveLength(2);
  },
);

test.each(['mariadb', 'mysql'])('%s: an account that must use TLS says so', async (kind) => {
  const error = await refusal({ kind, user: 'tlsonly' });
  expect(error.errno).toBe(1045);
  expect(await who({ kind, user: 'tlsonly', ssl: undefined })).toBe('tlsonly');
});

test('one connection outside of a pool', async () => {
  const connection = track(await load().connect(options({ kind: 'mariadb', user: 'ed25519' })));
  expect((await connection.query(WHO)).rows[0].name).toMatch(/^ed25519@/);
});
