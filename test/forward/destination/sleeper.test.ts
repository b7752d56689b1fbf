import { beforeEach, expect, test } from 'vitest'
import { FakeTime } from '../../../daemon/core/timers.ts'
import { Sleeper } from '../../../daemon/forward/destination/sleeper.ts'

let time: FakeTime
let sleeper: Sleeper

beforeEach(() => {
  time = new FakeTime()
  sleeper = new Sleeper(time)
})

/** Whether the pause has ended, asked at any time. */
function watched(pause: Promise<void>): () => boolean {
  let hasEnded = false
  void pause.then(() => (hasEnded = true))
  return () => hasEnded
}

test('idle ends after its time', async () => {
  const hasEnded = watched(sleeper.idle(1_000))
  await time.pass(999)
  expect(hasEnded()).toBe(false)
  await time.pass(1)
  expect(hasEnded()).toBe(true)
})

test('idle ends at once when there is work, and leaves no timer', async () => {
  const hasEnded = watched(sleeper.idle(1_000))
  await time.pass(10)
  sleeper.wake()
  await time.pass(0)
  expect(hasEnded()).toBe(true)
  expect(time.pending).toBe(0)
})

test('work that came before idle is not slept over, and only once', async () => {
  sleeper.wake()
  const first = watched(sleeper.idle(1_000))
  await time.pass(0)
  expect(first()).toBe(true)
  const second = watched(sleeper.idle(1_000))
  await time.pass(0)
  expect(second()).toBe(false)
})

test('work does not shorten a pause', async () => {
  const hasEnded = watched(sleeper.pause(500))
  sleeper.wake()
  await time.pass(499)
  expect(hasEnded()).toBe(false)
  await time.pass(1)
  expect(hasEnded()).toBe(true)
})

test.each(['idle', 'pause'] as const)('stop ends %s, now and from now on', async (kind) => {
  const now = watched(sleeper[kind](1_000))
  await time.pass(0)
  sleeper.stop()
  const later = watched(sleeper[kind](1_000))
  await time.pass(0)
  expect([now(), later()]).toEqual([true, true])
  expect(time.pending).toBe(0)
})
