// The same with pg's option `pipeline`.
import pg from '../../../lib/compat/pg/index.mjs';
import { openWith } from '../pg-api.mjs';

export const open = (settings) => openWith(pg, { ...settings, pipeline: true });
