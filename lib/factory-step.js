'use strict';

// Not the globals: test frameworks replace those, perhaps before this is loaded.
const { performance: clock } = require('node:perf_hooks');
const { clearTimeout, setTimeout } = require('node:timers');
const { PoolError } = require('./errors');
const { TIMEOUT_MAX } = require('./options');

/**
 * Runs a step of the factory, sync or async, and tells once how it ended: `done(value)` or
 * `failed(error)`; `late(value)` is for what comes after the time has run out.
 */
function runStep(factory, step, argument, timeoutMs, { done, failed, late }) {
  let timer = null;
  let bound = Infinity;
  let over = false;
  const expire = (ms) => {
    over = true;
    failed(new PoolError('ERR_POLYPOOL_FACTORY_TIMEOUT', `${step} did not settle within ${ms} ms`));
  };
  /** From now on, unless it ends sooner anyway. */
  const shorten = (ms) => {
    if (ms === null || clock.now() + ms >= bound) return;
    bound = clock.now() + ms;
    clearTimeout(timer);
    timer = setTimeout(expire, Math.min(ms, TIMEOUT_MAX), ms);
  };
  shorten(timeoutMs);
  new Promise((resolve) => resolve(factory[step](argument))).then(
    (value) => {
      if (over) return late?.(value);
      clearTimeout(timer);
      return done(value);
    },
    (error) => {
      if (over) return;
      clearTimeout(timer);
      failed(error);
    },
  );
  return {
    shorten,
    unref: () => timer?.unref(),
    /** However it ends, nobody is told. */
    drop() {
      over = true;
      clearTimeout(timer);
    },
  };
}

/**
 * The same of a factory that is called as `factory[step](argument, done, failed)`, answers by one of
 * these, perhaps at once, and sees to its time limits itself.
 */
function callStep(factory, step, argument, _timeoutMs, { done, failed }) {
  let over = false;
  const once = (tell) => (outcome) => {
    if (over) return;
    over = true;
    tell(outcome);
  };
  factory[step](argument, once(done), once(failed));
  return {
    shorten() {},
    unref() {},
    drop() {
      over = true;
    },
  };
}

module.exports = { callStep, runStep };
