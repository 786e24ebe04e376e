'use strict';

/** What console.log prints of an instance: no secrets. */

const SECRETS = ['password', 'sentinelPassword', 'tls'];

function shown({ status, mode, options, commandQueue, offlineQueue }) {
  const visible = { ...options };
  for (const name of SECRETS) if (visible[name]) visible[name] = '[hidden]';
  return {
    status,
    mode,
    options: visible,
    commandQueue: commandQueue.length,
    offlineQueue: offlineQueue.length,
  };
}

module.exports = { shown };
