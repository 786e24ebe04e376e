'use strict';

/**
 * One command on its way through the ring: what the engine says of it becomes fields, rows and
 * packets for the command, in their order, and none while its connection is paused.
 */

const { FLAG } = require('../../records');
const { surface } = require('../../surface');
const { fatal } = require('./errors');
const { shapeOf } = require('./readers');

/** Rows of a stream that may be on their way; credit goes back in portions. */
const WINDOW = 512;
const PORTION = WINDOW / 4;

/** Bytes of one record of a file. */
const PIECE = 64 * 1024;

class Exchange {
  lease = null;
  rows = null;
  failure = null;
  isStatement = true;
  parked = false;
  shapes = null;
  context = null;
  onAbort = undefined;
  #connection;
  #command;
  #number = -1;
  /** Told of the result under way. */
  #packet = null;
  /** The columns of the result under way are told, or it has none. */
  #begun = false;
  /** What is not told yet, as functions. */
  #waiting = [];
  #isStream;
  /** Rows told since the engine was last given credit. */
  #taken = 0;
  #file = null;
  /** The shape of the result under way, and what it was made from. */
  #entry = null;
  #shape = null;

  /** `reading` says what rows become; without one no result has rows. */
  constructor(connection, command, reading) {
    this.#connection = connection;
    this.#command = command;
    this.reading = reading;
    this.pool = this;
    // Whole results are of use to callbacks alone.
    this.#isStream = reading !== null && !command.onResult;
    this.stream = this;
    this.results = { push: (result) => this.#endResult(result) };
  }

  /**
   * `body`: a text to query, or bytes. `asks`: the server may want more than that. `bits`: of a
   * command without results.
   */
  begin(session, body, closes, asks, bits = 0) {
    const { reading } = this;
    if (!this.#isStream && !asks) this.stream = null;
    const streams = this.#isStream && !asks;
    this.#isStream = streams;
    const follows = this.#connection._begin.follow(this.#command);
    const flags = (streams ? FLAG.STREAM : 0) | (asks ? FLAG.COPY : 0) | follows;
    const values = [body, reading === null ? bits : reading.bits];
    if (closes.length > 0) values.push(closes.join(','));
    this.session = session;
    this.#number = session.submit(this, values, flags, WINDOW);
  }

  // ---- From the ring ----

  shapeOf(entry) {
    if (entry !== this.#entry) {
      this.#shape = shapeOf(entry, this.reading, this.#connection.clientEncoding);
      this.#entry = entry;
    }
    return this.#shape;
  }

  errorOf(wire) {
    return wire;
  }

  /** How the session stands now. */
  set status(status) {
    this.session.status = status;
  }

  get outcome() {
    return null;
  }

  /** What the server has said, one character for each byte. */
  set outcome(told) {
    if (told !== null) this.#attempt(() => this.#hear(told.info));
  }

  /** What throws here costs this connection alone: others wait for answers of the same burst. */
  #attempt(call) {
    try {
      call();
    } catch (error) {
      this.#connection._fail(fatal(error));
    }
  }

  #hear(text) {
    if (this.#command.hears?.(Buffer.from(text, 'latin1'), this)) return;
    this.#packet = text;
  }

  take(rows, fields) {
    const begins = !this.#begun;
    this.#begun = true;
    if (begins) this.#tell(() => this.#command.handleFields(fields));
    for (const row of rows) this.#waiting.push(row);
    this.#deliver();
  }

  halt() {}

  #endResult({ fields, rows }) {
    if (this.#packet !== null && fields.length === 0) {
      this.#tellPacket();
    } else {
      this.#packet = null;
      if (!this.#begun) this.#tell(() => this.#command.handleFields(fields));
      this.#tell(() => this.#command.handleRows(rows));
    }
    this.#begun = false;
  }

  end(fields) {
    this.#endResult({ fields, rows: [] });
    this.resolve();
  }

  resolve() {
    this.#tell(() => this.#over(null));
  }

  #tellPacket() {
    const packet = this.#packet;
    this.#packet = null;
    this.#tell(() => this.#command.handlePacket(packet));
  }

  fail(error) {
    // Of the statement before the one that failed.
    if (this.#packet !== null) this.#tellPacket();
    this.#tell(() => this.#over(error));
  }

  #over(wire) {
    this.#file?.stop();
    this.#command.handleEnd(wire, this.failure !== null);
  }

  // ---- To the command ----

  #tell(call) {
    call.isCall = true;
    this.#waiting.push(call);
    this.#deliver();
  }

  /** Tells what waits, until somebody pauses the connection. */
  deliver() {
    this.#deliver();
  }

  #deliver() {
    const waiting = this.#waiting;
    const connection = this.#connection;
    let at = 0;
    while (at < waiting.length && !connection._paused) {
      const next = waiting[at++];
      try {
        connection.scope.runInAsyncScope(this.#hand, this, next);
      } catch (error) {
        surface(error);
      }
    }
    if (at === waiting.length) waiting.length = 0;
    else waiting.splice(0, at);
  }

  #hand(next) {
    if (typeof next === 'function' && next.isCall) return next();
    if (this.#isStream && ++this.#taken === PORTION) {
      this.#taken = 0;
      this.session.credit(this.#number, PORTION);
    }
    return this.#command.handleRow(next);
  }

  // ---- What the server asks for ----

  /** It takes so many bytes, or so many more. */
  grant(bytes) {
    this.#attempt(() => {
      if (this.#file !== null) this.#file.grant(bytes);
      else this.#command.handleAsked?.(this, bytes);
    });
  }

  send(bytes) {
    this.session.send(this.#number, bytes);
  }

  /** A packet, even if it is empty. */
  reply(bytes) {
    if (bytes.length === 0) this.sendEnd();
    else this.send(bytes);
  }

  sendEnd() {
    this.session.sendEnd(this.#number);
  }

  /** Sends what the stream gives; calls back with its error, or null, once all of it has gone. */
  sendFile(stream, credit, callback) {
    this.#file = new File(this, stream, credit, callback);
  }
}

/** A file on its way to the server, against credit. */
class File {
  #exchange;
  #stream;
  #credit;
  #pieces = [];
  #ended = false;
  #callback;

  constructor(exchange, stream, credit, callback) {
    this.#exchange = exchange;
    this.#stream = stream;
    this.#credit = credit;
    this.#callback = callback;
    stream.on('data', this.#take);
    stream.once('end', this.#end);
    stream.once('error', this.#fail);
    stream.once('close', this.#close);
  }

  grant(bytes) {
    this.#credit += bytes;
    this.#advance();
  }

  #take = (data) => {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data);
    for (let at = 0; at < bytes.length; at += PIECE) {
      this.#pieces.push(bytes.subarray(at, at + PIECE));
    }
    this.#advance();
  };

  #end = () => {
    this.#ended = true;
    this.#advance();
  };

  #fail = (error) => {
    this.#pieces.length = 0;
    this.#callback(error);
    this.#end();
  };

  /** Destroyed without a word. */
  #close = () => {
    if (!this.#ended) this.#fail(new Error('The file stream was closed before its end'));
  };

  #advance() {
    let sent = 0;
    while (sent < this.#pieces.length && this.#credit > 0) {
      const piece = this.#pieces[sent++];
      this.#exchange.send(piece);
      this.#credit -= piece.length;
    }
    this.#pieces.splice(0, sent);
    if (this.#pieces.length > 0) this.#stream.pause();
    else if (this.#ended) this.#finish();
    else this.#stream.resume();
  }

  #finish() {
    if (this.#exchange === null) return;
    this.#exchange.sendEnd();
    this.stop();
  }

  /** Nobody reads it any more. */
  stop() {
    this.#stream.removeListener('data', this.#take);
    this.#stream.removeListener('end', this.#end);
    this.#stream.removeListener('close', this.#close);
    this.#exchange = null;
  }
}

module.exports = { Exchange };
