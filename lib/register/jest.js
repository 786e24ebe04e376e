'use strict';

/** The table for Jest, which resolves modules by itself. POLYPOOL_REGISTER limits it, too. */

const { choose, routes } = require('./redirect');
const table = require('./table');

const escape = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

exports.moduleNameMapper = Object.fromEntries(
  routes(table, choose(table)).map(({ request, target }) => [
    `^${escape(request)}$`,
    require.resolve(target),
  ]),
);
