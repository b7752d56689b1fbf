import fc from 'fast-check'
import { expect, test } from 'vitest'

export interface StoredMessage {
  seq: number
  payload: string
}

type MaybeLater<Value> = Value | Promise<Value>

/** A log as the suite sees it: one lane, messages for a set of destinations, cursors that only go up. */
export interface LogSubject {
  readonly storeId: string
  readonly lastSeq: number
  append(destinations: readonly string[], payloads: readonly string[]): MaybeLater<'stored' | 'full'>
  /** The transaction fails in the middle. */
  failAppend(destinations: readonly string[], payloads: readonly string[]): MaybeLater<void>
  /** The destination has settled everything below `low`. */
  settle(destination: string, low: number): MaybeLater<void>
  /** Ends in the middle of a transaction, without closing, and starts again. */
  crash(): MaybeLater<void>
  /** Ends cleanly and starts again. */
  reopen(): MaybeLater<void>
  /** Time passes until no history is wanted any more. */
  expire(): MaybeLater<void>
  low(destination: string): number
  unsettled(destination: string): StoredMessage[]
  everything(): StoredMessage[]
  close(): MaybeLater<void>
}

const DESTINATIONS = ['kafka', 'bus', 'journal']
const FILL_PAYLOAD = 'f'.repeat(200_000)
/** Messages that may stay unwanted: up to four others in a block of each stream, and there is a stream for every set of destinations. */
const MOST_PARTLY_SETTLED = 4 * 2 ** DESTINATIONS.length
const RUNS = Number(process.env['SOAK'] ?? 0) || 200

const destinations = fc.subarray(DESTINATIONS)
const payloads = fc.array(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 5 })
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), destinations, payloads }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const), destinations, payloads }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      destination: fc.constantFrom(...DESTINATIONS),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const) }) },
)
const fill = fc.record({ do: fc.constant('fill' as const), destinations })
type Action =
  typeof action extends fc.Arbitrary<infer One>
    ? One | (typeof fill extends fc.Arbitrary<infer Two> ? Two : never)
    : never

/** The messages that must be there. Its only rules: nothing is lost, repeated or changed. */
class Model {
  appended: (StoredMessage & { destinations: readonly string[] })[] = []
  lows = new Map<string, number>()
  storeIds = new Set<string>()

  unsettled(destination: string): StoredMessage[] {
    const low = this.lows.get(destination) ?? 0
    return this.appended
      .filter((message) => message.seq >= low && message.destinations.includes(destination))
      .map(({ seq, payload }) => ({ seq, payload }))
  }

  wanted(message: { seq: number; destinations: readonly string[] }): boolean {
    return message.destinations.some((destination) => message.seq >= (this.lows.get(destination) ?? 0))
  }
}

async function apply(subject: LogSubject, model: Model, step: Action): Promise<void> {
  switch (step.do) {
    case 'append':
    case 'fill': {
      let seq = subject.lastSeq
      const texts = step.do === 'append' ? step.payloads : [FILL_PAYLOAD]
      for (let count = 0; count < (step.do === 'append' ? 1 : 200); count++) {
        if ((await subject.append(step.destinations, texts)) === 'full') break
        for (const payload of texts) model.appended.push({ seq: ++seq, payload, destinations: step.destinations })
      }
      break
    }
    case 'fail':
      await subject.failAppend(step.destinations, step.payloads)
      break
    case 'settle': {
      const low = Math.round(step.share * (subject.lastSeq + 1))
      await subject.settle(step.destination, low)
      model.lows.set(step.destination, Math.max(low, model.lows.get(step.destination) ?? 0))
      break
    }
    case 'crash':
      await subject.crash()
      expect(model.storeIds).not.toContain(subject.storeId)
      break
    case 'reopen': {
      const before = subject.storeId
      await subject.reopen()
      expect(subject.storeId).toBe(before)
      break
    }
    case 'expire': {
      await subject.expire()
      const kept = new Set(subject.everything().map((message) => message.seq))
      expect(
        model.appended.filter((message) => !model.wanted(message) && kept.has(message.seq)).length,
      ).toBeLessThanOrEqual(MOST_PARTLY_SETTLED)
      break
    }
  }
  model.storeIds.add(subject.storeId)
  check(subject, model)
}

function check(subject: LogSubject, model: Model): void {
  expect(subject.lastSeq).toBe(model.appended.at(-1)?.seq ?? 0)
  for (const destination of DESTINATIONS) {
    expect(subject.low(destination)).toBe(model.lows.get(destination) ?? 0)
    expect(subject.unsettled(destination)).toEqual(model.unsettled(destination))
  }
  const known = new Map(model.appended.map((message) => [message.seq, message.payload]))
  const there = subject.everything()
  expect(new Set(there.map((message) => message.seq)).size).toBe(there.length)
  for (const message of there) expect(message.payload).toBe(known.get(message.seq))
}

/** Tests the promises of every log. `open` makes an empty one; a slow one is opened a `share` of the usual times. */
export function logSuite(name: string, open: () => MaybeLater<LogSubject>, share = 1): void {
  test(
    `the ${name} equals the model after any sequence of append, fail, settle, crash, reopen and expire`,
    { timeout: 3_600_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 25 }), async (steps) => {
          const subject = await open()
          try {
            const model = new Model()
            model.storeIds.add(subject.storeId)
            for (const step of steps) await apply(subject, model, step)
          } finally {
            await subject.close()
          }
        }),
        { numRuns: Math.ceil(RUNS * share) },
      )
    },
  )

  test(`the ${name} equals the model when it becomes full again and again`, { timeout: 3_600_000 }, async () => {
    const any = fc.oneof({ weight: 5, arbitrary: action }, { weight: 2, arbitrary: fill })
    await fc.assert(
      fc.asyncProperty(fc.array(any, { minLength: 4, maxLength: 12 }), fill, async (steps, last) => {
        const subject = await open()
        try {
          const model = new Model()
          model.storeIds.add(subject.storeId)
          for (const step of steps) await apply(subject, model, step)
          await apply(subject, model, { ...last, destinations: DESTINATIONS })
          expect(await subject.append(DESTINATIONS, [FILL_PAYLOAD])).toBe('full')
          for (const destination of DESTINATIONS) await apply(subject, model, { do: 'settle', destination, share: 1 })
          await apply(subject, model, { do: 'append', destinations: DESTINATIONS, payloads: ['there is room again'] })
          expect(subject.unsettled('bus')).toHaveLength(1)
        } finally {
          await subject.close()
        }
      }),
      { numRuns: Math.ceil((RUNS * share) / 20) },
    )
  })
}
