// What `polypool/generic-pool/lib/errors` exports.

/** An acquire that waited for `acquireTimeoutMillis`. */
export class TimeoutError extends Error {}
