import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { silentLogger } from '../../daemon/core/logger.ts'
import { Watchdog, type WatchdogOptions } from '../../daemon/platform/watchdog.ts'

const OPTIONS: Omit<WatchdogOptions, 'alive' | 'healthy'> = {
  timeoutUsec: '30000000',
  watchedPid: undefined,
  ownPid: 42,
  logger: silentLogger,
}

describe('the watchdog', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function start(healthy: () => Promise<boolean>, options: Partial<WatchdogOptions> = {}) {
    const alive = vi.fn(() => Promise.resolve())
    const watchdog = new Watchdog({ ...OPTIONS, healthy, alive, ...options })
    watchdog.start()
    return { alive, watchdog }
  }

  test('is answered at half of its interval', async () => {
    const { alive, watchdog } = start(() => Promise.resolve(true))
    await vi.advanceTimersByTimeAsync(14_900)
    expect(alive).toHaveBeenCalledTimes(0)
    await vi.advanceTimersByTimeAsync(45_200)
    expect(alive).toHaveBeenCalledTimes(4)
    watchdog.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(alive).toHaveBeenCalledTimes(4)
  })

  test('is not answered while something is unhealthy', async () => {
    let healthy = false
    const { alive } = start(() => Promise.resolve(healthy))
    await vi.advanceTimersByTimeAsync(15_000)
    expect(alive).toHaveBeenCalledTimes(0)
    healthy = true
    await vi.advanceTimersByTimeAsync(15_000)
    expect(alive).toHaveBeenCalledTimes(1)
  })

  test('is not answered when the health check fails, hangs or comes too late', async () => {
    const failing = start(() => Promise.reject(new Error('broken')))
    const late = start(() => new Promise((resolve) => setTimeout(() => resolve(true), 20_000)))
    const asked = vi.fn(() => new Promise<boolean>(() => {}))
    const hanging = start(asked)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(failing.alive).toHaveBeenCalledTimes(0)
    expect(late.alive).toHaveBeenCalledTimes(0)
    expect(hanging.alive).toHaveBeenCalledTimes(0)
    expect(asked).toHaveBeenCalledTimes(1)
  })

  test.each([
    ['there is none', { timeoutUsec: undefined }],
    ['it is another process that is watched', { watchedPid: '7' }],
    ['its interval is not a number', { timeoutUsec: 'soon' }],
  ])('stays quiet when %s', async (_name, options) => {
    const { alive } = start(() => Promise.resolve(true), options)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(alive).toHaveBeenCalledTimes(0)
  })
})
