// What is declared here, by the names of this package.

import Redis, { Cluster, Command, SentinelConnector, SentinelIterator } from 'polypool/ioredis';
import type { RedisOptions, RedisStatus } from 'polypool/ioredis';
import { CONNECTION_CLOSED_ERROR_MSG, parseURL } from 'polypool/ioredis/built/utils';

const options: RedisOptions = parseURL('redis://localhost:6379/1');
const redis = new Redis(options);
const status: RedisStatus = redis.status;
const size: number = redis.autoPipelineQueueSize + redis.offlineQueue.length;

redis.on('monitor', (time, args, source, database) => [time, args, source, database]);
redis.on('select', (db) => db.toFixed());
redis.on('smessage', (channel, message) => [channel, message]);

void [status, size, Cluster, Command, SentinelConnector, SentinelIterator];
void CONNECTION_CLOSED_ERROR_MSG.length;
