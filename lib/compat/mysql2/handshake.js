'use strict';

/** The first command of a connection: it opens the session. */

const { Session } = require('../../session');
const { Command } = require('./command');
const { closedEarly, connectError, fatal, loginError } = require('./errors');
const { answerTo } = require('./login');
const { Packet } = require('./packet');
const { Proofs } = require('./proofs');
const { asksNode } = require('./tls');
const { logsIn, targetOf } = require('./target');

const { nextTick } = process;

/** Bytes of a challenge. */
const PROOF = 20;
/** Of a command: it answers the hello. `LOGIN` in `src/engine/mysql/verbatim.rs`. */
const LOGIN = 0x100;

class ClientHandshake extends Command {
  #session = null;
  #hello = null;
  #proofs = null;
  #asked = null;

  start(connection) {
    this._connection = connection;
    this.#open(connection, false);
    return false;
  }

  /** `byNode`: the engine's TLS has refused the server. */
  #open(connection, byNode) {
    const { config } = connection;
    const session = (this.#session = new Session(connection._owner, null));
    connection._session = session;
    connection.stream.attach(session);
    const attributes = Object.entries(config.connectAttributes);
    const startup = Object.fromEntries(attributes.map(([name, text]) => [name, String(text)]));
    try {
      const target = targetOf(config, { config }, byNode);
      session.open(target, startup, (error) => this.#opened(error, byNode));
    } catch (error) {
      nextTick(() => this.#opened(error, byNode));
    }
  }

  #opened(wire, byNode) {
    const connection = this._connection;
    if (connection._command !== this) return;
    if (wire !== null && !byNode && connection.config.ssl && asksNode(wire)) {
      this.#open(connection, true);
      return;
    }
    if (wire !== null) {
      connection._endHandshake(connectError(wire, connection.config.host));
      return;
    }
    try {
      connection.scope.runInAsyncScope(() => this.#begin(connection));
    } catch (error) {
      connection._endHandshake(fatal(error));
    }
  }

  #begin(connection) {
    const session = this.#session;
    if (!session.isOpen) return;
    session.ref();
    connection.stream.locate(session);
    this.#hello = helloOf(session.started.hello);
    if (logsIn(connection.config)) this.#logIn(connection);
    else connection._connected(this.#hello);
  }

  // ---- Where the program has a say in how its password is proved ----

  #logIn(connection) {
    const { config } = connection;
    const { body, plugin, challenge } = answerTo(this.#hello, connection);
    const { password, password2, password3, passwordSha1 } = config;
    const secrets = [{ password, passwordSha1 }, { password: password2 }, { password: password3 }];
    this.#proofs = new Proofs(connection, secrets, plugin, challenge);
    this.exchange(connection, body, null, true, LOGIN);
  }

  hears(bytes) {
    if (bytes[0] === 0) return false;
    this.#asked = bytes;
    return true;
  }

  handleAsked(exchange) {
    const failed = (error) => {
      this._connection._endHandshake(fatal(error, error.code ?? 'AUTH_SWITCH_PLUGIN_ERROR'));
    };
    this.#proofs.answer(this.#asked).then((proof) => proof && exchange.reply(proof), failed);
  }

  finish(connection) {
    connection.emit('connect', this.#hello);
  }

  handleEnd(wire) {
    const connection = this._connection;
    if (connection._command !== this) return;
    if (wire === null) connection._connected(this.#hello);
    else if (wire.kind === 'database') connection._endHandshake(loginError(wire));
    else if (connection._closing) connection._endHandshake(closedEarly());
  }
}

/** What the server has said at first. */
function helloOf(text) {
  const packet = Packet.of(text);
  const protocolVersion = packet.int(1);
  const serverVersion = packet.untilNul().toString();
  const connectionId = packet.int(4);
  const authPluginData1 = packet.take(8);
  packet.take(1);
  const low = packet.int(2);
  const hello = { protocolVersion, serverVersion, connectionId, authPluginData1 };
  if (packet.isOver) return { ...hello, capabilityFlags: low };
  const [characterSet, statusFlags, high] = [packet.int(1), packet.int(2), packet.int(2)];
  const length = packet.int(1);
  packet.take(6);
  const mariadbExtendedCapabilityFlags = packet.int(4);
  const second = packet.take(Math.max(PROOF - 7, length - 8));
  return {
    ...hello,
    capabilityFlags: low + high * 2 ** 16,
    authPluginData2: second,
    characterSet,
    statusFlags,
    authPluginName: packet.untilNul().toString(),
    mariadbExtendedCapabilityFlags,
  };
}

module.exports = { ClientHandshake };
