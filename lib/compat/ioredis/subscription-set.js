'use strict';

/** What a connection is subscribed to, by the kinds of subscription. */

const KINDS = {
  subscribe: 'subscribe',
  unsubscribe: 'subscribe',
  psubscribe: 'psubscribe',
  punsubscribe: 'psubscribe',
  ssubscribe: 'ssubscribe',
  sunsubscribe: 'ssubscribe',
};

class SubscriptionSet {
  /** Without a prototype: any text may be the name of a channel. */
  set = {
    subscribe: { __proto__: null },
    psubscribe: { __proto__: null },
    ssubscribe: { __proto__: null },
  };

  /** `kind` is the command that did it. */
  add(kind, channel) {
    this.set[KINDS[kind]][channel] = true;
  }

  del(kind, channel) {
    delete this.set[KINDS[kind]][channel];
  }

  channels(kind) {
    return Object.keys(this.set[KINDS[kind]]);
  }

  isEmpty() {
    return Object.values(this.set).every((channels) => Object.keys(channels).length === 0);
  }
}

module.exports = { SubscriptionSet };
