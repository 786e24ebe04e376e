'use strict';

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. */

const { createHash, createHmac, pbkdf2, timingSafeEqual } = require('node:crypto');
const { promisify } = require('node:util');
const { connectError } = require('./errors');

const derive = promisify(pbkdf2);

/** "n,,": no channel binding. */
const HEADER = 'n,,';
/** The server knows the user from the first message of all. */
const BARE = 'n=*,r=';

class Scram {
  #client;
  #nonce;
  /** What the server has to show in the end. */
  #signature = null;

  constructor(client, nonce) {
    this.#client = client;
    this.#nonce = nonce;
  }

  get first() {
    return `${HEADER}${BARE}${this.#nonce}`;
  }

  /** The answer to the challenge. */
  async prove(password, challenge) {
    if (typeof password !== 'string' || password === '') throw this.#refusal('NO_PASSWORD');
    const { r: nonce = '', s: salt = '', i: rounds } = attributesOf(challenge);
    const iterations = Number(rounds);
    const isFresh = nonce.startsWith(this.#nonce) && nonce.length > this.#nonce.length;
    if (!isFresh || salt === '' || !(iterations > 0)) throw this.#refusal('CHALLENGE');
    const { scramMaxIterations: most } = this.#client;
    if (most !== 0 && iterations > most) {
      throw this.#refusal('ITERATIONS', `${iterations} iterations`);
    }
    const secret = Buffer.from(salt, 'base64');
    const key = await derive(prepared(password), secret, iterations, 32, 'sha256');
    const unproved = `c=${Buffer.from(HEADER).toString('base64')},r=${nonce}`;
    const exchange = `${BARE}${this.#nonce},${challenge},${unproved}`;
    const clientKey = hmac(key, 'Client Key');
    const mask = hmac(createHash('sha256').update(clientKey).digest(), exchange);
    this.#signature = hmac(hmac(key, 'Server Key'), exchange);
    return `${unproved},p=${clientKey.map((byte, at) => byte ^ mask[at]).toString('base64')}`;
  }

  /** Throws unless the server knows the password too. */
  check(data) {
    const shown = Buffer.from(attributesOf(data).v ?? '', 'base64');
    const expected = this.#signature;
    if (expected === null || shown.length !== expected.length) throw this.#refusal('PROOF');
    if (!timingSafeEqual(shown, expected)) throw this.#refusal('PROOF');
  }

  #refusal(reason, message) {
    return connectError({ errno: `ERR_AUTH_${reason}`, message }, this.#client);
  }
}

function attributesOf(text) {
  return Object.fromEntries(text.split(',').map((part) => [part[0], part.slice(2)]));
}

function hmac(key, text) {
  return createHmac('sha256', key).update(text).digest();
}

/** SASLprep (RFC 4013), as far as it changes texts: servers refuse none. */
function prepared(password) {
  return password
    .replace(/[\p{Zs}\u200B]/gu, ' ')
    .replace(
      /[\u00AD\u1806\u2060\uFEFF]|\u034F|[\u180B-\u180D]|[\u200C\u200D]|[\uFE00-\uFE0F]/g,
      '',
    )
    .normalize('NFKC');
}

module.exports = { Scram };
