'use strict';
// temporary until target.js is merged
function connectSession(client, config, open) {
  const p = client.connectionParameters;
  return new Promise((resolve, reject) => {
    const session = open();
    if (session === null) return;
    const target = { host: p.host, port: p.port, user: p.user, password: p.password ?? undefined, database: p.database, ssl: p.ssl || undefined, allowCleartextPassword: true };
    if (!p.ssl) target.sslmode = 'disable', delete target.ssl;
    session.open(target, p.application_name ? { application_name: p.application_name } : {}, (e) => (e ? reject(Object.assign(new Error(e.message ?? 'x'), e)) : resolve()));
  });
}
module.exports = { connectSession };
