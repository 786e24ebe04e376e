'use strict';
// JSON columns are parsed together, a chunk of rows at a time: each row must still get its own.

const { openPool } = require('../support/pools');

const QUERY = `
  select g, case when g % 3 = 0 then null else jsonb_build_object('g', g, 't', '漢' || g) end doc,
    to_json(g) as twice, '{"a":1}'::json as "__proto__", jsonb_build_array(g) as twice
  from generate_series(1, $1) g`;

const docOf = (g) => (g % 3 === 0 ? null : { g, t: `漢${g}` });

test.each([0, 1, 2, 3, 2000])('%i rows of several JSON columns', async (count) => {
  const pool = await openPool();
  for (let run = 0; run < 3; run++) {
    const objects = await pool.query(QUERY, [count]);
    expect(objects.rows).toHaveLength(count);
    objects.rows.forEach((row, index) => {
      const g = index + 1;
      expect(row.doc).toEqual(docOf(g));
      expect(row.twice).toEqual([g]);
      expect(Object.getOwnPropertyDescriptor(row, '__proto__').value).toEqual({ a: 1 });
    });
    const arrays = await pool.query(QUERY, [count], { rowMode: 'array' });
    arrays.rows.forEach((row, index) => {
      const g = index + 1;
      expect(row).toEqual([g, docOf(g), g, { a: 1 }, [g]]);
    });
  }
});

test('documents do not share what they hold', async () => {
  const pool = await openPool();
  const { rows } = await pool.query(`select '{"list":[1]}'::jsonb doc from generate_series(1, 3)`);
  rows[0].doc.list.push(2);
  expect(rows[1].doc).toEqual({ list: [1] });
});
