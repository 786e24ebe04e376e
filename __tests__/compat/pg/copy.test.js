'use strict';
// pg-copy-streams as it is published, over clients of each.

const { once } = require('node:events');
const { PassThrough, Readable, Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { setImmediate: turn } = require('node:timers/promises');
const { DATABASE } = require('../../support/server.js');
const { observe, rejection, unique } = require('../../support/pools.js');
const { testServer } = require('../../support/urls.js');
const { connect, ended, track, value } = require('./clients.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

const copy = () => require('pg-copy-streams');
const text = async (stream) => Buffer.concat(await stream.toArray()).toString();
const lines = (n) => Array.from({ length: n }, (_, i) => `${i + 1}\tline ${i + 1}\n`);

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const open = (options) => connect(load(), options);

  async function withTable() {
    const client = await open();
    await client.query('create temp table copied (n int, t text)');
    return client;
  }

  const count = (client) => value(client, 'select count(*)::int from copied');

  describe('from', () => {
    const from = (client) => client.query(copy().from('copy copied from stdin'));

    test('a pipeline', async () => {
      const client = await withTable();
      const stream = from(client);
      await pipeline(Readable.from(lines(1000)), stream);
      expect(stream.rowCount).toBe(1000);
      expect(await count(client)).toBe(1000);
      expect(await value(client, 'select t from copied where n = 500')).toBe('line 500');
    });

    test('writes in pieces of any size', async () => {
      const client = await withTable();
      const stream = from(client);
      const bytes = Buffer.from(lines(100).join(''));
      for (let at = 0; at < bytes.length; at += 7) stream.write(bytes.subarray(at, at + 7));
      stream.end();
      await once(stream, 'finish');
      expect(await count(client)).toBe(100);
    });

    test('nothing at all', async () => {
      const client = await withTable();
      const stream = from(client);
      stream.end();
      await once(stream, 'finish');
      expect(stream.rowCount).toBe(0);
      expect(await count(client)).toBe(0);
    });

    test('finish comes when the rows are there', async () => {
      const client = await withTable();
      const stream = from(client);
      stream.end('1\ta\n');
      const counted = new Promise((resolve) => stream.on('finish', () => resolve(count(client))));
      expect(await counted).toBe(1);
    });

    test('64 megabytes, with back-pressure', async () => {
      const client = await withTable();
      const stream = from(client);
      const row = `1\t${'x'.repeat(64 * 1024)}\n`;
      let most = 0;
      for (let i = 0; i < 1024; i++) {
        if (!stream.write(row)) await once(stream, 'drain');
        most = Math.max(most, stream.writableLength);
      }
      stream.end();
      await once(stream, 'finish');
      expect(await count(client)).toBe(1024);
      expect(most).toBeLessThan(8 * row.length);
    });

    test('rows that the server refuses', async () => {
      const client = await withTable();
      const error = await rejection(pipeline(Readable.from(['1\ta\n', 'x\tb\n']), from(client)));
      expect(error).toMatchObject({
        code: '22P02',
        where: 'COPY copied, line 2, column n: "x"',
      });
      expect(await count(client)).toBe(0);
    });

    test('a statement that the server refuses', async () => {
      const client = await open();
      const stream = client.query(copy().from('copy nothing_here from stdin'));
      const [error] = await once(stream, 'error');
      expect(error.code).toBe('42P01');
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('destroyed in the middle', async () => {
      const client = await withTable();
      const stream = from(client);
      stream.write('1\ta\n');
      await turn();
      stream.destroy(new Error('changed my mind'));
      const [error] = await once(stream, 'error');
      expect(error.message).toContain('COPY from stdin failed: changed my mind');
      expect(await count(client)).toBe(0);
    });

    test('a source that fails', async () => {
      const client = await withTable();
      async function* failing() {
        yield '1\ta\n';
        await turn();
        throw new Error('no more of this');
      }
      const error = await rejection(pipeline(Readable.from(failing()), from(client)));
      expect(error.message).toContain('no more of this');
      expect(await count(client)).toBe(0);
    });

    test('several in a row, with queries between them', async () => {
      const client = await withTable();
      for (let i = 1; i <= 5; i++) {
        await pipeline(Readable.from(lines(10)), from(client));
        expect(await count(client)).toBe(10 * i);
        expect(await value(client, 'select $1::int', [i])).toBe(i);
      }
    });

    test('in line with queries', async () => {
      const client = await withTable();
      const before = client.query('select 1 as n');
      const stream = from(client);
      const behind = client.query('select count(*)::int as n from copied');
      stream.end(lines(3).join(''));
      expect((await before).rows).toEqual([{ n: 1 }]);
      expect((await behind).rows).toEqual([{ n: 3 }]);
    });

    test('query_timeout', async () => {
      const client = await open({ query_timeout: 30000 });
      await client.query('create temp table copied (n int, t text)');
      await pipeline(Readable.from(lines(5)), from(client));
      expect(await count(client)).toBe(5);
    });

    test('a lost connection', async () => {
      const client = await withTable();
      client.on('error', () => {});
      const stream = from(client);
      const failed = once(stream, 'error');
      stream.write('1\ta\n');
      await turn();
      const over = ended(client);
      await observe('select pg_terminate_backend($1, 10000)', [client.processID]);
      await over;
      expect((await failed)[0].message).toMatch(/administrator command|Connection terminated/);
    });
  });

  describe('to', () => {
    const to = (client, n, options) => {
      const source = `select n, 'line ' || n from generate_series(1, ${n}) n`;
      return client.query(copy().to(`copy (${source}) to stdout`, options));
    };

    test('all of it', async () => {
      const client = await open();
      const stream = to(client, 1000);
      expect(await text(stream)).toBe(lines(1000).join(''));
      expect(await value(client, 'select 1')).toBe(1);
      expect(stream.rowCount).toBe(1000);
    });

    test('nothing', async () => {
      const client = await open();
      expect(await text(to(client, 0))).toBe('');
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('in binary form', async () => {
      const client = await open();
      const stream = client.query(copy().to('copy (select 1) to stdout (format binary)'));
      const bytes = Buffer.concat(await stream.toArray());
      expect(bytes.subarray(0, 11).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0');
      expect(bytes.subarray(-2)).toEqual(Buffer.from([255, 255]));
    });

    test('32 megabytes to a slow reader', async () => {
      const client = await open();
      const stream = client.query(
        copy().to("copy (select repeat('x', 32767) from generate_series(1, 1024)) to stdout"),
      );
      let [total, most] = [0, 0];
      const slow = new Writable({
        async write(chunk, _encoding, done) {
          total += chunk.length;
          most = Math.max(most, stream.readableLength);
          await turn();
          done();
        },
      });
      await pipeline(stream, slow);
      expect(total).toBe(32768 * 1024);
      expect(most).toBeLessThan(4 * 1024 * 1024);
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('errors at once and in the middle', async () => {
      const client = await open();
      const wrong = client.query(copy().to('copy nothing_here to stdout'));
      expect((await rejection(text(wrong))).code).toBe('42P01');
      expect(await value(client, 'select 1')).toBe(1);
      const failing = 'select 1 / (5000 - n) from generate_series(1, 10000) n';
      const stream = client.query(copy().to(`copy (${failing}) to stdout`));
      expect((await rejection(text(stream))).code).toBe('22012');
      expect(await value(client, 'select 2')).toBe(2);
    });

    test('several in a row, with queries between and behind them', async () => {
      const client = await open();
      for (let i = 1; i <= 5; i++) {
        const stream = to(client, i);
        const behind = client.query('select $1::int as n', [i]);
        expect(await text(stream)).toBe(lines(i).join(''));
        expect((await behind).rows).toEqual([{ n: i }]);
      }
    });

    test('notices in the middle', async () => {
      const client = await open();
      await client.query(`create function pg_temp.loud(n int) returns int language plpgsql as
        $$ begin if n % 100 = 0 then raise notice 'at %', n; end if; return n; end $$`);
      const source = 'select pg_temp.loud(n) from generate_series(1, 300) n';
      const stream = client.query(copy().to(`copy (${source}) to stdout`));
      const read = await text(stream);
      expect(read.split('\n')).toHaveLength(301);
      expect(await value(client, 'select 1')).toBe(1);
    });

    test('before connect', async () => {
      const { Client } = load();
      const { host, port } = testServer();
      const client = track(new Client({ host, port, user: 'nopass', database: DATABASE }));
      const stream = to(client, 3);
      await client.connect();
      expect(await text(stream)).toBe(lines(3).join(''));
    });
  });

  test('from one client to another', async () => {
    const [source, target] = [await open(), await withTable()];
    await pipeline(
      source.query(copy().to("copy (select n, 'x' from generate_series(1, 20000) n) to stdout")),
      new PassThrough(),
      target.query(copy().from('copy copied from stdin')),
    );
    expect(await count(target)).toBe(20000);
  });

  test('both, over a replication connection', async () => {
    const { socket, port } = testServer();
    const slot = unique('slot');
    const { Client } = load();
    const target = { host: socket, port, user: 'postgres', database: DATABASE };
    const client = track(new Client({ ...target, replication: 'true' }));
    await client.connect();
    const { rows } = await client.query('IDENTIFY_SYSTEM');
    expect(rows[0].xlogpos).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    await client.query(`CREATE_REPLICATION_SLOT ${slot} TEMPORARY PHYSICAL`);
    const start = `START_REPLICATION SLOT ${slot} PHYSICAL ${rows[0].xlogpos}`;
    const stream = client.query(copy().both(start, { alignOnCopyDataFrame: true }));
    const arrived = once(stream, 'data');
    await observe("select pg_logical_emit_message(false, 'polypool', 'hello')");
    const [first] = await arrived;
    expect(['w', 'k']).toContain(first.toString('latin1', 0, 1));
    stream.on('error', () => {});
    client.on('error', () => {});
    const over = ended(client);
    client.connection.stream.destroy();
    await over;
  });
});
