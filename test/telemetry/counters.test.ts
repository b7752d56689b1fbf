import { expect, test } from 'vitest'
import { Counter } from '../../daemon/telemetry/counters.ts'

test('a label keeps its own count, made once', () => {
  const counter = new Counter()
  const kept = counter.of('a')
  kept.inc()
  counter.inc('a', 2)
  counter.inc('b')
  expect(counter.of('a')).toBe(kept)
  expect([...counter.entries()]).toEqual([
    ['a', 3],
    ['b', 1],
  ])
  expect(counter.total).toBe(4)
})

test('labels past the bound share one count, and none is lost', () => {
  const counter = new Counter(2)
  for (let i = 0; i < 1_000; i += 1) counter.inc(`client-${i}`)
  expect([...counter.entries()]).toEqual([
    ['client-0', 1],
    ['client-1', 1],
    ['other', 998],
  ])
  expect(counter.total).toBe(1_000)
})
