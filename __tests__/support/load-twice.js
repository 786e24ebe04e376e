'use strict';
// Leaves a first copy of lib/ behind, alive in this process, before the test loads its own.

const { url } = require('./urls.js');

const first = require('../../index.js');
const bystander = new first.Pool(url(), { name: 'bystander', max: 1 });

beforeAll(() => bystander.query('select 1'));

afterAll(async () => {
  // The first copy still answers after whatever the second one went through.
  const { rows } = await bystander.query('select 2 as answer');
  expect(rows).toEqual([{ answer: 2 }]);
  await bystander.close();
});
