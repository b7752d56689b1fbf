import { beforeEach, describe, expect, test } from 'vitest'
import { FakeTime, sleep } from '../../daemon/core/timers.ts'
import { Lifecycle } from '../../daemon/gateway/lifecycle.ts'

let time: FakeTime
let life: Lifecycle
let seen: string[]

beforeEach(() => {
  time = new FakeTime()
  life = new Lifecycle(time)
  seen = []
})

function step(name: string, ms: number): () => Promise<void> {
  return async () => {
    seen.push(`${name} begins`)
    await sleep(time, ms)
    life.ensureRunning()
    seen.push(`${name} ends`)
  }
}

describe('steps of life', () => {
  test('run one at a time, in the order in which they were asked for', async () => {
    const all = Promise.all([life.inTurn(step('a', 30)), life.inTurn(step('b', 10)), life.inTurn(step('c', 20))])
    await time.pass(60)
    await all
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  test('go on after one that has failed', async () => {
    const failed = life.inTurn(() => Promise.reject(new Error('bad file')))
    await expect(failed).rejects.toThrow('bad file')
    await expect(life.inTurn(() => Promise.resolve('applied'))).resolves.toBe('applied')
  })
})

describe('the stop', () => {
  test('ends what was started in the reverse order, each once', async () => {
    for (const name of ['store', 'broker', 'http']) life.onStop(() => void seen.push(name))
    await Promise.all([life.stop(1_000), life.stop(1_000)])
    expect(seen).toEqual(['http', 'broker', 'store'])
  })

  test('goes on behind a step that fails, and tells of it', async () => {
    life.onStop(() => void seen.push('store'))
    life.onStop(() => {
      throw new Error('broken')
    })
    await expect(life.stop(1_000)).rejects.toThrow('broken')
    expect(seen).toEqual(['store'])
  })

  test('overtakes a start that waits: what that starts afterwards is ended too', async () => {
    const start = life.inTurn(async () => {
      life.onStop(() => void seen.push('store ended'))
      await sleep(time, 100)
      life.onStop(() => void seen.push('broker ended'))
      life.ensureRunning()
      seen.push('started')
    })
    start.catch(() => undefined)
    await time.pass(10)
    await life.stop(1_000)
    await time.pass(100)
    await expect(start).rejects.toMatchObject({ code: 'shutting-down' })
    expect(seen).toEqual(['store ended', 'broker ended'])
  })

  test('refuses every later step', async () => {
    await life.stop(1_000)
    await expect(life.inTurn(step('reload', 1))).rejects.toMatchObject({ code: 'shutting-down' })
    expect(seen).toEqual([])
  })
})
