'use strict';

/**
 * Ways to log in, for option `authPlugins`: `plugin(options)({ connection, command })` answers what
 * the server says, a call for each packet. What is not given is that of the connection.
 */

const { nativeProof, sealed, sha2Proof } = require('./proofs');

/** What is asked and answered byte by byte. */
const FAST_OK = 3;
const FULL = 4;
const ASK_KEY = { caching_sha2_password: 2, sha256_password: 1 };

const withNul = (password) => Buffer.from(`${password ?? ''}\0`);

const isEncrypted = ({ stream }) => stream.encrypted === true;

/** The later answers of a login by RSA: asks for the server's key where it is not known. */
class KeyExchange {
  #ask;
  #options;
  #password;
  #challenge;
  #isAsked = false;

  constructor(name, options, password, challenge) {
    this.#ask = Buffer.from([ASK_KEY[name]]);
    this.#options = options;
    this.#password = password;
    this.#challenge = challenge;
  }

  begin() {
    if (this.#options.serverPublicKey) return this.#seal(this.#options.serverPublicKey);
    this.#isAsked = true;
    return this.#ask;
  }

  answer(key) {
    if (!this.#isAsked) throw new Error('The server said more than this login has to ask for');
    this.#isAsked = false;
    this.#options.onServerPublicKey?.(key);
    return this.#seal(key);
  }

  #seal(key) {
    return sealed(this.#password ?? '', this.#challenge, key);
  }
}

function cachingSha2(options = {}) {
  return ({ connection }) => {
    const { config } = connection;
    let exchange = null;
    let isFull = false;
    return (data) => {
      if (exchange === null) {
        const challenge = data.subarray(0, 20);
        exchange = new KeyExchange('caching_sha2_password', options, config.password, challenge);
        return sha2Proof(config, challenge);
      }
      if (isFull) return exchange.answer(data);
      if (data.length === 1 && data[0] === FAST_OK) return null;
      if (data.length !== 1 || data[0] !== FULL) {
        throw new Error('Invalid AuthMoreData packet received by caching_sha2_password plugin');
      }
      isFull = true;
      const isSafe = options.overrideIsSecure ?? Boolean(config.ssl || config.socketPath);
      return isSafe ? withNul(config.password) : exchange.begin();
    };
  };
}

function sha256(options = {}) {
  return ({ connection }) => {
    const { password } = connection.config;
    let exchange = null;
    return (data) => {
      if (exchange !== null) return exchange.answer(data);
      if (isEncrypted(connection)) return withNul(password);
      exchange = new KeyExchange('sha256_password', options, password, data.subarray(0, 20));
      return exchange.begin();
    };
  };
}

function native(options = {}) {
  return ({ connection, command }) => {
    const { config } = connection;
    const secret = {
      password: command?.password || options.password || config.password,
      passwordSha1: command?.passwordSha1 || options.passwordSha1 || config.passwordSha1,
    };
    return (data) => nativeProof(secret, data.subarray(0, 20));
  };
}

function clear(options = {}) {
  return ({ connection, command }) => {
    const password = command?.password || options.password || connection.config.password;
    return () => withNul(password);
  };
}

module.exports = {
  caching_sha2_password: cachingSha2,
  mysql_clear_password: clear,
  mysql_native_password: native,
  sha256_password: sha256,
};
