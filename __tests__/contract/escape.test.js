'use strict';

const fc = require('fast-check');
const { load, openPool } = require('../support/pools.js');

test.each([
  ['simple', '"simple"'],
  ['my"col', '"my""col"'],
  ['', '""'],
  ['With Space', '"With Space"'],
])('escapeIdentifier(%j) is %s', (name, expected) => {
  expect(load().escapeIdentifier(name)).toBe(expected);
});

test.each([
  ['plain', "'plain'"],
  ["it's", "'it''s'"],
  ['a\\b', " E'a\\\\b'"],
  ['', "''"],
])('escapeLiteral(%j) is %s', (text, expected) => {
  expect(load().escapeLiteral(text)).toBe(expected);
});

test.each([undefined, null, 1, {}, ['a'], 'nul\0'])('%p is refused', (value) => {
  const { escapeIdentifier, escapeLiteral, PoolError } = load();
  for (const escape of [escapeIdentifier, escapeLiteral]) {
    expect(() => escape(value)).toThrow(PoolError);
    expect(() => escape(value)).toThrow(
      expect.objectContaining({ code: 'ERR_POLYPOOL_PARAMETER' }),
    );
  }
});

test.each(['on', 'off'])(
  'any text survives with standard_conforming_strings %s',
  async (setting) => {
    const pool = await openPool({ max: 1 });
    const { escapeLiteral, escapeIdentifier } = load();
    const character = fc.constantFrom("'", '"', '\\', 'a', '$', ';', '-', 'é', '🐘', '\n', '%');
    const text = fc.string({ unit: character, maxLength: 12 });
    await pool.use(async (connection) => {
      await connection.query(`set standard_conforming_strings = ${setting}`);
      await fc.assert(
        fc.asyncProperty(text, async (value) => {
          const name = escapeIdentifier(value || 'x');
          const { rows } = await connection.query(`select${escapeLiteral(value)} as ${name}`);
          expect(rows).toEqual([{ [value || 'x']: value }]);
        }),
        { numRuns: 300 },
      );
    });
  },
);
