'use strict';

/** The answer to a server's hello. */

const { CharsetToEncoding, encode } = require('./charsets');
const { FLAGS } = require('./flags');
const { sized } = require('./packet');
const { nativeProof, sha2Proof } = require('./proofs');

const NATIVE = 'mysql_native_password';
const SHA2 = 'caching_sha2_password';
const EXTENDED_METADATA = 8;

/** The packet, and the plugin by which it proves the password. */
function answerTo(hello, connection) {
  const { config } = connection;
  const { authPlugins, authSwitchHandler } = config;
  const { authPluginData1: first, authPluginData2: second, authPluginName } = hello;
  const challenge = Buffer.concat([first, second ?? Buffer.alloc(0)]).subarray(0, 20);
  const own = authSwitchHandler || (authPlugins && Object.hasOwn(authPlugins, authPluginName));
  const plugin = authPluginName === SHA2 && !own && !config.passwordSha1 ? SHA2 : NATIVE;
  const proof = plugin === SHA2 ? sha2Proof(config, challenge) : nativeProof(config, challenge);
  return { body: packetOf(config, hello, plugin, proof), plugin, challenge };
}

function packetOf(config, hello, plugin, proof) {
  const { charsetNumber, connectAttributes, database, user } = config;
  const encoding = CharsetToEncoding[charsetNumber];
  const text = (value) => Buffer.concat([encode(String(value ?? ''), encoding), Buffer.from([0])]);
  const extended = hello.mariadbExtendedCapabilityFlags & EXTENDED_METADATA;
  // Compression begins with a login of the engine's own alone.
  let flags = config.clientFlags & hello.capabilityFlags & ~FLAGS.COMPRESS;
  if (config.ssl) flags |= FLAGS.SSL;
  if (config.password2) flags |= FLAGS.MULTI_FACTOR_AUTHENTICATION & hello.capabilityFlags;
  const has = (flag) => (flags & flag) !== 0;
  const head = Buffer.alloc(32);
  head.writeUInt32LE(flags >>> 0, 0);
  head[8] = charsetNumber & 0xff;
  if (!has(FLAGS.LONG_PASSWORD)) head.writeUInt32LE(extended, 28);
  const body = [head, text(user), Buffer.from([proof.length]), proof];
  if (has(FLAGS.CONNECT_WITH_DB)) body.push(text(database));
  if (has(FLAGS.PLUGIN_AUTH)) body.push(text(plugin));
  if (has(FLAGS.CONNECT_ATTRS)) body.push(attributesOf(connectAttributes, encoding));
  return Buffer.concat(body);
}

function attributesOf(attributes, encoding) {
  const words = Object.entries(attributes).flat();
  return sized(Buffer.concat(words.map((word) => sized(encode(String(word), encoding)))));
}

module.exports = { answerTo };
