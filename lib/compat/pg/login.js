'use strict';

/**
 * The login over a Connection of the user's own, message by message: its stream is all there is.
 * For others the engine does it, by every method.
 */

const { findPassword } = require('./password');

const UNKNOWN =
  'over a Connection of your own a login is by no password or by one in clear text; for the method ' +
  "that this server asks for leave option 'connection' out, or give its stream as option 'stream'";

class Login {
  #client;

  constructor(client) {
    this.#client = client;
  }

  begin() {
    const client = this.#client;
    const { connection, host, port } = client;
    connection.on('connect', () => this.#handleConnect());
    connection.on('sslconnect', () => connection.startup(client.getStartupConf()));
    connection.on('authenticationCleartextPassword', () => {
      findPassword(this.#client)
        .then((password) => connection.password(password))
        .catch((error) => connection.emit('error', error));
    });
    for (const method of ['authenticationMD5Password', 'authenticationSASL']) {
      connection.on(method, () => connection.emit('error', new Error(UNKNOWN)));
    }
    connection.on('backendKeyData', ({ processID, secretKey }) => {
      Object.assign(client, { processID, secretKey });
    });
    if (host?.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  }

  #handleConnect() {
    const { connection, ssl, sslNegotiation } = this.#client;
    if (!ssl) connection.startup(this.#client.getStartupConf());
    else if (sslNegotiation !== 'direct') connection.requestSsl();
  }
}

module.exports = { Login };
