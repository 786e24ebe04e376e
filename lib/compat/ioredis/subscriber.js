'use strict';

/** What a server says without having been asked: messages, confirmations, lines of MONITOR. */

const { SubscriptionSet } = require('./subscription-set');

const textOf = (bytes) => (bytes ? bytes.toString() : '');

const MESSAGES = {
  message(redis, [, channel, message]) {
    if (redis.listenerCount('message') > 0) {
      redis.emit('message', channel.toString(), textOf(message));
    }
    redis.emit('messageBuffer', channel, message);
  },

  pmessage(redis, [, bytes, channel, message]) {
    const pattern = bytes.toString();
    if (redis.listenerCount('pmessage') > 0) {
      redis.emit('pmessage', pattern, channel.toString(), message.toString());
    }
    redis.emit('pmessageBuffer', pattern, channel, message);
  },

  smessage(redis, [, channel, message]) {
    if (redis.listenerCount('smessage') > 0) {
      redis.emit('smessage', channel.toString(), textOf(message));
    }
    redis.emit('smessageBuffer', channel, message);
  },
};

function subscribed({ condition }, kind, channel) {
  condition.subscriber ||= new SubscriptionSet();
  condition.subscriber.add(kind, channel.toString());
}

function unsubscribed(redis, kind, channel, count) {
  const { condition } = redis;
  if (condition.subscriber && channel) condition.subscriber.del(kind, channel.toString());
  if (Number(count) === 0) condition.subscriber = false;
  // Of a slot that has moved, which nobody asked for.
  const next = redis.commandQueue.peekFront();
  if (kind === 'sunsubscribe' && next?.name.toLowerCase() !== kind) redis.emit('moved');
}

const CONFIRMATIONS = {
  subscribe: subscribed,
  psubscribe: subscribed,
  ssubscribe: subscribed,
  unsubscribe: unsubscribed,
  punsubscribe: unsubscribed,
  sunsubscribe: unsubscribed,
};

function receive(redis, push) {
  if (!Array.isArray(push)) {
    tellMonitor(redis, push.toString());
    return;
  }
  const kind = String(push[0]);
  if (Object.hasOwn(MESSAGES, kind)) {
    if (redis.condition.subscriber) MESSAGES[kind](redis, push);
  } else if (Object.hasOwn(CONFIRMATIONS, kind)) {
    CONFIRMATIONS[kind](redis, kind, push[1], push[2]);
  }
}

/** `1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`. */
function tellMonitor(redis, line) {
  const quote = line.indexOf('"');
  const time = line.slice(0, line.indexOf(' '));
  const [database, source] = line.slice(time.length + 2, quote - 2).split(' ');
  const words = line.slice(quote + 1, -1).split('" "');
  const args = words.map((word) => word.replace(/\\"/g, '"'));
  redis.emit('monitor', time, args, source, database);
}

module.exports = { receive };
