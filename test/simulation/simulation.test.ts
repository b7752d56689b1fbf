import { expect, test } from 'vitest'
import { sized } from '../support/soak.ts'
import { run, simulate } from './simulate.ts'

/* eslint-disable node/no-process-env -- the tests' own settings */
const SEED = process.env['SEED']
const RUNS = Number(process.env['SIMULATION_RUNS'] ?? sized(300, 500))
/* eslint-enable node/no-process-env */

const seeds = SEED === undefined ? Array.from({ length: RUNS }, (_, index) => index + 1) : [Number(SEED)]

test(
  'every delivery is accepted, buried, counted as lost or waits, in order, whatever fails meanwhile',
  { timeout: 60_000 + seeds.length * 5_000 },
  async () => {
    for (const seed of seeds) expect(await simulate(seed)).toBeUndefined()
  },
)

test('a seed gives the same run again', async () => {
  for (const seed of [3, 5, 48]) expect(await run(seed)).toEqual(await run(seed))
})
