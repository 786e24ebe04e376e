// node-redis: one client, which pipelines what one turn sends.
import { createClient } from 'redis';

export async function open({ url }) {
  const client = createClient({ url });
  await client.connect();
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: () => client.close(),
  };
}
