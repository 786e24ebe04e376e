/**
 * Has Jest resolve the packages that polypool replaces to its drop-ins: an entry for `config`, or
 * to be spread into the one that is there.
 *
 *     const { moduleNameMapper } = require('polypool/register/jest');
 *     module.exports = { moduleNameMapper };
 */
export const moduleNameMapper: Record<string, string>;
