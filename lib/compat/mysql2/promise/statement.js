'use strict';

const { promised } = require('./settle');

/** A prepared statement with promises. */
class PromisePreparedStatementInfo {
  constructor(statement, Promise) {
    this.statement = statement;
    this.Promise = Promise;
  }

  execute(parameters) {
    const { statement } = this;
    const isTraced = statement._connection.config.trace;
    const above = isTraced ? PromisePreparedStatementInfo.prototype.execute : null;
    return promised(this.Promise, above, (done) => {
      if (parameters) statement.execute(parameters, done);
      else statement.execute(done);
    });
  }

  close() {
    return new this.Promise((resolve) => {
      this.statement.close();
      resolve();
    });
  }
}

module.exports = { PromisePreparedStatementInfo };
