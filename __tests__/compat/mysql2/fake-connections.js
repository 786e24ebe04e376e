'use strict';
// Connections that are connections to no server, for pools of both packages: they do what the test
// says, when it says so.

const { EventEmitter } = require('node:events');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..', '..');

/** Where each package has the class that its pools extend. */
const CONNECTIONS = {
  mysql2: path.join(ROOT, 'node_modules', 'mysql2', 'lib', 'connection.js'),
  'polypool/mysql2': path.join(ROOT, 'lib', 'compat', 'mysql2', 'base.js'),
};

/** A class of connections; what is under way with them is in its lists, as `{ connection, go }`. */
function fakeConnections() {
  const { createQuery } = require('mysql2');
  return class Fake extends EventEmitter {
    static opening = [];
    static running = [];
    static resetting = [];
    static closing = [];
    static calls = [];
    static made = 0;
    static createQuery = createQuery;

    constructor({ config }) {
      super();
      this.config = config;
      this.id = ++Fake.made;
      const go = (error) => {
        if (error) this.emit('error', error);
        else this.emit('connect');
      };
      Fake.opening.push({ connection: this, go });
    }

    connect(callback) {
      const handleError = (error) => {
        this.removeListener('connect', handleConnect);
        callback(error);
      };
      const handleConnect = () => {
        this.removeListener('error', handleError);
        callback(null);
      };
      this.once('error', handleError);
      this.once('connect', handleConnect);
    }

    #run(command) {
      Fake.calls.push(`run on ${this.id}`);
      const go = (error) => {
        if (command.onResult) command.onResult(error ?? null, error ? undefined : ['row']);
        else if (error) command.emit('error', error);
        command.emit('end');
      };
      Fake.running.push({ connection: this, go });
      return command;
    }

    query(command) {
      return this.#run(command);
    }

    execute(_sql, _values, onResult) {
      return this.#run(Object.assign(new EventEmitter(), { onResult }));
    }

    reset(callback) {
      Fake.resetting.push({ connection: this, go: callback });
    }

    end(callback) {
      Fake.calls.push(`end ${this.id}`);
      const go = () => {
        callback?.();
        this.emit('end');
      };
      Fake.closing.push({ connection: this, go });
    }

    destroy() {
      Fake.calls.push(`destroy ${this.id}`);
    }
  };
}

/** The pool of a package over such connections: `{ Fake, createPool }`. */
function fakePools(name) {
  const Fake = fakeConnections();
  let createPool;
  jest.isolateModules(() => {
    if (name === 'mysql2') jest.doMock(CONNECTIONS[name], () => Fake);
    else
      jest.doMock(CONNECTIONS[name], () => ({
        ...jest.requireActual(CONNECTIONS[name]),
        Connection: Fake,
      }));
    createPool = require(name).createPool;
    jest.dontMock(CONNECTIONS[name]);
  });
  return { Fake, createPool };
}

module.exports = { fakePools };
