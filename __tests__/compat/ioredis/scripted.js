'use strict';
// A server whose answers a test writes: what a real one says only when it is old, or loads its data.

const { once } = require('node:events');
const net = require('node:net');

/** The words of the commands in what has come, and what is left of it. */
function parse(bytes) {
  const commands = [];
  let at = 0;
  for (;;) {
    const command = readCommand(bytes, at);
    if (command === null) return { commands, rest: bytes.subarray(at) };
    commands.push(command.words);
    at = command.end;
  }
}

function readCommand(bytes, start) {
  let at = start;
  const line = () => {
    const end = bytes.indexOf('\r\n', at);
    if (end === -1) return null;
    const text = bytes.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const head = line();
  if (head === null) return null;
  const words = [];
  for (let left = Number(head.slice(1)); left > 0; left--) {
    const length = line();
    if (length === null || at + Number(length.slice(1)) + 2 > bytes.length) return null;
    words.push(bytes.toString('utf8', at, at + Number(length.slice(1))));
    at += Number(length.slice(1)) + 2;
  }
  return { words, end: at };
}

/** Answers of a server that speaks RESP2 alone and knows little. */
function oldServer([name]) {
  if (name.toLowerCase() === 'hello') return "-ERR unknown command 'HELLO'\r\n";
  if (name.toLowerCase() === 'info') return '$9\r\nloading:0\r\n';
  return '+OK\r\n';
}

class ScriptedServer {
  sockets = new Set();
  /** All that came, with its words in the case in which they came. */
  heard = [];

  /** `answer(words, socket)` gives the bytes of the reply, or null for what an old server says. */
  static async start(answer = oldServer, port = 0) {
    const server = new ScriptedServer();
    server.answer = answer;
    server.listener = net.createServer((socket) => server.#serve(socket));
    server.listener.listen(port, '127.0.0.1');
    await once(server.listener, 'listening');
    server.port = server.listener.address().port;
    return server;
  }

  #serve(socket) {
    let rest = Buffer.alloc(0);
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (chunk) => {
      const parsed = parse(Buffer.concat([rest, chunk]));
      rest = parsed.rest;
      for (const words of parsed.commands) {
        this.heard.push(words);
        this.#tell();
        const reply = this.answer(words, socket) ?? oldServer(words);
        if (reply !== '') socket.write(reply);
      }
    });
  }

  #waiting = [];

  #tell() {
    this.#waiting = this.#waiting.filter((check) => !check());
  }

  /** Resolves when a command has come so many times. */
  hears(name, times) {
    const count = () => this.heard.filter(([word]) => word === name).length;
    return new Promise((resolve) => {
      const check = () => count() >= times && (resolve(), true);
      if (!check()) this.#waiting.push(check);
    });
  }

  cut() {
    for (const socket of this.sockets) socket.destroy();
  }

  async close() {
    this.cut();
    this.listener.close();
    await once(this.listener, 'close');
  }
}

module.exports = { ScriptedServer, oldServer };
