'use strict';

/** COM_CHANGE_USER: logs in anew on the same connection. */

const { CharsetToEncoding, charsetNumber, encode } = require('./charsets');
const { Command } = require('./command');
const { fatal } = require('./errors');
const { FLAGS } = require('./flags');
const { Proofs, nativeProof } = require('./proofs');
const { checkTexts } = require('./target');

const CHANGE_USER = 17;
const NATIVE = 'mysql_native_password';

class ChangeUser extends Command {
  #config;
  #login;
  #proofs = null;
  #asked = null;
  #failure = null;

  constructor(options, config, callback) {
    super((error) => {
      if (error) error.fatal = true;
      if (callback) callback(error);
    });
    this.#config = config;
    // As of now, whoever else is logged in before it starts.
    this.#login = {
      user: options.user || config.user,
      password: options.password || options.password1 || config.password || config.password1,
      database: options.database || config.database,
      number: options.charset ? charsetNumber(options.charset) : config.charsetNumber,
      passwordSha1: options.passwordSha1 || config.passwordSha1,
    };
  }

  start(connection) {
    const config = this.#config;
    const { user, password, database, number, passwordSha1 } = this.#login;
    checkTexts({ user, database, password });
    Object.assign(config, { user, password, database, charsetNumber: number });
    connection.clientEncoding = CharsetToEncoding[number];
    connection._forgetSession();
    const { authPluginData1: first, authPluginData2: second } = connection._handshakePacket;
    const challenge = Buffer.concat([first, second]).subarray(0, 20);
    this.#proofs = new Proofs(connection, [{ password, passwordSha1 }], NATIVE, challenge);
    const proof = nativeProof({ password, passwordSha1 }, challenge);
    const body = [
      ...[Buffer.from([CHANGE_USER]), text(user, number), Buffer.from([proof.length]), proof],
      ...[text(database, number), Buffer.from([number & 0xff, number >> 8])],
    ];
    if (config.clientFlags & FLAGS.PLUGIN_AUTH) body.push(text(NATIVE, number));
    if (config.clientFlags & FLAGS.CONNECT_ATTRS) body.push(Buffer.from([0]));
    this.exchange(connection, Buffer.concat(body), null, true);
    return false;
  }

  hears(bytes) {
    if (bytes[0] === 0) return false;
    this.#asked = bytes;
    return true;
  }

  handleAsked(exchange) {
    this.#proofs.answer(this.#asked).then(
      (proof) => {
        if (proof !== null) exchange.reply(proof);
      },
      (error) => {
        this.#failure = fatal(error, error.code ?? 'AUTH_SWITCH_PLUGIN_ERROR');
        this._connection._fail(this.#failure);
      },
    );
  }

  finish() {
    if (this.#failure === null) this.onResult(null);
  }
}

const text = (value, number) =>
  Buffer.concat([encode(String(value ?? ''), CharsetToEncoding[number]), Buffer.from([0])]);

module.exports = { ChangeUser };
