'use strict';

/**
 * The `sql` tags: templates whose interpolated values become parameters.
 *
 * A fragment keeps its text in pieces, the parameters standing between them. So a nested fragment
 * is renumbered by joining pieces, never by searching text for `$1`, which may be inside a literal.
 */

const { PoolError, atCaller } = require('./errors');
const { escapeIdentifier } = require('./escape');

/**
 * Marks fragments, also those of another load of this file. A symbol, because nothing parsed from
 * JSON can carry one: input from outside always becomes a parameter.
 */
const PIECES = Symbol.for('polypool.sql.pieces');

class SqlFragment {
  constructor(pieces, text, values) {
    Object.defineProperty(this, PIECES, { value: pieces });
    this.text = text;
    this.values = values;
  }
}

/** A statement that runs once, when it is first awaited, and resolves to its rows. */
class SqlQuery extends SqlFragment {
  #run;
  #promise = null;

  constructor(fragment, run) {
    super(fragment[PIECES], fragment.text, fragment.values);
    this.#run = run;
  }

  #start() {
    this.#promise ??= this.#run(this).then(rowsOf, refused);
    return this.#promise;
  }

  then(onResolved, onRejected) {
    return this.#start().then(onResolved, onRejected);
  }

  catch(onRejected) {
    return this.#start().catch(onRejected);
  }

  finally(onSettled) {
    return this.#start().finally(onSettled);
  }

  get [Symbol.toStringTag]() {
    return 'SqlQuery';
  }
}

/** What is refused at once is refused below `then`, which `await` calls without the caller. */
function refused(error) {
  if (error instanceof PoolError) atCaller(error, refused);
  throw error;
}

function rowsOf(result) {
  return Array.isArray(result) ? result.map((each) => each.rows) : result.rows;
}

function sql(strings, ...values) {
  if (!Array.isArray(strings) || !Array.isArray(strings.raw)) {
    throw new PoolError(
      'ERR_POLYPOOL_PARAMETER',
      'sql is a template tag: write sql`...`, do not call it with a string',
    );
  }
  for (const value of values) {
    if (isFragment(value)) return compose(strings, values);
  }
  return new SqlFragment(strings, textOf(strings), values);
}

/** Templates are constants of the program, so each is joined once. */
const texts = new WeakMap();

function textOf(strings) {
  let text = texts.get(strings);
  if (text === undefined) {
    if (strings.includes(undefined)) {
      throw new PoolError('ERR_POLYPOOL_PARAMETER', 'the sql template has an invalid escape');
    }
    text = join(strings);
    texts.set(strings, text);
  }
  return text;
}

function compose(strings, values) {
  textOf(strings); // checks the template
  const pieces = [strings[0]];
  const flat = [];
  values.forEach((value, index) => {
    if (isFragment(value)) {
      const inner = value[PIECES];
      pieces[pieces.length - 1] += inner[0];
      for (let i = 1; i < inner.length; i++) pieces.push(inner[i]);
      flat.push(...value.values);
      pieces[pieces.length - 1] += strings[index + 1];
    } else {
      pieces.push(strings[index + 1]);
      flat.push(value);
    }
  });
  return new SqlFragment(pieces, join(pieces), flat);
}

/** A digit right after a parameter would change its number. */
const LEADING_DIGIT = /^[0-9]/;

function join(pieces) {
  let text = pieces[0];
  for (let i = 1; i < pieces.length; i++) {
    text += `$${i}${LEADING_DIGIT.test(pieces[i]) ? ' ' : ''}${pieces[i]}`;
  }
  return text;
}

function isFragment(value) {
  return typeof value === 'object' && value !== null && value[PIECES] !== undefined;
}

function identifier(...names) {
  if (names.length === 0) {
    throw new PoolError('ERR_POLYPOOL_PARAMETER', 'sql.identifier needs at least one name');
  }
  const text = names.map(escapeIdentifier).join('.');
  return new SqlFragment([text], text, []);
}

sql.identifier = identifier;

/** The tag of a pool or connection; `run(query)` resolves to the result of `{ text, values }`. */
function bindSql(run) {
  const tag = (strings, ...values) => new SqlQuery(sql(strings, ...values), run);
  tag.identifier = identifier;
  return tag;
}

module.exports = { sql, bindSql, isFragment, SqlFragment, SqlQuery };
