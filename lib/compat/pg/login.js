'use strict';

/**
 * The login over a Connection of the user's own, message by message: its stream is all there is.
 * For others the engine does it.
 */

const { createHash, randomBytes } = require('node:crypto');
const { connectError } = require('./errors');
const { findPassword } = require('./password');
const { Scram } = require('./scram');
const { startupOf } = require('./target');

const MECHANISM = 'SCRAM-SHA-256';

class Login {
  #client;
  #scram = null;

  constructor(client) {
    this.#client = client;
  }

  begin() {
    const client = this.#client;
    const { connection, host, port } = client;
    connection.on('connect', () => this.#handleConnect());
    connection.on('sslconnect', () => connection.startup(startupOf(client)));
    this.#answer('authenticationCleartextPassword', (password) => connection.password(password));
    this.#answer('authenticationMD5Password', (password, { salt }) =>
      connection.password(md5(client.user, password, salt)),
    );
    this.#answer('authenticationSASL', (password, message) => this.#beginScram(message));
    this.#answer('authenticationSASLContinue', async (password, { data }) => {
      const proof = await this.#scram?.prove(password, data);
      connection.sendSCRAMClientFinalMessage(proof);
    });
    this.#answer('authenticationSASLFinal', (password, { data }) => this.#scram?.check(data));
    connection.on('backendKeyData', ({ processID, secretKey }) => {
      Object.assign(client, { processID, secretKey });
    });
    if (host?.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  }

  #handleConnect() {
    const { connection, ssl, sslNegotiation } = this.#client;
    if (!ssl) connection.startup(startupOf(this.#client));
    else if (sslNegotiation !== 'direct') connection.requestSsl();
  }

  /** What goes wrong with an answer is the end of the login. */
  #answer(name, answer) {
    const { connection } = this.#client;
    connection.on(name, (message) => {
      findPassword(this.#client)
        .then((password) => answer(password, message))
        .catch((error) => connection.emit('error', error));
    });
  }

  #beginScram({ mechanisms }) {
    if (!mechanisms.includes(MECHANISM)) {
      throw connectError({ errno: 'ERR_AUTH_MECHANISM' }, { enableChannelBinding: false });
    }
    this.#scram = new Scram(this.#client, randomBytes(18).toString('base64'));
    this.#client.connection.sendSASLInitialResponseMessage(MECHANISM, this.#scram.first);
  }
}

/** Both are hashed with the user's name, and then with the salt. */
function md5(user, password, salt) {
  const hash = (...parts) => {
    const digest = createHash('md5');
    for (const part of parts) digest.update(part);
    return digest.digest('hex');
  };
  return `md5${hash(hash(`${password}`, user), salt)}`;
}

module.exports = { Login };
