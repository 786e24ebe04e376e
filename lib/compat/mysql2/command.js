'use strict';

/** What is asked of a connection: it starts when those before it are over. */

const { BareEmitter } = require('../../bare-emitter');
const { guarded } = require('../../surface');
const { Exchange } = require('./exchange');
const { serverError } = require('./errors');

const { nextTick } = process;

class Command extends BareEmitter {
  /** A callback, or undefined: then events tell. */
  onResult = undefined;
  _connection = null;
  /** The statement of a pool that it is: told with `handleEnd` that it is over. */
  _pooled = null;
  /** On its way through the ring. */
  _exchange = null;

  constructor(callback) {
    super();
    this.onResult = callback;
  }

  /** It is to be part of the transaction that has begun. */
  get runsWithin() {
    return false;
  }

  /** Begins on its connection; true where it is over at once. */
  start(_connection) {
    return true;
  }

  /** Sends the command. Without a reading no result of it has rows. */
  exchange(connection, body, reading = null, asks = false, bits = 0) {
    this._connection = connection;
    const exchange = (this._exchange = new Exchange(connection, this, reading));
    exchange.begin(connection._session, body, connection._takeCloses(), asks, bits);
  }

  /** Goes on where its connection was paused. */
  resume() {
    this._exchange?.deliver();
  }

  /** `told`: what the server says of a result without rows, one character for each byte. */
  handlePacket(_told) {}

  /** It is over, with an error of the engine's or without. */
  handleEnd(wire, isThrown) {
    const connection = this._connection;
    if (wire === null) connection._endCommand(this, null);
    else if (isThrown) connection._endCommand(this, wire);
    else if (wire.kind !== 'database') connection._loseCommand(this, wire);
    else connection._endCommand(this, this.errorOf(wire));
  }

  errorOf(wire) {
    const error = serverError(wire, this._connection?.clientEncoding);
    error.sql = this.sql || this.query;
    return error;
  }

  finish() {
    if (this.onResult) nextTick(this.onResult, null);
  }

  refuse(error) {
    if (this.onResult) this.onResult(error);
    else this.emit('error', error);
  }
}

class Ping extends Command {
  start(connection) {
    this.exchange(connection, Buffer.from([14]));
    return false;
  }

  finish() {
    if (this.onResult) nextTick(() => this.onResult());
  }
}

class ResetConnection extends Command {
  start(connection) {
    this.exchange(connection, Buffer.from([31]));
    return false;
  }

  finish(connection) {
    connection._forgetSession();
    super.finish();
  }
}

class Quit extends Command {
  start(connection) {
    connection._closing = true;
    if (this.onResult) guarded(() => this.onResult());
    connection._quit();
    return true;
  }
}

/** Has no answer: it goes out together with the command behind it. */
class CloseStatement extends Command {
  constructor(id) {
    super();
    this.id = id;
  }

  start(connection) {
    connection._closes.push(this.id);
    return true;
  }
}

/** The text of a statement. Throws what anything else is refused with, as Node words it. */
function textOf(sql) {
  if (typeof sql !== 'string') Buffer.byteLength(sql);
  return String(sql);
}

module.exports = { CloseStatement, Command, Ping, Quit, ResetConnection, textOf };
