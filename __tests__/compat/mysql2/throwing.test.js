'use strict';
// What the program's own code throws, wherever it is called: the process hears of it, and nobody
// else's connection does. The programs run on their own, for the sake of their uncaught exceptions.

const { printed, runProgram } = require('../../support/child.js');
const { mysqlConfig } = require('../../support/mysql.js');
const { IMPLEMENTATIONS } = require('./implementations.js');

/** Each is a body that may use `open(options)`, `boom`, `called(start)` and `seen`. */
const BOTH = {
  'a login is refused and nobody listens': [
    `open({ password: 'wrong' });
     await heard(/Access denied/);`,
    [],
  ],
  'nobody is there and nobody listens': [
    `open({ port: 1 });
     await heard(/ECONNREFUSED/);`,
    [],
  ],
  'a listener to the refusal of a login throws': [
    `open({ password: 'wrong' }).on('error', boom);
     await heard(/boom/);`,
    [],
  ],
  'the callback of a refused connect throws': [
    `open({ password: 'wrong' }).connect(boom);
     await heard(/boom/);`,
    [],
  ],
  'a listener to "end" throws': [
    `const connection = open();
     connection.on('end', boom);
     connection.end();
     await heard(/boom/);`,
    [],
  ],
  'the callback of end throws': [
    `open().end(boom);
     await heard(/boom/);`,
    [],
  ],
  'a key that is no key': [
    `const [error] = await called((done) => open({ passwordSha1: 5 }).connect(done));
     seen.push(error.name, error.fatal);`,
    ['TypeError', true],
  ],
  'a factory of files throws': [
    `const connection = open();
     await called((done) => connection.query('create temporary table files (a int)', done));
     const sql = "load data local infile 'x' into table files";
     const [error] = await called((done) =>
       connection.query({ sql, infileStreamFactory: boom }, done),
     );
     seen.push(error.message);`,
    ['boom'],
  ],
};

/** mysql2 closes the connection, or leaves it standing still. */
const OWN = {
  'a listener to "connect" throws': [
    `const connection = open();
     connection.on('connect', boom);
     await goesOn(connection);
     await heard(/boom/);`,
    ['goes on'],
  ],
  'callbacks of errors throw': [
    `const connection = open();
     for (const ask of ['query', 'execute', 'prepare']) connection[ask]('selec 1', boom);
     await goesOn(connection);
     await heard(/boom/, 3);`,
    ['goes on'],
  ],
  'callbacks throw': [
    `const connection = open();
     for (const ask of ['query', 'execute', 'prepare']) connection[ask]('select 1', boom);
     connection.prepare('select 1', boom);
     connection.ping(boom);
     connection.reset(boom);
     connection.changeUser({}, boom);
     await goesOn(connection);
     await heard(/boom/, 7);`,
    ['goes on'],
  ],
  'listeners of queries throw': [
    `const connection = open();
     for (const event of ['fields', 'result', 'end']) connection.query('select 1').on(event, boom);
     connection.query('selec 1').on('error', boom);
     await goesOn(connection);
     await heard(/boom/, 4);`,
    ['goes on'],
  ],
  'a statement fails and nobody listens': [
    `const connection = open();
     connection.query('selec 1');
     connection.execute('select ?', [{ toJSON: boom }]);
     await goesOn(connection);
     await heard(/syntax/);
     await heard(/boom/);`,
    ['goes on'],
  ],
  'callbacks of a pool throw': [
    `const pool = mysql.createPool({ ...target, connectionLimit: 1 });
     for (const ask of ['query', 'execute']) {
       pool[ask]('selec 1', boom);
       pool[ask]('select 1', boom);
     }
     await goesOn(pool);
     await heard(/boom/, 4);
     pool.end();`,
    ['goes on'],
  ],
  'what has no text is refused': [
    `const connection = open();
     for (const sql of [undefined, null, 5, Symbol('s'), { sql: {} }]) {
       const [error] = await called((done) => connection.execute(sql, done)).catch((e) => [e]);
       seen.push(error.name);
     }
     await goesOn(connection);`,
    [...Array(5).fill('TypeError'), 'goes on'],
  ],
  'the connection is lost, and callbacks and listeners throw': [
    `const connection = open();
     await called((done) => connection.query('select 1', done));
     connection.on('end', boom);
     connection.query('select sleep(20)', boom);
     connection.query('select 1', boom);
     const last = called((done) => connection.query('select 1', done));
     await called((done) => bystander.query('kill ' + connection.threadId, done));
     seen.push((await last)[0].code, connection._closing);
     await heard(/boom/, 3);`,
    ['PROTOCOL_CONNECTION_LOST', true],
  ],
};

async function run(name, body) {
  const program = `
    const mysql = require('${name}');
    const target = JSON.parse(process.env.TARGET);
    const [uncaught, all, seen, waiting] = [[], [], [], []];
    process.on('uncaughtException', ({ message }) => {
      uncaught.push(message);
      for (const look of waiting) look();
    });
    const boom = () => {
      throw new Error('boom');
    };
    const called = (start) => new Promise((resolve) => start((...given) => resolve(given)));
    const heard = (expression, times = 1) =>
      new Promise((resolve) => {
        const look = () => uncaught.filter((it) => expression.test(it)).length >= times && resolve();
        waiting.push(look);
        look();
      });
    const open = (options) => {
      const connection = mysql.createConnection({ ...target, ...options });
      all.push(connection);
      return connection;
    };
    const goesOn = async (asked) => {
      const [error, rows] = await called((done) => asked.query('select 7 as x', done));
      seen.push(error ? error.message : rows[0].x === 7 && 'goes on');
    };
    (async () => {
      const bystander = open();
      await called((done) => bystander.query('select 1', done));
      {
        ${body}
      }
      const [error, rows] = await called((done) => bystander.query('select 42 as a', done));
      seen.push(error ? error.message : rows[0].a);
      console.log(JSON.stringify(seen));
      for (const connection of all) connection.destroy();
    })();`;
  const env = { TARGET: JSON.stringify(mysqlConfig()) };
  return printed(await runProgram(program, { env }));
}

describe.each(IMPLEMENTATIONS)('%s', (name) => {
  test.each(Object.entries(BOTH))('%s', async (_title, [body, seen]) => {
    expect(await run(name, body)).toEqual([[...seen, 42]]);
  });
});

test.each(Object.entries(OWN))('the connection goes on: %s', async (_title, [body, seen]) => {
  expect(await run('polypool/mysql2', body)).toEqual([[...seen, 42]]);
});
