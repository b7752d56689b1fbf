import { beforeEach, describe, expect, test } from 'vitest'
import { EdgeError } from '../../daemon/core/errors.ts'
import { FakeTime, withDeadline } from '../../daemon/core/timers.ts'
import { IdempotentPublisher } from '../../daemon/ingest/idempotent-publisher.ts'
import type { Published } from '../../daemon/ingest/publisher.ts'
import type { IdempotencyRow } from '../../daemon/store/tables/idempotency.ts'

const REQUEST = { channelId: 'channel', value: { n: 1 } }
const WAIT_MS = 10_000

/** Publications that are stored when the test says so. */
class World {
  readonly time = new FakeTime()
  readonly rows: IdempotencyRow[] = []
  begun = 0
  private readonly waiting: (() => void)[] = []
  readonly publisher = new IdempotentPublisher({
    publisher: {
      begin: (_request, _identity, alongside) => {
        const answer: Published = { id: `edge:store:${++this.begun}`, topic: 't' }
        alongside?.(answer)
        return new Promise((resolve) => this.waiting.push(() => resolve(answer)))
      },
      inTime: (begun) => withDeadline(this.time, begun, WAIT_MS, () => new EdgeError('store-full', 'late')),
    },
    find: (identity, key) => this.rows.find((row) => row.identity === identity && row.key === key),
    put: (op) => {
      if (op.type === 'idempotency') this.uncommitted.push(op.row)
    },
    runningMs: () => this.time.monotonicMs(),
  })
  private readonly uncommitted: IdempotencyRow[] = []

  /** The store commits all that waits. */
  async commit(): Promise<void> {
    this.rows.push(...this.uncommitted.splice(0))
    for (const done of this.waiting.splice(0)) done()
    await this.time.pass(0)
  }

  publish(key: string, value = 1): Promise<Published> {
    return this.publisher.publish({ ...REQUEST, value: { n: value } }, 'alice', key)
  }
}

let world: World

beforeEach(() => {
  world = new World()
})

describe('a request under an Idempotency-Key', () => {
  test('is published once, however often it is repeated', async () => {
    const first = world.publish('k')
    const meanwhile = world.publish('k')
    await world.commit()
    const after = world.publish('k')
    expect(await Promise.all([first, meanwhile, after])).toEqual(Array(3).fill({ id: 'edge:store:1', topic: 't' }))
    expect(world.begun).toBe(1)
  })

  test('keeps its key when its publisher is told that the store takes too long', async () => {
    const first = world.publish('k').catch((error: unknown) => error)
    await world.time.pass(WAIT_MS)
    expect(await first).toMatchObject({ code: 'store-full' })
    const second = world.publish('k')
    await world.commit()
    expect(await second).toEqual({ id: 'edge:store:1', topic: 't' })
    expect(world.begun).toBe(1)
  })

  test('with another body is refused, while the first is in flight and after it is stored', async () => {
    const first = world.publish('k', 1)
    await expect(world.publish('k', 2)).rejects.toMatchObject({ code: 'idempotency-conflict' })
    await world.commit()
    await first
    await expect(world.publish('k', 2)).rejects.toMatchObject({ code: 'idempotency-conflict' })
  })
})
