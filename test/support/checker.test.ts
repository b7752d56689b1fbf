import { expect, test } from 'vitest'
import { check } from './checker.ts'

const one = [{ source: 1, acknowledged: [1, 2, 3] }]
const arrival = (n: number, id = `id-${n}`, source = 1) => ({ id, source, n })

test('everything arrived once, in order', () => {
  expect(
    check(
      one,
      [1, 2, 3].map((n) => arrival(n)),
    ),
  ).toEqual({ lost: [], inversions: [], duplicates: 0, leftAfterDeduplication: 0, sharedIds: [] })
})

test('what was acknowledged and did not arrive is lost, whoever else sent that number', () => {
  expect(check(one, [arrival(1), arrival(2, 'x', 2), arrival(3)]).lost).toEqual(['1/2'])
})

test('what was not acknowledged may arrive', () => {
  expect(
    check(
      one,
      [1, 2, 3, 4].map((n) => arrival(n)),
    ).lost,
  ).toEqual([])
})

test('a later message that comes first is an inversion, one that comes again is not', () => {
  expect(check(one, [arrival(1), arrival(3), arrival(2)]).inversions).toEqual(['1/2'])
  expect(check(one, [arrival(1), arrival(2), arrival(1), arrival(3)]).inversions).toEqual([])
})

test('a repetition under its id is left out by a consumer, one under another id is not', () => {
  expect(check(one, [arrival(1), arrival(1), arrival(2), arrival(3)])).toMatchObject({
    duplicates: 1,
    leftAfterDeduplication: 0,
  })
  expect(check(one, [arrival(1), arrival(1, 'new'), arrival(2), arrival(3)])).toMatchObject({
    duplicates: 1,
    leftAfterDeduplication: 1,
  })
})

test('two messages under one id are named', () => {
  expect(check(one, [arrival(1, 'same'), arrival(2, 'same'), arrival(3)]).sharedIds).toEqual(['same'])
})
