'use strict';
// query() and execute() without a callback: the events of the command, their arguments and order.

const { once } = require('node:events');
const { connect, failure, make, query, value } = require('./connections.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, { mysql }) => {
  const open = (options) => connect(mysql(), options);

  /** Everything that a command tells until it ends. */
  async function told(command) {
    const seen = [];
    command.on('error', (error) => seen.push(['error', error.code]));
    command.on('fields', (fields) => seen.push(['fields', fields?.map(({ name }) => name)]));
    command.on('result', (row, index) => {
      const shown = row.constructor.name === 'ResultSetHeader' ? row.affectedRows : row;
      seen.push(['result', shown, index]);
    });
    await new Promise((resolve) => command.on('end', resolve));
    return seen;
  }

  describe.each(['query', 'execute'])('%s', (method) => {
    test('of rows', async () => {
      const connection = await open();
      const command = connection[method]('select 1 as a union all select 2');
      expect(await told(command)).toEqual([
        ['fields', ['a']],
        ['result', { a: 1 }, 0],
        ['result', { a: 2 }, 0],
      ]);
    });

    test('of no rows', async () => {
      const connection = await open();
      const command = connection[method]('select 1 as a from dual where 1 = 0');
      expect(await told(command)).toEqual([['fields', ['a']]]);
    });

    test('of changes', async () => {
      const connection = await open();
      await query(connection, 'create temporary table told (n int)');
      const command = connection[method]('insert into told values (1), (2)');
      expect(await told(command)).toEqual([
        ['fields', undefined],
        ['result', 2, undefined],
      ]);
    });

    test('of an error', async () => {
      const connection = await open();
      const command = connection[method]('select nonsense');
      expect(await told(command)).toEqual([['error', 'ER_BAD_FIELD_ERROR']]);
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('of an error after rows', async () => {
      const connection = await open();
      const command = connection[method](
        'select n, (select 1 union all select n) as x from (select 1 as n union all select 2) t',
      );
      const seen = await told(command);
      expect(seen.at(-1)).toEqual(['error', 'ER_SUBQUERY_NO_1_ROW']);
      expect(await value(connection, 'select 1')).toBe(1);
    });

    test('a callback does not silence fields and end', async () => {
      const connection = await open();
      const seen = [];
      await new Promise((resolve) => {
        const command = connection[method]('select 1 as a', () => resolve(seen.push('callback')));
        command.on('fields', () => seen.push('fields'));
        command.on('result', () => seen.push('result'));
        command.on('end', () => seen.push('end'));
      });
      expect(seen).toEqual(['fields', 'end', 'callback']);
    });
  });

  test('of several results', async () => {
    const connection = await open({ multipleStatements: true });
    const command = connection.query('select 1 as a; do 1; select 2 as b union all select 3');
    expect(await told(command)).toEqual([
      ['fields', ['a']],
      ['result', { a: 1 }, 0],
      ['fields', undefined],
      ['result', 0, undefined],
      ['fields', ['b']],
      ['result', { b: 2 }, 2],
      ['result', { b: 3 }, 2],
    ]);
  });

  test('of an error between several results', async () => {
    const connection = await open({ multipleStatements: true });
    const command = connection.query('select 1 as a; select nonsense; select 2 as b');
    expect(await told(command)).toEqual([
      ['fields', ['a']],
      ['result', { a: 1 }, 0],
      ['error', 'ER_BAD_FIELD_ERROR'],
    ]);
    expect(await value(connection, 'select 3')).toBe(3);
  });

  test('options of the query hold for events as well', async () => {
    const connection = await open();
    const command = connection.query({ sql: 'select 1, 2', rowsAsArray: true });
    expect(await told(command)).toEqual([
      ['fields', ['1', '2']],
      ['result', [1, 2], 0],
    ]);
  });

  test('an error of a query that nobody listens to', async () => {
    const connection = await open();
    const seen = [];
    connection.on('error', (error) => seen.push(error));
    const command = connection.query('select nonsense');
    const [error] = await once(command, 'error');
    expect(error.code).toBe('ER_BAD_FIELD_ERROR');
    await value(connection, 'select 1');
    expect(seen).toEqual([]);
  });

  test('a connection that fails, told to the connection when there is no callback', async () => {
    const connection = make(mysql(), { password: 'wrong' });
    connection.query('select 1');
    const [error] = await once(connection, 'error');
    expect(error.code).toBe('ER_ACCESS_DENIED_ERROR');
  });

  test('an error stays one of its query', async () => {
    const connection = await open();
    const error = await failure((done) => connection.query('select nonsense', done));
    expect(error.sql).toBe('select nonsense');
    expect(error.fatal).toBeUndefined();
    expect(connection.state).toBe('authenticated');
  });
});
