'use strict';
// Parsers of one client, and those of the process that it falls back on.

const types = require('pg-types');

const IMPLEMENTATIONS = [
  ['pg', () => [require('pg/lib/type-overrides'), require('pg/lib/defaults')]],
  [
    'polypool/pg',
    () => [
      require('../../../lib/compat/pg/type-overrides'),
      require('../../../lib/compat/pg/defaults'),
    ],
  ],
];

describe.each(IMPLEMENTATIONS)('%s', (_name, load) => {
  const [TypeOverrides, defaults] = load();

  test('the parsers of the process', () => {
    const overrides = new TypeOverrides();
    for (const format of [undefined, 'text', 'binary']) {
      expect(overrides.getTypeParser(23, format)).toBe(types.getTypeParser(23, format));
    }
  });

  test('an override of text, which is the usual format', () => {
    const overrides = new TypeOverrides();
    const [a, b, c] = [() => 'a', () => 'b', () => 'c'];
    overrides.setTypeParser(23, a);
    expect(overrides.getTypeParser(23)).toBe(a);
    expect(overrides.getTypeParser(23, 'text')).toBe(a);
    expect(overrides.getTypeParser(23, 'binary')).toBe(types.getTypeParser(23, 'binary'));
    overrides.setTypeParser(23, 'text', b);
    overrides.setTypeParser(23, 'binary', c);
    expect(overrides.getTypeParser(23)).toBe(b);
    expect(overrides.getTypeParser(23, 'binary')).toBe(c);
    expect(new TypeOverrides().getTypeParser(23)).toBe(types.getTypeParser(23));
  });

  test('a format that does not exist keeps nothing', () => {
    const overrides = new TypeOverrides();
    overrides.setTypeParser(23, 'sound', () => 'beep');
    expect(overrides.getOverrides('sound')).toEqual({});
    expect(overrides.text).toEqual({});
    expect(overrides.binary).toEqual({});
  });

  test('parsers of the user instead of those of the process', () => {
    const asked = [];
    const user = {
      getTypeParser(oid, format) {
        asked.push([oid, format]);
        return String;
      },
    };
    const overrides = new TypeOverrides(user);
    expect(overrides.getTypeParser(1)).toBe(String);
    expect(overrides.getTypeParser(2, 'binary')).toBe(String);
    expect(asked).toEqual([
      [1, 'text'],
      [2, 'binary'],
    ]);
    overrides.setTypeParser(1, Number);
    expect(overrides.getTypeParser(1)).toBe(Number);
  });

  test('defaults.parseInt8 makes numbers of bigint and bigint[], and texts again', () => {
    const parsed = () => [types.getTypeParser(20)('9'), types.getTypeParser(1016)('{9,10}')];
    expect(defaults.parseInt8).toBeUndefined();
    try {
      defaults.parseInt8 = true;
      expect(parsed()).toEqual([9, [9, 10]]);
    } finally {
      defaults.parseInt8 = false;
    }
    expect(parsed()).toEqual(['9', ['9', '10']]);
  });
});

test('the same defaults', () => {
  const [peer, own] = IMPLEMENTATIONS.map(([, load]) => load()[1]);
  expect({ ...own }).toEqual({ ...peer });
  expect(Object.keys(own).sort()).toEqual(Object.keys(peer).sort());
});
