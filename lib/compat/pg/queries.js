'use strict';

/**
 * The queries of a client, one after the other or, in pipeline mode, all at once. Ordinary ones are
 * statements of the engine; the others speak with the server themselves. What waits, what was sent
 * and what runs stands in the client's own fields, where programs look for it.
 */

const { SharedQueries } = require('../../sharing/wires');
const { clock } = require('../../tick');
const { CommitWait } = require('./commit-wait');
const { EarlyBegin } = require('./early-begin');
const { STOPPED, isLost, queryError } = require('./errors');
const { areOriginals } = require('./originals');
const { Run } = require('./run');

/** Marks queries that the client made itself: nobody else has a hand on them. */
const OWN = Symbol('polypool.own');

/** `query` without the care for a caller's callback, and `query` as this package has it. */
const RUN = Symbol('polypool.run');
const PLAIN = Symbol('polypool.plain');

/** Sends a query behind the one that has the client, for a pool; how its wire stands. */
const SHARE = Symbol('polypool.share');
const WIRE = Symbol('polypool.wire');

/** The package that writes messages warns of longer names. */
const NAME_MAX = 63;

const FATAL = new Set(['FATAL', 'PANIC']);

/** How a BEGIN is run that the next query follows. */
const LEAD = { decoded: true, lead: true, seen: undefined };

const ignore = () => {};

class Queries {
  #client;
  #session = null;
  #commitWait = null;
  /** What the engine executes now, or was sent last. */
  #run = null;
  /** Names that were given to the server over the bare wire: the engine does not know them. */
  #wireNames = new Set();
  /** Queries of a pool that were sent behind the one that has the client. */
  #shared = new SharedQueries();
  #begin = new EarlyBegin(
    (owner, text) => this.#session.query(owner, text, undefined, LEAD),
    () => this.pulse(),
  );
  /** Option pipeline does not forbid to send the next query behind it. */
  #answersBegin;
  /** Those with a time limit of their own. */
  #limited = new WeakSet();
  /** When the wire was given something to do, or had last done something. */
  progressedAt = 0;
  /** What is on the wire is being stopped, or was, to run again alone. */
  isInterrupted = false;
  /** The server has said why the connection ends. */
  wasToldWhy = false;

  constructor(client, { pipeline }) {
    this.#client = client;
    this.#answersBegin = pipeline !== false;
  }

  attach(session) {
    this.#session = session;
    this.#commitWait = new CommitWait(session);
  }

  noteNotice(fields) {
    if (this.isInterrupted) this.#commitWait.noteNotice(fields);
  }

  /** `isAsked`: by the caller of the query that goes next, if that is the only one. */
  pulse(isAsked = false) {
    const client = this.#client;
    if (client.pipeline && this.#session !== null) {
      this.#pulsePipeline();
      return;
    }
    if (client.readyForQuery !== true || this.#isInTheWay(client._queryQueue[0])) return;
    const query = client._queryQueue.shift();
    client._activeQuery = query;
    if (query !== undefined) {
      client.readyForQuery = false;
      client.hasExecuted = true;
      this.#submit(query, isAsked);
    } else if (client.hasExecuted) {
      client._activeQuery = null;
      client.emit('drain');
    }
  }

  #submit(query, isAsked) {
    const client = this.#client;
    const isOrdinary = this.#isOrdinary(query);
    // What waited for its turn is answered behind whoever heard of the turn before.
    if (isOrdinary && isAsked && this.#isAnswered(query)) return;
    const fault = isOrdinary ? this.#execute(query) : this.#speak(query);
    if (fault === null) return;
    process.nextTick(() => {
      client._activeQuery = null;
      client.readyForQuery = true;
      try {
        query.handleError(fault, client.connection);
      } finally {
        this.pulse();
      }
    });
  }

  /** Whether a query is the BEGIN of a transaction that nobody has to wait for. */
  #isAnswered(query) {
    const client = this.#client;
    if (!this.#answersBegin || client._txStatus !== 'I') return false;
    if (query.requiresPreparation() || !query.text || this.#limited.has(query)) return false;
    if (client.listenerCount('drain') > 0) return false;
    return this.#begin.answer(query, () => {
      // The connection was lost meanwhile.
      if (client._activeQuery !== query) return;
      client._activeQuery = null;
      client.readyForQuery = true;
      client._txStatus = 'T';
      query.handleReadyForQuery(client.connection);
      this.pulse();
    });
  }

  /** All are sent at once, and answered in order. */
  #pulsePipeline() {
    const client = this.#client;
    if (!client._connected || !client._queryable) return;
    // What spoke with the server itself may have failed, and has an answer still to come.
    if (client.readyForQuery !== true) return;
    while (client._queryQueue.length > 0 && !client._activeQuery) {
      const [query] = client._queryQueue;
      const isOrdinary = this.#isOrdinary(query);
      // What speaks with the server itself has the connection to itself.
      if (!isOrdinary && client._sentQueryQueue.length > 0) return;
      client._queryQueue.shift();
      client.hasExecuted = true;
      if (isOrdinary) this.#send(query);
      else this.#speakAlone(query);
    }
    const isBusy = client._activeQuery || client._sentQueryQueue.length > 0;
    if (!isBusy && client.hasExecuted) client.emit('drain');
  }

  #send(query) {
    const client = this.#client;
    const fault = this.#execute(query);
    if (fault === null) client._sentQueryQueue.push(query);
    else process.nextTick(() => query.handleError(fault, client.connection));
  }

  #speakAlone(query) {
    this.#client._activeQuery = query;
    this.#client.readyForQuery = false;
    this.#submit(query, false);
  }

  /** What speaks with the server itself has the connection to itself. */
  #isInTheWay(query) {
    if (this.#shared.size === 0 && !this.#begin.isUnderWay) return false;
    return query !== undefined && !this.#isOrdinary(query);
  }

  get shared() {
    return this.#shared.size;
  }

  /** See `SharedQueries`. */
  get mayCut() {
    return this.#shared.mayCut;
  }

  get mayStop() {
    return this.#session?.stops === true;
  }

  /** Has the server stop all that is on the wire; false where nothing there has to be stopped so. */
  interrupt() {
    if (this.#shared.mayCut) return false;
    const run = this.#shared.last;
    this.isInterrupted = true;
    this.#session.interrupt(run.number, run);
    return true;
  }

  /** Sends a query at once, whose client another one has; null where it has to wait for its turn. */
  share(query, isInsert) {
    const client = this.#client;
    if (!client._queryable || client._ending || client._queryQueue.length > 0) return null;
    // What runs may have left a transaction open.
    if (client._txStatus !== 'I' || !this.#isOrdinary(query)) return null;
    if (query.findFault(client.connection) !== null) return null;
    const isIdle = this.#shared.size === 0 && client.readyForQuery === true;
    // What speaks with the server itself has the connection to itself.
    if (client._activeQuery && this.#run?.query !== client._activeQuery) return null;
    const run = new Run(this, query);
    this.#start(query, run);
    if (isIdle) this.progressedAt = clock();
    this.#shared.add(query, run, isInsert);
    return query;
  }

  /** Calls back once those that were sent behind others are answered. */
  afterShared(callback) {
    this.#shared.afterAll(callback);
  }

  /** Whether a query of `share` is the only one on the wire, or the first of several. */
  isFirst(query) {
    return !this.#client._activeQuery && this.#shared.isFirst(query);
  }

  /** Whether the engine can run it as a statement, and nobody could tell. */
  #isOrdinary(query) {
    if (query[OWN] !== true || query.rows || query.portal) return false;
    if (this.#session === null || this.#client.connection.isWatched) return false;
    if (!areOriginals()) return false;
    // Which the engine leaves to the server.
    if (Array.isArray(query.types)) return false;
    const { name, text } = query;
    if (!name) return true;
    if (typeof name !== 'string' || name.length > NAME_MAX) return false;
    return !this.#wireNames.has(name) && (typeof text === 'string' || this.#knows(name));
  }

  #knows(name) {
    return this.#textOf(name) !== undefined;
  }

  /** The text that a name stands for. */
  #textOf(name) {
    const { connection } = this.#client;
    const { parsedStatements, submittedNamedStatements, doubtfulStatements } = connection;
    const text = parsedStatements[name] ?? submittedNamedStatements[name];
    return text ?? doubtfulStatements?.get(name);
  }

  /** Runs a query as a statement of the engine; what is wrong with it, or null. */
  #execute(query) {
    const fault = query.findFault(this.#client.connection);
    if (fault !== null) return fault;
    const run = new Run(this, query);
    try {
      this.#start(query, run);
    } catch (error) {
      return error;
    }
    this.#run = run;
    this.progressedAt = clock();
    return null;
  }

  /** Throws what its values are refused with. */
  #start(query, run) {
    this.#begin.follow();
    const { parsedStatements, submittedNamedStatements } = this.#client.connection;
    const { name } = query;
    const text = query.text || (name && this.#textOf(name)) || '';
    run.start(this.#session, text);
    if (!name || parsedStatements[name] !== undefined) return;
    run.isNamed = true;
    submittedNamedStatements[name] = text;
  }

  /** Has a query speak over the bare wire. */
  #speak(query) {
    const error = this.#begin.takeError();
    if (error !== null) return queryError(error);
    const { name } = query;
    if (name && !this.#knows(name)) this.#wireNames.add(name);
    return query.submit(this.#client.connection) ?? null;
  }

  /** A run is over, well. */
  finished(run) {
    if (this.isInterrupted && this.#commitWait.begin(() => this.#finish(run))) return;
    this.#finish(run);
  }

  #finish(run) {
    const { query } = run;
    this.#noteName(run, false);
    if (forgets(query._results)) this.#doubtStatements();
    this.#settle(query);
    try {
      query.handleReadyForQuery(this.#client.connection);
    } finally {
      this.pulse();
    }
  }

  /** A run is over, with an error: of the engine's, as it words it, or what a parser threw. */
  failed(run, error, isThrown) {
    // The end of the connection follows, with the words for it.
    if (!isThrown && isLost(error)) return;
    const { query } = run;
    this.#noteName(run, !isThrown && error.unparsed === true);
    const wasStopped = !isThrown && error.interrupted === true;
    if (wasStopped && this.#runAgain(query)) return;
    this.#settle(query);
    const client = this.#client;
    if (!isThrown) this.noteSeverity(error.severity);
    const failure = isThrown ? error : queryError(error);
    if (wasStopped) failure[STOPPED] = true;
    try {
      query.handleError(failure, client.connection);
    } finally {
      this.pulse();
    }
  }

  /** The query that has the client was stopped for those behind it: nobody else is let on any more. */
  #runAgain(query) {
    return this.#client._activeQuery === query && this.#execute(query) === null;
  }

  noteSeverity(severity) {
    if (FATAL.has(severity)) this.wasToldWhy = true;
  }

  #settle(query) {
    const client = this.#client;
    if (this.#run?.query === query) this.#run = null;
    client._txStatus = statusOf(this.#session);
    this.progressedAt = clock();
    if (!this.#shared.settle(query)) this.#settleOwn(query);
    if (this.isInterrupted) this.isInterrupted = this.#shared.size > 0 || !!client._activeQuery;
  }

  #settleOwn(query) {
    const client = this.#client;
    // Where it is, whatever `client.pipeline` has been set to since.
    const at = client._sentQueryQueue.indexOf(query);
    if (at >= 0) {
      client._sentQueryQueue.splice(at, 1);
    } else {
      client._activeQuery = null;
      client.readyForQuery = true;
    }
  }

  /** The server may have dropped any of them: the next use asks it anew. */
  #doubtStatements() {
    const { parsedStatements, doubtfulStatements } = this.#client.connection;
    for (const [name, text] of Object.entries(parsedStatements)) {
      doubtfulStatements.set(name, text);
      delete parsedStatements[name];
    }
  }

  /** What the server knows of a name after its statement was answered. */
  #noteName({ query: { name, text }, isNamed }, unparsed) {
    if (!name) return;
    const { parsedStatements, submittedNamedStatements } = this.#client.connection;
    if (!unparsed && text && parsedStatements[name] === undefined) parsedStatements[name] = text;
    // Looked up here, what is missing takes longest of all.
    if (isNamed) delete submittedNamedStatements[name];
  }

  /**
   * Option query_timeout. What the engine runs is stopped on the server; a query that speaks for
   * itself goes on, as with pg, and those in line wait for it.
   */
  limit(query, milliseconds) {
    const client = this.#client;
    this.#limited.add(query);
    const answer = query.callback || ignore;
    const expire = () => {
      const error = new Error('Query read timeout');
      process.nextTick(() => query.handleError(error, client.connection));
      answer(error);
      query.callback = ignore;
      const index = client._queryQueue.indexOf(query);
      if (index >= 0) client._queryQueue.splice(index, 1);
      else if (client.pipeline) client.connection.stream.destroy();
      else this.stop(query);
    };
    const timer = setTimeout(expire, milliseconds);
    query.callback = (error, result) => {
      clearTimeout(timer);
      answer(error, result);
    };
  }

  /** Stops a query on the server, if the engine runs it. */
  stop(query) {
    const run = this.#run;
    if (run?.query === query) this.#session.cancel(run.number, run);
  }

  /** None of them is answered any more. */
  fail(error) {
    const client = this.#client;
    const queries = [...this.#shared.drain(), ...client._sentQueryQueue, ...client._queryQueue];
    if (client._activeQuery) queries.unshift(client._activeQuery);
    client._activeQuery = null;
    client._sentQueryQueue.length = 0;
    client._queryQueue.length = 0;
    this.#run = null;
    for (const query of queries) {
      process.nextTick(() => query.handleError(error, client.connection));
    }
  }
}

function forgets(results) {
  return Array.isArray(results) ? results.some(forgets) : isForgetting(results.command);
}

function isForgetting(command) {
  return command === 'DEALLOCATE' || command === 'DISCARD';
}

/** How a session stands, as pg says it. */
function statusOf({ status }) {
  return status === 0 ? null : String.fromCharCode(status);
}

module.exports = { OWN, PLAIN, Queries, RUN, SHARE, WIRE, statusOf };
