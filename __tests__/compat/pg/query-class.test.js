'use strict';
// Query objects: events instead of promises, and queries that a program submits by itself.

const { EventEmitter, once } = require('node:events');
const { rejection } = require('../../support/pools.js');
const { called, connect, make, record, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  test('client.query returns the Query it is given', async () => {
    const client = await open();
    const { Query, Client } = load();
    expect(Client.Query).toBe(Query);
    const query = new Query('select 1 as n');
    expect(query).toBeInstanceOf(EventEmitter);
    expect(client.query(query)).toBe(query);
    const [result] = await once(query, 'end');
    expect(result.rows).toEqual([{ n: 1 }]);
  });

  test('its properties are those of the config', () => {
    const { Query } = load();
    const callback = () => {};
    const types = { getTypeParser: () => String };
    const config = { text: 'a', values: [1], name: 'n', rows: 5, binary: true, types, callback };
    expect(new Query({ ...config, portal: 'p', queryMode: 'extended' })).toMatchObject({
      ...config,
      portal: 'p',
      queryMode: 'extended',
    });
    expect(new Query('b', [2])).toMatchObject({ text: 'b', values: [2], portal: '' });
    expect(new Query('b', callback)).toMatchObject({ text: 'b', callback });
    expect(new Query({ text: 'b' }, [3], callback)).toMatchObject({ values: [3], callback });
  });

  test('row events carry the row and the result; no rows are kept', async () => {
    const client = await open();
    const query = new (load().Query)('select generate_series(1, 3) as n');
    const seen = [];
    query.on('row', (row, result) => seen.push([row, result.fields[0].name, result.rows.length]));
    client.query(query);
    const [result] = await once(query, 'end');
    expect(seen).toEqual([
      [{ n: 1 }, 'n', 0],
      [{ n: 2 }, 'n', 0],
      [{ n: 3 }, 'n', 0],
    ]);
    expect(result).toMatchObject({ command: 'SELECT', rowCount: 3, rows: [] });
  });

  test('with a callback the rows are kept, and are events too', async () => {
    const client = await open();
    const seen = [];
    const result = await new Promise((resolve, reject) => {
      const query = new (load().Query)(
        { text: 'select $1::int as n', values: [5] },
        (error, all) => (error ? reject(error) : resolve(all)),
      );
      query.on('row', (row) => seen.push(row));
      client.query(query);
    });
    expect(seen).toEqual([{ n: 5 }]);
    expect(result.rows).toEqual([{ n: 5 }]);
  });

  test('a callback of the call is taken when the Query has none', async () => {
    const client = await open();
    const { Query } = load();
    const first = await called((done) => client.query(new Query('select 1 as n'), done));
    expect(first[1].rows).toEqual([{ n: 1 }]);
    const second = await called((done) => client.query(new Query('select 2 as n'), [], done));
    expect(second[1].rows).toEqual([{ n: 2 }]);
    const seen = [];
    const query = new Query('select 3 as n', () => seen.push('own'));
    client.query(query, () => seen.push('other'));
    await once(query, 'end');
    expect(seen).toEqual(['own']);
  });

  test('error is an event without a callback', async () => {
    const client = await open();
    const query = client.query(new (load().Query)('select broken'));
    const seen = record(query, ['row', 'end']);
    const [error] = await once(query, 'error');
    expect(error).toBeInstanceOf(load().DatabaseError);
    expect(error.code).toBe('42703');
    await value(client, 'select 1');
    expect(seen).toEqual([]);
  });

  test('error is no event with a callback', async () => {
    const client = await open();
    const { Query } = load();
    const seen = [];
    const [error] = await called((done) => {
      const query = new Query('select broken', done);
      record(query, ['error', 'end'], seen);
      client.query(query);
    });
    expect(error.code).toBe('42703');
    await value(client, 'select 1');
    expect(seen).toEqual([]);
  });

  test('rows before an error are events', async () => {
    const client = await open();
    const query = new (load().Query)('select 1 / (3 - n) as n from generate_series(1, 5) n');
    const rows = [];
    query.on('row', ({ n }) => rows.push(n));
    client.query(query);
    await once(query, 'error');
    expect(rows).toEqual([0, 1]);
  });

  test('rows of several statements, each with its Result', async () => {
    const client = await open();
    const query = new (load().Query)('select 1 as a; select 2 as b');
    const seen = [];
    query.on('row', (row, result) => seen.push([row, result.fields.map(({ name }) => name)]));
    client.query(query);
    const [results] = await once(query, 'end');
    expect(seen).toEqual([
      [{ a: 1 }, ['a']],
      [{ b: 2 }, ['b']],
    ]);
    expect(results.map(({ rowCount }) => rowCount)).toEqual([1, 1]);
  });

  test('a text that is none', async () => {
    const client = await open();
    const query = client.query(new (load().Query)({}));
    const [error] = await once(query, 'error');
    expect(error.message).toContain('A query must have either text or a name.');
  });

  test('a Query of a subclass', async () => {
    const { Query } = load();
    const seen = [];
    class Loud extends Query {
      handleRowDescription(message) {
        seen.push(message.fields.map(({ name }) => name));
        return super.handleRowDescription(message);
      }

      handleDataRow(message) {
        seen.push(message.fields);
        return super.handleDataRow(message);
      }

      handleCommandComplete(message, connection) {
        seen.push(message.text);
        return super.handleCommandComplete(message, connection);
      }

      handleReadyForQuery(connection) {
        seen.push(connection === client.connection);
        return super.handleReadyForQuery(connection);
      }
    }
    const client = await open();
    const query = client.query(new Loud('select 1 as n, null as x'));
    const [result] = await once(query, 'end');
    expect(result.rows).toEqual([{ n: 1, x: null }]);
    expect(seen).toEqual([['n', 'x'], ['1', null], 'SELECT 1', true]);
  });

  test('a Submittable of its own', async () => {
    const client = await open();
    const seen = [];
    const submittable = {
      submit(connection) {
        connection.query('select 1 as n; select 2 as m');
      },
      handleRowDescription: ({ fields }) => seen.push(fields[0].name),
      handleDataRow: ({ fields }) => seen.push(fields[0]),
      handleCommandComplete: ({ text }) => seen.push(text),
      handleError: (error) => seen.push(error.code),
      handleReadyForQuery: () => seen.push('ready'),
    };
    expect(client.query(submittable)).toBe(submittable);
    await value(client, 'select 1');
    expect(seen).toEqual(['n', '1', 'SELECT 1', 'm', '2', 'SELECT 1', 'ready']);
    const failing = { ...submittable, submit: (connection) => connection.query('select broken') };
    seen.length = 0;
    client.query(failing);
    await value(client, 'select 1');
    expect(seen).toEqual(['42703']);
  });

  test('a Submittable that refuses', async () => {
    const client = await open();
    const submittable = {
      submit: () => new Error('not today'),
      handleError: (error) => submittable.refused(error),
    };
    const refused = new Promise((resolve) => (submittable.refused = resolve));
    client.query(submittable);
    expect((await refused).message).toBe('not today');
    expect(await value(client, 'select 1')).toBe(1);
  });

  test('a Submittable by the extended protocol', async () => {
    const client = await open();
    const seen = [];
    const submittable = {
      submit(connection) {
        connection.parse({ text: 'select $1::int + 1 as n', name: 'mine', types: [23] });
        connection.describe({ type: 'S', name: 'mine' });
        connection.bind({ portal: 'p', statement: 'mine', values: ['41'] });
        connection.execute({ portal: 'p', rows: 0 });
        connection.close({ type: 'P', name: 'p' });
        connection.sync();
      },
      handleRowDescription: ({ fields }) => seen.push(fields[0].name),
      handleDataRow: ({ fields }) => seen.push(fields[0]),
      handleCommandComplete: ({ text }) => seen.push(text),
      handleReadyForQuery: () => seen.push('ready'),
    };
    const messages = record(client.connection, [
      'parseComplete',
      'parameterDescription',
      'bindComplete',
      'closeComplete',
    ]);
    client.query(submittable);
    await value(client, 'select 1');
    expect(seen).toEqual(['n', '42', 'SELECT 1', 'ready']);
    expect(messages).toEqual([
      'parseComplete',
      'parameterDescription',
      'bindComplete',
      'closeComplete',
    ]);
  });

  test('a Query that its client cannot take any more', async () => {
    const { Query } = load();
    const client = make(load());
    await client.connect();
    await client.end();
    const query = client.query(new Query('select 1'));
    const [error] = await once(query, 'error');
    expect(error.message).toBe('Client was closed and is not queryable');
    expect((await rejection(client.query('select 1'))).message).toBe(error.message);
  });
});
