'use strict';

/** The error of who waited for too long; programs take its class from `generic-pool/lib/errors`. */

class TimeoutError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'TimeoutError';
  }
}

exports.TimeoutError = TimeoutError;
