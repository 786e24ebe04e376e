// What replaces mysql2: the same program, another import.
import mysql from '../../../lib/compat/mysql2/promise.js';
import { openWith } from '../mysql2-api.mjs';

export const open = (settings) => openWith(mysql, settings);
