'use strict';
// What the server says unasked: notices, notifications, settings, the state of the transaction.

const { once } = require('node:events');
const { rejection, unique } = require('../../support/pools.js');
const { connect, make, record, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  describe('notices', () => {
    test('have the fields of an error and are none', async () => {
      const client = await open();
      const noticed = once(client, 'notice');
      await client.query(`do $$ begin raise notice 'look %', 'here' using
        detail = 'the detail', hint = 'the hint'; end $$`);
      const [notice] = await noticed;
      expect(notice).not.toBeInstanceOf(Error);
      expect(notice).toMatchObject({
        name: 'notice',
        message: 'look here',
        severity: 'NOTICE',
        code: '00000',
        detail: 'the detail',
        hint: 'the hint',
        where: expect.stringContaining('PL/pgSQL function'),
        file: 'pl_exec.c',
        routine: 'exec_stmt_raise',
        position: undefined,
        length: expect.any(Number),
      });
    });

    test('of every severity that the session wants', async () => {
      const client = await open();
      const seen = [];
      client.on('notice', ({ severity, message }) => seen.push([severity, message]));
      const raise = `do $$ begin raise debug 'd'; raise log 'l'; raise info 'i';
        raise notice 'n'; raise warning 'w'; end $$`;
      await client.query(raise);
      expect(seen).toEqual([['INFO', 'i'], ['NOTICE', 'n'], ['WARNING', 'w']]); // prettier-ignore
      seen.length = 0;
      await client.query("set client_min_messages = 'debug1'");
      await client.query(raise);
      expect(seen.map(([severity]) => severity)).toEqual([
        'DEBUG',
        'LOG',
        'INFO',
        'NOTICE',
        'WARNING',
      ]);
    });

    test('of a query with values, and nobody listens', async () => {
      const client = await open();
      await client.query('drop table if exists nothing_like_it');
      const noticed = once(client, 'notice');
      const table = unique('nothing');
      await client.query({ text: `drop table if exists ${table}`, queryMode: 'extended' });
      expect((await noticed)[0]).toMatchObject({
        code: '00000',
        message: `table "${table}" does not exist, skipping`,
      });
    });

    test('of the start-up', async () => {
      const client = make(load(), { options: '-c client_min_messages=debug2' });
      const seen = record(client, ['notice', 'connect']);
      await client.connect();
      expect(seen.at(-1)).toBe('connect');
    });
  });

  describe('notifications', () => {
    test('their length is that of the message, in bytes', async () => {
      const client = await open();
      const heard = once(client, 'notification');
      await client.query('listen "ä"');
      await client.query("select pg_notify('ä', 'ü€')");
      const [{ channel, payload, length }] = await heard;
      expect({ channel, payload, length }).toEqual({ channel: 'ä', payload: 'ü€', length: 17 });
    });

    test('from another session, while idle', async () => {
      const [client, other] = [await open(), await open()];
      const channel = unique('channel');
      await client.query(`listen ${channel}`);
      const heard = once(client, 'notification');
      await other.query(`notify ${channel}, 'it is ü'`);
      const [message] = await heard;
      expect({ ...message }).toEqual({
        name: 'notification',
        length: expect.any(Number),
        channel,
        payload: 'it is ü',
        processId: other.processID,
      });
    });

    test('without a payload, and from itself', async () => {
      const client = await open();
      const channel = unique('channel');
      await client.query(`listen ${channel}`);
      const heard = once(client, 'notification');
      await client.query(`notify ${channel}`);
      expect((await heard)[0]).toMatchObject({ channel, payload: '', processId: client.processID });
    });

    test('many, in order, and none after unlisten', async () => {
      const [client, other] = [await open(), await open()];
      const channel = unique('channel');
      const seen = [];
      const all = new Promise((resolve) => {
        client.on('notification', ({ payload }) => {
          seen.push(Number(payload));
          if (seen.length === 500) resolve();
        });
      });
      await client.query(`listen ${channel}`);
      const text = 'select pg_notify($1, n::text) from generate_series(1, 500) n';
      await other.query(text, [channel]);
      await all;
      expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
      await client.query(`unlisten ${channel}`);
      await other.query(text, [channel]);
      await value(client, 'select 1');
      expect(seen).toHaveLength(500);
    });

    test('while a query runs', async () => {
      const [client, other] = [await open(), await open()];
      const channel = unique('channel');
      const seen = record(client, ['notification']);
      await client.query(`listen ${channel}`);
      await client.query('begin');
      await client.query('select 1');
      await other.query(`notify ${channel}`);
      await client.query('select 1');
      expect(seen).toEqual([]);
      const heard = once(client, 'notification');
      await client.query('commit');
      await heard;
    });
  });

  describe('settings of the session, at client.connection', () => {
    test('during the start-up', async () => {
      const client = make(load());
      const settings = {};
      client.connection.on('parameterStatus', ({ parameterName, parameterValue, name }) => {
        expect(name).toBe('parameterStatus');
        settings[parameterName] = parameterValue;
      });
      await client.connect();
      expect(settings).toMatchObject({
        server_version: expect.stringMatching(/^\d+/),
        server_encoding: 'UTF8',
        client_encoding: 'UTF8',
        DateStyle: expect.any(String),
        TimeZone: expect.any(String),
        integer_datetimes: 'on',
        standard_conforming_strings: 'on',
        is_superuser: 'off',
        session_authorization: 'nopass',
        in_hot_standby: 'off',
        application_name: '',
      });
    });

    test('and when they change', async () => {
      const client = await open();
      const seen = [];
      client.connection.on('parameterStatus', ({ parameterName, parameterValue }) =>
        seen.push([parameterName, parameterValue]),
      );
      await client.query("set application_name = 'another'");
      await client.query({ text: "set timezone = 'Asia/Kathmandu'", queryMode: 'extended' });
      expect(seen).toEqual([
        ['application_name', 'another'],
        ['TimeZone', 'Asia/Kathmandu'],
      ]);
    });

    test('the process and its key', async () => {
      const client = make(load());
      const told = once(client.connection, 'backendKeyData');
      expect(client.processID).toBeNull();
      await client.connect();
      const [{ processID, secretKey }] = await told;
      expect(client.processID).toBe(processID);
      expect(client.secretKey).toBe(secretKey);
      expect(processID).toBe(await value(client, 'select pg_backend_pid()'));
    });

    test('messages of the answers', async () => {
      const client = await open();
      const seen = record(client.connection, [
        'rowDescription',
        'dataRow',
        'commandComplete',
        'readyForQuery',
        'parseComplete',
        'bindComplete',
        'errorMessage',
      ]);
      await client.query('select 1');
      expect(seen.splice(0)).toEqual([
        'rowDescription',
        'dataRow',
        'commandComplete',
        'readyForQuery',
      ]);
      await client.query('select $1::int', [1]);
      expect(seen.splice(0)).toEqual([
        'parseComplete',
        'bindComplete',
        'rowDescription',
        'dataRow',
        'commandComplete',
        'readyForQuery',
      ]);
      await rejection(client.query('select broken'));
      await client.query('');
      expect(seen).toEqual(['errorMessage', 'readyForQuery', 'readyForQuery']);
    });

    test('what a row description says', async () => {
      const client = await open();
      const described = once(client.connection, 'rowDescription');
      await client.query('select 1 as n');
      const [message] = await described;
      expect(message).toMatchObject({
        name: 'rowDescription',
        fieldCount: 1,
        fields: [{ name: 'n', dataTypeID: 23, format: 'text' }],
      });
    });

    test("all of them, as 'message'", async () => {
      const client = await open();
      const names = [];
      client.connection.on('message', ({ name }) => names.push(name));
      await client.query('select 1');
      expect(names).toEqual(['rowDescription', 'dataRow', 'commandComplete', 'readyForQuery']);
    });
  });

  describe('getTransactionStatus', () => {
    test('follows the transaction', async () => {
      const client = make(load());
      const status = () => client.getTransactionStatus();
      expect(status()).toBeNull();
      await client.connect();
      expect(status()).toBe('I');
      await client.query('begin');
      expect(status()).toBe('T');
      await client.query('select $1::int', [1]);
      expect(status()).toBe('T');
      await rejection(client.query('select broken'));
      await rejection(client.query('select 1'));
      expect(status()).toBe('E');
      await client.query('rollback');
      expect(status()).toBe('I');
      await client.query('begin; savepoint a');
      await rejection(client.query('select broken'));
      await client.query('rollback to a');
      expect(status()).toBe('T');
      await client.query('commit');
      expect(status()).toBe('I');
    });

    test('in the callback of a query', async () => {
      const client = await open();
      const seen = [];
      client.query('begin', () => seen.push(client.getTransactionStatus()));
      client.query('select 1', () => seen.push(client.getTransactionStatus()));
      client.query('commit', () => seen.push(client.getTransactionStatus()));
      await once(client, 'drain');
      expect(seen).toEqual(['T', 'T', 'I']);
    });
  });

  test('escapeLiteral and escapeIdentifier', async () => {
    const pg = load();
    const client = await open();
    for (const text of ['', 'a', "it's", '"', '\\', "\\'", 'ü 🐘', '%$1', "' or 1 = 1 --"]) {
      expect(client.escapeLiteral(text)).toBe(pg.escapeLiteral(text));
      expect(client.escapeIdentifier(text)).toBe(pg.escapeIdentifier(text));
      expect(pg.Client.prototype.escapeLiteral(text)).toBe(pg.escapeLiteral(text));
      expect(await value(client, `select ${client.escapeLiteral(text)}`)).toBe(text);
      if (text === '') continue;
      const { fields } = await client.query(`select 1 as ${client.escapeIdentifier(text)}`);
      expect(fields[0].name).toBe(text);
    }
    expect(pg.escapeLiteral("a'b")).toBe("'a''b'");
    expect(pg.escapeLiteral('a\\b')).toBe(" E'a\\\\b'");
    expect(pg.escapeLiteral(null)).toBe("''");
    expect(pg.escapeLiteral(5)).toBe("''");
    expect(pg.escapeIdentifier('a"b')).toBe('"a""b"');
    expect(() => pg.escapeIdentifier(5)).toThrow(TypeError);
    expect(pg.utils.escapeLiteral).toBe(pg.escapeLiteral);
    expect(pg.utils.escapeIdentifier).toBe(pg.escapeIdentifier);
  });
});
