'use strict';

/**
 * Which INSERTs may be stopped on the server and run again: those of one row, whose words are all
 * known. Stopped, such a one has done nothing. Where its words leave a doubt it is none of them.
 */

const { Verdicts, callsOnly } = require('./plain-reads');

/** Comments, variables, escapes within quotes, other statements, marks for names, named arguments. */
const REFUSED = /--|\/\*|\*\/|[\\@#;]|\$(?!\d)|\?\?|:=/;

// Other blanks are letters to the server.
const BLANK = '[ \\t\\n\\v\\f\\r]';
const NAME = '[\\w$\\u0080-\\uffff]+';
const LIST = `\\(${BLANK}*${NAME}(?:${BLANK}*,${BLANK}*${NAME})*${BLANK}*\\)`;
const TABLE = `${NAME}(?:${BLANK}*\\.${BLANK}*${NAME}){0,2}`;
/** Up to the row. */
const HEAD = new RegExp(
  `^${BLANK}*insert${BLANK}+into${BLANK}+${TABLE}(?:${BLANK}*${LIST}${BLANK}*|${BLANK}+)values${BLANK}*(?=\\()`,
  'i',
);
const END = new RegExp(`^${BLANK}*(?:returning\\b.*)?$`, 'is');
/** Other statements within, and what has a say in other rows. */
const QUERIES = /\b(?:select|table|values|with|into|on|set)\b/i;

/** Where the parenthesis ends that a text begins with; -1 where it does not. */
function endOf(text) {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return -1;
}

class PlainInserts {
  #known;
  #quoted;
  #verdicts = new Verdicts((text) => this.#examine(text));

  /** `known`: as of reads. `quoted`: a pattern of texts and names in quotes. */
  constructor(known, quoted) {
    this.#known = known;
    this.#quoted = quoted;
  }

  /** `text`: of a write. */
  has(text) {
    return this.#verdicts.of(text);
  }

  #examine(text) {
    if (REFUSED.test(text)) return false;
    const bare = text.replace(this.#quoted, (quoted) => (quoted[0] === "'" ? '0' : 'q'));
    const head = /['"`]/.test(bare) ? null : HEAD.exec(bare);
    if (head === null) return false;
    const rest = bare.slice(head[0].length);
    const end = endOf(rest);
    if (end < 0 || !END.test(rest.slice(end)) || QUERIES.test(rest)) return false;
    // Of a list its name is one.
    return callsOnly(this.#known, rest.replace(/\breturning\b/i, ','));
  }
}

module.exports = { PlainInserts };
