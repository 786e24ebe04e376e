// The declarations stand by themselves: here those of packages are checked, too.

import Redis, { Cluster } from 'polypool/ioredis';
import type { RedisOptions } from 'polypool/ioredis';
import { parseURL } from 'polypool/ioredis/built/utils';

const options: RedisOptions = parseURL('redis://localhost:6379/1');
const redis = new Redis(options);
const monitor: Promise<Redis> = redis.monitor();

void [monitor, Cluster];
