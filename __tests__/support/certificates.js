'use strict';
// Certificates made for the run with openssl: those of the test server, and those no client or
// server should take.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const run = promisify(execFile);

const HERE = 'DNS:localhost,IP:127.0.0.1';
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];

/** Some versions of openssl sign for the past only as an authority with a database. */
const AUTHORITY = `
[ca]
default_ca = polypool
[polypool]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;

/** An authority in a folder; everything it makes lies there as NAME.crt and NAME.key. */
class Authority {
  #owner;

  constructor(directory, owner = {}) {
    this.directory = directory;
    this.#owner = owner;
  }

  /** Makes ca.crt and the server's own certificate, server.crt. */
  static async create(directory, owner) {
    const authority = new Authority(directory, owner);
    authority.#write('authority.cnf', AUTHORITY);
    authority.#write('index.txt', '');
    const subject = ['-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=polypool test CA'];
    const life = ['-nodes', '-days', '30'];
    await authority.#openssl('req', '-x509', '-newkey', 'rsa:2048', ...life, ...subject);
    await authority.issue('server', { newKey: ['-newkey', 'rsa:2048'] });
    return authority;
  }

  #openssl(...args) {
    return run('openssl', args, { cwd: this.directory, ...this.#owner });
  }

  #write(name, text) {
    const file = path.join(this.directory, name);
    fs.writeFileSync(file, text);
    if (this.#owner.uid !== undefined) fs.chownSync(file, this.#owner.uid, this.#owner.gid);
  }

  #finish(name) {
    fs.chmodSync(path.join(this.directory, `${name}.key`), 0o600);
  }

  /** A certificate that the authority signs; `signing` adds to `openssl x509 -req`. */
  async issue(name, { names = HERE, subject = 'localhost', signing = [], newKey = EC } = {}) {
    this.#write(`${name}.ext`, `subjectAltName=${names}\nbasicConstraints=CA:FALSE\n`);
    await this.#request(name, subject, newKey);
    const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'];
    const files = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.ext`];
    await this.#openssl('x509', '-req', ...signer, ...files, ...signing);
    this.#finish(name);
  }

  async #request(name, subject, newKey) {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
    await this.#openssl('req', ...newKey, '-nodes', ...files, '-subj', `/CN=${subject}`);
  }

  /** One that is good but for its time: YYYYMMDDhhmmssZ. */
  async issueFor(name, start, end) {
    this.#write(`${name}.ext`, `subjectAltName=${HERE}\nbasicConstraints=CA:FALSE\n`);
    await this.#request(name, 'localhost', EC);
    const signer = ['-config', 'authority.cnf', '-cert', 'ca.crt', '-keyfile', 'ca.key', '-notext'];
    const files = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.ext`];
    const life = ['-startdate', start, '-enddate', end];
    await this.#openssl('ca', '-batch', ...signer, ...files, ...life);
    this.#finish(name);
  }

  /** One that signs itself, as the manual of PostgreSQL shows it. */
  async issueAlone(name, newKey = EC) {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', '/CN=localhost'];
    const life = ['-nodes', '-days', '30', '-addext', `subjectAltName=${HERE}`];
    await this.#openssl('req', '-x509', ...newKey, ...life, ...files);
    this.#finish(name);
  }

  /** NAME.key once more under a passphrase. */
  async encryptKey(name, to) {
    const files = ['-in', `${name}.key`, '-out', `${to}.key`];
    await this.#openssl('pkcs8', '-topk8', '-passout', 'pass:hidden', ...files);
  }

  file(name) {
    return path.join(this.directory, name);
  }

  read(name) {
    return fs.readFileSync(this.file(name), 'utf8');
  }
}

module.exports = { Authority };
