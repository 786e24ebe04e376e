// ioredis with its automatic pipelining: what one turn of the event loop sends goes together.
import { openClient } from './ioredis.mjs';

export const open = ({ url }) => openClient(url, { enableAutoPipelining: true });
