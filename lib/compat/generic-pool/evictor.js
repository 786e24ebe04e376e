'use strict';

/** Whether an idle resource goes, as generic-pool decides it when no other Evictor is given. */
class DefaultEvictor {
  evict({ softIdleTimeoutMillis, idleTimeoutMillis, min }, { lastIdleTime }, available) {
    const idle = Date.now() - lastIdleTime;
    const isSpare = softIdleTimeoutMillis > 0 && available > min;
    return idle > idleTimeoutMillis || (isSpare && idle > softIdleTimeoutMillis);
  }
}

module.exports = { DefaultEvictor };
