import { expect, test } from 'vitest'
import { timeOrderedId } from '../../daemon/core/time-ordered-id.ts'

test('an id is a UUID of version 7 with its time in front', () => {
  // The time of RFC 9562, A.6.
  expect(timeOrderedId(0x017f22e279b0 + 0.7)).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(timeOrderedId(-1)).toMatch(/^00000000-0000-7/)
})

test('ids of later times sort behind, those of one time differ', () => {
  const times = [0, 1, 999, 1_000, 0xffff_ffff, 0x1_0000_0000, 1_700_000_000_000]
  const ids = times.map(timeOrderedId)
  expect(ids.toSorted()).toEqual(ids)
  expect(timeOrderedId(5)).not.toBe(timeOrderedId(5))
})
