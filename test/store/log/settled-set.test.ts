import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SettledSet } from '../../../daemon/store/log/settled-set.ts'

const LAST = 60

test('behaves like a set of numbers, in any order of additions', () => {
  const addition = fc.tuple(fc.integer({ min: 0, max: LAST }), fc.integer({ min: -2, max: 12 }))
  fc.assert(
    fc.property(fc.nat(10), fc.array(addition, { maxLength: 40 }), (low, additions) => {
      const settled = new SettledSet(low)
      const model = new Set(Array.from({ length: low }, (_, seq) => seq))
      for (const [first, more] of additions) {
        settled.add(first, first + more)
        for (let seq = first; seq <= first + more; seq++) model.add(seq)
        let expectedLow = low
        while (model.has(expectedLow)) expectedLow++
        expect(settled.low).toBe(expectedLow)
      }
      for (let seq = 0; seq <= LAST + 15; seq++) expect(settled.has(seq)).toBe(model.has(seq))
      const ranges = settled.toRanges()
      expect(settled.rangeCount).toBe(ranges.length)
      let before = settled.low - 1
      for (const [first, last] of ranges) {
        expect(first).toBeGreaterThan(before + 1)
        expect(last).toBeGreaterThanOrEqual(first)
        before = last
      }
      const copy = new SettledSet(settled.low, ranges)
      for (let seq = 0; seq <= LAST + 15; seq++) expect(copy.has(seq)).toBe(settled.has(seq))
    }),
    { numRuns: 300 },
  )
})

test('ranges are copied in and out', () => {
  const given: [number, number][] = [[5, 6]]
  const settled = new SettledSet(1, given)
  settled.add(7, 7)
  settled.toRanges()[0]![1] = 99
  expect(given).toEqual([[5, 6]])
  expect(settled.toRanges()).toEqual([[5, 7]])
})
