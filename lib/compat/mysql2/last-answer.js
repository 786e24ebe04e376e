'use strict';

/** A callback for each of several, which calls one when the last has come, or the first error. */
function whenAll(count, callback) {
  let left = count;
  return (error) => {
    if (left === 0 || (!error && --left > 0)) return;
    left = 0;
    callback(error);
  };
}

module.exports = { whenAll };
