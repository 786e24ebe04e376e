'use strict';

/**
 * The `sql` tags: templates whose interpolated values become parameters.
 *
 * A fragment keeps its text in pieces, the parameters standing between them. So a nested fragment
 * is renumbered by joining pieces, never by searching text for `$1`, which may be inside a literal.
 */

const { POSTGRES, SQL_DIALECTS } = require('./dialect');
const { PoolError, atCaller } = require('./errors');

/**
 * Marks fragments, also those of another load of this file. A symbol, because nothing parsed from
 * JSON can carry one: input from outside always becomes a parameter. Names are quoted differently
 * from engine to engine: it holds the pieces by the names of their dialects.
 */
const PIECES = Symbol.for('polypool.sql.pieces');

/** `text` is PostgreSQL's; `textFor` gives it for another database. */
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

  constructor(fragment, run, dialect) {
    super(fragment[PIECES], textFor(fragment, dialect), fragment.values);
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
  return new SqlFragment(alike(strings), textOf(strings, POSTGRES), values);
}

/** Pieces without names are the same for all. */
function alike(pieces) {
  return { postgres: pieces, mysql: pieces };
}

/** Templates are constants of the program, so each is joined once for each dialect. */
const texts = { postgres: new WeakMap(), mysql: new WeakMap() };

/** The text of a fragment for the database behind a pool. */
function textFor(fragment, dialect) {
  if (dialect === POSTGRES && !(fragment instanceof SqlQuery)) return fragment.text;
  const { [dialect.name]: pieces } = fragment[PIECES];
  return pieces.raw === undefined ? join(pieces, dialect) : textOf(pieces, dialect);
}

function textOf(strings, dialect) {
  let text = texts[dialect.name].get(strings);
  if (text === undefined) {
    if (strings.includes(undefined)) {
      throw new PoolError('ERR_POLYPOOL_PARAMETER', 'the sql template has an invalid escape');
    }
    text = join(strings, dialect);
    texts[dialect.name].set(strings, text);
  }
  return text;
}

function compose(strings, values) {
  textOf(strings, POSTGRES); // checks the template
  const pieces = {};
  for (const { name } of SQL_DIALECTS) pieces[name] = flatten(strings, values, name);
  const flat = values.flatMap((value) => (isFragment(value) ? value.values : [value]));
  return new SqlFragment(pieces, join(pieces.postgres, POSTGRES), flat);
}

/** The pieces of a template, those of nested fragments among them. */
function flatten(strings, values, name) {
  const pieces = [strings[0]];
  values.forEach((value, index) => {
    if (isFragment(value)) {
      const inner = value[PIECES][name];
      pieces[pieces.length - 1] += inner[0];
      for (let i = 1; i < inner.length; i++) pieces.push(inner[i]);
      pieces[pieces.length - 1] += strings[index + 1];
    } else {
      pieces.push(strings[index + 1]);
    }
  });
  return pieces;
}

/** A digit right after a parameter would change its number. */
const LEADING_DIGIT = /^[0-9]/;

function join(pieces, dialect) {
  let text = pieces[0];
  for (let i = 1; i < pieces.length; i++) {
    text += `${dialect.placeholder(i)}${LEADING_DIGIT.test(pieces[i]) ? ' ' : ''}${pieces[i]}`;
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
  const pieces = {};
  for (const { name, quote } of SQL_DIALECTS) {
    pieces[name] = [names.map((each) => quote(each)).join('.')];
  }
  return new SqlFragment(pieces, pieces.postgres[0], []);
}

sql.identifier = identifier;

/** The tag of a pool or connection; `run(query)` resolves to the result of `{ text, values }`. */
function bindSql(run, dialect) {
  const tag = (strings, ...values) => new SqlQuery(sql(strings, ...values), run, dialect);
  tag.identifier = identifier;
  return tag;
}

module.exports = { sql, bindSql, isFragment, textFor, SqlFragment, SqlQuery };
