import { describe, expect, test } from 'vitest'
import {
  acknowledgedBeforeCommit,
  cursorBeforeAnswer,
  deadByMessage,
  heldByMessage,
  heldNewestFirst,
  heldRoutesForgotten,
  heldTwice,
  releasesReadBack,
} from './mutations.ts'
import { simulate } from './simulate.ts'
import type { Seams } from './simulated-gateway.ts'

const MAX_RUNS = 150

describe('the simulation finds', () => {
  test.each<[string, () => Seams, RegExp]>([
    ['a release that is read back before it is confirmed', releasesReadBack, /came again although it was confirmed/],
    ['one held row for all targets of a message', heldByMessage, /is lost|status says held/],
    ['one dead letter for all targets of a message', deadByMessage, /is lost/],
    ['a cursor that passes what is to be sent again', cursorBeforeAnswer, /is lost/],
    ['an acknowledgement before the commit', acknowledgedBeforeCommit, /was acknowledged and is not stored/],
    ['held deliveries that are sent newest first', heldNewestFirst, /came behind/],
    ['held routes that a restart forgets', heldRoutesForgotten, /still waits/],
    ['what was held being held once more after a restart', heldTwice, /status says held/],
  ])('%s', { timeout: 120_000 }, async (_name, mutation, fault) => {
    let found: string | undefined
    for (let seed = 1; seed <= MAX_RUNS && found === undefined; seed++) {
      const faults = await simulate(seed, mutation())
      if (faults !== undefined && fault.test(faults)) found = faults
    }
    expect(found).toMatch(fault)
  })
})
