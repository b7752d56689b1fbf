import { expect, test } from 'vitest'
import { Turns } from '../../daemon/core/turns.ts'

test('work runs in the order of the calls, one piece at a time, whether or not it fails', async () => {
  const turns = new Turns()
  const order: string[] = []
  const work = (name: string, fails = false) =>
    turns.run(async () => {
      order.push(`${name} begins`)
      await Promise.resolve()
      order.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
  const all = Promise.allSettled([work('a'), work('b', true), work('c')])
  expect(turns.size).toBe(3)
  expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  expect(turns.size).toBe(0)
})
