// pg with pg-pool.
import pg from 'pg';
import { openWith } from '../pg-api.mjs';

export const open = (settings) => openWith(pg, settings);
