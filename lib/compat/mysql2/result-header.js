'use strict';

/** What an OK packet says of a statement. */

const { numberOfCharset } = require('./charsets');
const { FLAGS } = require('./flags');
const { CharPacket, Packet } = require('./packet');

const STATE_CHANGED = 0x4000;

class ResultSetHeader {
  /** `told`: the packet, one character for each byte. */
  constructor(told, connection) {
    const packet = new CharPacket(told);
    const { config, serverEncoding: encoding } = connection;
    const flags = connection._handshakePacket?.capabilityFlags ?? FLAGS.PROTOCOL_41;
    this.fieldCount = packet.int(1);
    this.affectedRows = number(packet.length(), config);
    this.insertId = number(packet.length(true), config);
    this.info = '';
    this.serverStatus = packet.int(2);
    this.warningStatus = packet.int(2);
    let changes = null;
    // The engine always agrees on it; a program that does not ask for it is told no changes.
    if (flags & FLAGS.SESSION_TRACK) {
      if (!packet.isOver) {
        this.info = packet.text(encoding) ?? '';
        const isTold = config.clientFlags & FLAGS.SESSION_TRACK;
        if (isTold && this.serverStatus & STATE_CHANGED) changes = readChanges(packet, connection);
      }
    } else {
      this.info = packet.isOver ? '' : packet.restText(encoding);
    }
    if (changes !== null) this.stateChanges = changes;
    this.changedRows = this.info === '' ? 0 : changedIn(this.info);
  }
}

function changedIn(info) {
  const changed = /\schanged:\s*(\d+)/i.exec(info);
  return changed === null ? 0 : parseInt(changed[1], 10);
}

/** Beyond the safe integers it is a text, and with `bigNumberStrings` from where it is large. */
function number(value, { bigNumberStrings }) {
  if (typeof value === 'bigint') {
    const rounded = Number(value);
    return bigNumberStrings || !Number.isSafeInteger(rounded) ? String(value) : rounded;
  }
  return value;
}

const TRACKED = {
  0(changes, data, connection) {
    const { serverEncoding: encoding } = connection;
    const [name, value] = [data.text(encoding), data.text(encoding)];
    changes.systemVariables[name] = value;
    if (name !== 'character_set_client') return;
    const number = numberOfCharset(value);
    if (number !== undefined) connection.config.charsetNumber = number;
  },
  1(changes, data, { serverEncoding }) {
    changes.schema = data.text(serverEncoding);
  },
  2(changes, data, { serverEncoding }) {
    changes.trackStateChange = data.text(serverEncoding);
  },
  3(changes, data, { serverEncoding }) {
    data.sized();
    changes.gtids = (data.text(serverEncoding) ?? '').split(',');
  },
};

/** What has changed of the session; null where nothing is told. */
function readChanges(packet, connection) {
  const all = packet.isOver ? null : packet.sized();
  if (all === null || all.length === 0) return null;
  const list = new Packet(all);
  const changes = { systemVariables: {}, schema: null, gtids: [], trackStateChange: null };
  while (!list.isOver) {
    const kind = list.int(1);
    const data = list.sized();
    if (data !== null) TRACKED[kind]?.(changes, new Packet(data), connection);
  }
  return changes;
}

module.exports = { ResultSetHeader };
