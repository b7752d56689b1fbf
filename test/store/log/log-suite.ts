import fc from 'fast-check'
import { expect, test } from 'vitest'

export interface StoredMessage {
  seq: number
  payload: string
}

/** A log as the suite sees it: one lane, messages for a set of destinations, cursors that only go up. */
export interface LogSubject {
  readonly storeId: string
  readonly lastSeq: number
  append(destinations: readonly string[], payloads: readonly string[]): 'stored' | 'full'
  /** The transaction fails in the middle. */
  failAppend(destinations: readonly string[], payloads: readonly string[]): void
  /** The destination has settled everything below `low`. */
  settle(destination: string, low: number): void
  /** Ends without a word, in the middle of a transaction, and starts again. */
  crash(): void
  /** Ends cleanly and starts again. */
  reopen(): void
  /** Time passes until no history is wanted any more. */
  expire(): void
  low(destination: string): number
  unsettled(destination: string): StoredMessage[]
  everything(): StoredMessage[]
  close(): void
}

const DESTINATIONS = ['kafka', 'bus', 'journal']
const FILL_PAYLOAD = 'f'.repeat(200_000)
/** A block stays while one of its messages is wanted: up to four others of each stream, and there is a stream for every set. */
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

/** What must be there: no rules beside that nothing is lost, repeated or changed. */
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

function apply(subject: LogSubject, model: Model, step: Action): void {
  switch (step.do) {
    case 'append':
    case 'fill': {
      let seq = subject.lastSeq
      const texts = step.do === 'append' ? step.payloads : [FILL_PAYLOAD]
      for (let count = 0; count < (step.do === 'append' ? 1 : 200); count++) {
        if (subject.append(step.destinations, texts) === 'full') break
        for (const payload of texts) model.appended.push({ seq: ++seq, payload, destinations: step.destinations })
      }
      break
    }
    case 'fail':
      subject.failAppend(step.destinations, step.payloads)
      break
    case 'settle': {
      const low = Math.round(step.share * (subject.lastSeq + 1))
      subject.settle(step.destination, low)
      model.lows.set(step.destination, Math.max(low, model.lows.get(step.destination) ?? 0))
      break
    }
    case 'crash':
      subject.crash()
      expect(model.storeIds).not.toContain(subject.storeId)
      break
    case 'reopen': {
      const before = subject.storeId
      subject.reopen()
      expect(subject.storeId).toBe(before)
      break
    }
    case 'expire': {
      subject.expire()
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

/** What every log promises; `open` makes an empty one. */
export function logSuite(name: string, open: () => LogSubject): void {
  test(
    `${name}: the same as the model after any sequence of append, fail, settle, crash, reopen and expire`,
    { timeout: 3_600_000 },
    () => {
      fc.assert(
        fc.property(fc.array(action, { minLength: 1, maxLength: 25 }), (steps) => {
          const subject = open()
          try {
            const model = new Model()
            model.storeIds.add(subject.storeId)
            for (const step of steps) apply(subject, model, step)
          } finally {
            subject.close()
          }
        }),
        { numRuns: RUNS },
      )
    },
  )

  test(`${name}: the same as the model when it runs full again and again`, { timeout: 3_600_000 }, () => {
    const any = fc.oneof({ weight: 5, arbitrary: action }, { weight: 2, arbitrary: fill })
    fc.assert(
      fc.property(fc.array(any, { minLength: 4, maxLength: 12 }), fill, (steps, last) => {
        const subject = open()
        try {
          const model = new Model()
          model.storeIds.add(subject.storeId)
          for (const step of steps) apply(subject, model, step)
          apply(subject, model, { ...last, destinations: DESTINATIONS })
          expect(subject.append(DESTINATIONS, [FILL_PAYLOAD])).toBe('full')
          for (const destination of DESTINATIONS) apply(subject, model, { do: 'settle', destination, share: 1 })
          apply(subject, model, { do: 'append', destinations: DESTINATIONS, payloads: ['there is room again'] })
          expect(subject.unsettled('bus')).toHaveLength(1)
        } finally {
          subject.close()
        }
      }),
      { numRuns: Math.ceil(RUNS / 20) },
    )
  })
}
