'use strict';
// Certificates made for the run with openssl: those of the test server, and those no client or
// server should take.

const { execFile } = require('node:child_process');
const { X509Certificate, sign } = require('node:crypto');
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

/** Bytes of the head of a DER value, and of what follows it. */
function measure(der) {
  if (der[1] < 0x80) return [2, der[1]];
  const bytes = der[1] & 0x7f;
  return [2 + bytes, der.readUIntBE(2, bytes)];
}

/** What a DER sequence consists of. */
function partsOf(sequence) {
  const parts = [];
  for (let [at] = measure(sequence); at < sequence.length; at += parts.at(-1).length) {
    const [head, body] = measure(sequence.subarray(at));
    parts.push(sequence.subarray(at, at + head + body));
  }
  return parts;
}

function der(tag, ...parts) {
  const body = Buffer.concat(parts);
  const { length } = body;
  const short = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  const size = length < 128 ? [length] : short;
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

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

  /**
   * A certificate that the authority signs; `signing` adds to `openssl x509 -req`, `names: null` is
   * for one without a subjectAltName.
   */
  async issue(name, { names = HERE, subject = 'localhost', signing = [], newKey = EC } = {}) {
    const alternatives = names === null ? '' : `subjectAltName=${names}\n`;
    this.#write(`${name}.ext`, `${alternatives}basicConstraints=CA:FALSE\n`);
    await this.#request(name, subject, newKey);
    const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'];
    const files = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.ext`];
    await this.#openssl('x509', '-req', ...signer, ...files, ...signing);
    this.#finish(name);
  }

  /** One of X.509 version 1, which not every openssl makes: without extensions, signed anew. */
  async issueOld(name, options) {
    await this.issue(name, options);
    const [content, algorithm] = partsOf(new X509Certificate(this.read(`${name}.crt`)).raw);
    // The version and the extensions are what has tags of its own.
    const old = der(0x30, ...partsOf(content).filter(([tag]) => tag !== 0xa0 && tag !== 0xa3));
    const signature = der(0x03, Buffer.from([0]), sign('sha256', old, this.read('ca.key')));
    const lines = der(0x30, old, algorithm, signature)
      .toString('base64')
      .match(/.{1,64}/g);
    const marks = ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----'];
    this.#write(`${name}.crt`, [marks[0], ...lines, marks[1], ''].join('\n'));
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
