'use strict';

/**
 * The protocol message by message, over a Duplex: what foreign queries (cursors, copy streams) are
 * given to speak through, and what emits the messages that programs listen to.
 */

const { EventEmitter } = require('node:events');
const net = require('node:net');
const { parse, serialize } = require('pg-protocol');
const { guarded } = require('../../surface');
const { secure } = require('./connection-tls');
const { SessionStream } = require('./session-stream');

/** Events that follow a message of the server, which a statement of the engine does not have. */
const MESSAGES = new Set([
  ...['message', 'parseComplete', 'bindComplete', 'closeComplete', 'noData', 'portalSuspended'],
  ...['emptyQuery', 'rowDescription', 'parameterDescription', 'dataRow', 'commandComplete'],
  ...['readyForQuery', 'errorMessage', 'copyInResponse', 'copyOutResponse', 'copyBothResponse'],
  ...['copyData', 'copyDone', 'replicationStart'],
]);

class Connection extends EventEmitter {
  /** Listeners to messages, beside those of the client. */
  #watchers = 0;

  constructor(config) {
    super();
    const { stream, ssl, sslNegotiation, keepAlive, keepAliveInitialDelayMillis } = config ?? {};
    this.stream = typeof stream === 'function' ? stream(config) : (stream ?? new net.Socket());
    this._keepAlive = keepAlive;
    this._keepAliveInitialDelayMillis = keepAliveInitialDelayMillis;
    /** Texts by the names under which the server knows them, or is about to. */
    this.parsedStatements = Object.create(null);
    this.submittedNamedStatements = Object.create(null);
    /** The same of those that it may have forgotten since. */
    this.doubtfulStatements = new Map();
    this.ssl = ssl || false;
    this.sslNegotiation = sslNegotiation || 'postgres';
    this._ending = false;
    this._connecting = false;
  }

  /** From here on those who listen are counted: only the wire itself has messages and bytes. */
  watch() {
    this.on('newListener', (name) => (this.#watchers += MESSAGES.has(name) ? 1 : 0));
    this.on('removeListener', (name) => (this.#watchers -= MESSAGES.has(name) ? 1 : 0));
  }

  /** Streams do not tell of each listener that leaves: those to its bytes are counted when asked. */
  get isWatched() {
    return this.#watchers > 0 || this.stream.listenerCount('data') > 1;
  }

  /** Connects by itself. The connection of a Client is mostly made by the engine. */
  connect(port, host) {
    this._connecting = true;
    this.stream.setNoDelay?.(true);
    this.stream.once('connect', () => {
      if (this._keepAlive) this.stream.setKeepAlive(true, this._keepAliveInitialDelayMillis);
      this.emit('connect');
    });
    if (this.ssl) {
      this.#attachEnd(this.stream);
      secure(this, host, (encrypted) => {
        this.stream = encrypted;
        this.#attachErrors(encrypted);
        this.attachListeners(encrypted);
        this.emit('sslconnect');
      });
    } else {
      this.attach();
    }
    this.stream.connect(port, host);
  }

  /** Hears what comes over the stream, and how that ends. */
  attach() {
    this.#attachEnd(this.stream);
    this.attachListeners(this.stream);
  }

  #attachEnd(stream) {
    this.#attachErrors(stream);
    stream.on('close', () => this.emit('end'));
  }

  #attachErrors(stream) {
    stream.on('error', (error) => {
      // Whoever ends a connection does not wonder that it is cut.
      if (this._ending && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) return;
      this.emit('error', error);
    });
  }

  /** What a listener throws costs no other message its listeners. */
  attachListeners(stream) {
    parse(stream, (message) => {
      if (this.listenerCount('message') > 0) guarded(() => this.emit('message', message));
      const name = message.name === 'error' ? 'errorMessage' : message.name;
      guarded(() => this.emit(name, message));
    });
  }

  // ---- Messages to the server ----

  _send(bytes) {
    return this.stream.writable ? this.stream.write(bytes) : false;
  }

  startup(parameters) {
    this._send(serialize.startup(parameters));
  }

  requestSsl() {
    this._send(serialize.requestSsl());
  }

  cancel(processID, secretKey) {
    this._send(serialize.cancel(processID, secretKey));
  }

  password(password) {
    this._send(serialize.password(password));
  }

  sendSASLInitialResponseMessage(mechanism, response) {
    this._send(serialize.sendSASLInitialResponseMessage(mechanism, response));
  }

  sendSCRAMClientFinalMessage(data) {
    this._send(serialize.sendSCRAMClientFinalMessage(data));
  }

  query(text) {
    this._send(serialize.query(text));
  }

  parse(query) {
    this._send(serialize.parse(query));
  }

  bind(config) {
    this._send(serialize.bind(config));
  }

  describe(message) {
    this._send(serialize.describe(message));
  }

  execute(config) {
    this._send(serialize.execute(config));
  }

  close(message) {
    this._send(serialize.close(message));
  }

  flush() {
    this._send(serialize.flush());
  }

  sync() {
    this._send(serialize.sync());
  }

  sendCopyFromChunk(chunk) {
    this._send(serialize.copyData(chunk));
  }

  endCopyFrom() {
    this._send(serialize.copyDone());
  }

  sendCopyFail(reason) {
    this._send(serialize.copyFail(reason));
  }

  // ---- Its end ----

  ref() {
    this.stream.ref();
  }

  unref() {
    this.stream.unref();
  }

  /** Says goodbye. The stream of a Client does that itself. */
  end() {
    this._ending = true;
    const isOwn = !(this.stream instanceof SessionStream);
    if (isOwn && this._connecting && this.stream.writable) {
      this.stream.write(serialize.end());
    }
    this.stream.end();
  }
}

module.exports = Connection;
