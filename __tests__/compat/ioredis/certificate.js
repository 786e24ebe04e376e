'use strict';
// A certificate that vouches for itself, for localhost.

const { execFile } = require('node:child_process');
const fs = require('node:fs/promises');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');

const run = promisify(execFile);

const SUBJECT = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Resolves to `key` and `cert` as `tls.createServer` takes them. */
async function makeCertificate() {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'polypool-certificate-'));
  try {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
    await run('openssl', ['req', '-x509', ...KEY, ...SUBJECT, '-keyout', key, '-out', cert]);
    return { key: await fs.readFile(key, 'utf8'), cert: await fs.readFile(cert, 'utf8') };
  } finally {
    await fs.rm(folder, { recursive: true });
  }
}

module.exports = { makeCertificate };
