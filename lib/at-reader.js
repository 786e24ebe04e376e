'use strict';

const { atCaller } = require('./errors');

/**
 * The iterator of a stream, with which the statement's error gets the stack of the reader who meets
 * it: `isFailure` knows that error. What is at hand costs nothing more.
 */
function failingAtReader(stream, iterator, isFailure) {
  const next = iterator.next.bind(iterator);
  const atReader = (error) => {
    if (isFailure(error)) atCaller(error, atReader);
    throw error;
  };
  iterator.next = () => {
    const atHand = stream.readableLength > 0 && !stream.destroyed;
    return atHand ? next() : next().then(undefined, atReader);
  };
  return iterator;
}

module.exports = { failingAtReader };
