'use strict';

/** A server that still loads its data is not ready: INFO says so, and for how long. */

const UNREADABLE = (message) =>
  `Skipping the ready check because INFO command fails: "${message}". ` +
  'You can disable ready check with "enableReadyCheck". ' +
  'More: https://github.com/luin/ioredis/wiki/Disable-ready-check.';

function fieldsOf(text) {
  const fields = {};
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon !== -1 && colon < line.length - 1)
      fields[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return fields;
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves to what INFO says when the server is ready. */
async function checkReady(redis) {
  for (;;) {
    let told;
    try {
      told = await redis.info();
    } catch (error) {
      if (!error.message?.includes('NOPERM')) throw error;
      console.warn(UNREADABLE(error.message));
      return {};
    }
    if (typeof told !== 'string') return told;
    const info = fieldsOf(told);
    if (!info.loading || info.loading === '0') return info;
    const etaMs = (info.loading_eta_seconds || 1) * 1000;
    await wait(Math.min(redis.options.maxLoadingRetryTime || Infinity, etaMs));
  }
}

module.exports = { checkReady };
