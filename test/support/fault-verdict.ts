import { expect } from 'vitest'
import { check, type Acknowledged, type Arrival } from './checker.ts'

/** Nothing lost, nothing out of order, and what came twice came under one id. For devices that did not have to send anything again. */
export function expectExactlyOnceById(publishers: readonly Acknowledged[], arrivals: readonly Arrival[]): void {
  expect(check(publishers, arrivals)).toMatchObject({
    lost: [],
    inversions: [],
    sharedIds: [],
    leftAfterDeduplication: 0,
  })
}
