import { expect, test } from 'vitest'
import { FakeClock } from '../../../daemon/core/clock.ts'
import { RunningClock } from '../../../daemon/store/log/running-clock.ts'

const HOUR = 3_600_000

/** The reading that a store had kept when its daemon went down, and the clock of the machine. */
function downSince(synced: boolean) {
  const clock = new FakeClock()
  clock.advance(5_000)
  const last = new RunningClock(
    clock,
    { runningMs: 1_000, monotonicMs: 5_000, wallMs: clock.wallMs(), synced },
    true,
    synced,
  ).read()
  return { clock, last }
}

/** Another boot: monotonic time starts anew. */
function rebooted(wallMs: number): FakeClock {
  return new FakeClock(wallMs)
}

test('within one boot the time away counts by the monotonic clock', () => {
  for (const step of [0, 400 * 24 * HOUR, -24 * HOUR]) {
    const { clock, last } = downSince(true)
    clock.advance(2 * HOUR)
    clock.stepWall(step)
    expect(new RunningClock(clock, last, true, true).runningMs()).toBe(last.runningMs + 2 * HOUR)
  }
})

test('after a reboot the time away counts only between two synchronised readings', () => {
  const { last } = downSince(true)
  expect(new RunningClock(rebooted(last.wallMs + HOUR), last, false, true).runningMs()).toBe(last.runningMs + HOUR)
  expect(new RunningClock(rebooted(last.wallMs + HOUR), last, false, false).runningMs()).toBe(last.runningMs)
  const { last: unsynced } = downSince(false)
  expect(new RunningClock(rebooted(unsynced.wallMs + HOUR), unsynced, false, true).runningMs()).toBe(unsynced.runningMs)
})

test('running time never goes back', () => {
  const { last } = downSince(true)
  expect(new RunningClock(rebooted(last.wallMs - HOUR), last, false, true).runningMs()).toBe(last.runningMs)
  // The kernel said "same boot", yet its monotonic clock is behind: a container or another machine.
  expect(new RunningClock(rebooted(0), last, true, false).runningMs()).toBe(last.runningMs)
})

test('steps of the wall clock while running change nothing', () => {
  const { clock, last } = downSince(true)
  const running = new RunningClock(clock, last, true, true)
  const before = running.runningMs()
  clock.stepWall(400 * 24 * HOUR)
  clock.stepWall(-800 * 24 * HOUR)
  clock.advance(50)
  expect(running.runningMs()).toBe(before + 50)
})

test('a reading says whether the wall clock was synchronised', () => {
  const running = new RunningClock(
    rebooted(0),
    { runningMs: 0, monotonicMs: 0, wallMs: 0, synced: false },
    false,
    false,
  )
  expect(running.read().synced).toBe(false)
  running.synced = true
  expect(running.read().synced).toBe(true)
})
