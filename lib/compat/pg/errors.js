'use strict';
const { DatabaseError } = require('pg-protocol');
const databaseError = (w) => Object.assign(new DatabaseError(w.message, 0, 'error'), w);
module.exports = { databaseError, connectError: (e) => e, lostErrors: (w) => ({ server: w?.cause?.kind === 'database' ? databaseError(w.cause) : null, transport: null }), noticeOf: (w) => ({ ...w, name: 'notice' }) };
