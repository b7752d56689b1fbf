import { expect, test } from 'vitest'
import { FakeTime } from '../../daemon/core/timers.ts'
import { settleHeapWhenQuiet } from '../../daemon/platform/settle-heap.ts'

test('the heap is settled once, when nothing has happened for 5 s', async () => {
  const time = new FakeTime()
  let [events, settled] = [0, 0]
  settleHeapWhenQuiet(
    () => events,
    time,
    () => void settled++,
  )
  for (let second = 0; second < 20; second++) {
    events++
    await time.pass(1_000)
  }
  expect(settled).toBe(0)
  await time.pass(5_000)
  expect([settled, time.pending]).toEqual([1, 0])
})
