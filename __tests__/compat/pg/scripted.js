'use strict';
// A server that says what a test wants it to say, byte by byte, and keeps what it hears: for what
// no PostgreSQL server does, and for what a client sends and when.

const { once } = require('node:events');
const net = require('node:net');

function message(code, ...parts) {
  const body = Buffer.concat(
    parts.map((part) => (Buffer.isBuffer(part) ? part : Buffer.from(part))),
  );
  const head = Buffer.alloc(5);
  head.write(code);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function int16(n) {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(n);
  return bytes;
}

function int32(n) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(n);
  return bytes;
}

const sized = (text) => [int32(Buffer.byteLength(text)), Buffer.from(text)];

/** Messages of a server. */
const say = {
  authentication: (kind, ...rest) => message('R', int32(kind), ...rest),
  parameter: (name, value) => message('S', `${name}\0${value}\0`),
  key: (process, secret) => message('K', int32(process), int32(secret)),
  ready: (status = 'I') => message('Z', status),
  fields: (...names) =>
    message(
      'T',
      int16(names.length),
      ...names.flatMap((name) => [
        `${name}\0`,
        int32(0),
        int16(0),
        int32(25),
        int16(-1),
        int32(-1),
        int16(0),
      ]),
    ),
  row: (...texts) => message('D', int16(texts.length), ...texts.flatMap(sized)),
  complete: (tag) => message('C', `${tag}\0`),
  error: (code, text) => message('E', `SERROR\0C${code}\0M${text}\0\0`),
  fatal: (code, text) => message('E', `SFATAL\0C${code}\0M${text}\0\0`),
  parsed: () => message('1'),
  bound: () => message('2'),
  message,
};

/** A login that asks for nothing. */
const WELCOME = Buffer.concat([
  say.authentication(0),
  say.parameter('server_version', '17.0'),
  say.parameter('client_encoding', 'UTF8'),
  say.parameter('integer_datetimes', 'on'),
  say.parameter('standard_conforming_strings', 'on'),
  say.key(4711, 42),
  say.ready(),
]);

/** The messages of a client in a chunk: `[code, body]`. The first of a connection has no code. */
function messagesIn(chunk) {
  const messages = [];
  for (let at = 0; at < chunk.length;) {
    const length = chunk.readInt32BE(at + 1);
    messages.push([chunk.toString('latin1', at, at + 1), chunk.subarray(at + 5, at + 1 + length)]);
    at += 1 + length;
  }
  return messages;
}

/** What the first message of a connection says, as an object. */
function settingsOf(startup) {
  const words = startup.toString('utf8', 8).split('\0').slice(0, -2);
  const pairs = words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]]] : []));
  return Object.fromEntries(pairs);
}

const open = new Set();

afterEach(async () => {
  for (const server of open) await server.close();
  open.clear();
});

class ScriptedServer {
  #server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
  #sockets = new Set();
  #answer;
  #greet;
  /** Every chunk that came, in order. */
  chunks = [];

  /**
   * `answer(chunk, socket, n)` is called with each chunk, the nth of its connection; `greet(socket)`
   * before there is one.
   */
  static async open(answer, greet = () => {}) {
    const server = new ScriptedServer();
    server.#answer = answer;
    server.#greet = greet;
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    open.add(server);
    return server;
  }

  /** One that welcomes clients, and then calls `answer(messages, socket)` with what they send. */
  static welcoming(answer = () => {}) {
    return ScriptedServer.open((chunk, socket, n) => {
      if (n === 0) socket.write(WELCOME);
      else answer(messagesIn(chunk), socket);
    });
  }

  get target() {
    return { host: '127.0.0.1', port: this.#server.address().port, user: 'u', database: 'd' };
  }

  #accept(socket) {
    let n = 0;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      this.chunks.push(chunk);
      this.#answer(chunk, socket, n++);
    });
    this.#greet(socket);
  }

  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close() {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

module.exports = { ScriptedServer, WELCOME, messagesIn, say, settingsOf };
