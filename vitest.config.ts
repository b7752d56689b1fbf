import { globSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** Only start processes that end by themselves: two such files at a time do not disturb each other. */
const BESIDE_OTHERS = [
  'test/asyncapi/documents/hostile-documents.integration.test.ts',
  'test/cli/check.integration.test.ts',
  'test/cli/explain.integration.test.ts',
]

// Tests that start servers or kill processes need the machine to themselves: they run one file at a time, after the rest.
const ALONE = [
  ...globSync('test/**/*.integration.test.ts').filter((path) => !BESIDE_OTHERS.includes(path)),
  'test/faults/**/*.test.ts',
]

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          testTimeout: 120_000,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
