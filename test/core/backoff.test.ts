import { expect, test } from 'vitest'
import { Backoff } from '../../daemon/core/backoff.ts'

function delays(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.nextDelayMs())
}

test('delays double with every failure, up to the longest', () => {
  expect(delays(new Backoff(100, 1_000, () => 1), 6)).toEqual([100, 200, 400, 800, 1_000, 1_000])
})

test('jitter shortens a delay by half at most', () => {
  expect(delays(new Backoff(100, 1_000, () => 0), 5)).toEqual([50, 100, 200, 400, 500])
})

test('after thousands of failures the delay is still the longest one', () => {
  expect(delays(new Backoff(100, 1_000, () => 1), 5_000).at(-1)).toBe(1_000)
})

test('a success starts again with the shortest delay', () => {
  const backoff = new Backoff(100, 1_000, () => 1)
  delays(backoff, 3)
  expect(backoff.isFailing).toBe(true)
  backoff.reset()
  expect(backoff.isFailing).toBe(false)
  expect(backoff.nextDelayMs()).toBe(100)
})
