/** What `import` of 'pg' is: the one CommonJS instance, by name and as the default. */

import pg from './index.js';

export const Client = pg.Client;
export const Pool = pg.Pool;
export const Connection = pg.Connection;
export const types = pg.types;
export const Query = pg.Query;
export const DatabaseError = pg.DatabaseError;
export const escapeIdentifier = pg.escapeIdentifier;
export const escapeLiteral = pg.escapeLiteral;
export const Result = pg.Result;
export const TypeOverrides = pg.TypeOverrides;
export const defaults = pg.defaults;
export default pg;
