'use strict';
// The two kinds of server that speak MySQL's protocol: where Debian has them, how they make their
// files, what they are told, and who may log in.

const fs = require('node:fs');
const path = require('node:path');

const DATABASE = 'polypool_test';

/**
 * How each role proves who it is, by the kind of server; `password` is null where the server asks
 * for none, `requires` says what it wants of the connection. A role without a plugin of a kind is
 * not there.
 */
const ROLES = {
  app: {
    mariadb: 'mysql_native_password',
    mysql: 'caching_sha2_password',
    password: 'app-pa55-w0rd',
  },
  native: { mariadb: 'mysql_native_password', password: 'native-pa55-w0rd' },
  sha2: { mysql: 'caching_sha2_password', password: 'sha2-pa55-w0rd' },
  sha256: { mysql: 'sha256_password', password: 'sha256-pa55-w0rd' },
  ed25519: { mariadb: 'ed25519', password: 'ed25519-pa55-w0rd' },
  nopass: { mariadb: 'mysql_native_password', mysql: 'caching_sha2_password', password: null },
  tlsonly: {
    mariadb: 'mysql_native_password',
    mysql: 'caching_sha2_password',
    password: 'tls-pa55-w0rd',
    requires: 'ssl',
  },
  certuser: {
    mariadb: 'mysql_native_password',
    mysql: 'caching_sha2_password',
    password: null,
    requires: 'x509',
  },
};

/** May do everything, from everywhere; the root that servers make is for the unix socket alone. */
const SUPERUSER = { user: 'admin', password: 'super-pa55-w0rd' };

const SETTINGS = {
  'bind-address': '127.0.0.1',
  'max-connections': 300,
  'max-allowed-packet': '64M',
  'local-infile': 1,
  'secure-file-priv': '',
  'character-set-server': 'utf8mb4',
  'default-time-zone': '+00:00',
  'skip-name-resolve': 1,
  'skip-log-bin': 1,
  'performance-schema': 0,
  'innodb-flush-log-at-trx-commit': 0,
  'innodb-flush-method': 'nosync',
  'innodb-doublewrite': 0,
  'innodb-buffer-pool-size': '32M',
};

const KINDS = {
  mariadb: {
    package: 'mariadb-server',
    suite: 'bookworm',
    parts: ['mariadb-server-core'],
    program: 'usr/sbin/mariadbd',
    settings: {
      'innodb-log-file-size': '16M',
      'plugin-load-add': 'auth_ed25519',
    },
    /** What mariadb-install-db does, but for the help texts and the user of everybody. */
    initialize: () => ['--bootstrap'],
    tables: (share) => {
      const names = [
        'mysql_system_tables',
        'mysql_performance_tables',
        'mysql_system_tables_data',
        'maria_add_gis_sp_bootstrap',
        'mysql_sys_schema',
      ];
      const texts = names.map((name) => fs.readFileSync(path.join(share, `${name}.sql`), 'utf8'));
      return `create database mysql;\nuse mysql;\n${texts.join('\n')}`;
    },
    identified: (plugin, password) =>
      `identified via ${plugin} using password(${password === null ? "''" : `'${password}'`})`,
  },
  mysql: {
    package: 'mysql-server-core',
    suite: 'unstable',
    parts: [],
    program: 'usr/sbin/mysqld',
    settings: { mysqlx: 0, 'innodb-redo-log-capacity': '32M' },
    initialize: () => ['--initialize-insecure', '--auto-generate-certs=0'],
    tables: () => '',
    identified: (plugin, password) =>
      `identified with ${plugin}${password === null ? '' : ` by '${password}'`}`,
  },
};

/** The statements that make the roles of a server of this kind. */
function rolesOf(kind) {
  const { identified } = KINDS[kind];
  const roles = Object.entries(ROLES).filter(([, role]) => role[kind]);
  return [
    `create database ${DATABASE}`,
    ...roles.flatMap(([name, { [kind]: plugin, password, requires }]) => [
      `create user '${name}'@'%' ${identified(plugin, password)}` +
        (requires ? ` require ${requires}` : ''),
      `grant all on \`polypool\\_%\`.* to '${name}'@'%'`,
    ]),
    `create user '${SUPERUSER.user}'@'%' ${identified(ROLES.app[kind], SUPERUSER.password)}`,
    `grant all on *.* to '${SUPERUSER.user}'@'%' with grant option`,
  ];
}

module.exports = { DATABASE, KINDS, ROLES, SETTINGS, SUPERUSER, rolesOf };
