'use strict';
// A factory whose every step a test decides, and that knows what exists and who holds it.

const { deferred } = require('./pools.js');

/**
 * What a step does: `ok`, `throw` at once, `reject`, `never` settle. A list is used up, then all is
 * well. `hold: true` leaves each step open, in `pending`, for the test to settle.
 */
function factoryOf({ create, destroy, validate, reset, hold = false } = {}) {
  const plans = { create, destroy, validate, reset };
  const alive = new Set();
  const calls = { create: 0, destroy: 0, validate: 0, reset: 0 };
  const pending = [];
  const signals = [];

  const next = (step) => {
    const plan = plans[step];
    return Array.isArray(plan) ? (plan.shift() ?? 'ok') : (plan ?? 'ok');
  };

  const perform = (step, finish) => {
    calls[step]++;
    const way = next(step);
    if (way === 'throw') throw new Error(`${step} threw`);
    if (way === 'reject') return Promise.reject(new Error(`${step} rejected`));
    if (way === 'never') return new Promise(() => {});
    if (!hold) return finish();
    const open = deferred();
    pending.push({
      step,
      ok: () => open.resolve(finish()),
      fail() {
        // What could not be destroyed properly is lost to the pool all the same.
        if (step === 'destroy') finish();
        open.reject(new Error(`${step} failed`));
      },
    });
    return open.promise;
  };

  const factory = {
    create({ signal }) {
      signals.push(signal);
      return perform('create', () => {
        const resource = { id: calls.create };
        alive.add(resource);
        return resource;
      });
    },
    destroy: (resource) => perform('destroy', () => void alive.delete(resource)),
  };
  if (validate !== undefined) factory.validate = () => perform('validate', () => true);
  if (reset !== undefined) factory.reset = () => perform('reset', () => {});
  return { factory, alive, calls, pending, signals };
}

module.exports = { factoryOf };
