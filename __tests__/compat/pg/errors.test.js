'use strict';
// What the server refuses: the error with all its fields, and the stack that shows who asked.

const { observe, rejection, unique } = require('../../support/pools.js');
const { called, connect, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const FIELDS = [
  'length',
  'name',
  'severity',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
];

const tables = [];

/** A table of its own with one of each constraint. */
async function createTable() {
  const name = unique('refused');
  tables.push(name);
  await observe(`create domain public.${name}_even as int check (value % 2 = 0)`);
  await observe(`create table public.${name} (
    id int constraint ${name}_key primary key,
    parent int constraint ${name}_parent references ${name},
    positive int constraint ${name}_positive check (positive > 0),
    needed text not null, even ${name}_even)`);
  await observe(`grant all on ${name} to public`);
  return name;
}

afterEach(async () => {
  for (const name of tables.splice(0)) {
    await observe(`drop table ${name}`);
    await observe(`drop domain ${name}_even`);
  }
});

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  test('a DatabaseError has the fields of the protocol, all of them', async () => {
    const client = await open();
    const error = await rejection(client.query('select broken from pg_class'));
    expect(error).toBeInstanceOf(load().DatabaseError);
    expect(error).toBeInstanceOf(Error);
    expect(Object.keys(error)).toEqual(FIELDS);
    expect({ ...error }).toEqual({
      length: expect.any(Number),
      name: 'error',
      severity: 'ERROR',
      code: '42703',
      detail: undefined,
      hint: undefined,
      position: '8',
      internalPosition: undefined,
      internalQuery: undefined,
      where: undefined,
      schema: undefined,
      table: undefined,
      column: undefined,
      dataType: undefined,
      constraint: undefined,
      file: 'parse_relation.c',
      line: expect.stringMatching(/^\d+$/),
      routine: 'errorMissingColumn',
    });
    expect(error.message).toBe('column "broken" does not exist');
    expect(String(error)).toBe('error: column "broken" does not exist');
    expect(error.constructor.name).toBe('DatabaseError');
  });

  test.each([['simple'], ['extended']])('constraints, by the %s protocol', async (queryMode) => {
    const table = await createTable();
    const client = await open();
    const refused = (text) => rejection(client.query({ text, queryMode }));
    const common = { schema: 'public', table };
    await client.query(`insert into ${table} values (1, null, 1, 'x', 2)`);

    expect(await refused(`insert into ${table} values (1, null, 1, 'x')`)).toMatchObject({
      code: '23505',
      message: `duplicate key value violates unique constraint "${table}_key"`,
      detail: 'Key (id)=(1) already exists.',
      constraint: `${table}_key`,
      ...common,
    });
    expect(await refused(`insert into ${table} values (2, 7, 1, 'x')`)).toMatchObject({
      code: '23503',
      detail: `Key (parent)=(7) is not present in table "${table}".`,
      constraint: `${table}_parent`,
      ...common,
    });
    expect(await refused(`insert into ${table} values (2, null, -1, 'x')`)).toMatchObject({
      code: '23514',
      constraint: `${table}_positive`,
      column: undefined,
      ...common,
    });
    expect(await refused(`insert into ${table} values (2, null, 1, null)`)).toMatchObject({
      code: '23502',
      column: 'needed',
      constraint: undefined,
      ...common,
    });
    expect(await refused(`insert into ${table} values (2, null, 1, 'x', 3)`)).toMatchObject({
      code: '23514',
      dataType: `${table}_even`,
      constraint: `${table}_even_check`,
      schema: 'public',
      table: undefined,
    });
  });

  test('detail, hint, where, column, type and table that a function raises', async () => {
    const client = await open();
    const raise = `do $$ begin raise exception 'it % wrong', 'went' using
      errcode = 'ZZ123', detail = 'the detail', hint = 'the hint', column = 'a column',
      constraint = 'a constraint', datatype = 'a type', table = 'a table', schema = 'a schema';
      end $$`;
    const error = await rejection(client.query(raise));
    expect(error).toMatchObject({
      message: 'it went wrong',
      code: 'ZZ123',
      severity: 'ERROR',
      detail: 'the detail',
      hint: 'the hint',
      where: expect.stringContaining('PL/pgSQL function inline_code_block line 1 at RAISE'),
      column: 'a column',
      constraint: 'a constraint',
      dataType: 'a type',
      table: 'a table',
      schema: 'a schema',
      routine: 'exec_stmt_raise',
    });
  });

  test('where it is in a statement that the server made', async () => {
    const client = await open();
    const text = "do $$ begin execute 'select 1 frm x'; end $$";
    expect(await rejection(client.query(text))).toMatchObject({
      code: '42601',
      internalPosition: '14',
      internalQuery: 'select 1 frm x',
      position: undefined,
    });
  });

  test('positions count characters', async () => {
    const client = await open();
    const error = await rejection(client.query("select '🐘ü', broken"));
    expect(error.position).toBe('14');
  });

  test('length is that of the message on the wire', async () => {
    const client = await open();
    const raise = (text) => rejection(client.query(`do $$ begin raise '${text}'; end $$`));
    const [short, long] = [await raise('a'), await raise('aü')];
    expect(long.length - short.length).toBe(2);
  });

  test('the stack shows the async functions of the caller', async () => {
    const client = await open();
    async function askForTrouble(...query) {
      return await client.query(...query);
    }
    const wrongs = [
      ['select broken'],
      ['select broken from pg_class where $1', [true]],
      [{ name: 'wrong', text: 'select broken' }],
      [{}],
      ['select $1::int', 'no array'],
    ];
    for (const wrong of wrongs) {
      const error = await rejection(askForTrouble(...wrong));
      expect(error.stack).toContain('askForTrouble');
      expect(error.stack).toContain(__filename);
      expect(error.stack.split('\n')[0]).toContain(error.message);
    }
  });

  test('errors of several statements', async () => {
    const client = await open();
    const table = unique('several');
    const text = `create temp table ${table} (n int); insert into ${table} values (1); select broken`;
    expect((await rejection(client.query(text))).code).toBe('42703');
    expect(await value(client, `select to_regclass('${table}')`)).toBeNull();
  });

  test('an error after rows', async () => {
    const client = await open();
    const text = 'select 1 / (3 - n) as n from generate_series(1, 5) n';
    for (const queryMode of ['simple', 'extended']) {
      const error = await rejection(client.query({ text, queryMode }));
      expect(error.code).toBe('22012');
    }
    const [given] = await called((done) => client.query(text, done));
    expect(given.code).toBe('22012');
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('an error that comes with the commit', async () => {
    const client = await open();
    const table = unique('deferred');
    await client.query(`create temp table ${table} (n int unique deferrable initially deferred)`);
    const error = await rejection(client.query(`insert into ${table} values (1), (1)`));
    expect(error.code).toBe('23505');
    const extended = rejection(client.query(`insert into ${table} values ($1), ($1)`, [1]));
    expect((await extended).code).toBe('23505');
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('a transaction that failed refuses all but its end', async () => {
    const client = await open();
    await client.query('begin');
    await rejection(client.query('select broken'));
    expect(await rejection(client.query('select 1'))).toMatchObject({
      code: '25P02',
      message: 'current transaction is aborted, commands ignored until end of transaction block',
    });
    expect((await client.query('commit')).command).toBe('ROLLBACK');
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('statement_timeout of the server', async () => {
    const client = await open();
    await client.query('set statement_timeout = 20');
    expect(await rejection(client.query('select pg_sleep(60)'))).toMatchObject({
      code: '57014',
      message: 'canceling statement due to statement timeout',
    });
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('messages in another encoding of the client are not asked for', async () => {
    const client = await open();
    expect(await value(client, 'show client_encoding')).toBe('UTF8');
    const error = await rejection(client.query("do $$ begin raise 'Grüße, 東京 🐘'; end $$"));
    expect(error.message).toBe('Grüße, 東京 🐘');
  });
});
