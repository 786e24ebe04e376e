'use strict';
// Two runs over the same files: `plain`, and `reloaded`, where lib/ was loaded once before and is
// loaded again for every test, all over the one native module of the process.

// Neither UTC nor a whole hour off it: code that mixes up local time and UTC shows.
process.env.TZ = 'America/St_Johns';

const project = {
  testEnvironment: 'node',
  transform: {},
  roots: ['<rootDir>/__tests__'],
  modulePathIgnorePatterns: ['<rootDir>/npm/', '<rootDir>/target/'],
  testMatch: ['**/*.test.js'],
};

module.exports = {
  globalSetup: './__tests__/support/global-setup.js',
  globalTeardown: './__tests__/support/global-teardown.js',
  maxWorkers: 2,
  watchman: false,
  // A bound for "does not hang"; nothing here waits for so long.
  testTimeout: 60_000,
  projects: [
    { ...project, displayName: 'plain' },
    {
      ...project,
      displayName: 'reloaded',
      resetModules: true,
      // These only start processes, which load everything for themselves.
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/__tests__/libraries/'],
      setupFilesAfterEnv: ['<rootDir>/__tests__/support/load-twice.js'],
    },
  ],
};
