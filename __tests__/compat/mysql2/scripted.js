'use strict';
// A server that says what a test wants it to say, byte by byte, and keeps what it hears: for what no
// MySQL server does, and for what a client sends and when.

const { once } = require('node:events');
const net = require('node:net');

const FLAGS = {
  LONG_PASSWORD: 1,
  FOUND_ROWS: 2,
  LONG_FLAG: 4,
  CONNECT_WITH_DB: 8,
  COMPRESS: 0x20,
  LOCAL_FILES: 0x80,
  PROTOCOL_41: 0x200,
  SSL: 0x800,
  TRANSACTIONS: 0x2000,
  SECURE_CONNECTION: 0x8000,
  MULTI_STATEMENTS: 0x10000,
  MULTI_RESULTS: 0x20000,
  PLUGIN_AUTH: 0x80000,
  CONNECT_ATTRS: 0x100000,
  PLUGIN_AUTH_LENENC: 0x200000,
};
/** What a server offers unless a test says otherwise: no TLS, no compression, results with EOF. */
const OFFERED = Object.entries(FLAGS)
  .filter(([name]) => name !== 'SSL' && name !== 'COMPRESS')
  .reduce((all, [, flag]) => all | flag, 0);
const SCRAMBLE = Buffer.from('abcdefghijklmnopqrst');
const STRING = 253;
const UTF8MB4 = 45;

const COMMANDS = { quit: 1, query: 3, ping: 14, prepare: 22, execute: 23, close: 25, reset: 31 };

const u8 = (n) => Buffer.from([n]);
const u16 = (n) => Buffer.from([n & 0xff, n >> 8]);

function u32(n) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n);
  return bytes;
}

/** A text with its length before it; those of scripts are short. */
const sized = (text) => Buffer.concat([u8(Buffer.byteLength(text)), Buffer.from(text)]);

/** A packet with its header. */
const packet = (sequence, payload) =>
  Buffer.concat([
    u16(payload.length & 0xffff),
    u8(payload.length >> 16),
    u8(sequence & 0xff),
    payload,
  ]);

/** Packets one behind the other, the first with this sequence number. */
const packets = (sequence, ...payloads) =>
  Buffer.concat(payloads.map((payload, i) => packet(sequence + i, payload)));

/** Payloads of a server. */
const say = {
  hello: ({
    version = '8.0.99-scripted',
    flags = OFFERED,
    plugin = 'mysql_native_password',
    thread = 4711,
  } = {}) =>
    Buffer.concat([
      u8(10),
      Buffer.from(`${version}\0`),
      u32(thread),
      SCRAMBLE.subarray(0, 8),
      u8(0),
      u16(flags & 0xffff),
      u8(UTF8MB4),
      u16(2),
      u16(flags >>> 16),
      u8(SCRAMBLE.length + 1),
      Buffer.alloc(10),
      SCRAMBLE.subarray(8),
      u8(0),
      Buffer.from(`${plugin}\0`),
    ]),
  ok: ({ affected = 0, insertId = 0, status = 2, warnings = 0, info = '' } = {}) =>
    Buffer.concat([
      u8(0),
      u8(affected),
      u8(insertId),
      u16(status),
      u16(warnings),
      Buffer.from(info),
    ]),
  error: (errno, state, text) =>
    Buffer.concat([u8(0xff), u16(errno), Buffer.from(`#${state}${text}`)]),
  /** As servers say it before they know the client. */
  bareError: (errno, text) => Buffer.concat([u8(0xff), u16(errno), Buffer.from(text)]),
  eof: (status = 2) => Buffer.concat([u8(0xfe), u16(0), u16(status)]),
  count: (n) => u8(n),
  column: (name, type = STRING) =>
    Buffer.concat([
      ...['def', 'd', 't', 't', name, name].map(sized),
      u8(0x0c),
      u16(UTF8MB4),
      u32(1020),
      u8(type),
      u16(0),
      u8(0),
      u16(0),
    ]),
  row: (...texts) =>
    Buffer.concat(texts.map((text) => (text === null ? u8(0xfb) : sized(String(text))))),
  switchTo: (plugin, data = SCRAMBLE) =>
    Buffer.concat([u8(0xfe), Buffer.from(`${plugin}\0`), data, u8(0)]),
  more: (data) => Buffer.concat([u8(1), Buffer.from(data)]),
};

/** The packets of a result of texts, from the first to the last. */
const result = (names, rows, sequence = 1, status = 2) =>
  packets(
    sequence,
    say.count(names.length),
    ...names.map((name) => say.column(name)),
    say.eof(status),
    ...rows.map((row) => say.row(...row)),
    say.eof(status),
  );

const open = new Set();

afterEach(async () => {
  for (const server of open) await server.close();
  open.clear();
});

class ScriptedServer {
  #server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
  #sockets = new Set();
  #script;
  /** Every packet that came, in order, as `{ sequence, payload }`. */
  heard = [];

  /**
   * `hear(packet, socket, n)` is called with each packet, the nth of its connection; `greet(socket)`
   * before there is one.
   */
  static async open(hear, greet = (socket) => socket.write(packet(0, say.hello()))) {
    const server = new ScriptedServer();
    server.#script = { hear, greet };
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    open.add(server);
    return server;
  }

  /** One that lets everybody in, and then calls `answer(command, text, socket)`. */
  static welcoming(answer = () => {}, hello = {}) {
    return ScriptedServer.open(
      ({ sequence, payload }, socket, n) => {
        if (n === 0) socket.write(packet(sequence + 1, say.ok()));
        else answer(nameOf(payload[0]), payload.toString('utf8', 1), socket);
      },
      (socket) => socket.write(packet(0, say.hello(hello))),
    );
  }

  get target() {
    return { host: '127.0.0.1', port: this.#server.address().port, user: 'u', database: 'd' };
  }

  get connections() {
    return this.#sockets.size;
  }

  #accept(socket) {
    let pending = Buffer.alloc(0);
    let n = 0;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUIntLE(0, 3)) {
        const end = 4 + pending.readUIntLE(0, 3);
        const came = { sequence: pending[3], payload: pending.subarray(4, end) };
        pending = pending.subarray(end);
        this.heard.push(came);
        this.#script.hear(came, socket, n++);
      }
    });
    this.#script.greet(socket);
  }

  /** Says something to everybody, asked or not. */
  say(bytes) {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close() {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
    open.delete(this);
  }
}

const nameOf = (code) => Object.keys(COMMANDS).find((name) => COMMANDS[name] === code) ?? code;

/** What the answer to a greeting says. */
function loginIn(payload) {
  const flags = payload.readUInt32LE(0);
  const end = payload.indexOf(0, 32);
  return {
    flags: Object.keys(FLAGS).filter((name) => flags & FLAGS[name]),
    charset: payload[8],
    user: payload.toString('utf8', 32, end),
    token: payload.subarray(end + 2, end + 2 + payload[end + 1]),
    rest: payload.toString('utf8', end + 2 + payload[end + 1]),
  };
}

module.exports = {
  FLAGS,
  OFFERED,
  SCRAMBLE,
  ScriptedServer,
  loginIn,
  packet,
  packets,
  result,
  say,
};
