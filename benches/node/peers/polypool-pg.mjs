// What replaces pg: the same program, another import.
import pg from '../../../lib/compat/pg/index.mjs';
import { openWith } from '../pg-api.mjs';

export const open = (settings) => openWith(pg, settings);
