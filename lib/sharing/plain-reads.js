'use strict';

/**
 * Which reads may run twice, of those that are plain by their words: the engine's lexer does not know
 * what the functions do that are called. Here every word before a parenthesis has to be a known one.
 */

/** How many texts are kept, and how long one may be. */
const TEXTS_MAX = 2_000;
const LENGTH_MAX = 4_096;

const NAME = /[\w$\u0080-\uffff]+$/;
// Other blanks are letters to the server.
const BLANKS = /[ \t\n\v\f\r]+$/;

const trimmed = (text) => text.replace(BLANKS, '');

/** Without a look at what quotes hold: a parenthesis in there costs speed only. */
function callsOnly(known, text) {
  // What ends a line may stand between a name and its parenthesis.
  if (text.includes('--')) return false;
  for (let at = text.indexOf('('); at >= 0; at = text.indexOf('(', at + 1)) {
    const called = trimmed(text.slice(0, at));
    if (called.endsWith('"') || called.endsWith('*/')) return false;
    const [name] = NAME.exec(called) ?? [];
    if (name === undefined) continue;
    const before = trimmed(called.slice(0, -name.length));
    // Of a schema, maybe of the application's.
    if (before.endsWith('.') || before.endsWith('*/')) return false;
    if (!known.has(name.toLowerCase())) return false;
  }
  return true;
}

/** What was found of texts: the same ones come again and again. */
class Verdicts {
  #examine;
  #seen = new Map();

  constructor(examine) {
    this.#examine = examine;
  }

  of(text) {
    if (text.length > LENGTH_MAX) return false;
    const seen = this.#seen;
    let verdict = seen.get(text);
    if (verdict === undefined) {
      if (seen.size === TEXTS_MAX) seen.clear();
      verdict = this.#examine(text);
      seen.set(text, verdict);
    }
    return verdict;
  }
}

/**
 * Words of SQL, types with a length, and functions of the server that change nothing, as one text:
 * what may stand before a parenthesis.
 */
const wordsOf = (text) => new Set(text.split(/\s+/));

module.exports = { Verdicts, callsOnly, wordsOf };
