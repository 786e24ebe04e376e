'use strict';
// A primary and its standby, for what must be seen on two real servers.

const { Server, ROLES, DATABASE } = require('./server.js');

/** With `synchronous`, a commit that was answered is on the standby, and visible there. */
async function startPair({ synchronous = true } = {}) {
  const primary = await Server.start({ synchronous_commit: 'on' });
  let standby;
  try {
    standby = await Server.replicaOf(primary);
    if (synchronous) await primary.synchronize();
  } catch (error) {
    await Promise.all([primary.destroy(), standby?.destroy()]);
    throw error;
  }
  const destroy = () => Promise.all([primary.destroy(), standby.destroy()]);
  return { primary, standby, destroy };
}

/** A URL that names several servers or ports, in this order. */
function urlOf(servers, settings = {}) {
  const hosts = servers.map((server) => `127.0.0.1:${server.port ?? server}`).join(',');
  const query = new URLSearchParams({ sslmode: 'disable', ...settings });
  return `postgres://app:${ROLES.app.password}@${hosts}/${DATABASE}?${query}`;
}

module.exports = { startPair, urlOf };
