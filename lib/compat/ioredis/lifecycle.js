'use strict';

/** Connecting, being ready, being closed, and doing it all again. */

const { streamOver } = require('./connectors');
const { MaxRetriesPerRequestError, abortError, closedError } = require('./errors');
const { canDowngrade, handshake } = require('./handshake');
const { checkReady } = require('./ready-check');
const { SessionStream } = require('./session-stream');
const sending = require('./sending');
const { receive } = require('./subscriber');
const { shapesOf } = require('./shapes');

const ignore = () => {};

// ---- Connecting ----

/** Resolves when it is ready; rejects when it closes before. */
function connect(redis) {
  const { options } = redis;
  const { username, password, protocol } = options;
  redis.connectionEpoch++;
  redis.setStatus('connecting');
  redis.condition = {
    // The program's choice outlives the connection: what waits for the next one is for it, too.
    select: redis.condition?.select ?? options.db,
    auth: username ? [username, password] : password,
    subscriber: false,
    protocol,
    replyMapping: protocol === 3 && options.replyMapping === 'resp3' ? 'resp3' : 'legacy',
    handshake: false,
  };
  const tell = (name, error) => redis.silentEmit(name, error);
  return new Promise((resolve, reject) => {
    redis.connector.connect(tell).then(
      (made) => {
        attach(redis, made);
        whenReady(redis, resolve, reject);
      },
      (error) => {
        redis.flushQueue(error);
        redis.silentEmit('error', error);
        redis.manuallyClosing = false;
        reject(error);
        redis.setStatus('end');
      },
    );
  });
}

function whenReady(redis, resolve, reject) {
  const onReady = () => {
    redis.removeListener('close', onClose);
    resolve();
  };
  const onClose = () => {
    redis.removeListener('ready', onReady);
    reject(closedError());
  };
  redis.once('ready', onReady);
  redis.once('close', onClose);
}

/** A connector of a program gives a Duplex, which the engine then speaks over. */
function attach(redis, made) {
  const isOurs = made instanceof SessionStream;
  const stream = isOurs ? made : streamOver(made, redis.connector.firstError);
  redis.stream = stream;
  stream.use({
    next: () => redis.commandQueue.peekFront(),
    answered: (command, reply, error) => sending.answered(redis, command, reply, error),
    receive: (push) => {
      sending.heard(redis);
      receive(redis, push);
    },
  });
  const stop = startTimeout(redis, stream);
  stream.once('connect', () => {
    stop();
    connected(redis);
  });
  stream.once('error', (error) => {
    // What it answers once more to the same would be nonsense again.
    if (stream.spokeNonsense) redis.flushQueue(error, { offlineQueue: false });
    redis.silentEmit('error', error);
  });
  stream.once('close', () => {
    stop();
    closed(redis);
  });
}

function startTimeout(redis, stream) {
  const { connectTimeout } = redis.options;
  if (!connectTimeout) return ignore;
  const timer = setTimeout(() => {
    stream.destroy();
    const error = new Error('connect ETIMEDOUT');
    const fields = { errorno: 'ETIMEDOUT', code: 'ETIMEDOUT', syscall: 'connect' };
    redis.silentEmit('error', Object.assign(error, fields));
  }, connectTimeout);
  return () => clearTimeout(timer);
}

// ---- Being ready ----

/** Says who it is, by RESP3 if the server can, and asks whether the server is ready. */
async function connected(redis) {
  redis.resetCommandQueue();
  redis.condition.handshake = true;
  redis.setStatus('connect');
  redis.stream.shapeBy(shapesOf(redis));
  const { connectionEpoch } = redis;
  const isCurrent = () => connectionEpoch === redis.connectionEpoch && redis.status === 'connect';
  try {
    await introduce(redis, isCurrent);
    if (!isCurrent()) return;
    if (!redis.options.enableReadyCheck) {
      ready(redis);
      return;
    }
    const info = await checkReady(redis);
    if (!isCurrent()) return;
    if (redis.connector.check(info)) ready(redis);
    else redis.disconnect(true);
  } catch (error) {
    if (isCurrent()) redis.recoverFromFatalError(error, error);
  }
}

async function introduce(redis, isCurrent) {
  try {
    await handshake(redis);
  } catch (error) {
    if (!isCurrent() || !canDowngrade(error)) throw error;
    if (redis.options.replyMapping === 'resp3') {
      console.warn(
        '[WARN] replyMapping "resp3" was requested, but the server does not support RESP3. ' +
          'Replies will use RESP2-compatible shapes until connected to a server that supports RESP3.',
      );
    }
    Object.assign(redis.condition, { protocol: 2, replyMapping: 'legacy' });
    redis.stream.shapeBy(shapesOf(redis));
    await handshake(redis);
  }
}

function ready(redis) {
  redis.condition.handshake = false;
  redis.setStatus('ready');
  redis.retryAttempts = 0;
  if (redis.options.monitor) {
    beginMonitor(redis);
    return;
  }
  const before = redis.prevCondition;
  redis.prevCondition = null;
  const { select } = redis.condition;
  if (before?.subscriber && redis.options.autoResubscribe) resubscribe(redis, before.subscriber);
  resendUnfulfilled(redis);
  sendQueued(redis);
  if (redis.condition.select !== select) redis.select(select);
}

function beginMonitor(redis) {
  const sent = redis.call('monitor');
  redis.monitors = true;
  redis.once('close', () => (redis.monitors = false));
  sent.then(
    () => redis.setStatus('monitoring'),
    (error) => redis.emit('error', error),
  );
}

function resubscribe(redis, subscriber) {
  for (const kind of ['subscribe', 'psubscribe']) {
    const channels = subscriber.channels(kind);
    if (channels.length > 0) redis[kind](channels).catch(ignore);
  }
  for (const channel of subscriber.channels('ssubscribe')) redis.ssubscribe(channel).catch(ignore);
}

function resendUnfulfilled(redis) {
  const queue = redis.prevCommandQueue;
  redis.prevCommandQueue = null;
  if (!queue) return;
  for (const command of queue.toArray()) {
    // Nobody waits for it any more.
    if (!command.isSettled) sending.resend(redis, command, command.stream);
  }
}

function sendQueued(redis) {
  const queue = redis.offlineQueue;
  if (queue.length === 0) return;
  redis.resetOfflineQueue();
  for (const command of queue.toArray()) {
    if (!command.isSettled) sending.resend(redis, command, command.stream);
  }
}

// ---- Being closed ----

function closed(redis) {
  const { status, options } = redis;
  redis.setStatus('close');
  sending.stopSocketTimeout(redis);
  abortPipelines(redis.commandQueue);
  abortTransactions(redis.offlineQueue);
  if (status === 'ready') {
    redis.prevCondition ||= redis.condition;
    if (!options.autoResendUnfulfilledCommands) {
      sending.rejectAll(redis.commandQueue, closedError());
    }
    if (redis.commandQueue.length > 0) redis.prevCommandQueue = redis.commandQueue;
  }
  let delayMs = null;
  try {
    delayMs = retryDelay(redis);
  } finally {
    // Also where the strategy throws: nobody would ever answer what waits.
    if (typeof delayMs !== 'number') abandon(redis);
  }
  if (typeof delayMs === 'number') reconnectIn(redis, delayMs);
}

function reconnectIn(redis, delayMs) {
  redis.setStatus('reconnecting', delayMs);
  redis.reconnectTimeout = setTimeout(() => {
    redis.reconnectTimeout = null;
    redis.connect().catch(ignore);
  }, delayMs);
  const { maxRetriesPerRequest: most } = redis.options;
  if (typeof most === 'number' && most >= 0 && redis.retryAttempts % (most + 1) === 0) {
    redis.flushQueue(new MaxRetriesPerRequestError(most));
  }
}

/** For good, until somebody calls connect(). */
function abandon(redis) {
  redis.manuallyClosing = false;
  redis.setStatus('end');
  redis.flushQueue(closedError());
}

function retryDelay(redis) {
  const { retryStrategy } = redis.options;
  if (redis.manuallyClosing) return null;
  return typeof retryStrategy === 'function' ? retryStrategy(++redis.retryAttempts) : null;
}

/** Of a pipeline that was answered in part, the rest must not run once more: [2, 3, 0, 1]. */
function abortPipelines(queue) {
  let expected = 0;
  queue.filter((command) => {
    const { pipelineIndex: index } = command;
    if (index === undefined || index === 0) expected = 0;
    if (index === undefined || index === expected++) return true;
    command.reject(abortError(command));
    return false;
  });
}

/** The rest of a transaction that had begun on the connection, up to the next one. */
function abortTransactions(queue) {
  let isOver = false;
  queue.filter((command) => {
    if (isOver || command.name === 'multi') {
      isOver = true;
      return true;
    }
    if (command.name !== 'exec' && !command.inTransaction) return true;
    if (command.name === 'exec') isOver = true;
    command.reject(abortError(command));
    return false;
  });
}

module.exports = { abandon, closed, connect };
