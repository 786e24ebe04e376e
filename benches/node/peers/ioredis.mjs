// ioredis as its users have it: one client, no pipeline of their own.
import { Redis } from 'ioredis';

export function openClient(url, options) {
  const client = new Redis(url, options);
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: () => client.quit(),
  };
}

export const open = ({ url }) => openClient(url, {});
