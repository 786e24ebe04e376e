'use strict';

/** Proofs of a password, by the plugins that servers name. */

const { constants, createHash, publicEncrypt } = require('node:crypto');

const SWITCH = 0xfe;
const MORE = 1;
const NEXT_FACTOR = 2;
/** What caching_sha2_password says. */
const [KEY, FAST_OK, FULL] = [2, 3, 4];
const NATIVE = 'mysql_native_password';
/** Bytes of a challenge. */
const PROOF = 20;
const NUL = Buffer.from([0]);

const hash = (name, ...parts) =>
  parts.reduce((sum, part) => sum.update(part), createHash(name)).digest();

function xor(bytes, key) {
  return Buffer.from(bytes, 0).map((byte, at) => byte ^ key[at % key.length]);
}

/** By the SHA-1 of the password, where that is all that is known. */
function nativeProof({ password, passwordSha1 }, challenge) {
  if (!password && !passwordSha1) return Buffer.alloc(0);
  const once = passwordSha1
    ? Buffer.from(passwordSha1, typeof passwordSha1 === 'string' ? 'hex' : undefined)
    : hash('sha1', Buffer.from(password));
  return xor(hash('sha1', challenge, hash('sha1', once)), once);
}

function sha2Proof({ password }, challenge) {
  if (!password) return Buffer.alloc(0);
  const once = hash('sha256', Buffer.from(password));
  return xor(hash('sha256', hash('sha256', once), challenge), once);
}

const CLEAR =
  'Server requested authentication using mysql_clear_password, which sends the password in ' +
  'plaintext over the network and is disabled by default. To enable it, set the ' +
  '`enableCleartextPlugin` option to `true` in your connection configuration, or provide a custom ' +
  '`mysql_clear_password` auth plugin via the `authPlugins` option. Only use this over a secure ' +
  'connection (TLS/SSL).';

function unknownPlugin(name) {
  return new Error(
    `Server requests authentication using unknown plugin ${name}. See TODO: add plugins doco here ` +
      'on how to configure or author authentication plugins.',
  );
}

/** The password under the server's key. */
function sealed(password, challenge, key) {
  const clear = xor(Buffer.from(`${password}\0`), challenge);
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, clear);
}

class Proofs {
  #connection;
  #secrets;
  #factor = 0;
  #plugin;
  #challenge;
  /** A key was asked for. */
  #awaitsKey = false;
  #own = null;

  /** `secrets`: one for each factor, in the order in which the server asks for them. */
  constructor(connection, secrets, plugin, challenge) {
    this.#connection = connection;
    this.#secrets = secrets;
    this.#plugin = plugin;
    this.#challenge = challenge;
  }

  /** Resolves to what is to be sent, null where nothing is. */
  async answer(packet) {
    if (packet[0] === SWITCH) return this.#switch(packet);
    if (packet[0] === NEXT_FACTOR) {
      this.#factor++;
      return this.#switch(packet);
    }
    if (packet[0] !== MORE) {
      const error = new Error('Unexpected packet during handshake phase');
      throw Object.assign(error, { code: 'HANDSHAKE_UNKNOWN_ERROR' });
    }
    const data = packet.subarray(1);
    const { authSwitchHandler } = this.#connection.config;
    if (authSwitchHandler) return this.#byHand({ pluginData: data });
    if (this.#own !== null) return this.#bytes(await this.#own(data));
    return this.#more(data);
  }

  async #switch(packet) {
    const end = packet.indexOf(0, 1);
    this.#plugin = packet.toString('latin1', 1, end < 0 ? packet.length : end);
    const data = end < 0 ? Buffer.alloc(0) : packet.subarray(end + 1);
    this.#challenge = data.subarray(0, PROOF);
    const { authPlugins, authSwitchHandler } = this.#connection.config;
    if (authSwitchHandler && this.#plugin !== NATIVE) {
      return this.#byHand({ pluginName: this.#plugin, pluginData: data });
    }
    if (authPlugins && Object.hasOwn(authPlugins, this.#plugin)) {
      return this.#byPlugin(authPlugins[this.#plugin], data);
    }
    this.#own = null;
    return this.#first();
  }

  /** Which finds the password of each factor where that of the first one was. */
  async #byPlugin(plugin, data) {
    const { config } = this.#connection;
    const { password } = config;
    if (this.#factor > 0) config.password = this.#secret.password;
    try {
      this.#own = plugin({ connection: this.#connection, command: null });
      return this.#bytes(await this.#own(data));
    } finally {
      config.password = password;
    }
  }

  #byHand(asked) {
    console.warn('WARNING! authSwitchHandler api is deprecated, please use new authPlugins api');
    const { authSwitchHandler } = this.#connection.config;
    return new Promise((resolve, reject) => {
      authSwitchHandler(asked, (error, data) => (error ? reject(error) : resolve(data)));
    });
  }

  get #secret() {
    return this.#secrets[this.#factor] ?? {};
  }

  #bytes(given) {
    return given === null || given === undefined ? null : Buffer.from(given);
  }

  #first() {
    const [secret, challenge] = [this.#secret, this.#challenge];
    switch (this.#plugin) {
      case NATIVE:
        return nativeProof(secret, challenge);
      case 'caching_sha2_password':
        return sha2Proof(secret, challenge);
      case 'sha256_password':
        if (this.#isConfidential) return Buffer.from(`${secret.password ?? ''}\0`);
        this.#awaitsKey = true;
        return Buffer.from([1]);
      case 'mysql_clear_password':
        return this.#clear();
      default:
        throw unknownPlugin(this.#plugin);
    }
  }

  #clear() {
    if (!this.#connection.config.enableCleartextPlugin) {
      throw Object.assign(new Error(CLEAR), { code: 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED' });
    }
    return Buffer.concat([Buffer.from(this.#secret.password ?? ''), NUL]);
  }

  get #isConfidential() {
    const { config, stream } = this.#connection;
    return stream.encrypted || Boolean(config.socketPath);
  }

  #more(data) {
    const { password = '' } = this.#secret;
    if (this.#awaitsKey) {
      this.#awaitsKey = false;
      return sealed(password, this.#challenge, data);
    }
    if (data[0] === FAST_OK) return null;
    if (data[0] !== FULL) throw new Error('Invalid AuthMoreData packet received');
    if (this.#isConfidential) return Buffer.from(`${password}\0`);
    this.#awaitsKey = true;
    return Buffer.from([KEY]);
  }
}

module.exports = { CLEAR, Proofs, nativeProof, sealed, sha2Proof, unknownPlugin };
