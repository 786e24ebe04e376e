// Libraries over `ioredis`, which their own declarations name. Compiled as it stands with ioredis,
// and with `replaced.json`, where both they and this program find ours under that name.

import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';

const connection = new Redis({ maxRetriesPerRequest: null });
const queue = new Queue('mail', { connection });
const worker = new Worker('mail', async (job) => job.name, { connection });
const limiter = new RateLimiterRedis({ storeClient: connection, points: 5, duration: 1 });

void [queue, worker, limiter];
