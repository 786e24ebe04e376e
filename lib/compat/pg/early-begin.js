'use strict';

/**
 * BEGIN is answered at once, and the query that follows it mostly goes out in the same flight: that
 * saves a transaction one of its round trips. Should BEGIN fail, that query is not run, and fails
 * with the error of BEGIN.
 */

const { nextTick } = process;

/** What a server that is up does not refuse. */
const BEGIN =
  /^\s*(begin(?:\s+work|\s+transaction)?|start\s+transaction)(?:\s+isolation\s+level\s+(?:read\s+(?:un)?committed|repeatable\s+read))?\s*;?\s*$/i;
/** Longer texts are not looked at. */
const LENGTH_MAX = 80;

let lastText = '';
let lastBegin;

/** The words that begin a transaction, if that is what a text does; mostly it is that of last time. */
function beginOf(text) {
  if (text !== lastText) {
    lastText = text;
    lastBegin = text.length > LENGTH_MAX ? undefined : BEGIN.exec(text)?.[1];
  }
  return lastBegin;
}

/** Hears what becomes of nothing. */
const NOBODY = { done() {}, failed() {} };

const soon = Promise.resolve();

class EarlyBegin {
  #start;
  #proceed;
  #isUnderWay = false;
  /** What it failed with, until the query behind it is told. */
  #error = null;
  /** That query was sent: the engine tells it. */
  #isFollowed = false;

  /** `start(owner, text)` sends it as the lead of the next query; `proceed()` once it is answered. */
  constructor(start, proceed) {
    this.#start = start;
    this.#proceed = proceed;
  }

  /** The server has not answered. */
  get isUnderWay() {
    return this.#isUnderWay;
  }

  /** Sends a query that can be answered at once, and calls `tell` for that; else false. */
  answer({ text, _result: result }, tell) {
    const begin = beginOf(text);
    if (begin === undefined) return false;
    // Whichever comes first, before what is submitted in this tick goes to the engine.
    let isTold = false;
    const tellOnce = () => {
      if (isTold) return;
      isTold = true;
      tell();
    };
    nextTick(tellOnce);
    soon.then(tellOnce);
    try {
      this.#start(this, text);
    } catch {
      // As any other query it is told.
      isTold = true;
      return false;
    }
    result.command = begin[0] === 'b' || begin[0] === 'B' ? 'BEGIN' : 'START';
    this.#isUnderWay = true;
    this.#isFollowed = false;
    this.#error = null;
    return true;
  }

  /** The query behind it is sent next: the engine tells that what BEGIN failed with. */
  follow() {
    this.#isFollowed = true;
    this.#error = null;
  }

  /** What the query behind it fails with, where the engine does not run that; or null. */
  takeError() {
    const error = this.#error;
    this.follow();
    // The engine has it for whatever is sent next.
    if (error !== null) this.#start(NOBODY, '');
    return error;
  }

  done() {
    this.#isUnderWay = false;
    this.#proceed();
  }

  failed(error) {
    this.#isUnderWay = false;
    if (!this.#isFollowed) this.#error = error;
    this.#proceed();
  }
}

module.exports = { EarlyBegin };
