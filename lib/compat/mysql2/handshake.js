'use strict';

/** The first command of a connection: it opens the session. */

const { Session } = require('../../session');
const { Command } = require('./command');
const { connectError } = require('./errors');
const { Packet } = require('./packet');
const { targetOf } = require('./target');

const { nextTick } = process;

/** The numbers that MariaDB has put before its version, for replicas that expect one of MySQL. */
const PROOF = 20;

class ClientHandshake extends Command {
  #session = null;

  start(connection) {
    this._connection = connection;
    const { config } = connection;
    const session = (this.#session = new Session(connection._owner, null));
    connection._session = session;
    connection.stream.attach(session);
    const attributes = Object.entries(config.connectAttributes);
    const startup = Object.fromEntries(attributes.map(([name, text]) => [name, String(text)]));
    try {
      const target = targetOf(config, { config });
      session.open(target, startup, (error) => this.#opened(error));
    } catch (error) {
      nextTick(() => connection._endCommand(this, () => this.refuse(error)));
    }
    return false;
  }

  #opened(wire) {
    const connection = this._connection;
    if (connection._command !== this) return;
    if (wire !== null) {
      connection._endHandshake(connectError(wire));
      return;
    }
    connection.scope.runInAsyncScope(() => this.#begin(connection));
  }

  #begin(connection) {
    const session = this.#session;
    if (!session.isOpen) return;
    session.ref();
    connection.stream.locate(session);
    connection._connected(helloOf(session.started.hello));
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
