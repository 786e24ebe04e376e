'use strict';

/** A command's way: to the server, or into the queue that waits for it; and its answer back. */

const { exists, hasFlag } = require('@ioredis/commands');
const { isBlocking } = require('./blocking');
const { Command } = require('./command');
const { closedError } = require('./errors');
const { DEFAULTS } = require('./options');
const { isCommandTraced, traceCommand } = require('./traces');
const { isInt } = require('./url');

const ignore = () => {};

const ANY_CASE = { caseInsensitive: true };
const NAME_IN_ANY_CASE = { nameCaseInsensitive: true };

const OFFLINE = "Stream isn't writeable and enableOfflineQueue options is false";
const SUBSCRIBED = 'Connection in subscriber mode, only subscriber commands may be used';
const MONITORING = "Connection is in monitoring mode, can't process commands.";

/** With RESP3 a subscribed connection takes any command. */
function isSubscriberOnly(condition) {
  return Boolean(condition?.subscriber) && condition.protocol !== 3;
}

/** `stream` is the pipeline that it is part of. */
function send(redis, command, stream) {
  const { options } = redis;
  command.setReplyContext(redis.condition ?? options);
  if (!command.isSendable) return command.promise;
  if (redis.status === 'wait') redis.connect().catch(ignore);
  const error = refusalOf(redis, command);
  if (error !== null) {
    command.reject(error);
    return command.promise;
  }
  if (typeof options.commandTimeout === 'number') command.setTimeout(options.commandTimeout);
  if (!isWritable(redis, command, stream)) return enqueue(redis, command, stream);
  write(redis, command, stream);
  if (command.name === 'select') noteSelect(redis, command);
  return command.isTraced || !isCommandTraced() ? command.promise : traced(redis, command);
}

function refusalOf({ status, condition, monitors }, { name }) {
  if (status === 'end') return closedError();
  if (monitors && !Command.checkFlag('VALID_IN_MONITOR_MODE', name)) return new Error(MONITORING);
  if (!isSubscriberOnly(condition)) return null;
  return Command.checkFlag('VALID_IN_SUBSCRIBER_MODE', name) ? null : new Error(SUBSCRIBED);
}

function isWritable(redis, command, stream) {
  if (!redis.stream?.writable) return false;
  if (redis.status === 'ready') return true;
  if (stream || redis.status !== 'connect') return redis.monitors === true;
  const { name } = command;
  if (redis.condition.handshake) return Command.checkFlag('HANDSHAKE_COMMANDS', name);
  // What a server takes while it loads its data, it takes now.
  return exists(name, ANY_CASE) && hasFlag(name, 'loading', NAME_IN_ANY_CASE);
}

function enqueue(redis, command, stream) {
  const { offlineQueue, options } = redis;
  if (!options.enableOfflineQueue) {
    command.reject(new Error(OFFLINE));
  } else if (command.name === 'quit' && offlineQueue.length === 0) {
    redis.disconnect();
    command.resolve(Buffer.from('OK'));
  } else {
    command.stream = stream;
    command.select = redis.condition.select;
    offlineQueue.push(command);
    if (options.blockingTimeout > 0 && isBlocking(command.name)) {
      command.setBlockingTimeout(options.blockingTimeout);
    }
    if (command.name === 'select') noteSelect(redis, command);
  }
  return command.promise;
}

function write(redis, command, stream) {
  const { options } = redis;
  command.prepare(redis.stream);
  command.stream = stream;
  command.select = redis.condition.select;
  try {
    redis.stream.submit(command);
  } catch (error) {
    command.reject(error);
    return;
  }
  redis.commandQueue.push(command);
  const { blockingTimeout } = options;
  if (blockingTimeout > 0) {
    const limit = limitOf(command, blockingTimeout, options);
    if (limit !== undefined) command.setBlockingTimeout(limit);
  }
  if (command.name === 'quit') redis.manuallyClosing = true;
  if (options.socketTimeout !== undefined && redis.socketTimeoutTimer === undefined) {
    startSocketTimeout(redis);
  }
}

/** A command's own time and some grace; the option for those that would wait for ever. */
function limitOf(command, blockingTimeout, { blockingTimeoutGrace }) {
  if (!isBlocking(command.name)) return undefined;
  const own = command.extractBlockingTimeout();
  if (own === undefined) return undefined;
  if (!(own > 0)) return blockingTimeout;
  return own + (blockingTimeoutGrace ?? DEFAULTS.blockingTimeoutGrace);
}

/** What follows is for that database, also what has yet to wait. */
function noteSelect(redis, { args: [word] }) {
  if (!isInt(word)) return;
  const db = parseInt(word, 10);
  if (redis.condition.select === db) return;
  redis.condition.select = db;
  redis.emit('select', db);
}

/** Once for each command, however often it is sent. */
function traced(redis, command) {
  command.isTraced = true;
  return traceCommand(
    () => command.promise,
    () => redis._buildCommandContext(command),
  );
}

/** The server has been silent for too long while it owed an answer. */
function startSocketTimeout(redis) {
  const { stream } = redis;
  const { socketTimeout } = redis.options;
  redis.socketTimeoutTimer = setTimeout(() => {
    redis.socketTimeoutTimer = undefined;
    const what = `Expecting data, but didn't receive any in ${socketTimeout}ms.`;
    stream.destroy(new Error(`Socket timeout. ${what}`));
  }, socketTimeout);
}

function stopSocketTimeout(redis) {
  clearTimeout(redis.socketTimeoutTimer);
  redis.socketTimeoutTimer = undefined;
}

/** It has said something. */
function heard(redis) {
  if (redis.socketTimeoutTimer === undefined) return;
  stopSocketTimeout(redis);
  if (redis.commandQueue.length > 0) startSocketTimeout(redis);
}

/** From the server: a reply, or an error. */
function answered(redis, command, reply, error) {
  const { commandQueue } = redis;
  if (commandQueue.peekFront() === command) commandQueue.shift();
  heard(redis);
  if (error === null) {
    command.settle(reply);
    return;
  }
  command.refused(error);
  if (command.name === 'ssubscribe' && error.message.startsWith('MOVED ')) redis.emit('moved');
  redis.handleReconnection(error, command);
}

/** What the program says; whoever waits for the command hears of it also where that throws. */
function wishOf({ options: { reconnectOnError } }, command, error) {
  if (!reconnectOnError) return false;
  try {
    return reconnectOnError(error);
  } catch (thrown) {
    command.reject(error);
    throw thrown;
  }
}

/** Option `reconnectOnError` may have it connect anew, and 2 have the command sent again. */
function refused(redis, command, error) {
  const { name } = command;
  const isOwn =
    Command.checkFlag('IGNORE_RECONNECT_ON_ERROR', name) ||
    (redis.condition?.handshake && Command.checkFlag('HANDSHAKE_COMMANDS', name));
  const wish = isOwn ? false : wishOf(redis, command, error);
  if (wish !== true && wish !== 1 && wish !== 2) {
    command.reject(error);
    return;
  }
  if (redis.status !== 'reconnecting') redis.disconnect(true);
  if (wish !== 2) {
    command.reject(error);
    return;
  }
  resend(redis, command);
}

/** To the database that it was meant for. */
function resend(redis, command, stream) {
  if (command.select !== redis.condition?.select && command.name !== 'select') {
    redis.select(command.select);
  }
  redis.sendCommand(command, stream);
}

function rejectAll(queue, error) {
  for (let command = queue.shift(); command !== undefined; command = queue.shift()) {
    command.reject(error);
  }
}

module.exports = {
  answered,
  heard,
  isSubscriberOnly,
  refused,
  rejectAll,
  resend,
  send,
  stopSocketTimeout,
};
