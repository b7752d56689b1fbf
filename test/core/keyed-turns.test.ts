import { describe, expect, test } from 'vitest'
import { KeyedTurns } from '../../daemon/core/keyed-turns.ts'
import { FakeTime, sleep } from '../../daemon/core/timers.ts'

describe('work in keyed turns', () => {
  test('runs in order for one key and at the same time for others, and is forgotten when it ends', async () => {
    const time = new FakeTime()
    const turns = new KeyedTurns<string>()
    const seen: string[] = []
    const work = (name: string, ms: number) => async (): Promise<void> => {
      await sleep(time, ms)
      seen.push(name)
    }
    const all = [turns.run('a', work('a1', 30)), turns.run('a', work('a2', 10)), turns.run('b', work('b1', 20))]
    await time.pass(40)
    await Promise.all(all)
    expect(seen).toEqual(['b1', 'a1', 'a2'])
    await time.pass(0)
    expect(turns.size).toBe(0)
  })

  test('goes on behind work that fails', async () => {
    const turns = new KeyedTurns<number>()
    const failed = turns.run(1, () => Promise.reject(new Error('refused')))
    const next = turns.run(1, () => Promise.resolve('done'))
    await expect(failed).rejects.toThrow('refused')
    await expect(next).resolves.toBe('done')
  })
})
