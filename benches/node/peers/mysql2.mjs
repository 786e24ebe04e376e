// mysql2 with its pool of promises.
import mysql from 'mysql2/promise';
import { openWith } from '../mysql2-api.mjs';

export const open = (settings) => openWith(mysql, settings);
