'use strict';

/**
 * Gives an object what it has not from others, the first one first; inherited fields count, which
 * may be getters of a class.
 */
function fill(options, ...sources) {
  for (const source of sources) {
    for (const key in source) if (options[key] === undefined) options[key] = source[key];
  }
  return options;
}

module.exports = { fill };
