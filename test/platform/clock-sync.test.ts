import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FakeClock } from '../../daemon/core/clock.ts'
import { ClockSync, RELEASE_FLOOR_MS } from '../../daemon/platform/clock-sync.ts'
import type { CommandResult } from '../../daemon/platform/run-command.ts'

const YES: CommandResult = { exitCode: 0, stdout: 'yes\n', missing: false }
const NO: CommandResult = { exitCode: 0, stdout: 'no\n', missing: false }
const MISSING: CommandResult = { exitCode: null, stdout: '', missing: true }
const FAILED: CommandResult = { exitCode: 1, stdout: '', missing: false }

describe('clock synchronisation', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function create(answer: CommandResult, wallMs = RELEASE_FLOOR_MS + 86_400_000) {
    const state = { answer }
    const clock = new FakeClock(wallMs)
    const run = vi.fn(() => Promise.resolve(state.answer))
    const changes: boolean[] = []
    const sync = new ClockSync({ clock, run })
    sync.follow((synced) => void changes.push(synced))
    return { state, clock, run, changes, sync }
  }

  test('systemd is asked every 30 s until it says yes, and no longer', async () => {
    const { state, run, changes, sync } = create(NO)
    await sync.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(run).toHaveBeenCalledTimes(3)
    expect(sync.synced).toBe(false)
    state.answer = YES
    await vi.advanceTimersByTimeAsync(30_000)
    expect(changes).toEqual([true])
    expect(sync.synced).toBe(true)
    await vi.advanceTimersByTimeAsync(300_000)
    expect(run).toHaveBeenCalledTimes(4)
  })

  test.each([
    ['is not there', MISSING],
    ['fails', FAILED],
  ])('where timedatectl %s, a clock later than the release is believed', async (_name, answer) => {
    const { changes, sync } = create(answer)
    await sync.start()
    expect(changes).toEqual([true])
  })

  test('a clock before the release is never believed, whatever systemd says', async () => {
    const { clock, changes, sync } = create(YES, 0)
    await sync.start()
    expect(changes).toEqual([])
    clock.stepWall(RELEASE_FLOOR_MS + 1)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(changes).toEqual([true])
  })

  test('nothing is asked or told after stop', async () => {
    const { state, run, changes, sync } = create(NO)
    await sync.start()
    sync.stop()
    state.answer = YES
    await vi.advanceTimersByTimeAsync(120_000)
    expect(run).toHaveBeenCalledTimes(1)
    expect(changes).toEqual([])
  })
})
