// The drop-in for ioredis as its users have it: one client, no pipeline of their own.
import Redis from '../../../lib/compat/ioredis/index.js';

export function open({ url }) {
  const client = new Redis(url);
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: () => client.quit(),
  };
}
