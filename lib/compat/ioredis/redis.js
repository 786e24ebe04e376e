'use strict';

/** A client of one server: its connection, its queues, and what programs call. */

const { EventEmitter } = require('node:events');
const { inspect } = require('node:util');
const { default: asCallback } = require('standard-as-callback');
const { Cluster } = require('./cluster');
const { Command } = require('./command');
const { Commander } = require('./commander');
const { StandaloneConnector } = require('./connectors');
const { CLOSED, closedError } = require('./errors');
const lifecycle = require('./lifecycle');
const { DEFAULTS, readOptions } = require('./options');
const { Queue } = require('./queue');
const { ScanStream } = require('./scan-stream');
const sending = require('./sending');
const { SentinelConnector } = require('./sentinel');
const { shown } = require('./shown');
const { shownArguments, traceConnect } = require('./traces');
const { transactions } = require('./transaction');

// Taken at load: test frameworks replace it.
const { nextTick } = process;

const ignore = () => {};

const isConnected = (status) => ['connecting', 'connect', 'ready'].includes(status);

function connectorOf(redis) {
  const { options } = redis;
  if (options.Connector) return new options.Connector(options);
  if (!options.sentinels) return new StandaloneConnector(options);
  return Object.assign(new SentinelConnector(options), { emitter: redis });
}

class Redis extends Commander {
  static Cluster = Cluster;
  static Command = Command;
  static defaultOptions = DEFAULTS;

  static createClient(...args) {
    return new Redis(...args);
  }

  status = 'wait';
  isCluster = false;
  reconnectTimeout = null;
  connectionEpoch = 0;
  retryAttempts = 0;
  manuallyClosing = false;
  stream = null;
  prevCondition = null;
  prevCommandQueue = null;
  socketTimeoutTimer = undefined;
  /** It has asked the server for what every client sends. */
  monitors = false;

  constructor(arg1, arg2, arg3) {
    super();
    this.options = readOptions([arg1, arg2, arg3], Redis.defaultOptions);
    EventEmitter.call(this);
    this.resetCommandQueue();
    this.resetOfflineQueue();
    this.connector = connectorOf(this);
    for (const [name, definition] of Object.entries(this.options.scripts ?? {})) {
      this.defineCommand(name, definition);
    }
    if (this.options.lazyConnect) this.setStatus('wait');
    else this.connect().catch(ignore);
  }

  /** Commands of a tick go out together anyway: none waits for a pipeline. */
  get autoPipelineQueueSize() {
    return 0;
  }

  get mode() {
    if (this.options.monitor) return 'monitor';
    return sending.isSubscriberOnly(this.condition) ? 'subscriber' : 'normal';
  }

  // ---- Begin and end ----

  connect(callback) {
    const promise = traceConnect(
      () => this._connect(),
      () => ({ ...this.#server(), connectionEpoch: this.connectionEpoch }),
    );
    return asCallback(promise, callback);
  }

  /** Resolves when it is ready. */
  _connect() {
    if (isConnected(this.status)) {
      return Promise.reject(new Error('Redis is already connecting/connected'));
    }
    return lifecycle.connect(this);
  }

  /** At once; `reconnect` has it connect again, by its `retryStrategy`. */
  disconnect(reconnect = false) {
    if (!reconnect) {
      this.manuallyClosing = true;
      clearTimeout(this.reconnectTimeout);
      this.reconnectTimeout = null;
    }
    // There is no connection whose end would be told.
    if (this.status === 'wait') lifecycle.closed(this);
    else if (this.status === 'reconnecting' && !reconnect) lifecycle.abandon(this);
    else this.connector.disconnect();
  }

  end() {
    this.disconnect();
  }

  duplicate(override) {
    return new Redis({ ...this.options, ...override });
  }

  /** Resolves to a connection of its own that hears what every client sends. */
  monitor(callback) {
    const instance = this.duplicate({ monitor: true, lazyConnect: false });
    const promise = new Promise((resolve, reject) => {
      instance.once('error', reject);
      instance.once('monitoring', () => resolve(instance));
      instance.once('end', () => reject(closedError()));
    });
    return asCallback(promise, callback);
  }

  // ---- Commands ----

  /** Everything goes through here, also what the instance asks for itself. */
  sendCommand(command, stream) {
    return sending.send(this, command, stream);
  }

  handleReconnection(error, item) {
    sending.refused(this, item.command, error);
  }

  scanStream(options) {
    return this.#scan('scan', undefined, options);
  }

  scanBufferStream(options) {
    return this.#scan('scanBuffer', undefined, options);
  }

  sscanStream(key, options) {
    return this.#scan('sscan', key, options);
  }

  sscanBufferStream(key, options) {
    return this.#scan('sscanBuffer', key, options);
  }

  hscanStream(key, options) {
    return this.#scan('hscan', key, options);
  }

  hscanBufferStream(key, options) {
    return this.#scan('hscanBuffer', key, options);
  }

  zscanStream(key, options) {
    return this.#scan('zscan', key, options);
  }

  zscanBufferStream(key, options) {
    return this.#scan('zscanBuffer', key, options);
  }

  #scan(command, key, options) {
    return new ScanStream({ objectMode: true, key, redis: this, command, ...options });
  }

  // ---- Events ----

  setStatus(status, detail) {
    this.status = status;
    nextTick(() => this.emit(status, detail));
  }

  /** For those who listen; an error that nobody hears goes to the console. */
  silentEmit(name, ...args) {
    const [error] = args;
    if (name === 'error' && this.#isExpected(error)) return false;
    if (this.listenerCount(name) > 0) return this.emit(name, ...args);
    if (name === 'error' && error instanceof Error) {
      console.error('[ioredis] Unhandled error event:', error.stack);
    }
    return false;
  }

  /** Of a connection that the program is closing, or has closed. */
  #isExpected(error) {
    if (this.status === 'end') return true;
    if (!this.manuallyClosing || !(error instanceof Error)) return false;
    return error.message === CLOSED || ['connect', 'read'].includes(error.syscall);
  }

  // ---- Queues ----

  resetCommandQueue() {
    this.commandQueue = new Queue();
  }

  resetOfflineQueue() {
    this.offlineQueue = new Queue();
  }

  /** All that waits for an answer fails with this error. */
  flushQueue(error, { offlineQueue = true, commandQueue = true } = {}) {
    if (offlineQueue) sending.rejectAll(this.offlineQueue, error);
    if (!commandQueue) return;
    sending.rejectAll(this.commandQueue, error);
    // Of the connection before, while the next one is not ready.
    if (this.prevCommandQueue) sending.rejectAll(this.prevCommandQueue, error);
  }

  recoverFromFatalError(_commandError, error, options) {
    this.flushQueue(error, options);
    this.silentEmit('error', error);
    this.disconnect(true);
  }

  // ---- What is told of it ----

  #server() {
    const { path, host, port } = this.options;
    if (path) return { serverAddress: path, serverPort: undefined };
    return { serverAddress: host || 'localhost', serverPort: port || 6379 };
  }

  get #database() {
    return this.condition?.select ?? this.options.db ?? 0;
  }

  _buildCommandContext({ name, args }) {
    const shownArgs = shownArguments(name, args);
    return { command: name, args: shownArgs, database: this.#database, ...this.#server() };
  }

  _buildBatchContext(batchSize) {
    return { batchMode: 'MULTI', batchSize, database: this.#database, ...this.#server() };
  }

  [inspect.custom](_depth, options) {
    return `Redis ${inspect(shown(this), options)}`;
  }
}

for (const name of Object.getOwnPropertyNames(EventEmitter.prototype)) {
  if (name === 'constructor') continue;
  const property = Object.getOwnPropertyDescriptor(EventEmitter.prototype, name);
  Object.defineProperty(Redis.prototype, name, property);
}
Object.assign(Redis.prototype, transactions);

module.exports = { Redis };
