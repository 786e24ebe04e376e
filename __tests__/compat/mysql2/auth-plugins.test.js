'use strict';
// The ways to log in that the package hands out, asked as a connection asks them.

const crypto = require('node:crypto');
const { IMPLEMENTATIONS } = require('./implementations.js');

const CHALLENGE = Buffer.from('abcdefghijklmnopqrst\0');
const KEYS = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const PUBLIC = KEYS.publicKey.export({ type: 'spki', format: 'pem' });

/** What the server reads of a password that came under its key. */
function opened(bytes) {
  const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING;
  const sealed = crypto.privateDecrypt({ key: KEYS.privateKey, padding }, bytes);
  return Buffer.from(sealed.map((byte, i) => byte ^ CHALLENGE[i % 20])).toString();
}

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  /** The function that hears the server, of a connection with this configuration. */
  const begin = (plugin, options, config = { password: 'secret' }, stream = {}) =>
    mysql().authPlugins[plugin](options)({ connection: { config, stream }, command: {} });

  const hex = (bytes) => bytes.toString('hex');

  test('mysql_native_password', () => {
    const PROOF = '8817c50fa779daef010ee7577825b0847df9842e';
    const sha1 = crypto.createHash('sha1').update('secret').digest();
    expect(hex(begin('mysql_native_password', {})(CHALLENGE))).toBe(PROOF);
    expect(hex(begin('mysql_native_password', { passwordSha1: sha1 }, {})(CHALLENGE))).toBe(PROOF);
    const own = begin('mysql_native_password', { password: 'other' });
    expect(hex(own(CHALLENGE))).not.toBe(PROOF);
  });

  test('mysql_clear_password', () => {
    expect(begin('mysql_clear_password', {})(CHALLENGE).toString()).toBe('secret\0');
    const own = begin('mysql_clear_password', { password: 'other' });
    expect(own(CHALLENGE).toString()).toBe('other\0');
  });

  describe('caching_sha2_password', () => {
    test('that the server remembers', () => {
      const hear = begin('caching_sha2_password');
      expect(hex(hear(CHALLENGE))).toBe(
        'c76e2898612a4cf042c77fa8c4702c4c64c0c2c557c53c4d75595aaa6abae809',
      );
      expect(hear(Buffer.from([3]))).toBeNull();
      expect(begin('caching_sha2_password', {}, {})(CHALLENGE)).toHaveLength(0);
    });

    test('under the key of the server', () => {
      const keys = [];
      const hear = begin('caching_sha2_password', { onServerPublicKey: (key) => keys.push(key) });
      hear(CHALLENGE);
      expect(hex(hear(Buffer.from([4])))).toBe('02');
      expect(opened(hear(Buffer.from(PUBLIC)))).toBe('secret\0');
      expect(keys).toEqual([Buffer.from(PUBLIC)]);
      expect(() => hear(Buffer.from([4]))).toThrow();
    });

    test('under a key that is known', () => {
      const hear = begin('caching_sha2_password', { serverPublicKey: PUBLIC });
      hear(CHALLENGE);
      expect(opened(hear(Buffer.from([4])))).toBe('secret\0');
    });

    test.each([
      ['over TLS', {}, { ssl: {} }],
      ['over a unix socket', {}, { socketPath: '/s' }],
      ['where the program says so', { overrideIsSecure: true }, {}],
    ])('as it is %s', (_where, options, config) => {
      const hear = begin('caching_sha2_password', options, { password: 'secret', ...config });
      hear(CHALLENGE);
      expect(hear(Buffer.from([4])).toString()).toBe('secret\0');
    });

    test('that is asked for something else', () => {
      const hear = begin('caching_sha2_password');
      hear(CHALLENGE);
      expect(() => hear(Buffer.from([9]))).toThrow('Invalid AuthMoreData packet received');
    });
  });

  describe('sha256_password', () => {
    test('under the key of the server', () => {
      const keys = [];
      const hear = begin('sha256_password', { onServerPublicKey: (key) => keys.push(key) });
      expect(hex(hear(CHALLENGE))).toBe('01');
      expect(opened(hear(Buffer.from(PUBLIC)))).toBe('secret\0');
      expect(keys).toEqual([Buffer.from(PUBLIC)]);
      expect(() => hear(Buffer.from(PUBLIC))).toThrow();
    });

    test('under a key that is known', () => {
      const hear = begin('sha256_password', { serverPublicKey: PUBLIC });
      expect(opened(hear(CHALLENGE))).toBe('secret\0');
    });
  });
});
