import { describe, expect, test, vi } from 'vitest'
import { FakeTime, settledWithin, sleep, systemTimers, withDeadline } from '../../daemon/core/timers.ts'

const late = (): Error => new Error('late')

describe('a deadline', () => {
  test('gives the outcome of a promise that settles in time, and leaves no timer behind', async () => {
    const time = new FakeTime()
    await expect(withDeadline(time, Promise.resolve(7), 1_000, late)).resolves.toBe(7)
    await expect(withDeadline(time, Promise.reject(new Error('refused')), 1_000, late)).rejects.toThrow('refused')
    expect(time.pending).toBe(0)
  })

  test('rejects when the time is over, not earlier', async () => {
    const time = new FakeTime()
    const outcome = vi.fn()
    withDeadline(time, new Promise(() => undefined), 1_000, late).catch(outcome)
    await time.pass(999)
    expect(outcome).not.toHaveBeenCalled()
    await time.pass(1)
    expect(outcome).toHaveBeenCalledWith(late())
  })

  test('that is waited for in silence ends with the promise or with the time', async () => {
    const time = new FakeTime()
    const ended: string[] = []
    void settledWithin(time, Promise.reject(new Error('refused')), 1_000).then(() => ended.push('rejected'))
    void settledWithin(time, new Promise(() => undefined), 1_000).then(() => ended.push('late'))
    await time.pass(0)
    expect(ended).toEqual(['rejected'])
    await time.pass(1_000)
    expect(ended).toEqual(['rejected', 'late'])
  })
})

describe('virtual time', () => {
  test('fires timers in the order of their times, each at its own', async () => {
    const time = new FakeTime()
    const fired: [string, number][] = []
    const note = (name: string) => () => void fired.push([name, time.monotonicMs()])
    time.after(30, note('c'))
    time.after(10, note('a'))
    time.after(10, note('b'))
    const every = time.every(20, note('every'))
    await time.pass(45)
    every.cancel()
    await time.pass(100)
    expect(fired).toEqual([
      ['a', 10],
      ['b', 10],
      ['every', 20],
      ['c', 30],
      ['every', 40],
    ])
  })

  test('lets promises that a timer has resolved settle before the next timer', async () => {
    const time = new FakeTime()
    const seen: number[] = []
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await sleep(time, 10)
        seen.push(time.monotonicMs())
      }
    }
    void loop()
    await time.pass(35)
    expect(seen).toEqual([10, 20, 30])
  })
})

test('the timers of the system fire once, again and again, or not at all', async () => {
  const fired: string[] = []
  const every = systemTimers.every(1, () => void fired.push('every'))
  systemTimers.after(1, () => void fired.push('cancelled')).cancel()
  await vi.waitFor(() => expect(fired.length).toBeGreaterThan(1))
  every.cancel()
  const count = fired.length
  await sleep(systemTimers, 5)
  expect(fired).toHaveLength(count)
  expect(new Set(fired)).toEqual(new Set(['every']))
})
