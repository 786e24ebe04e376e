'use strict';

/** The connection that pools are made of, and what else of the package is not about pools. */

module.exports = require('mysql2');
