'use strict';

/** What a client says that it is able to do, and bits of how the server says that it stands. */

const FLAGS = {
  ...{ LONG_PASSWORD: 1, FOUND_ROWS: 2, LONG_FLAG: 4, CONNECT_WITH_DB: 8, NO_SCHEMA: 0x10 },
  ...{ COMPRESS: 0x20, ODBC: 0x40, LOCAL_FILES: 0x80, IGNORE_SPACE: 0x100, PROTOCOL_41: 0x200 },
  ...{ INTERACTIVE: 0x400, SSL: 0x800, IGNORE_SIGPIPE: 0x1000, TRANSACTIONS: 0x2000 },
  ...{ RESERVED: 0x4000, SECURE_CONNECTION: 0x8000, MULTI_STATEMENTS: 0x1_0000 },
  ...{ MULTI_RESULTS: 0x2_0000, PS_MULTI_RESULTS: 0x4_0000, PLUGIN_AUTH: 0x8_0000 },
  ...{ CONNECT_ATTRS: 0x10_0000, PLUGIN_AUTH_LENENC_CLIENT_DATA: 0x20_0000 },
  ...{ CAN_HANDLE_EXPIRED_PASSWORDS: 0x40_0000, SESSION_TRACK: 0x80_0000 },
  ...{ CLIENT_QUERY_ATTRIBUTES: 0x800_0000, MULTI_FACTOR_AUTHENTICATION: 0x1000_0000 },
  ...{ SSL_VERIFY_SERVER_CERT: 0x4000_0000, REMEMBER_OPTIONS: 0x8000_0000 },
};

const STATUS = {
  ...{ IN_TRANSACTION: 1, AUTOCOMMIT: 2, MORE_RESULTS: 8 },
  ...{ NO_BACKSLASH_ESCAPES: 0x200, IN_READ_ONLY_TRANSACTION: 0x2000, ANSI_QUOTES: 0x8000 },
};

const DEFAULTS = [
  ...['LONG_PASSWORD', 'FOUND_ROWS', 'LONG_FLAG', 'CONNECT_WITH_DB', 'ODBC', 'LOCAL_FILES'],
  ...['IGNORE_SPACE', 'PROTOCOL_41', 'IGNORE_SIGPIPE', 'TRANSACTIONS', 'RESERVED'],
  ...['SECURE_CONNECTION', 'MULTI_RESULTS', 'SESSION_TRACK', 'CONNECT_ATTRS'],
  ...['CLIENT_QUERY_ATTRIBUTES', 'PLUGIN_AUTH', 'PLUGIN_AUTH_LENENC_CLIENT_DATA'],
];

/** Names of flags; with a minus before it one is left out. */
function mergeFlags(defaults, given) {
  const named = Array.isArray(given)
    ? given
    : String(given || '')
        .toUpperCase()
        .split(/\s*,+\s*/);
  const kept = defaults.filter((name) => !named.includes(`-${name}`));
  const added = named.filter((name) => !name.startsWith('-'));
  return [...kept, ...added].reduce((flags, name) => flags | (FLAGS[name] ?? 0), 0);
}

const defaultFlags = (options) => [
  ...DEFAULTS,
  ...(options?.multipleStatements ? ['MULTI_STATEMENTS'] : []),
];

module.exports = { FLAGS, STATUS, defaultFlags, mergeFlags };
