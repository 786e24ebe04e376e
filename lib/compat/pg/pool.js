module.exports = require('pg-pool');
