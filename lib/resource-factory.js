'use strict';

const { OptionError } = require('./errors');

const STEPS = ['create', 'destroy', 'validate', 'reset'];

/** The options beside the functions of the factory, which may be in one object with them. */
function readOptions(factory, options) {
  if (typeof factory !== 'object' || factory === null) {
    throw new OptionError('a pool of resources needs { create, destroy }', { option: 'create' });
  }
  for (const step of ['create', 'destroy']) {
    if (typeof factory[step] !== 'function') {
      throw new OptionError(`option '${step}' must be a function`, { option: step });
    }
  }
  if (options === undefined) return factory;
  if (typeof options !== 'object' || options === null) {
    throw new OptionError('the options of a pool must be an object', { option: '' });
  }
  refuseOptions(factory);
  for (const step of STEPS) {
    if (options[step] === undefined) continue;
    const message = `option '${step}' belongs to the factory, which is the first argument`;
    throw new OptionError(message, { option: step });
  }
  return options;
}

/**
 * Beside options of their own, those of a factory would be overlooked. Of a plain object all but its
 * functions must be meant as such, unless they are `known`; instances have fields.
 */
function refuseOptions(factory, known) {
  const above = Object.getPrototypeOf(factory);
  if (above !== null && Object.getPrototypeOf(above) !== null) return;
  for (const option of Object.keys(factory)) {
    if (typeof factory[option] === 'function') continue;
    if (known !== undefined && !known.includes(option)) continue;
    const message = `option '${option}' belongs to the options, which are the second argument`;
    throw new OptionError(message, { option });
  }
}

module.exports = { readOptions, refuseOptions };
